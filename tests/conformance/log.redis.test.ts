import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { RedisLog } from '../../src/persistence/log/redis-log.ts';
import { startBadLine } from '../support/bad-line.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { describeLog, type LogStand } from './log.ts';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
});

describeLog('RedisLog', async (): Promise<LogStand> => {
  await empty();
  const line = await startBadLine(server.port);
  let marked = new Map<string, number>();
  const open = (port: number, timeoutMs: number) =>
    RedisLog.open({
      url: `redis://127.0.0.1:${port}`,
      timeoutMs,
      accepted: [],
      logger: silentLogger,
    });
  return {
    open: () => open(server.port, 5_000),
    openOverBadLine: async () => ({ log: await open(line.port, 1_000), line }),
    mark: async () => {
      marked = await appendOnlySizes();
    },
    loseSinceMark: async () => {
      await server.kill();
      for (const [path, size] of marked) await truncate(path, size);
      await server.restart();
    },
    close: () => line.close(),
  };
});

async function empty(): Promise<void> {
  const redis = new Redis(server.url);
  await redis.flushall();
  redis.disconnect();
}

/** What Redis has answered has been synced to these. */
async function appendOnlySizes(): Promise<Map<string, number>> {
  const folder = join(server.dir, 'appendonlydir');
  const sizes = new Map<string, number>();
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.aof')) continue;
    const path = join(folder, name);
    sizes.set(path, (await stat(path)).size);
  }
  return sizes;
}

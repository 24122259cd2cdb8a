import { Redis } from 'ioredis';
import { afterAll, beforeAll } from 'vitest';
import { RedisLeases } from '../../src/persistence/log/redis-leases.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { describeLeases } from './leases.ts';

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
});

describeLeases('RedisLeases', async () => {
  const redis = new Redis(server.url);
  await redis.flushall();
  redis.disconnect();
  return {
    open: () => RedisLeases.open({ url: server.url, timeoutMs: 2_000, logger: silentLogger }),
    close: async () => undefined,
  };
});

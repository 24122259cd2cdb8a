import { readFile } from 'node:fs/promises';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll } from 'vitest';
import { PostgresLog } from '../../src/persistence/log/postgres-log.ts';
import { startBadLine } from '../support/bad-line.ts';
import { startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { describeLog, type LogStand } from './log.ts';

const TABLES = new URL('../../src/persistence/migrations/0002_log.sql', import.meta.url);

let server: TestPostgres;
let sql: Sql;

beforeAll(async () => {
  server = await startPostgres();
  sql = postgres(server.url, { max: 1 });
  await sql.unsafe(await readFile(TABLES, 'utf8'));
});
afterAll(async () => {
  await sql.end();
  await server.stop();
});

describeLog('PostgresLog', async (): Promise<LogStand> => {
  await sql`truncate log_name, log_heads, log_entries`;
  const line = await startBadLine(server.port);
  let marked: { shard: number; entry: string }[] = [];
  const open = (port: number, timeoutMs: number) => {
    const url = new URL(server.url);
    url.port = String(port);
    return PostgresLog.open({
      url: url.href,
      connections: 3,
      timeoutMs,
      accepted: [],
      logger: silentLogger,
    });
  };
  return {
    open: () => open(server.port, 5_000),
    openOverBadLine: async () => ({ log: await open(line.port, 1_000), line }),
    mark: async () => {
      marked = await sql<{ shard: number; entry: string }[]>`select shard, entry from log_heads`;
    },
    // As a standby that was behind, or a backup, would show it: a transaction is there or is not.
    loseSinceMark: async () => {
      for (const { shard, entry } of marked) {
        await sql`update log_heads set entry = ${entry} where shard = ${shard}`;
        await sql`delete from log_entries where shard = ${shard} and entry > ${entry}`;
      }
    },
    close: () => line.close(),
  };
});

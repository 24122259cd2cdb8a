import { readFile } from 'node:fs/promises';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll } from 'vitest';
import { PostgresLeases } from '../../src/persistence/log/postgres-leases.ts';
import { startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { describeLeases } from './leases.ts';

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

describeLeases('PostgresLeases', async () => {
  await sql`truncate leases`;
  return {
    open: () =>
      PostgresLeases.open({
        url: server.url,
        timeoutMs: 5_000,
        accepted: [],
        logger: silentLogger,
      }),
    close: async () => undefined,
  };
});

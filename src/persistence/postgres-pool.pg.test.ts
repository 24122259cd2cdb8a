// Lines that say nothing any more, which no setting of Postgres's own can end, and lines that are lost.

import postgres, { type Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Link } from '../../tests/chaos/proxy.ts';
import { startBadLine, type TcpBadLine } from '../../tests/support/bad-line.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../tests/support/silent-logger.ts';
import { openDirectoryPool } from './directory-pool.ts';
import { PostgresPool } from './postgres-pool.ts';

const TIMEOUT_MS = 400;
const CONNECTIONS = 2;

let server: TestPostgres;
let url: string;
let sql: Sql;
let line: TcpBadLine;
let link: Link;

beforeAll(async () => {
  server = await startPostgres();
  url = await createDatabase(server.url);
  sql = postgres(url, { max: 1 });
  await sql`create table said (no integer)`;
});
afterAll(async () => {
  await sql.end({ timeout: 1 });
  await server.stop();
});
beforeEach(async () => {
  line = await startBadLine(server.port);
  link = await Link.start(server.port);
});
afterEach(async () => {
  await line.close();
  await link.close();
});

function openPool({ port }: { readonly port: number }, name = 'a pool'): PostgresPool {
  const over = new URL(url);
  over.port = String(port);
  return new PostgresPool({
    url: over.href,
    logger,
    name,
    connectionsMax: CONNECTIONS,
    timeoutMs: TIMEOUT_MS,
  });
}

describe('a pool', () => {
  test('H1: a statement on a line that has gone silent rejects, and the next has another line', async () => {
    const pool = openPool(line);
    await pool.sql`select 1`;
    line.silenceNextAnswer();
    await expect(pool.sql`select 1`).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    // More than one for each connection that a pool with the silent one would have left.
    const next = Array.from({ length: 2 * CONNECTIONS }, () => pool.sql`select 2 as no`);
    expect(await Promise.all(next)).toEqual(next.map(() => [{ no: 2 }]));
    await pool.close();
  });

  test('asks nothing twice by itself: what was silent may have been done', async () => {
    const pool = openPool(line);
    await pool.sql`select 1`;
    await pool.sql`insert into said values (0)`;
    line.silenceNextAnswer();
    await expect(pool.sql`insert into said values (0)`).rejects.toThrow('not answered');
    expect(await pool.sql`select count(*)::int as count from said`).toEqual([{ count: 2 }]);
    await pool.close();
  });

  test('H1: while every line is silent, new ones too, each call rejects; afterwards it has its connections, and no more', async () => {
    const name = 'a pool in silence';
    const pool = openPool(link, name);
    await pool.sql`select 1`;
    link.weather = 'stalled';
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: 20 }, () => pool.sql`select 1`.then(() => 'answered'));
      const said = await Promise.allSettled(calls);
      expect(said.map(({ status }) => status)).toEqual(said.map(() => 'rejected'));
    }
    link.heal();
    await expect.poll(() => pool.sql`select 3 as no`.catch(() => null)).toEqual([{ no: 3 }]);
    await expect
      .poll(async () => {
        const rows = await sql`select 1 from pg_stat_activity where application_name = ${name}`;
        return rows.length;
      })
      .toBeLessThanOrEqual(CONNECTIONS);
    await pool.close();
  });

  test('H3: Postgres goes on with no statement that was given up', async () => {
    const name = 'a pool of sleepers';
    const pool = openPool(server, name);
    for (let round = 0; round < 3; round++) {
      const calls = Array.from({ length: CONNECTIONS }, () => pool.sql`select pg_sleep(600)`);
      const said = await Promise.allSettled(calls);
      expect(said.map(({ status }) => status)).toEqual(said.map(() => 'rejected'));
    }
    await expect
      .poll(
        () => sql`
        select 1 from pg_stat_activity where application_name = ${name} and state = 'active'`,
      )
      .toEqual([]);
    await pool.close();
  });

  test('H3: the directory asks nothing that Postgres goes on with after it was given up', async () => {
    const of = { name: 'a directory in a hurry', connectionsMax: 1 };
    const pool = openDirectoryPool({ url, logger, timeoutMs: TIMEOUT_MS }, of);
    const [said] = await pool.sql<{ ms: number }[]>`
      select setting::int as ms from pg_settings where name = 'statement_timeout'`;
    expect(said?.ms).toBeGreaterThan(0);
    expect(said?.ms).toBeLessThan(TIMEOUT_MS);
    await pool.close();
  });

  test('H3: a scan may take longer than a statement', async () => {
    const pool = openPool(server);
    const pages: unknown[] = [];
    await pool.scan(20 * TIMEOUT_MS, (own) =>
      own`select i, pg_sleep(${TIMEOUT_MS / 1_000}) from generate_series(1, 2) i`.cursor(
        1,
        ([row]) => void pages.push(row?.i),
      ),
    );
    expect(pages).toEqual([1, 2]);
    await expect(
      pool.scan(TIMEOUT_MS, (own) => own`select pg_sleep(600)`.cursor(() => undefined)),
    ).rejects.toThrow();
    await pool.close();
  });

  test('H2: a statement that Postgres refuses leaves the others on their connections', async () => {
    const pool = openPool(server);
    const [before] = await pool.sql`select pg_backend_pid() as pid`;
    await expect(pool.sql`select 1 / 0`).rejects.toThrow('division by zero');
    await pool.sql`select 1`;
    const pids = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => pool.sql`select pg_backend_pid() as pid`),
    );
    expect(pids.map(([row]) => row)).toContainEqual(before);
    await pool.close();
  });

  // postgres.js 3.4.9 keeps the count of rows that had come, and begins the next answer behind them.
  test('H2: rows that had come when their connection was lost are no part of the next answer', async () => {
    const pool = openPool(server);
    const some = pool.sql`
      select i, case when i = 3 then pg_terminate_backend(pg_backend_pid()) end
      from generate_series(1, 5) i`;
    await expect(some).rejects.toThrow();
    for (let i = 0; i < 2 * CONNECTIONS; i++) {
      expect([...(await pool.sql`select 7 as x`)]).toEqual([{ x: 7 }]);
    }
    await pool.close();
  });

  test('makes a statement of its parts, and sends no part alone', async () => {
    const pool = openPool(server);
    const { sql: ask } = pool;
    const rows = [{ no: 11 }, { no: 12 }];
    const among = ask`where no in ${ask(rows.map(({ no }) => no))}`;
    await ask`insert into said ${ask(rows)}`;
    const done = await ask`update ${ask('said')} set no = no + 10 ${among} returning no`;
    expect({ rows: [...done], count: done.count }).toEqual({
      rows: [{ no: 21 }, { no: 22 }],
      count: 2,
    });
    expect(await ask`select ${ask.json({ a: 1 })}::json as told`).toEqual([{ told: { a: 1 } }]);
    await pool.close();
  });
});

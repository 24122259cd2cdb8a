// The line to Postgres of what is done at a start, before anything is served. There nobody asks twice: a line that is
// silent would keep the start waiting for ever, and nobody would be told why.

import type { ISql } from 'postgres';
import { ANSWER_MS } from './directory-pool.ts';
import { type PooledSql, PostgresPool } from './postgres-pool.ts';

const LOCK_POLL_MS = 100;
const QUIET = { debug: () => undefined, warn: () => undefined };

/** One connection, on which every statement is answered in its time, or rejects with `ETIMEDOUT`. */
export function openStartLine(
  url: string,
  settings: Readonly<Record<string, string>> = {},
  timeoutMs = ANSWER_MS,
): PostgresPool {
  const name = 'qrswitch start';
  return new PostgresPool({ url, name, settings, timeoutMs, connectionsMax: 1, logger: QUIET });
}

/** Does some work over a line that is opened for it alone, and closed whatever came of it. */
export async function overStartLine<T>(
  url: string,
  work: (sql: PooledSql) => Promise<T>,
  settings?: Readonly<Record<string, string>>,
): Promise<T> {
  const line = openStartLine(url, settings);
  try {
    return await work(line.sql);
  } finally {
    await line.close();
  }
}

/** Takes a lock that another start may hold for long: each try is answered at once, so that silence is told from waiting. */
export async function lockAtStart(sql: ISql, lock: number): Promise<void> {
  for (;;) {
    const [tried] = await sql<{ taken: boolean }[]>`select pg_try_advisory_lock(${lock}) as taken`;
    if (tried?.taken === true) return;
    await new Promise((done) => setTimeout(done, LOCK_POLL_MS));
  }
}

// One connection to Postgres, one statement under way, the others in line, for those who must know what became of
// what they sent.
//
//   P1. Nothing is sent twice, and nothing on a connection that was replaced: a client that has lost its connection,
//       or is silent, is thrown away whole. (postgres.js would send what it still queues on the next connection, and
//       may carry torn bytes over to it.)
//   P2. Every promise settles: with the rows, with NotSent, with Postgres's own error, or (unknown) with another, which
//       is never a TypeError or the like, though postgres.js may tell so that it has lost a connection.
//   P3. After every connect the store is looked at before anything is sent.

import postgres, { type Row, type Sql } from 'postgres';
import type { Logger } from '../../telemetry/log.ts';
import { checkPostgres } from '../store-checks.ts';
import { NotSent } from './not-sent.ts';

export type Parameter = string | number | Uint8Array;

/** Rows by column name, and how many rows the statement affected. */
export interface Answer {
  readonly rows: readonly Row[];
  readonly count: number;
}

export interface PostgresLaneOptions {
  readonly url: string;
  /** How long a statement may take; then its outcome is unknown, and the connection is replaced. */
  readonly timeoutMs: number;
  /** Names of findings that the operator has accepted (store-checks.ts). */
  readonly accepted: readonly string[];
  readonly logger: Logger;
}

interface Job {
  readonly statement: string;
  readonly parameters: readonly Parameter[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

const QUEUE_MAX = 10_000;
const RECONNECT_MS = 1_000;
const CLOSE_SECONDS = 5;

export class PostgresLane {
  readonly #options: PostgresLaneOptions;
  /** Null while there is no connection that was looked at. */
  #client: Sql | null = null;
  #trouble = 'Postgres is not connected yet';
  #queue: Job[] = [];
  #current: Job | null = null;
  #isClosed = false;
  #retry: NodeJS.Timeout | undefined;

  private constructor(options: PostgresLaneOptions) {
    this.#options = options;
  }

  /** Resolves once Postgres is connected and was looked at; rejects (and gives up) where it is not. */
  static async open(options: PostgresLaneOptions): Promise<PostgresLane> {
    const lane = new PostgresLane(options);
    try {
      await lane.#connect();
    } catch (error) {
      lane.#isClosed = true;
      throw error;
    }
    return lane;
  }

  /** Runs one statement in its turn. */
  run(statement: string, parameters: readonly Parameter[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#client === null) {
        reject(new NotSent(this.#trouble));
      } else if (this.#queue.length >= QUEUE_MAX) {
        reject(new NotSent(`${QUEUE_MAX} statements are waiting for Postgres`));
      } else {
        this.#queue.push({ statement, parameters, resolve, reject });
        this.#next();
      }
    });
  }

  /** Lets what is under way and in line finish, within a few seconds. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = null;
    this.#trouble = 'the connection to Postgres has been closed';
    this.#refuseQueue();
    await client?.end({ timeout: CLOSE_SECONDS });
  }

  #next(): void {
    const client = this.#client;
    if (client === null || this.#current !== null) return;
    const job = this.#queue.shift();
    if (job === undefined) return;
    this.#current = job;
    const { timeoutMs } = this.#options;
    const timer = setTimeout(() => {
      job.reject(new Error(`Postgres has not answered within ${timeoutMs} ms`));
      this.#lose(client, 'Postgres does not answer');
    }, timeoutMs);
    client.unsafe<Row[]>(job.statement, [...job.parameters], { prepare: true }).then(
      (rows) => {
        clearTimeout(timer);
        job.resolve({ rows, count: rows.count });
        this.#settled(job);
      },
      (error: unknown) => {
        clearTimeout(timer);
        if (isErrorReply(error)) {
          job.reject(error);
          this.#settled(job);
          return;
        }
        job.reject(new Error(`the connection to Postgres was lost: ${error}`, { cause: error }));
        this.#lose(client, 'the connection to Postgres was lost');
      },
    );
  }

  #settled(job: Job): void {
    if (this.#current !== job) return;
    this.#current = null;
    this.#next();
  }

  async #connect(): Promise<void> {
    const { url, timeoutMs, accepted } = this.#options;
    const client: Sql = postgres(url, {
      max: 1,
      fetch_types: false,
      idle_timeout: 0,
      max_lifetime: null,
      connect_timeout: timeoutMs / 1_000,
      onnotice: (notice) => this.#options.logger.debug({ notice }, 'postgres notice'),
      onclose: () => this.#lose(client, 'the connection to Postgres was lost'),
    });
    try {
      await within(timeoutMs, prepare(client, timeoutMs, accepted));
    } catch (error) {
      discard(client);
      throw error;
    }
    if (this.#isClosed) return discard(client);
    this.#client = client;
    this.#current = null;
  }

  /** A client that is not the current one is gone already. */
  #lose(client: Sql, why: string): void {
    if (this.#client !== client) return;
    this.#client = null;
    this.#trouble = why;
    this.#options.logger.warn({ why }, 'postgres connection is replaced');
    discard(client);
    this.#refuseQueue();
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      if (this.#isClosed) return;
      this.#trouble = error instanceof Error ? error.message : String(error);
      this.#options.logger.warn({ err: error }, 'postgres is out of reach or cannot be used');
      this.#retry = setTimeout(() => void this.#reconnect(), RECONNECT_MS);
      this.#retry.unref();
    }
  }

  /** What waits in line was never sent. */
  #refuseQueue(): void {
    const waiting = this.#queue;
    this.#queue = [];
    for (const job of waiting) job.reject(new NotSent(this.#trouble));
  }
}

/**
 * Whether Postgres itself refused the statement: then it has rolled it back. An error that also ends the connection
 * (FATAL, PANIC) is none: it may come when the statement has committed.
 */
export function isErrorReply(error: unknown): error is postgres.PostgresError {
  return error instanceof postgres.PostgresError && error.severity === 'ERROR';
}

async function prepare(client: Sql, timeoutMs: number, accepted: readonly string[]): Promise<void> {
  await checkPostgres(client, accepted);
  // A statement that we no longer wait for must not wait in Postgres for ever.
  await client`select set_config('statement_timeout', ${String(timeoutMs)}, false)`;
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Postgres does not answer')), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function discard(client: Sql): void {
  client.end({ timeout: 0 }).catch(() => undefined);
}

// A small pool of connections that can be given up whole.
//
//   H1. Every call settles within its time: after that it rejects, and all connections of the pool are replaced,
//       since postgres.js can neither take back a statement nor tell a silent server from a slow one.
//   H2. Nothing is sent on a connection that is going down: after any error but a plain refusal of the statement, the
//       pool is replaced; what else it has under way may finish.

import postgres, { type ParameterOrJSON, type Row, type Sql } from 'postgres';
import type { Logger } from '../../telemetry/log.ts';
import { BY_INDEX } from '../by-index.ts';

export interface ClientOptions {
  readonly url: string;
  readonly logger: Logger;
  /** Connections at most. */
  readonly connectionsMax: number;
  /** How long one statement may take. */
  readonly timeoutMs: number;
  /** Shown in pg_stat_activity. */
  readonly name: string;
}

const RECONNECT_S = 0.25;
const CLOSE_S = 1;

export class HistoryClient {
  readonly #options: ClientOptions;
  #sql: Sql;
  #isClosed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#sql = connect(options);
  }

  /** Runs one prepared statement. */
  run<R extends Row = Row>(text: string, parameters: readonly unknown[]): Promise<readonly R[]> {
    const values = [...parameters] as ParameterOrJSON<never>[];
    return this.use((sql) => sql.unsafe<R[]>(text, values, { prepare: true }));
  }

  /** Does work on the pool; H1 holds for all of it. */
  async use<T>(
    work: (sql: Sql) => PromiseLike<T>,
    timeoutMs = this.#options.timeoutMs,
  ): Promise<T> {
    const sql = this.#sql;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#replace(sql, 'no answer', 0);
        reject(new Error(`Postgres has not answered within ${timeoutMs} ms`));
      }, timeoutMs);
    });
    try {
      return await Promise.race([work(sql), late]);
    } catch (error) {
      const isRefused = error instanceof postgres.PostgresError && error.severity === 'ERROR';
      if (!isRefused) this.#replace(sql, error, CLOSE_S);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#sql.end({ timeout: CLOSE_S });
  }

  #replace(sql: Sql, why: unknown, closeS: number): void {
    if (this.#sql !== sql || this.#isClosed) return;
    const { name, logger } = this.#options;
    logger.warn({ name, why }, 'connections to Postgres are replaced');
    this.#sql = connect(this.#options);
    sql.end({ timeout: closeS }).catch(() => undefined);
  }
}

function connect(options: ClientOptions): Sql {
  return postgres(options.url, {
    max: options.connectionsMax,
    connect_timeout: Math.max(1, Math.ceil(options.timeoutMs / 1_000)),
    max_lifetime: null,
    fetch_types: false,
    backoff: () => RECONNECT_S,
    onnotice: (notice) => options.logger.debug({ notice }, 'postgres notice'),
    connection: { application_name: options.name, ...BY_INDEX },
  });
}

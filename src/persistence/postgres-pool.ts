// A small pool of connections that can be given up whole.
//
//   H1. Every call settles within its time: after that it rejects, and all connections of the pool are replaced,
//       since postgres.js can neither take back a statement nor tell a silent server from a slow one.
//   H2. Nothing is sent on a connection that is going down: after any error but a plain refusal of the statement, the
//       pool is replaced; what else it has under way may finish. Besides, postgres.js 3.4.9 begins the first answer of a
//       connection behind the rows that had come when it was lost: `[, row]`, whose first row is nobody.
//   H3. Postgres gives up a statement before it is given up here: what is only slow costs no connection, and statements
//       that nobody waits for would be ever more, each on a connection of its own, and keep a slow Postgres slow.
//
// Nothing is asked twice: what became of a statement that has settled late, nobody here knows.

import postgres, {
  type ISql,
  type ParameterOrJSON,
  type Row,
  type Sql,
  type TransactionSql,
} from 'postgres';
import type { Logger } from '../telemetry/log.ts';

export interface PoolOptions {
  readonly url: string;
  readonly logger: Pick<Logger, 'debug' | 'warn'>;
  /** Connections at most. */
  readonly connectionsMax: number;
  /** How long one statement may take. */
  readonly timeoutMs: number;
  /** Shown in pg_stat_activity. */
  readonly name: string;
  /** Of every connection, beside its name. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What ends a cursor. */
export type Enough = Sql['CLOSE'];

/** Templates and their parts. What would pass the pool by is not there. */
export interface PooledSql extends ISql {
  readonly unsafe: never;
  readonly file: never;
  readonly notify: never;
}

/** Of the time of a call, what Postgres gives its statement (H3). */
const STATEMENT_SHARE = 5 / 6;
const RECONNECT_S = 0.25;
const CLOSE_S = 1;

export class PostgresPool {
  /** Asks as postgres.js does; H1 and H2 hold for each statement. */
  readonly sql: PooledSql;
  readonly #options: PoolOptions;
  #sql: Sql;
  #isAway = false;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#sql = connect(options);
    const ask = (...said: Parameters<Sql>) => this.#ask(said);
    this.sql = Object.assign(ask, { json: this.#sql.json }) as unknown as PooledSql;
  }

  /** Runs one prepared statement. */
  run<R extends Row = Row>(text: string, parameters: readonly unknown[]): Promise<readonly R[]> {
    const values = [...parameters] as ParameterOrJSON<never>[];
    return this.use((sql) => sql.unsafe<R[]>(text, values, { prepare: true }));
  }

  /** Does work on the pool; H1 holds for all of it. */
  use<T>(work: (sql: Sql) => PromiseLike<T>): Promise<T> {
    return this.#within(this.#options.timeoutMs, work);
  }

  /** Reads by a cursor what takes longer than a statement may. A page that is answered with `enough` is the last. */
  async scan(
    timeoutMs: number,
    read: (sql: TransactionSql, enough: Enough) => PromiseLike<unknown>,
  ): Promise<void> {
    await this.#within(timeoutMs, (sql) =>
      sql.begin('read only', async (own) => {
        await own`select set_config('statement_timeout', ${String(statementMs(timeoutMs))}, true)`;
        await read(own, sql.CLOSE);
      }),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#sql.end({ timeout: CLOSE_S });
  }

  async #within<T>(timeoutMs: number, work: (sql: Sql) => PromiseLike<T>): Promise<T> {
    const sql = this.#sql;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#replace(sql, 'no answer', 0);
        reject(noAnswer(timeoutMs));
      }, timeoutMs);
    });
    try {
      const done = await Promise.race([work(sql), late]);
      this.#isAway = false;
      return done;
    } catch (error) {
      const isRefused = error instanceof postgres.PostgresError && error.severity === 'ERROR';
      if (!isRefused) this.#replace(sql, error, CLOSE_S);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A statement, or a part of one: postgres.js hands it over when it is awaited, and of a part it only reads the text. */
  #ask(said: Parameters<Sql>): unknown {
    const made: unknown = this.#sql(...said);
    if (!isStatement(made)) return made;
    made.handler = ({ resolve, reject }) => {
      this.use((sql) => sql(...said) as unknown as PromiseLike<unknown>).then(resolve, reject);
    };
    return made;
  }

  #replace(sql: Sql, why: unknown, closeS: number): void {
    if (this.#sql !== sql || this.#isClosed) return;
    const { name, logger } = this.#options;
    // Once, not at every try: an outage may last.
    const level = this.#isAway ? 'debug' : 'warn';
    logger[level]({ name, why }, 'connections to Postgres are replaced');
    this.#isAway = true;
    this.#sql = connect(this.#options);
    sql.end({ timeout: closeS }).catch(() => undefined);
  }
}

/** What postgres.js makes of a template. */
interface Statement {
  handler: (statement: Statement) => void;
  readonly resolve: (rows: unknown) => void;
  readonly reject: (error: unknown) => void;
}

function isStatement(made: unknown): made is Statement {
  return made instanceof Promise;
}

/** With a code, like every error of a store: whoever asked hears that Postgres is away, not that we have erred. */
function noAnswer(timeoutMs: number): Error {
  const error = new Error(`Postgres has not answered within ${timeoutMs} ms`);
  return Object.assign(error, { code: 'ETIMEDOUT' });
}

function statementMs(timeoutMs: number): number {
  return Math.floor(timeoutMs * STATEMENT_SHARE);
}

function connect(options: PoolOptions): Sql {
  return postgres(options.url, {
    max: options.connectionsMax,
    connect_timeout: Math.max(1, Math.ceil(options.timeoutMs / 1_000)),
    max_lifetime: null,
    fetch_types: false,
    backoff: () => RECONNECT_S,
    onnotice: (notice) => options.logger.debug({ notice }, 'postgres notice'),
    connection: {
      application_name: options.name,
      statement_timeout: statementMs(options.timeoutMs),
      ...options.settings,
    },
  });
}

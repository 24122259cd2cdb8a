// The database's own words about itself, over a connection of their own.

import { must } from '../../domain/assert.ts';
import type { LogName } from '../../switch/ports.ts';
import type { PostgresPool } from '../postgres-pool.ts';
import { openStartLine } from '../start-line.ts';
import { checkPostgres } from '../store-checks.ts';
import { claimMeta, type Meta, readMeta, renameLog } from './meta.ts';

export class MetaStore {
  readonly #line: PostgresPool;

  private constructor(line: PostgresPool) {
    this.#line = line;
  }

  /** Rejects where Postgres is out of reach, or with UnsafeStore where it would lose acknowledged commits. */
  static async open(options: { url: string; accepted: readonly string[] }): Promise<MetaStore> {
    const line = openStartLine(options.url);
    try {
      await checkPostgres(line.sql, options.accepted);
      return new MetaStore(line);
    } catch (error) {
      await line.close();
      throw error;
    }
  }

  /** What its clock reads, in ms since 1970. */
  async readClock(): Promise<number> {
    const [row] = await this.#line.sql<{ at: string }[]>`
      select (extract(epoch from clock_timestamp()) * 1000)::bigint as at`;
    return Number(must(row, 'a row of the clock').at);
  }

  /** As `readMeta`. */
  read(): Promise<Meta | null> {
    return readMeta(this.#line.sql);
  }

  /** As `claimMeta`. */
  claim(proposed: Meta): Promise<Meta> {
    return claimMeta(this.#line.sql, proposed);
  }

  /** As `renameLog`. */
  rename(from: LogName, to: LogName): Promise<boolean> {
    return renameLog(this.#line.sql, from, to);
  }

  async close(): Promise<void> {
    await this.#line.close();
  }
}

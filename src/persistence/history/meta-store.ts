// The database's own words about itself, over a connection of their own.

import postgres, { type Sql } from 'postgres';
import type { LogName } from '../../switch/ports.ts';
import { checkPostgres } from '../store-checks.ts';
import { claimMeta, type Meta, readMeta, renameLog } from './meta.ts';

export class MetaStore {
  readonly #sql: Sql;

  private constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Rejects where Postgres is out of reach, or with UnsafeStore where it would lose acknowledged commits. */
  static async open(options: { url: string; accepted: readonly string[] }): Promise<MetaStore> {
    const sql = postgres(options.url, { max: 1, onnotice: () => undefined });
    try {
      await checkPostgres(sql, options.accepted);
      return new MetaStore(sql);
    } catch (error) {
      await sql.end({ timeout: 1 });
      throw error;
    }
  }

  /** As `readMeta`. */
  read(): Promise<Meta | null> {
    return readMeta(this.#sql);
  }

  /** As `claimMeta`. */
  claim(proposed: Meta): Promise<Meta> {
    return claimMeta(this.#sql, proposed);
  }

  /** As `renameLog`. */
  rename(from: LogName, to: LogName): Promise<boolean> {
    return renameLog(this.#sql, from, to);
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 5 });
  }
}

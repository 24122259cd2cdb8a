// Tariffs of merchants, put and ended by operators. Every change is one statement, with its line of the audit; what was
// put stays for ever, revision by revision.

import { createHash } from 'node:crypto';
import { readBack } from '../switch/failures.ts';
import type { Acting, Changed, PageOf, Scope } from '../switch/operator-desk.ts';
import type { KeptTariff, ReadTariff, TariffDesk, TariffName } from '../switch/tariffs.ts';
import { type Change, isTwice, runOnce, told } from './audited.ts';
import { type DirectoryPlace, openDirectoryPool } from './directory-pool.ts';
import { makeId } from './onboarding.ts';
import type { PooledSql, PostgresPool } from './postgres-pool.ts';

const CONNECTIONS = 1;
/** Revisions that are told with a tariff, the newest ones. */
const REVISIONS_MAX = 100;

interface TariffRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly name: string;
  readonly revision: number;
  readonly ended_at: Date | null;
  readonly created_at: Date;
}

const COLUMNS = [
  'id',
  'merchant_id',
  'name',
  'revision',
  'ended_at',
  'created_at',
] as const satisfies readonly (keyof TariffRow)[];

interface RevisionRow {
  readonly revision: number;
  readonly put_by: string;
  readonly put_at: Date;
}

export class PostgresTariffDesk implements TariffDesk {
  readonly #pool: PostgresPool;
  readonly #sql: PooledSql;

  constructor(options: DirectoryPlace) {
    this.#pool = openDirectoryPool(options, {
      name: 'qrswitch tariffs',
      connectionsMax: CONNECTIONS,
    });
    this.#sql = this.#pool.sql;
  }

  async put(acting: Acting, of: TariffName, document: object): Promise<Changed<KeptTariff>> {
    const institutionId = await this.#institutionOf(acting.scope, of.merchantId);
    if (institutionId === null) return { is: 'unknown' };
    for (;;) {
      const newest = await this.read(acting.scope, of, null);
      try {
        return await this.#put(acting, { ...of, institutionId, newest }, JSON.stringify(document));
      } catch (error) {
        // Another put was the first of this name: this one is the next.
        if (!isTwice(error) || newest !== null) throw error;
      }
    }
  }

  async #put(
    acting: Acting,
    of: TariffName & { institutionId: string; newest: ReadTariff | null },
    document: string,
  ): Promise<Changed<KeptTariff>> {
    const { merchantId, name, institutionId, newest } = of;
    // It stands there already: nothing happens, and nothing is told.
    if (newest?.endedAt === null && JSON.stringify(newest.document) === document) {
      return { is: 'done', shown: keptOf(newest), key: null };
    }
    const id = newest?.id ?? makeId('trf');
    const sha256 = createHash('sha256').update(document).digest('hex');
    const detail = { merchantId, name, sha256 };
    const what = { ...TARIFF, action: 'tariff.put', id, institutionId, detail };
    const sql = this.#sql;
    return this.#once(acting, () => {
      const row = { id, merchant_id: merchantId, name, revision: 1 };
      const made =
        newest === null
          ? sql`insert into tariffs ${sql(row)} returning id, revision`
          : sql`
              update tariffs set revision = revision + 1, ended_at = null where id = ${id}
              returning id, revision`;
      const line = told(sql, acting, what, sql`jsonb_build_object('revision', revision)`);
      return sql`
        with made as (${made}), put as (
          insert into tariff_revisions (tariff_id, revision, document, put_by)
          select id, revision, ${document}::text::json, ${acting.operator.id} from made
        )
        select ${line} as no, id from made`;
    });
  }

  async read(scope: Scope, of: TariffName, revision: number | null): Promise<ReadTariff | null> {
    const sql = this.#sql;
    const [row] = await sql<(TariffRow & { shown: number; document: unknown })[]>`
      select ${sql(COLUMNS.map((column) => `t.${column}`))}, r.revision as shown, r.document
      from ${this.#within(scope)} as t join tariff_revisions r
        on r.tariff_id = t.id and r.revision = ${revision ?? sql`t.revision`}
      where t.merchant_id = ${of.merchantId} and t.name = ${of.name}`;
    if (row === undefined) return null;
    const revisions = await sql<RevisionRow[]>`
      select revision, put_by, put_at from tariff_revisions where tariff_id = ${row.id}
      order by revision desc limit ${REVISIONS_MAX}`;
    return {
      ...tariffOf(row),
      shown: row.shown,
      document: row.document,
      revisions: revisions.map((each) => ({
        revision: each.revision,
        putBy: each.put_by,
        putAt: each.put_at.getTime(),
      })),
    };
  }

  async list(
    scope: Scope,
    merchantId: string | null,
    { after, limit }: PageOf,
  ): Promise<KeptTariff[]> {
    const sql = this.#sql;
    const rows = await sql<TariffRow[]>`
      select ${sql(COLUMNS)} from ${this.#within(scope)} as t
      where id > ${after ?? ''} ${merchantId === null ? sql`` : sql`and merchant_id = ${merchantId}`}
      order by id limit ${limit}`;
    return rows.map(tariffOf);
  }

  async end(acting: Acting, of: TariffName): Promise<Changed<KeptTariff>> {
    const tariff = await this.read(acting.scope, of, null);
    if (tariff === null) return { is: 'unknown' };
    // Ended already: nothing happens, and nothing is told.
    if (tariff.endedAt !== null) return { is: 'done', shown: keptOf(tariff), key: null };
    const { id, revision } = tariff;
    const institutionId = await this.#institutionOf(acting.scope, of.merchantId);
    const detail = { ...of, revision };
    const what = { ...TARIFF, action: 'tariff.ended', id, institutionId, detail };
    const sql = this.#sql;
    return this.#once(acting, () => {
      return sql`
        with made as (
          update tariffs set ended_at = coalesce(ended_at, now()) where id = ${id} returning id
        )
        select ${told(sql, acting, what)} as no, id from made`;
    });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #once(acting: Acting, run: Change): Promise<Changed<KeptTariff>> {
    const done = await runOnce(this.#sql, acting, run);
    if (done === 'reused') return { is: 'reused' };
    const sql = this.#sql;
    const [row] = await readBack(
      sql<TariffRow[]>`
        select ${sql(COLUMNS)} from ${this.#within(acting.scope)} as t where id = ${done.id}`,
    );
    if (row === undefined) return { is: 'unknown' };
    return { is: done.isFirst ? 'done' : 'repeated', shown: tariffOf(row), key: null };
  }

  /** Null where there is no such merchant, or it is not to be seen. */
  async #institutionOf(scope: Scope, merchantId: string): Promise<string | null> {
    const [row] = await this.#sql<{ institution_id: string }[]>`
      select institution_id from merchants m where m.id = ${merchantId} and ${this.#sees(scope)}`;
    return row?.institution_id ?? null;
  }

  #within(scope: Scope) {
    const sql = this.#sql;
    return sql`(
      select ${sql(COLUMNS.map((column) => `t.${column}`))}
      from tariffs t join merchants m on m.id = t.merchant_id where ${this.#sees(scope)}
    )`;
  }

  /** Of merchants, as `m`. */
  #sees({ institutionId, merchantId }: Scope) {
    const sql = this.#sql;
    return sql`true
      ${institutionId === null ? sql`` : sql`and m.institution_id = ${institutionId}`}
      ${merchantId === null ? sql`` : sql`and m.id = ${merchantId}`}`;
  }
}

const TARIFF = { kind: 'tariff' } as const;

function tariffOf(row: TariffRow): KeptTariff {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    name: row.name,
    revision: row.revision,
    endedAt: row.ended_at?.getTime() ?? null,
    createdAt: row.created_at.getTime(),
  };
}

function keptOf({
  shown: _shown,
  document: _document,
  revisions: _revisions,
  ...tariff
}: ReadTariff): KeptTariff {
  return tariff;
}

// Agreements between institutions, made and ended by operators. Rows are kept: who might pay whose bills, and when.

import type { ISql } from 'postgres';
import { must } from '../domain/assert.ts';
import type { Mode } from '../domain/bill/vocabulary.ts';
import { readBack } from '../switch/failures.ts';
import type {
  Acting,
  Agreed,
  AgreementDesk,
  Changed,
  MadeAgreement,
  PageOf,
  Scope,
} from '../switch/operator-desk.ts';
import { type Change, isTwice, runOnce, told } from './audited.ts';
import { makeId } from './onboarding.ts';

interface AgreementRow {
  readonly id: string;
  readonly billing_institution_id: string;
  readonly paying_institution_id: string;
  readonly mode: Mode;
  readonly since: Date;
  readonly ended_at: Date | null;
  readonly created_at: Date;
}

const COLUMNS = [
  'id',
  'billing_institution_id',
  'paying_institution_id',
  'mode',
  'since',
  'ended_at',
  'created_at',
] as const satisfies readonly (keyof AgreementRow)[];

export class PostgresAgreementDesk implements AgreementDesk {
  readonly #sql: ISql;

  constructor(sql: ISql) {
    this.#sql = sql;
  }

  async add(acting: Acting, of: Parameters<AgreementDesk['add']>[1]): Promise<Agreed> {
    const { billingInstitutionId: billing, payingInstitutionId: paying, since } = of;
    const modes = await this.#modesOf([billing, paying]);
    const mode = modes.get(billing);
    if (mode === undefined || !modes.has(paying)) return { is: 'unknown' };
    // The table refuses it too: both refer to their institution with its mode.
    if (mode !== modes.get(paying)) return { is: 'modesDiffer' };
    const id = makeId('agr');
    const what = {
      ...AGREEMENT,
      action: 'agreement.added',
      id,
      institutionId: billing,
      detail: of,
    };
    const sql = this.#sql;
    const from = since === null ? null : new Date(since);
    try {
      return await this.#once(acting, () => {
        return sql`
          with made as (
            insert into agreements (id, billing_institution_id, paying_institution_id, mode, since)
            values (${id}, ${billing}, ${paying}, ${mode}, coalesce(${from}::timestamptz, now()))
            returning id
          )
          select ${told(sql, acting, what)} as no, id from made`;
      });
    } catch (error) {
      if (!isTwice(error)) throw error;
      return { is: 'exists', id: await this.#openBetween(billing, paying) };
    }
  }

  async find(scope: Scope, id: string): Promise<MadeAgreement | null> {
    const sql = this.#sql;
    const [row] = await sql<AgreementRow[]>`
      select ${sql(COLUMNS)} from agreements where id = ${id} and ${this.#within(scope)}`;
    return row === undefined ? null : agreementOf(row);
  }

  async list(
    scope: Scope,
    institutionId: string | null,
    { after, limit }: PageOf,
  ): Promise<MadeAgreement[]> {
    const sql = this.#sql;
    const rows = await sql<AgreementRow[]>`
      select ${sql(COLUMNS)} from agreements
      where ${this.#within(scope)} and ${this.#of(institutionId)} and id > ${after ?? ''}
      order by id limit ${limit}`;
    return rows.map(agreementOf);
  }

  async end(acting: Acting, id: string): Promise<Changed<MadeAgreement>> {
    const agreement = await this.find(acting.scope, id);
    if (agreement === null) return { is: 'unknown' };
    // Ended already: nothing happens, and nothing is told.
    if (agreement.endedAt !== null) return { is: 'done', shown: agreement, key: null };
    const { billingInstitutionId: institutionId, payingInstitutionId } = agreement;
    const detail = { payingInstitutionId };
    const what = { ...AGREEMENT, action: 'agreement.ended', id, institutionId, detail };
    const sql = this.#sql;
    return this.#once(acting, () => {
      return sql`
        with made as (
          update agreements set ended_at = coalesce(ended_at, now()) where id = ${id} returning id
        )
        select ${told(sql, acting, what)} as no, id from made`;
    });
  }

  async #once(acting: Acting, run: Change): Promise<Changed<MadeAgreement>> {
    const done = await runOnce(this.#sql, acting, run);
    if (done === 'reused') return { is: 'reused' };
    const shown = await readBack(this.find(acting.scope, done.id));
    if (shown === null) return { is: 'unknown' };
    return { is: done.isFirst ? 'done' : 'repeated', shown, key: null };
  }

  async #modesOf(ids: readonly string[]): Promise<ReadonlyMap<string, Mode>> {
    const sql = this.#sql;
    const rows = await sql<{ id: string; mode: Mode }[]>`
      select id, mode from institutions where id in ${sql(ids)}`;
    return new Map(rows.map(({ id, mode }) => [id, mode]));
  }

  async #openBetween(billing: string, paying: string): Promise<string> {
    const [row] = await this.#sql<{ id: string }[]>`
      select id from agreements
      where billing_institution_id = ${billing} and paying_institution_id = ${paying}
      order by ended_at desc nulls first limit 1`;
    return must(row, 'the agreement that is in the way').id;
  }

  #within({ institutionId }: Scope) {
    return this.#of(institutionId);
  }

  #of(institutionId: string | null) {
    const sql = this.#sql;
    if (institutionId === null) return sql`true`;
    return sql`(billing_institution_id = ${institutionId} or paying_institution_id = ${institutionId})`;
  }
}

const AGREEMENT = { kind: 'agreement' } as const;

function agreementOf(row: AgreementRow): MadeAgreement {
  return {
    id: row.id,
    billingInstitutionId: row.billing_institution_id,
    payingInstitutionId: row.paying_institution_id,
    mode: row.mode,
    since: row.since.getTime(),
    endedAt: row.ended_at?.getTime() ?? null,
    createdAt: row.created_at.getTime(),
  };
}

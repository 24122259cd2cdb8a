// Tariffs as the threads of a switch hold them: the newest revision of each that has not ended.

import type { ISql } from 'postgres';
import type { ToldTariff } from '../switch/tariffs.ts';

/** Tariffs read at once: documents may be large, and there may be one for each of many merchants. */
const PAGE = 500;

interface ToldRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly name: string;
  readonly revision: number;
  readonly document: unknown;
}

/** Those that have not ended, some at a time. */
export async function* tariffPages(sql: ISql): AsyncGenerator<ToldTariff[]> {
  for (let after = ''; ; ) {
    const rows = await sql<ToldRow[]>`
      select t.id, t.merchant_id, t.name, t.revision, r.document
      from tariffs t join tariff_revisions r on r.tariff_id = t.id and r.revision = t.revision
      where t.ended_at is null and t.id > ${after}
      order by t.id limit ${PAGE}`;
    if (rows.length > 0) yield rows.map(tariffOf);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.id;
  }
}

/** Those of these ids, as they now are. */
export async function changedTariffs(sql: ISql, ids: readonly string[]): Promise<ToldTariff[]> {
  const rows = await sql<ToldRow[]>`
    select t.id, t.merchant_id, t.name, t.revision, case when t.ended_at is null then r.document end as document
    from tariffs t join tariff_revisions r on r.tariff_id = t.id and r.revision = t.revision
    where t.id in ${sql([...ids])}`;
  return rows.map(tariffOf);
}

function tariffOf({ merchant_id: merchantId, ...row }: ToldRow): ToldTariff {
  return { ...row, merchantId };
}

// Growth of history: bills that were paid and confirmed long ago, put into Postgres by SQL beside a switch that runs.

import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import type { Bench } from './measure.ts';
import { say } from './under-test.ts';

/** The tables that sql/history.sql fills. */
const TABLES = ['bills', 'payments', 'events', 'orders', 'refs', 'transitions'];
/** Bills of one transaction. */
const CHUNK = 1_000_000;
/** A few bills go in faster beside their indexes than these are made again for all. */
const INDEXED_MAX = 100_000;

/** Puts the bills numbered from `from + 1` to `to` into history. */
export async function growHistory({ stores }: Bench, to: number, from: number): Promise<void> {
  const sql = postgres(stores.switchUrl, { max: 1, onnotice: () => undefined });
  try {
    const text = readFileSync(new URL('../../sql/history.sql', import.meta.url), 'utf8');
    const fill = async () => {
      for (let next = from + 1; next <= to; next += CHUNK) {
        const last = Math.min(next + CHUNK - 1, to);
        await sql.unsafe(text.replaceAll(':from', String(next)).replaceAll(':to', String(last)));
        say(`${last} bills in Postgres`);
      }
    };
    await (to - from > INDEXED_MAX ? withoutIndexes(sql, fill) : fill());
    await sql`vacuum analyze`;
  } finally {
    await sql.end();
  }
}

/**
 * Indexes and keys of the tables are dropped, and made as they were once all rows are in: sorted, they take a fraction of
 * the time. Nobody writes meanwhile: the load of a step begins after it has grown.
 */
async function withoutIndexes(sql: postgres.Sql, fill: () => Promise<void>): Promise<void> {
  const keys = await sql`
    select conrelid::regclass::text as "table", conname as name, pg_get_constraintdef(oid) as definition
    from pg_constraint where contype in ('p', 'u') and conrelid::regclass::text = any(${TABLES})`;
  const indexes = await sql`
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
    from pg_index where indrelid::regclass::text = any(${TABLES})
      and not exists (select from pg_constraint where conindid = indexrelid)`;
  await sql`set maintenance_work_mem = '1GB'`;
  for (const { name } of indexes) await sql`drop index ${sql(name)}`;
  for (const { table, name } of keys) {
    await sql`alter table ${sql(table)} drop constraint ${sql(name)}`;
  }
  await fill();
  for (const { table, name, definition } of keys) {
    await sql.unsafe(`alter table "${table}" add constraint "${name}" ${definition}`);
  }
  for (const { definition } of indexes) await sql.unsafe(definition);
}

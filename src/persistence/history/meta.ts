// What a database belongs to: the number of its shards, fixed by the first start (A1), and the name of its log (A7).

import type { ISql } from 'postgres';
import type { LogName } from '../../switch/ports.ts';

export interface Meta {
  readonly shards: number;
  readonly log: LogName;
}

/** What the database says; null before the first start. */
export async function readMeta(sql: ISql): Promise<Meta | null> {
  const [row] = await sql<{ shards: number; log_kind: LogName['kind']; log_id: string }[]>`
    select shards, log_kind, log_id from meta`;
  if (row === undefined) return null;
  return { shards: row.shards, log: { kind: row.log_kind, id: row.log_id } };
}

/**
 * Writes what the first start proposes, durably, and returns what stands (of several first starts at once, one wins).
 * Throws where the database has another number of shards. Whether the log is the right one is the caller's to judge.
 */
export async function claimMeta(sql: ISql, proposed: Meta): Promise<Meta> {
  await sql`
    with durable as materialized (
      select set_config('synchronous_commit', 'on', true) as setting
    )
    insert into meta (shards, log_kind, log_id)
    select ${proposed.shards}::integer, ${proposed.log.kind}::text, ${proposed.log.id}::text
    from durable where setting = 'on'
    on conflict do nothing`;
  const meta = (await readMeta(sql)) ?? proposed;
  if (meta.shards !== proposed.shards) {
    throw new Error(
      `the database was first used with ${meta.shards} shards and keeps them for ever; ` +
        `the switch is set to ${proposed.shards}`,
    );
  }
  return meta;
}

/** Gives the database another log, durably, if it still has the one named. False where it does not. */
export async function renameLog(sql: ISql, from: LogName, to: LogName): Promise<boolean> {
  const changed = await sql`
    with durable as materialized (
      select set_config('synchronous_commit', 'on', true) as setting
    )
    update meta set log_kind = ${to.kind}, log_id = ${to.id}
    from durable
    where log_kind = ${from.kind} and log_id = ${from.id} and setting = 'on'`;
  return changed.count === 1;
}

// What stands sealed in the database follows its keys: at each start it is laid under the one that seals now, so that the
// keys before it can be taken away.

import postgres, { type PendingQuery, type Row, type Sql } from 'postgres';
import type { DataKeys } from './data-keys.ts';

/** Any number that nobody else uses: one switch at a time seals anew. */
const LOCK = 4_715_328_017;

/** Seals anew. Returns what is wrong with the keys, where they do not open what is in use. */
export async function settleSealedSecrets(url: string, keys: DataKeys): Promise<string | null> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql`select pg_advisory_lock(${LOCK})`;
    const webhooks = await settleTable(sql, 'webhook_secrets', sql`sealed is not null`, keys);
    if (webhooks !== null) return webhooks;
    return await settleTable(sql, 'keys', sql`sealed is not null and revoked_at is null`, keys);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** The secrets of a table that are in use. */
async function settleTable(
  sql: Sql,
  table: 'keys' | 'webhook_secrets',
  inUse: PendingQuery<Row[]>,
  keys: DataKeys,
): Promise<string | null> {
  const rows = await sql<{ id: string; sealed: string }[]>`
    select id, sealed from ${sql(table)} where ${inUse}`;
  for (const { id, sealed } of rows) {
    if (keys.isFresh(sealed)) continue;
    const secret = keys.open(sealed, id);
    if (secret === null) {
      return (
        `the signing secret ${id} is sealed under a key that is not there: QRSWITCH_DATA_KEYS must name all that ` +
        'were in use since the last start, the newest first'
      );
    }
    await sql`update ${sql(table)} set sealed = ${keys.seal(secret, id)} where id = ${id}`;
  }
  return null;
}

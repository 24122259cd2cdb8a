// What stands sealed in the database follows its keys: at each start it is laid under the one that seals now, so that the
// keys before it can be taken away.

import postgres, { type Sql } from 'postgres';
import type { DataKeys } from './data-keys.ts';

/** Any number that nobody else uses: one switch at a time seals anew. */
const LOCK = 4_715_328_017;

/** Seals anew. Returns what is wrong with the keys, where they do not open what is in use. */
export async function settleSealedSecrets(url: string, keys: DataKeys): Promise<string | null> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql`select pg_advisory_lock(${LOCK})`;
    return await settleSigningSecrets(sql, keys);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function settleSigningSecrets(sql: Sql, keys: DataKeys): Promise<string | null> {
  const rows = await sql<{ id: string; sealed: string }[]>`
    select id, sealed from keys where sealed is not null and revoked_at is null`;
  for (const { id, sealed } of rows) {
    if (keys.isFresh(sealed)) continue;
    const secret = keys.open(sealed, id);
    if (secret === null) {
      return (
        `the signing secret ${id} is sealed under a key that is not there: QRSWITCH_DATA_KEYS must name all that ` +
        'were in use since the last start, the newest first'
      );
    }
    await sql`update keys set sealed = ${keys.seal(secret, id)} where id = ${id}`;
  }
  return null;
}

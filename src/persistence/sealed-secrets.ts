// What stands sealed in the database follows its keys: at each start it is laid under the one that seals now, so that the
// keys before it can be taken away.

import { randomBytes } from 'node:crypto';
import type { ISql, PendingQuery, Row } from 'postgres';
import type { DataKeys } from './data-keys.ts';
import { DIGEST_KEY } from './payer-labels.ts';
import { lockAtStart, overStartLine } from './start-line.ts';

/** Any number that nobody else uses: one switch at a time seals anew. */
const LOCK = 4_715_328_017;

const SECRET_BYTES = 32;

/** Draws what is missing and seals the rest anew; or tells what is wrong with the keys, where they do not open it. */
export function settleSealedSecrets(
  url: string,
  keys: DataKeys,
): Promise<{ payerDigestKey: string } | { misfit: string }> {
  // Digests that are kept are made with what is drawn here, and keys of before are taken away once all is sealed anew: a
  // database that does not wait for its disk may lose neither.
  const settle = async (sql: ISql) => {
    await lockAtStart(sql, LOCK);
    const misfit =
      (await settleTable(sql, 'webhook_secrets', sql`sealed is not null`, keys)) ??
      (await settleTable(sql, 'keys', sql`sealed is not null and revoked_at is null`, keys));
    if (misfit !== null) return { misfit };
    const payerDigestKey = await settleSecret(sql, DIGEST_KEY, keys);
    return payerDigestKey === null
      ? { misfit: misfitOf(`the secret ${DIGEST_KEY}`) }
      : { payerDigestKey };
  };
  return overStartLine(url, settle, { synchronous_commit: 'on' });
}

/** A secret of the switch that stands sealed, drawn where there is none; null: it cannot be opened. */
async function settleSecret(sql: ISql, name: string, keys: DataKeys): Promise<string | null> {
  const drawn = Buffer.from(keys.seal(randomBytes(SECRET_BYTES).toString('base64url'), name));
  await sql`insert into secrets (name, value) values (${name}, ${drawn}) on conflict do nothing`;
  const [kept] = await sql<{ value: Uint8Array }[]>`
    select value from secrets where name = ${name}`;
  const sealed = Buffer.from(kept?.value ?? []).toString();
  const secret = keys.open(sealed, name);
  if (secret !== null && !keys.isFresh(sealed)) {
    const anew = Buffer.from(keys.seal(secret, name));
    await sql`update secrets set value = ${anew} where name = ${name}`;
  }
  return secret;
}

/** The secrets of a table that are in use. */
async function settleTable(
  sql: ISql,
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
      return misfitOf(`the signing secret ${id}`);
    }
    await sql`update ${sql(table)} set sealed = ${keys.seal(secret, id)} where id = ${id}`;
  }
  return null;
}

function misfitOf(what: string): string {
  return (
    `${what} is sealed under a key that is not there: QRSWITCH_DATA_KEYS must name all that were in use since the ` +
    'last start, the newest first'
  );
}

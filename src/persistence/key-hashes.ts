// How keys are stored: under peppers, so that a copy of the database tells nothing of them.
//
//   stored = HMAC-SHA256(pepper n, … HMAC-SHA256(pepper 1, SHA-256(key)))
//
//   K1. The first pepper was drawn by the database itself; the operator may add others, which the database never sees.
//   K2. A pepper that is added is laid over what is stored, at the next start: no key has to be given out anew. So keys
//       that were stored before there were peppers lie under them like all others.
//   K3. Nothing compares secrets: a stored hash is looked up, and whoever times the look-up learns about an HMAC that he
//       cannot compute.

import { createHash, createHmac } from 'node:crypto';
import type { ISql } from 'postgres';
import { arrayText } from './array-text.ts';
import { lockAtStart, overStartLine } from './start-line.ts';

/** Any number that nobody else uses: one switch at a time lays peppers over keys. */
const LOCK = 4_715_328_016;
const ROWS_AT_ONCE = 1_000;

/** SHA-256 of a key, base64url: how the switch itself remembers it. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

export class KeyHashes {
  readonly #peppers: readonly Buffer[];

  constructor(peppers: readonly Buffer[]) {
    this.#peppers = peppers;
  }

  /** Under how many peppers a key is stored. */
  get layers(): number {
    return this.#peppers.length;
  }

  /** What is stored of a key with this SHA-256. */
  stored(keyHash: string): string {
    return this.over(keyHash, 0);
  }

  /** The peppers that are missing over a hash that lies under the first `layers` of them. */
  over(hash: string, layers: number): string {
    return this.#peppers
      .slice(layers)
      .reduce(
        (inner, pepper) => createHmac('sha256', pepper).update(inner).digest('base64url'),
        hash,
      );
  }

  /** What may be known of the peppers. */
  fingerprints(): string[] {
    return this.#peppers.map((pepper) =>
      createHmac('sha256', pepper)
        .update('fingerprint of a pepper')
        .digest('base64url')
        .slice(0, 16),
    );
  }
}

/** The database's own pepper, with those that are configured over it. */
export async function readKeyHashes(
  sql: ISql,
  configured: readonly string[] = [],
): Promise<KeyHashes> {
  const [row] = await sql<{ value: Uint8Array }[]>`
    select value from secrets where name = 'key_pepper'`;
  if (row === undefined) throw new Error('the database has lost its key_pepper (table secrets)');
  return new KeyHashes([Buffer.from(row.value), ...configured.map((text) => Buffer.from(text))]);
}

/**
 * Lays over the stored keys whatever pepper is new (K2). Returns what is wrong with the configured ones, where they are
 * not those of before, with new ones behind them: no key would be known by them.
 */
export function settleKeyHashes(
  url: string,
  configured: readonly string[],
): Promise<string | null> {
  return overStartLine(url, async (sql) => {
    await lockAtStart(sql, LOCK);
    const hashes = await readKeyHashes(sql, configured);
    const given = hashes.fingerprints();
    const known = await sql<{ fingerprint: string }[]>`
      select fingerprint from key_peppers order by no`;
    const differs = known.findIndex(({ fingerprint }, no) => fingerprint !== given[no]);
    if (differs !== -1) return complaint(differs, known.length, given.length);
    const added = given.slice(known.length).map((fingerprint, i) => ({
      no: known.length + i,
      fingerprint,
    }));
    if (added.length > 0) await sql`insert into key_peppers ${sql(added)}`;
    while (await layOver(sql, hashes));
    return null;
  });
}

/** Some of the keys that lie under fewer peppers; false where there are none left. */
async function layOver(sql: ISql, hashes: KeyHashes): Promise<boolean> {
  const rows = await sql<{ key_hash: string; layers: number }[]>`
    select key_hash, layers from keys where layers < ${hashes.layers} limit ${ROWS_AT_ONCE}`;
  if (rows.length === 0) return false;
  const before = rows.map((row) => row.key_hash);
  const after = rows.map((row) => hashes.over(row.key_hash, row.layers));
  await sql`
    update keys k set key_hash = new.after, layers = ${hashes.layers}
    from unnest(${arrayText(before)}::text[], ${arrayText(after)}::text[]) as new (before, after)
    where k.key_hash = new.before`;
  return true;
}

function complaint(no: number, known: number, given: number): string {
  if (no === 0)
    return 'the database’s own pepper (table secrets) is not the one its keys are stored under';
  const which = no >= given ? 'is missing' : 'is not the one that they are stored under';
  return (
    `the keys of this database are stored under ${known - 1} configured pepper(s), and number ${no} of ` +
    `QRSWITCH_KEY_PEPPERS ${which}. Give all of them in the order in which they came, and new ones behind them.`
  );
}

// Keys of the switch itself. They stand in Postgres, so that all switches on one database have the same, and nothing has
// to be configured; who reads the database could sign in the switch's name, as they could change its bills.

import { randomBytes } from 'node:crypto';
import { overStartLine } from './start-line.ts';

const KEY_BYTES = 32;

/** The secret of this name, base64url: drawn and kept, durably, where there is none. Of several first starts one wins. */
export function ensureSecret(options: { databaseUrl: string; name: string }): Promise<string> {
  return overStartLine(options.databaseUrl, async (sql) => {
    const known = await sql<SecretColumns[]>`
      select value from secrets where name = ${options.name}`;
    if (known[0] !== undefined) return textOf(known[0]);
    await sql`
      with durable as materialized (
        select set_config('synchronous_commit', 'on', true) as setting
      )
      insert into secrets (name, value)
      select ${options.name}::text, ${randomBytes(KEY_BYTES)}::bytea
      from durable where setting = 'on'
      on conflict do nothing`;
    const [kept] = await sql<SecretColumns[]>`
      select value from secrets where name = ${options.name}`;
    if (kept === undefined) throw new Error(`the database did not keep the secret ${options.name}`);
    return textOf(kept);
  });
}

interface SecretColumns {
  readonly value: Uint8Array;
}

function textOf({ value }: SecretColumns): string {
  return Buffer.from(value).toString('base64url');
}

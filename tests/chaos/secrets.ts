// What nobody but its owner may read: keys, passwords, peppers, and what payers and tills have told in confidence. The run
// gives all of them to the switch, and none may turn up in what the processes print, measure or refuse.

import { randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';
import type { Body } from '../support/client.ts';

export interface Secret {
  readonly what: string;
  readonly text: string;
}

/** Something that a process has said: a log, a scrape, a refusal. */
export interface Spoken {
  readonly by: string;
  readonly text: string;
}

/** Of the stores and of the switch itself, drawn anew for each run. */
export interface Credentials {
  readonly redisPassword: string;
  readonly postgresPassword: string;
  readonly pepper: string;
}

/** Of a secret, how it begins. */
const START = 6;

export function drawCredentials(): Credentials {
  return { redisPassword: drawn('rp'), postgresPassword: drawn('pp'), pepper: drawn('kp') };
}

/** What clients tell of their customers; the same words all the time, so that they are found wherever they turn up. */
export const CONFIDENCES = {
  payer: 'J*** of Elm Street, 4711',
  receipt: { fiscal: 'receipt-9f2c61d7' },
  metadata: { note: 'metadata-7be04a15' },
} as const satisfies Body;

export function confidences(): Secret[] {
  const { payer, receipt, metadata } = CONFIDENCES;
  return [
    { what: 'a payer’s label', text: payer },
    { what: 'a receipt', text: receipt.fiscal },
    { what: 'metadata', text: metadata.note },
  ];
}

export function secretsOf({ redisPassword, postgresPassword, pepper }: Credentials): Secret[] {
  return [
    { what: 'the password in the URL of Redis', text: redisPassword },
    { what: 'the password in the URL of Postgres', text: postgresPassword },
    { what: 'the operator’s pepper', text: pepper },
  ];
}

/** The keys that the switch keeps for itself, however they may be written. */
export async function keptSecrets(sql: Sql): Promise<Secret[]> {
  const rows = await sql<{ name: string; value: Uint8Array }[]>`select name, value from secrets`;
  return rows.flatMap(({ name, value }) =>
    (['hex', 'base64', 'base64url'] as const).map((encoding) => ({
      what: `the secret ${name} as ${encoding}`,
      text: Buffer.from(value).toString(encoding),
    })),
  );
}

/** Who has told which secret, a line each. */
export function leaksIn(spoken: Iterable<Spoken>, secrets: readonly Secret[]): string[] {
  const found: string[] = [];
  for (const { by, text } of spoken) {
    // Thousands begin alike: where the beginning is not, none of them is.
    const begun = new Map<string, boolean>();
    for (const { what, text: secret } of secrets) {
      const start = secret.slice(0, START);
      if (!begun.has(start)) begun.set(start, text.includes(start));
      if (begun.get(start) !== true) continue;
      const at = text.indexOf(secret);
      if (at >= 0) found.push(`${by} tells ${what}: ${text.slice(Math.max(0, at - 120), at)}…`);
    }
  }
  return found;
}

function drawn(prefix: string): string {
  return `${prefix}${randomBytes(20).toString('hex')}`;
}

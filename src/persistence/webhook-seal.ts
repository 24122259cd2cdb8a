// Secrets of webhooks must be read again, to sign with. They stand sealed (AES-256-GCM), each for its own place, under a
// key of the database's and of the peppers that are configured, so that a copy of the database alone opens none.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Under how many peppers it lies, then the initialisation vector, the text and its tag. */
const SEALED = /^w1\.(\d{1,4})\.([A-Za-z0-9_-]+)$/;

export class WebhookSeal {
  readonly #own: Uint8Array;
  readonly #peppers: readonly string[];

  constructor(own: Uint8Array, peppers: readonly string[]) {
    this.#own = own;
    this.#peppers = peppers;
  }

  seal(text: string, place: string): string {
    const layers = this.#peppers.length;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key(layers), iv).setAAD(Buffer.from(place));
    const parts = [iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return `w1.${layers}.${Buffer.concat(parts).toString('base64url')}`;
  }

  /** Throws where it was sealed for another place, or under peppers that are not there. */
  open(sealed: string, place: string): string {
    const [, layers, base64 = ''] = SEALED.exec(sealed) ?? [];
    if (Number(layers ?? Infinity) > this.#peppers.length)
      throw new Error(`${place} is not to be opened`);
    const bytes = Buffer.from(base64, 'base64url');
    const decipher = createDecipheriv(
      CIPHER,
      this.#key(Number(layers)),
      bytes.subarray(0, IV_BYTES),
    );
    decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  }

  /** New peppers are put behind those of before: what was sealed under fewer stays as it is. */
  #key(layers: number): Buffer {
    const secret = Buffer.concat([
      this.#own,
      ...this.#peppers.slice(0, layers).map((pepper) => Buffer.from(`\0${pepper}`)),
    ]);
    return Buffer.from(hkdfSync('sha256', secret, '', 'qrswitch webhook secrets', KEY_BYTES));
  }
}

export async function readWebhookSeal(sql: Sql, peppers: readonly string[]): Promise<WebhookSeal> {
  const [row] = await sql<{ value: Uint8Array }[]>`
    select value from secrets where name = 'webhook_seal'`;
  if (row === undefined) throw new Error('the database has lost its webhook_seal (table secrets)');
  return new WebhookSeal(row.value, peppers);
}

// What must be read again and yet not be read by who finds a copy of the database: secrets that requests are signed
// with, labels of payers. AES-256-GCM, each text under an initialisation vector of its own.
//
//   D1. The first key seals; every key opens what it has sealed: a text tells which one that was.
//   D2. The last key is the database's own, so that there always is one. Those before it are the operator's, and the
//       database never sees them.
//   D3. A text is sealed for one place, and opens nowhere else.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const ID_LENGTH = 8;
const SEALED = /^s1\.([A-Za-z0-9_-]{8})\.([A-Za-z0-9_-]+)$/;

/** Whether a text is one that was sealed, whatever with. */
export function isSealed(text: string): boolean {
  return SEALED.test(text);
}

interface DataKey {
  readonly id: string;
  readonly bytes: Buffer;
}

export class DataKeys {
  readonly #keys: readonly [DataKey, ...DataKey[]];

  /** Those that the operator has configured, the newest first, and the database's own. */
  constructor(configured: readonly string[], own: string) {
    const [first, ...others] = [...configured, own];
    this.#keys = [dataKeyOf(first ?? own), ...others.map(dataKeyOf)];
  }

  /** `place` names what the text belongs to, and need not be secret. */
  seal(text: string, place: string): string {
    const [{ id, bytes }] = this.#keys;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, bytes, iv);
    cipher.setAAD(Buffer.from(place));
    const sealed = Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()]);
    return `s1.${id}.${Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url')}`;
  }

  /** Null: sealed under a key that is not there, or for another place, or not as it was sealed. */
  open(sealed: string, place: string): string | null {
    const [, id, base64 = ''] = SEALED.exec(sealed) ?? [];
    const key = this.#keys.find((one) => one.id === id);
    const bytes = Buffer.from(base64, 'base64url');
    if (key === undefined || bytes.length < IV_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv(CIPHER, key.bytes, bytes.subarray(0, IV_BYTES));
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
    try {
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      return null;
    }
  }

  /** Whether it lies under the key that seals now. */
  isFresh(sealed: string): boolean {
    return SEALED.exec(sealed)?.[1] === this.#keys[0].id;
  }
}

function dataKeyOf(text: string): DataKey {
  const bytes = Buffer.from(hkdfSync('sha256', text, '', 'qrswitch data key', KEY_BYTES));
  const id = createHmac('sha256', bytes).update('name of a data key').digest('base64url');
  return { id: id.slice(0, ID_LENGTH), bytes };
}

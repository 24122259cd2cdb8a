// A short keyed tag over what a code says: HMAC-SHA256 cut to so many characters of Crockford base32, five bits each. Who
// does not hold the switch's key can change a code and its checksum, but not its tag.

import { hash } from 'node:crypto';
import { assert } from '../../domain/assert.ts';

export const TAG_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The tag of a text, with so many characters. */
export type Tagger = (text: string, length: number) => string;

const BLOCK_BYTES = 64;
const SUM_BYTES = 32;
/** A scanned text has at most 2,000 characters, and a character in UTF-8 at most 3 bytes a UTF-16 unit. */
const TEXT_BYTES_MAX = 8_000;
/** Two characters at a time: half as many strings on the way. */
const PAIRS = Array.from(
  { length: 1_024 },
  (_, no) => TAG_ALPHABET.charAt(no >> 5) + TAG_ALPHABET.charAt(no & 31),
);

/**
 * The tagger of one format (or of quotes), with a key of at most 64 bytes: what it tags begins with the format's name, so that no text
 * has the same tag in two of them. Every view of a bill with a `url` code makes a tag, so this is HMAC written out over
 * two one-shot hashes, which takes half the time of an Hmac object. Lengths are even.
 */
export function makeTagger(key: Uint8Array, format: string): Tagger {
  assert(key.length > 0 && key.length <= BLOCK_BYTES, 'a key of no use');
  const inner = Buffer.alloc(BLOCK_BYTES + TEXT_BYTES_MAX);
  const outer = Buffer.alloc(BLOCK_BYTES + SUM_BYTES);
  for (let i = 0; i < BLOCK_BYTES; i++) {
    inner[i] = (key[i] ?? 0) ^ 0x36;
    outer[i] = (key[i] ?? 0) ^ 0x5c;
  }
  const start = BLOCK_BYTES + inner.write(`${format}\n`, BLOCK_BYTES);
  let view = inner.subarray(0, start);
  return (text, length) => {
    assert(start + text.length * 3 <= inner.length, 'a text too long for a tag');
    const end = start + inner.write(text, start);
    // Ids are all of one length: most of the time it is the same view of the same bytes.
    if (end !== view.length) view = inner.subarray(0, end);
    outer.write(hash('sha256', view, 'binary'), BLOCK_BYTES, 'latin1');
    const sum = hash('sha256', outer, 'binary');
    let tag = '';
    for (let i = 0; i < length; i += 2) {
      tag += PAIRS[((sum.charCodeAt(i) & 31) << 5) | (sum.charCodeAt(i + 1) & 31)];
    }
    return tag;
  };
}

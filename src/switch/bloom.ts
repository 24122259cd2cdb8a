// Bits that know texts by seven hashes each (a Bloom filter). They may say yes wrongly, and never say no wrongly.

const HASHES = 7;
/** Bits for each text at full: about 1 % false positives with seven hashes. */
const BITS_PER_KEY = 10;

export interface BloomBlock {
  readonly bits: Uint32Array;
  /** Beyond so many texts it may be added to all the same: it says yes wrongly more often. */
  readonly capacity: number;
  count: number;
}

/** Two hashes of 32 bits, of which the seven are made. */
export type KeyHash = readonly [first: number, second: number];

/** Takes `capacity` texts at about 1 % of wrong yeses, in 10 bits each. */
export function makeBlock(capacity: number): BloomBlock {
  const bits = new Uint32Array(Math.ceil((capacity * BITS_PER_KEY) / 32));
  return { bits, capacity, count: 0 };
}

export function addTo(block: BloomBlock, [first, second]: KeyHash): void {
  const { bits } = block;
  const size = bits.length * 32;
  for (let i = 0; i < HASHES; i++) {
    const bit = ((first + Math.imul(i, second)) >>> 0) % size;
    bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
  block.count += 1;
}

/** False: it has not been added. True: perhaps. */
export function mayHold({ bits }: BloomBlock, [first, second]: KeyHash): boolean {
  const size = bits.length * 32;
  for (let i = 0; i < HASHES; i++) {
    const bit = ((first + Math.imul(i, second)) >>> 0) % size;
    if (((bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}

/** Two hashes in one pass: FNV-1a and a multiplicative one, each finished by a mix. */
export function hashesOf(key: string): KeyHash {
  let first = 0x811c9dc5;
  let second = 0x9e3779b9;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    first = Math.imul(first ^ code, 0x01000193);
    second = Math.imul(second ^ code, 0x85ebca6b) + 0x27d4eb2f;
  }
  return [mix(first), mix(second) | 1];
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x7feb352d);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

// Which orders a shard may have seen in the last 25 hours: Bloom filters, one generation an hour, so that a create of
// an unknown order asks nobody (A9). It may say yes wrongly, which costs a question to Postgres; it never says no wrongly.

import { HOUR_MS } from '../domain/time.ts';

/** How long an order is remembered: the day that API.md promises and an hour for what is late. */
export const FILTER_SPAN_MS = 25 * HOUR_MS;
const GENERATION_MS = HOUR_MS;
const HASHES = 7;
/** Bits for each order at full: about 1 % false positives with seven hashes. */
const BITS_PER_ORDER = 10;
const FIRST_BLOCK_ORDERS = 4_096;
const BLOCK_ORDERS_MAX = 1_048_576;

interface Block {
  readonly bits: Uint32Array;
  readonly capacity: number;
  count: number;
}

interface Generation {
  readonly startsAt: number;
  readonly blocks: Block[];
}

export class OrderFilter {
  readonly #ordersMax: number;
  #generations: Generation[] = [];
  #orders = 0;

  /** Beyond `ordersMax` orders the newest block is overfilled: more questions, never a wrong no. */
  constructor(ordersMax: number) {
    this.#ordersMax = ordersMax;
  }

  /** Remembers an order seen at a time. */
  add(key: string, at: number): void {
    const block = this.#blockFor(this.#generationFor(at));
    const [first, second] = hash(key);
    const size = block.bits.length * 32;
    for (let i = 0; i < HASHES; i++) {
      const bit = (first + Math.imul(i, second)) >>> 0;
      set(block.bits, bit % size);
    }
    block.count += 1;
    this.#orders += 1;
  }

  /** False: the order has not been seen since 25 hours before `now`. True: perhaps. */
  mayKnow(key: string, now: number): boolean {
    this.#forget(now);
    const [first, second] = hash(key);
    for (const generation of this.#generations) {
      for (const block of generation.blocks) if (has(block, first, second)) return true;
    }
    return false;
  }

  /** Bytes of all blocks. */
  get bytes(): number {
    let sum = 0;
    for (const { blocks } of this.#generations)
      for (const { bits } of blocks) sum += bits.byteLength;
    return sum;
  }

  #generationFor(at: number): Generation {
    const startsAt = Math.floor(at / GENERATION_MS) * GENERATION_MS;
    const known = this.#generations.find((each) => each.startsAt === startsAt);
    if (known !== undefined) return known;
    const made: Generation = { startsAt, blocks: [] };
    this.#generations.push(made);
    this.#generations.sort((left, right) => right.startsAt - left.startsAt);
    return made;
  }

  #blockFor(generation: Generation): Block {
    const last = generation.blocks.at(-1);
    const isFull = last === undefined || last.count >= last.capacity;
    if (!isFull || (last !== undefined && this.#orders >= this.#ordersMax)) return last;
    const capacity =
      last === undefined ? FIRST_BLOCK_ORDERS : Math.min(last.capacity * 4, BLOCK_ORDERS_MAX);
    const block: Block = {
      bits: new Uint32Array(Math.ceil((capacity * BITS_PER_ORDER) / 32)),
      capacity,
      count: 0,
    };
    generation.blocks.push(block);
    return block;
  }

  #forget(now: number): void {
    const oldest = this.#generations.at(-1);
    if (oldest === undefined || oldest.startsAt + GENERATION_MS > now - FILTER_SPAN_MS) return;
    this.#generations.pop();
    for (const block of oldest.blocks) this.#orders -= block.count;
    this.#forget(now);
  }
}

function has(block: Block, first: number, second: number): boolean {
  const size = block.bits.length * 32;
  for (let i = 0; i < HASHES; i++) {
    const bit = ((first + Math.imul(i, second)) >>> 0) % size;
    if (((block.bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}

function set(bits: Uint32Array, bit: number): void {
  bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
}

/** Two 32-bit hashes in one pass: FNV-1a and a multiplicative one, each finished by a mix. */
function hash(key: string): [number, number] {
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

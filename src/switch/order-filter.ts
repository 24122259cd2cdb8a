// Which orders a shard may have seen in the last 25 hours: Bloom filters, one generation an hour, so that a create of
// an unknown order asks nobody (A9). It may say yes wrongly, which costs a question to Postgres; it never says no wrongly.

import { HOUR_MS } from '../domain/time.ts';
import { addTo, type BloomBlock, hashesOf, makeBlock, mayHold } from './bloom.ts';

/** How long an order is remembered: the day that API.md promises and an hour for what is late. */
export const FILTER_SPAN_MS = 25 * HOUR_MS;
const GENERATION_MS = HOUR_MS;
const FIRST_BLOCK_ORDERS = 4_096;
const BLOCK_ORDERS_MAX = 1_048_576;

interface Generation {
  readonly startsAt: number;
  readonly blocks: BloomBlock[];
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
    addTo(this.#blockFor(this.#generationFor(at)), hashesOf(key));
    this.#orders += 1;
  }

  /** False: the order has not been seen since 25 hours before `now`. True: perhaps. */
  mayKnow(key: string, now: number): boolean {
    this.#forget(now);
    const hashes = hashesOf(key);
    for (const { blocks } of this.#generations) {
      for (const block of blocks) if (mayHold(block, hashes)) return true;
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

  #blockFor(generation: Generation): BloomBlock {
    const last = generation.blocks.at(-1);
    const isFull = last === undefined || last.count >= last.capacity;
    if (!isFull || (last !== undefined && this.#orders >= this.#ordersMax)) return last;
    const capacity =
      last === undefined ? FIRST_BLOCK_ORDERS : Math.min(last.capacity * 4, BLOCK_ORDERS_MAX);
    const block = makeBlock(capacity);
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

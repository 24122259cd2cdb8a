// What waits for its turn: a line for each institution, and one of each line at a time.
//
//   F1. Within a line it is first come, first served.
//   F2. Between two turns of a line every other line has one: the longest line costs the others nothing.
//   F3. A line is as long as its share of the room. What ends something finds room in it longer than what begins.

import { Fifo } from '../actors/fifo.ts';

/** Of a line’s share: what begins something. The rest is for what ends something. */
const BEGINNING_SHARE = 0.75;

interface Line<Item> {
  readonly name: string;
  readonly items: Fifo<Item>;
}

export class FairQueue<Item> {
  readonly #max: number;
  readonly #lines = new Map<string, Line<Item>>();
  readonly #turns = new Fifo<Line<Item>>();
  #size = 0;

  /** `max`: how many may wait, shared by the lines. */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the item was taken; false where its line has had its share of the room. */
  push(name: string, item: Item, isEnding: boolean): boolean {
    const line = this.#lines.get(name);
    const lines = this.#lines.size + (line === undefined ? 1 : 0);
    const share = Math.max(1, this.#max / lines);
    const depth = line?.items.size ?? 0;
    if (depth >= (isEnding ? share : share * BEGINNING_SHARE)) return false;
    this.#size += 1;
    (line ?? this.#open(name)).items.push(item);
    return true;
  }

  /** The next one in turn. */
  take(): Item | undefined {
    for (let line = this.#turns.shift(); line !== undefined; line = this.#turns.shift()) {
      const item = line.items.shift();
      // It was emptied from its front.
      if (item === undefined) continue;
      this.#size -= 1;
      if (line.items.size > 0) this.#turns.push(line);
      else this.#lines.delete(line.name);
      return item;
    }
    return undefined;
  }

  /** Takes out the items at the front of each line for which this holds. */
  takeFront(holds: (item: Item) => boolean): Item[] {
    const taken: Item[] = [];
    for (const { name, items } of this.#lines.values()) {
      for (let item = items.peek(); item !== undefined && holds(item); item = items.peek()) {
        items.shift();
        taken.push(item);
      }
      if (items.size === 0) this.#lines.delete(name);
    }
    this.#size -= taken.length;
    return taken;
  }

  #open(name: string): Line<Item> {
    const line = { name, items: new Fifo<Item>() };
    this.#lines.set(name, line);
    this.#turns.push(line);
    return line;
  }
}

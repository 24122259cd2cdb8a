// The promises of the queue, for all ways of arriving and of being taken.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairQueue } from './fair-queue.ts';

interface Item {
  readonly name: string;
  readonly no: number;
}

/** Who comes, in which order; one of them by far the most. null: one is taken. */
const arrivals = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant('loud') },
    { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'c') },
    { weight: 6, arbitrary: fc.constant(null) },
  ),
  { maxLength: 300, size: 'max' },
);

/** How often each line that waits has been passed over by each other one since its own last turn. */
class Overtakings {
  readonly #times = new Map<string, Map<string, number>>();
  count = 0;

  /** `waiting`: the lines that are not empty after it. */
  served(name: string, waiting: Iterable<string>): void {
    this.#times.set(name, new Map());
    for (const other of waiting) {
      if (other === name) continue;
      const times = this.#times.get(other) ?? new Map<string, number>();
      this.#times.set(other, times.set(name, (times.get(name) ?? 0) + 1));
      this.count += 1;
      expect(times.get(name)).toBeLessThanOrEqual(1);
    }
  }

  begun(name: string): void {
    this.#times.set(name, new Map());
  }
}

describe('a fair queue', () => {
  test('F1, F2: keeps the order of each line, and passes nobody over twice', () => {
    let overtakings = 0;
    fc.assert(
      fc.property(arrivals, (given) => {
        const queue = new FairQueue<Item>(10_000);
        const waiting = new Map<string, Item[]>();
        const watch = new Overtakings();
        const take = (): void => {
          const item = queue.take();
          if (item === undefined) return;
          const line = waiting.get(item.name) ?? [];
          expect(item).toBe(line.shift());
          if (line.length === 0) waiting.delete(item.name);
          watch.served(item.name, waiting.keys());
        };
        const push = (item: Item): void => {
          expect(queue.push(item.name, item, false)).toBe(true);
          const line = waiting.get(item.name);
          line?.push(item);
          if (line !== undefined) return;
          waiting.set(item.name, [item]);
          watch.begun(item.name);
        };
        for (const [no, name] of given.entries()) {
          if (name === null) take();
          else push({ name, no });
        }
        while (queue.size > 0) take();
        expect(waiting.size).toBe(0);
        expect(queue.take()).toBeUndefined();
        overtakings += watch.count;
      }),
      { numRuns: 40 },
    );
    expect(overtakings).toBeGreaterThan(1_000);
  });

  test('F3: leaves everybody their share of the room, however much one sends', () => {
    const queue = new FairQueue<number>(100);
    const pushed = (name: string, count: number, isEnding = false): number => {
      let taken = 0;
      for (let i = 0; i < count; i++) if (queue.push(name, i, isEnding)) taken += 1;
      return taken;
    };
    // Alone it has all of the room, but for what is kept for what ends something.
    expect(pushed('loud', 1_000)).toBe(75);
    expect(pushed('loud', 1_000, true)).toBe(25);
    // Who comes later still has a share, and the loud one no more.
    expect(pushed('quiet', 1_000)).toBe(38);
    expect(pushed('loud', 1)).toBe(0);
    for (let i = 0; i < 2 * 38; i++) queue.take();
    expect(pushed('loud', 1)).toBe(1);
  });

  test('gives up the front of each line, and goes on with the rest', () => {
    const queue = new FairQueue<number>(100);
    for (const no of [1, 2, 3]) queue.push('a', no, false);
    for (const no of [1, 2]) queue.push('b', no, false);
    expect(queue.takeFront((no) => no < 3)).toEqual([1, 2, 1, 2]);
    expect(queue.size).toBe(1);
    queue.push('b', 4, false);
    expect([queue.take(), queue.take(), queue.take()]).toEqual([3, 4, undefined]);
    expect(queue.size).toBe(0);
  });
});

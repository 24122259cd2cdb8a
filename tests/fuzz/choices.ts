// Where a fuzzer's choices come from: a tape of numbers. One seed makes a tape, and so does fast-check, which shrinks it;
// past its end a tape says 0, and 0 always chooses the simplest. What was taken is kept, so that a find can be replayed
// and made small whoever drew it.

import { Random } from '../simulation/random.ts';

export class Choices {
  /** What has been chosen so far: the tape that leads here again. */
  readonly taken: number[] = [];
  readonly #source: (at: number) => number;

  constructor(source: (at: number) => number) {
    this.#source = source;
  }

  static ofSeed(seed: number): Choices {
    const random = new Random(seed);
    return new Choices(() => random.next());
  }

  static ofTape(tape: readonly number[]): Choices {
    return new Choices((at) => tape[at] ?? 0);
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    const choice = this.#source(this.taken.length) % limit;
    this.taken.push(choice);
    return choice;
  }

  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** No is the simpler answer. */
  chance(probability: number): boolean {
    return this.below(1_000) >= 1_000 * (1 - probability);
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** Several of what a function makes, fewer rather than more. */
  several<Item>(most: number, make: (index: number) => Item): Item[] {
    return Array.from({ length: this.below(most + 1) }, (_unused, index) => make(index));
  }
}

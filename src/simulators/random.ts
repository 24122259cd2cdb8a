// A simulator's chance: one seed, one life. The generator is mulberry32, which is plenty for ids that nobody guesses.

const BASE36 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const HEX = '0123456789abcdef';

export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  digits(length: number): string {
    return this.#text(length, BASE36.slice(0, 10));
  }

  hex(length: number): string {
    return this.#text(length, HEX);
  }

  /** Of `0-9A-Z`. */
  letters(length: number): string {
    return this.#text(length, BASE36);
  }

  /** In the form of a UUID. */
  uuid(): string {
    return [8, 4, 4, 4, 12].map((length) => this.hex(length)).join('-');
  }

  /** The items in another order. */
  shuffled<Item>(items: readonly Item[]): Item[] {
    const keyed = items.map((item) => ({ item, key: this.below(2 ** 30) }));
    return keyed.sort((left, right) => left.key - right.key).map(({ item }) => item);
  }

  #text(length: number, alphabet: string): string {
    let text = '';
    for (let i = 0; i < length; i++) text += alphabet.charAt(this.below(alphabet.length));
    return text;
  }
}

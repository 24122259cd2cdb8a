// What one thread tells another, in the order in which it was said: a message port.

import type { Life } from './life.ts';

export class Line {
  readonly #to: Life;
  readonly #hop: () => number;
  readonly #said: (() => void)[] = [];

  constructor(to: Life, hop: () => number) {
    this.#to = to;
    this.#hop = hop;
  }

  /** Heard some time later, after all that was said before. */
  say(heard: () => void): void {
    this.#said.push(heard);
    this.#to.after(this.#hop(), () => this.#said.shift()?.());
  }
}

// So many at once, the rest in the order in which they came: a crowd that reconnects does not stand in everybody's way.

import { Fifo } from '../../actors/fifo.ts';

export class Turns {
  #free: number;
  readonly #waiting = new Fifo<() => void>();

  constructor(atOnceMax: number) {
    this.#free = atOnceMax;
  }

  /** Does the work once it is its turn; the next one's comes when it has settled. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((go) => this.#waiting.push(go));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

// So many requests at once, shared by institutions: whoever is slow leaves room for the others.
//
//   T1. An institution has no more under way than is left free: whoever comes next finds room at once. Alone it may have half
//       of all turns, two of them a third each, and so on.
//   T2. Of those that wait, the one with the least under way is next; within an institution it is first come, first served.

import { Fifo } from '../../actors/fifo.ts';

interface Line {
  underWay: number;
  readonly waiting: Fifo<() => void>;
}

export class SharedTurns {
  #free: number;
  /** Of those that have something under way, or wait. */
  readonly #lines = new Map<string, Line>();

  constructor(atOnceMax: number) {
    this.#free = atOnceMax;
  }

  /** Does the work once it is its turn; the next one's comes when it has settled. */
  async take<T>(institution: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lineOf(institution);
    await new Promise<void>((go) => {
      line.waiting.push(go);
      this.#goOn();
    });
    try {
      return await work();
    } finally {
      line.underWay -= 1;
      this.#free += 1;
      if (line.underWay === 0 && line.waiting.size === 0) this.#lines.delete(institution);
      this.#goOn();
    }
  }

  #lineOf(institution: string): Line {
    let line = this.#lines.get(institution);
    if (line === undefined) {
      line = { underWay: 0, waiting: new Fifo() };
      this.#lines.set(institution, line);
    }
    return line;
  }

  #goOn(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      next.underWay += 1;
      this.#free -= 1;
      next.waiting.shift()?.();
    }
  }

  #next(): Line | undefined {
    let least: Line | undefined;
    for (const line of this.#lines.values()) {
      if (line.waiting.size === 0) continue;
      if (least === undefined || line.underWay < least.underWay) least = line;
    }
    return least !== undefined && least.underWay < this.#free ? least : undefined;
  }
}

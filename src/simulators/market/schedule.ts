// Lives begin at their rate whether those before them have ended or not, and each takes one of so many places: what is
// late for want of a place is counted as late.

import type { Histogram } from './histogram.ts';

export class Places {
  readonly #lateness: Histogram;
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #underWay = 0;
  #onIdle: (() => void)[] = [];

  constructor(count: number, lateness: Histogram) {
    this.#free = count;
    this.#lateness = lateness;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Lives a life once there is a place for it; it must not reject. */
  begin(live: () => Promise<void>, dueAt = performance.now()): void {
    this.#underWay += 1;
    const start = (): void => {
      this.#lateness.add(performance.now() - dueAt);
      void live().finally(() => this.#end());
    };
    if (this.#free > 0) {
      this.#free -= 1;
      start();
    } else {
      this.#waiting.push(start);
    }
  }

  /** Resolves once no life is under way. */
  async idle(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((done) => this.#onIdle.push(done));
  }

  #end(): void {
    this.#underWay -= 1;
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
    if (this.#underWay > 0) return;
    for (const done of this.#onIdle.splice(0)) done();
  }
}

/** When the lives of a rate are due: asked again and again, it says how many more are by now. */
export class Beats {
  readonly #everyMs: number;
  readonly #beganAt = performance.now();
  #begun = 0;

  /** Lives a second. */
  constructor(rate: number) {
    this.#everyMs = 1_000 / rate;
  }

  /** When the next one was due, or null where it is not yet. */
  next(): number | null {
    const dueAt = this.#beganAt + this.#begun * this.#everyMs;
    if (dueAt > performance.now()) return null;
    this.#begun += 1;
    return dueAt;
  }
}

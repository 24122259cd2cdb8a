// A clock that stands until a test lets time pass.

import type { Clock } from '../../src/switch/ports.ts';

interface Timer {
  readonly at: number;
  readonly no: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  #now = 0;
  readonly #epoch: number;
  #timers: Timer[] = [];
  #count = 0;

  constructor(wallMs: number) {
    this.#epoch = wallMs;
  }

  wall(): number {
    return this.#epoch + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#count += 1;
    const timer = { at: this.#now + delayMs, no: this.#count, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass: timers run in their order, those that they set too. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = this.#timers
        .filter((timer) => timer.at <= until)
        .sort((left, right) => left.at - right.at || left.no - right.no);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = until;
  }

  get timers(): number {
    return this.#timers.length;
  }
}

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

  constructor(wallMs = 1_700_000_000_000) {
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
    while (this.#runNext(until));
    this.#now = until;
  }

  /** As `advance`, with all promises settled between one timer and the next. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    while (this.#runNext(until)) await settled();
    this.#now = until;
  }

  /** Runs the earliest timer that is due by then; false where none is. */
  #runNext(until: number): boolean {
    const [next] = this.#timers
      .filter((timer) => timer.at <= until)
      .sort((left, right) => left.at - right.at || left.no - right.no);
    if (next === undefined) return false;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.#now = Math.max(this.#now, next.at);
    next.callback();
    return true;
  }

  get timers(): number {
    return this.#timers.length;
  }
}

/** Every promise that can settle has settled. */
export function settled(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}

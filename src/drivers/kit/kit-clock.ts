// The kit's time: it stands until a check lets it go on, for the driver and the acquirer alike.

import type { DriverClock } from '../contract/driver-module.ts';

interface Timer {
  readonly at: number;
  readonly no: number;
  readonly callback: () => void;
}

const START_MS = 1_767_225_600_000;

export class KitClock implements DriverClock {
  #now = START_MS;
  #count = 0;
  #timers: Timer[] = [];

  wall(): number {
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

  /** Lets time pass; what is due in it happens in its order. */
  pass(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = this.#timers
        .filter(({ at }) => at <= until)
        .sort((left, right) => left.at - right.at || left.no - right.no);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = until;
  }
}

// How often somebody may ask: a bucket that fills at a steady rate and holds a burst. It is looked at once for every
// request, so it has no clock, timer or promise of its own, and counts in whole thousandths.
//
//   T1. Between two instants no more is taken than a burst and what has come in meanwhile.
//   T2. Whoever is refused has taken nothing, and is told when it will be there.
//   T3. What ends something may overdraw by one more burst, which is paid back before anything else is taken.
//   T4. What was taken on another thread is a debt here, of a burst at most.

export interface Rate {
  /** Whole, at least 1. */
  readonly perSecond: number;
  /** Whole, at least 1: what may come at once after a pause. */
  readonly burst: number;
}

const ONE = 1_000;

export class TokenBucket {
  #perSecond: number;
  #full: number;
  #level: number;
  /** Whole ms of the monotonic clock up to which it has been filled. */
  #at: number;

  /** Full at first. `now` is always by the monotonic clock, ms. */
  constructor(rate: Rate, now: number) {
    this.#perSecond = rate.perSecond;
    this.#full = rate.burst * ONE;
    this.#level = this.#full;
    this.#at = Math.floor(now);
  }

  /** Goes on at another rate: nobody gets a burst for it. */
  change(rate: Rate, now: number): void {
    this.#fill(now);
    this.#perSecond = rate.perSecond;
    this.#full = rate.burst * ONE;
    this.#level = Math.max(-this.#full, Math.min(this.#level, this.#full));
  }

  /** In how many ms one may be taken; 0: now. */
  waitMs(now: number, isEnding: boolean): number {
    this.#fill(now);
    const missing = ONE - this.#level - (isEnding ? this.#full : 0);
    return missing <= 0 ? 0 : Math.ceil(missing / this.#perSecond);
  }

  /** Takes one; whether it is there, `waitMs` has said. */
  take(): void {
    this.#level -= ONE;
  }

  /** So many have been taken elsewhere (T4). */
  owe(count: number, now: number): void {
    this.#fill(now);
    this.#level = Math.max(-this.#full, this.#level - count * ONE);
  }

  /** Whether it holds all that it can: then it says no more than a new one. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#level === this.#full;
  }

  #fill(now: number): void {
    const at = Math.floor(now);
    if (at <= this.#at) return;
    this.#level = Math.min(this.#full, this.#level + (at - this.#at) * this.#perSecond);
    this.#at = at;
  }
}

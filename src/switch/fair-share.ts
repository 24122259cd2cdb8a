// Who is still taken where room is nearly used up: everybody who asks no more than the others do. It is asked only then,
// so that it costs nothing while there is room.
//
//   F4. Whoever has been let in no more often than all on average is let in.
//   F5. Whoever is alone is let in.

import { isEnding } from './limits.ts';
import type { Clock } from './ports.ts';

const WINDOW_MS = 1_000;
/** By so many one may be ahead of the average: a few at once are no crowd. */
const AHEAD_MAX = 8;
/** From these parts of a bound on the room that is left is shared: by what begins, and by what ends something. */
const SCARCE_TO_BEGIN = 0.75;
const SCARCE_TO_END = 0.875;

export class FairShare {
  #counts = new Map<string, number>();
  #total = 0;
  /** How many there were in the window before: who pauses for a moment keeps its share. */
  #before = 0;
  #since = Number.NEGATIVE_INFINITY;

  /** Whether one more of this name is let in; `now` by the monotonic clock, ms. */
  admits(name: string, now: number): boolean {
    this.#turn(now);
    const own = this.#counts.get(name) ?? 0;
    const names = Math.max(this.#before, this.#counts.size + (own === 0 ? 1 : 0));
    if (own > this.#total / names + AHEAD_MAX) return false;
    this.#counts.set(name, own + 1);
    this.#total += 1;
    return true;
  }

  #turn(now: number): void {
    const age = now - this.#since;
    if (age < WINDOW_MS) return;
    this.#before = age < 2 * WINDOW_MS ? this.#counts.size : 0;
    this.#counts = new Map();
    this.#total = 0;
    this.#since = now;
  }
}

/** A bound of which institutions share what is left, once little is. */
export class SharedBound {
  readonly #max: number;
  readonly #scarceToBegin: number;
  readonly #scarceToEnd: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #share = new FairShare();

  constructor(max: number, clock: Pick<Clock, 'monotonic'>) {
    this.#max = max;
    this.#scarceToBegin = Math.ceil(max * SCARCE_TO_BEGIN);
    this.#scarceToEnd = Math.ceil(max * SCARCE_TO_END);
    this.#clock = clock;
  }

  /** Whether one more is taken where so many are there. */
  takes(used: number, institution: string, operation: string): boolean {
    if (used < this.#scarceToBegin) return true;
    if (used >= this.#max) return false;
    if (used < this.#scarceToEnd && isEnding(operation)) return true;
    return this.#share.admits(institution, this.#clock.monotonic());
  }
}

// What one statement to history may weigh. Postgres gives a statement up after its time, and then nothing of it was done:
// where it is so slow that it always comes to that, less at a time still gets there.

import { SECOND_MS } from '../domain/time.ts';

/** In usual transitions. */
const WEIGHT_MAX = 2_000;
const WEIGHT_MIN = 20;
/** What fails sooner fails for something else. */
const SLOW_MS = 10 * SECOND_MS;
const GROWTH = 1.1;

export class StatementWeight {
  #max = WEIGHT_MAX;

  get max(): number {
    return this.#max;
  }

  /** Of what it usually is. */
  get share(): number {
    return this.#max / WEIGHT_MAX;
  }

  /** A statement has come to its end, after so long. */
  ended(isDone: boolean, tookMs: number): void {
    if (tookMs < SLOW_MS) this.#max = isDone ? this.#grown : this.#max;
    else if (!isDone) this.#max = Math.max(WEIGHT_MIN, this.#max / 2);
  }

  get #grown(): number {
    return Math.min(WEIGHT_MAX, this.#max * GROWTH);
  }
}

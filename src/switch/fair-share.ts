// Who is still taken where room is nearly used up: everybody who asks no more than the others do. It is asked only then,
// so that it costs nothing while there is room.
//
//   F4. Whoever has been let in no more often than all on average is let in.
//   F5. Whoever is alone is let in.

const WINDOW_MS = 1_000;
/** By so many one may be ahead of the average: a few at once are no crowd. */
const AHEAD_MAX = 8;

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

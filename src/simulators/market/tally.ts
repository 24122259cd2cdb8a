// What a run has done, been answered and waited for, and what it has seen that must not be.

import { Histogram, type Latencies } from './histogram.ts';

/** Of what is wrong, so much is told in words; the rest is counted. */
const TOLD_MAX = 200;

/** One operation: how often it was answered what, and how long that took. */
export interface CallRow {
  readonly op: string;
  /** By status; `lost` where a connection broke. */
  readonly answers: Readonly<Record<string, number>>;
  readonly ms: Latencies;
}

export class Tally {
  readonly #done = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly #calls = new Map<string, { answers: Map<string, number>; latency: Histogram }>();
  /** How late lives began, against the schedule that the rate makes. */
  readonly lateness = new Histogram();
  readonly #contradictions: string[] = [];
  #contradicted = 0;
  #latest = 0;
  #earliest = Number.POSITIVE_INFINITY;

  done(what: string, count = 1): void {
    this.#done.set(what, (this.#done.get(what) ?? 0) + count);
  }

  /** Told by the switch, by its clock: what its lists must have reached to be compared. */
  sawTime(time: unknown): void {
    const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
    if (at > this.#latest) this.#latest = at;
    if (at < this.#earliest) this.#earliest = at;
  }

  /** What its lists must be read from; undefined where it has told no time. */
  get earliest(): number | undefined {
    return Number.isFinite(this.#earliest) ? this.#earliest : undefined;
  }

  get latest(): number {
    return this.#latest;
  }

  /** A fault that was dealt. */
  fault(what: string): void {
    this.#faults.set(what, (this.#faults.get(what) ?? 0) + 1);
  }

  answered(op: string, answer: string, ms: number): void {
    let call = this.#calls.get(op);
    if (call === undefined) {
      call = { answers: new Map(), latency: new Histogram() };
      this.#calls.set(op, call);
    }
    call.answers.set(answer, (call.answers.get(answer) ?? 0) + 1);
    call.latency.add(ms);
  }

  /** Two things that were told cannot both be so. */
  contradiction(what: string): void {
    this.#contradicted += 1;
    if (this.#contradictions.length < TOLD_MAX) this.#contradictions.push(what);
  }

  count(what: string): number {
    return this.#done.get(what) ?? 0;
  }

  get contradictions(): readonly string[] {
    const untold = this.#contradicted - this.#contradictions.length;
    return untold === 0 ? this.#contradictions : [...this.#contradictions, `… and ${untold} more`];
  }

  get doneSoFar(): Readonly<Record<string, number>> {
    return sorted(this.#done);
  }

  get faultsSoFar(): Readonly<Record<string, number>> {
    return sorted(this.#faults);
  }

  calls(): CallRow[] {
    return [...this.#calls]
      .map(([op, { answers, latency }]) => ({
        op,
        answers: sorted(answers),
        ms: latency.latencies(),
      }))
      .sort((left, right) => (left.op < right.op ? -1 : 1));
  }
}

function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([left], [right]) => (left < right ? -1 : 1)));
}

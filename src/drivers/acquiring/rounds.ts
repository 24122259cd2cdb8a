// Who is asked about next. Thousands of bills wait for their next look at one acquirer; this lets through so many a second,
// and so many at once, earliest due first, and those that somebody woke before all. An acquirer that says it is busy is
// asked half as often, down to a sixty-fourth, and little by little as often again.
//
// One timer for all of them; a bill costs a place in a heap.

import { type Millis, millis, NEVER, plus } from '../../domain/time.ts';
import type { Clock } from '../../switch/ports.ts';
import { DueHeap } from './due-heap.ts';

export interface RoundsOptions {
  readonly clock: Pick<Clock, 'wall' | 'after'>;
  readonly perSecond: number;
  readonly atOnceMax: number;
  /** Makes the call that is due for the bill. A rejection is a defect; the bill is tried again after a minute. */
  readonly visit: (billId: string) => Promise<Visited>;
}

export interface Visited {
  /** `NEVER`: it is not visited again, unless it is planned anew. */
  readonly dueAt: Millis;
  /** The acquirer wants to be left alone for so long. */
  readonly busyForMs?: number;
}

const SECOND_MS = 1_000;
const AFTER_DEFECT_MS = 60_000;
const SLOWEST = 64;
/** Each good answer takes so much of the slowness away. */
const RECOVERY = 0.95;
/** Before any time that there is. */
const AT_ONCE = -1 as Millis;

export class Rounds {
  readonly #options: RoundsOptions;
  readonly #heap = new DueHeap();
  readonly #out = new Set<string>();
  /** Woken or planned while they were out. */
  readonly #again = new Map<string, Millis>();
  #slowness = 1;
  #nextStartAt = 0;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Bills that wait or are out. */
  get size(): number {
    return this.#heap.size + this.#out.size;
  }

  /** Whether the bill waits or is out. */
  has(billId: string): boolean {
    return this.#heap.has(billId) || this.#out.has(billId);
  }

  /** How many times slower than it may go it goes. */
  get slowness(): number {
    return this.#slowness;
  }

  /** From now on the bill is due then, whatever was planned before. */
  plan(billId: string, dueAt: Millis): void {
    if (this.#out.has(billId)) this.#again.set(billId, dueAt);
    else if (dueAt === NEVER) this.#heap.remove(billId);
    else this.#heap.put(billId, dueAt);
    this.#go();
  }

  /** It is due at once, before all that are due by their time. */
  wake(billId: string): void {
    this.plan(billId, AT_ONCE);
  }

  forget(billId: string): void {
    this.plan(billId, NEVER);
  }

  /** Starts no more; what is out comes to its end. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  #go(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { clock, atOnceMax, perSecond } = this.#options;
    while (!this.#isStopped && this.#out.size < atOnceMax) {
      const first = this.#heap.first();
      if (first === undefined) return;
      const now = clock.wall();
      const startAt = Math.max(first.dueAt, this.#nextStartAt);
      if (startAt > now) {
        this.#cancelTimer = clock.after(startAt - now, () => this.#go());
        return;
      }
      this.#heap.remove(first.billId);
      // Spaces are kept on the average: a late timer lets the next ones follow closer, up to a second's worth.
      const space = (SECOND_MS / perSecond) * this.#slowness;
      this.#nextStartAt = Math.max(this.#nextStartAt, now - SECOND_MS) + space;
      this.#start(first.billId);
    }
  }

  #start(billId: string): void {
    this.#out.add(billId);
    const { clock, visit } = this.#options;
    const back = (visited: Visited) => this.#back(billId, visited);
    visit(billId).then(back, () => back({ dueAt: plus(millis(clock.wall()), AFTER_DEFECT_MS) }));
  }

  #back(billId: string, { dueAt, busyForMs }: Visited): void {
    this.#out.delete(billId);
    if (busyForMs === undefined) this.#slowness = Math.max(1, this.#slowness * RECOVERY);
    else this.#rest(busyForMs);
    const again = this.#again.get(billId);
    this.#again.delete(billId);
    this.plan(billId, again ?? dueAt);
  }

  #rest(busyForMs: number): void {
    this.#slowness = Math.min(this.#slowness * 2, SLOWEST);
    this.#nextStartAt = Math.max(this.#nextStartAt, this.#options.clock.wall() + busyForMs);
  }
}

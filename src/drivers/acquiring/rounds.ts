// Who is asked about next. Thousands of bills wait for their next look at one acquirer; this lets through so many a second,
// and so many at once, earliest due first. Those that somebody woke go before all, but that every other place is for what
// is due: notifications can be sent again and again by whoever has one. An acquirer that says it is busy is asked half as
// often, down to a sixty-fourth, and little by little as often again.
//
// One timer for all of them; a bill costs a place in a heap.

import { type Timed, TimerHeap } from '../../actors/timer-heap.ts';
import { type Millis, millis, NEVER, plus } from '../../domain/time.ts';
import type { Clock } from '../../switch/ports.ts';

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
/** What is due later than a timer can wait is looked at again then. */
const TIMER_MAX_MS = 2 ** 31 - 1;
const SLOWEST = 64;
/** Each good answer takes so much of the slowness away. */
const RECOVERY = 0.95;

interface Waiting extends Timed {
  readonly billId: string;
}

export class Rounds {
  readonly #options: RoundsOptions;
  readonly #heap = new TimerHeap<Waiting>();
  readonly #waiting = new Map<string, Waiting>();
  /** In the order in which they were; those that wait are others. */
  readonly #woken = new Set<string>();
  readonly #out = new Set<string>();
  /** Woken or planned while they were out. */
  readonly #again = new Map<string, Millis | 'woken'>();
  #wasWoken = false;
  #slowness = 1;
  #nextStartAt = 0;
  #cancelTimer: (() => void) | undefined;
  #isStopped = false;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Bills that wait or are out. */
  get size(): number {
    return this.#waiting.size + this.#woken.size + this.#out.size;
  }

  /** Whether the bill waits or is out. */
  has(billId: string): boolean {
    return this.#waiting.has(billId) || this.#woken.has(billId) || this.#out.has(billId);
  }

  /** How many times slower than it may go it goes. */
  get slowness(): number {
    return this.#slowness;
  }

  /** From now on the bill is due then, whatever was planned before. */
  plan(billId: string, dueAt: Millis): void {
    if (this.#out.has(billId)) this.#again.set(billId, dueAt);
    else {
      this.#takeOut(billId);
      if (dueAt !== NEVER) this.#putIn(billId, dueAt);
    }
    this.#go();
  }

  /** It is due at once, before those that are due by their time. */
  wake(billId: string): void {
    if (this.#out.has(billId)) this.#again.set(billId, 'woken');
    else if (!this.#woken.has(billId)) {
      this.#takeOut(billId);
      this.#woken.add(billId);
    }
    this.#go();
  }

  forget(billId: string): void {
    this.plan(billId, NEVER);
  }

  /** Starts no more; what is out comes to its end. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  #putIn(billId: string, dueAt: Millis): void {
    const waiting = { billId, dueAt, heapIndex: -1 };
    this.#waiting.set(billId, waiting);
    this.#heap.set(waiting, dueAt);
  }

  #takeOut(billId: string): void {
    this.#woken.delete(billId);
    const waiting = this.#waiting.get(billId);
    if (waiting === undefined) return;
    this.#waiting.delete(billId);
    this.#heap.remove(waiting);
  }

  #go(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { clock, atOnceMax, perSecond } = this.#options;
    while (!this.#isStopped && this.#out.size < atOnceMax) {
      const now = clock.wall();
      const first = this.#first(now);
      if (first === undefined) return;
      const startAt = Math.max(first.dueAt, this.#nextStartAt);
      if (startAt > now) {
        this.#cancelTimer = clock.after(Math.min(startAt - now, TIMER_MAX_MS), () => this.#go());
        return;
      }
      this.#wasWoken = this.#woken.has(first.billId);
      this.#takeOut(first.billId);
      // Spaces are kept on the average: a late timer lets the next ones follow closer, up to a second's worth.
      const space = (SECOND_MS / perSecond) * this.#slowness;
      this.#nextStartAt = Math.max(this.#nextStartAt, now - SECOND_MS) + space;
      this.#start(first.billId);
    }
  }

  #first(now: number): { readonly billId: string; readonly dueAt: number } | undefined {
    const due = this.#heap.peek();
    const [billId] = this.#woken;
    if (billId === undefined) return due;
    const isTurnOfDue = this.#wasWoken && due !== undefined && due.dueAt <= now;
    return isTurnOfDue ? due : { billId, dueAt: now };
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
    if (again === 'woken') this.wake(billId);
    else this.plan(billId, again ?? dueAt);
  }

  #rest(busyForMs: number): void {
    this.#slowness = Math.min(this.#slowness * 2, SLOWEST);
    this.#nextStartAt = Math.max(this.#nextStartAt, this.#options.clock.wall() + busyForMs);
  }
}

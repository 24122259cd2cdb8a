// Who is asked about next. Thousands of bills wait for their next look at one acquirer; this lets through so many a second,
// and so many at once, earliest due first. What somebody waits for goes before looks, of which a day brings far more: else a
// till would have its code when all bills before it have been looked at. Of the looks, those that somebody woke go first.
// Either has no more than every other place while others are due: notifications can be sent again and again by whoever has
// one. An acquirer that says it is busy is asked half as often, down to a sixty-fourth, and little by little as often again.
//
// One timer for all of them; a bill costs a place in a heap.

import { type Timed, TimerHeap } from '../../actors/timer-heap.ts';
import { type Millis, millis, NEVER, plus } from '../../domain/time.ts';
import type { Clock } from '../../switch/ports.ts';

export interface RoundsOptions {
  readonly clock: Pick<Clock, 'wall' | 'after'>;
  readonly perSecond: number;
  readonly atOnceMax: number;
  /** Makes the call that is due for the bill. A rejection is a defect, and told; the bill is tried again after a minute. */
  readonly visit: (billId: string) => Promise<Visited>;
  readonly defect: (billId: string, error: unknown) => void;
}

export interface Visited {
  /** `NEVER`: it is not visited again, unless it is planned anew. */
  readonly dueAt: Millis;
  /** Somebody waits for the next one; left out, it is as it was. */
  readonly isAwaited?: boolean;
  /** The acquirer wants to be left alone for so long. */
  readonly busyForMs?: number;
}

const SECOND_MS = 1_000;
const AFTER_DEFECT_MS = 60_000;
/** What is due later than a timer can wait is looked at again then. */
const TIMER_MAX_MS = 2 ** 31 - 1;
const SLOWEST = 64;
/** Notifications may name bills that there are not, one after the other. */
const WOKEN_MAX = 10_000;
/** Each good answer takes so much of the slowness away. */
const RECOVERY = 0.95;

interface Planned {
  readonly dueAt: Millis;
  readonly isAwaited: boolean;
}

interface Waiting extends Timed {
  readonly billId: string;
  readonly isAwaited: boolean;
}

interface Next {
  readonly billId: string;
  readonly dueAt: number;
  readonly lane: 'awaited' | 'woken' | 'due';
}

export class Rounds {
  readonly #options: RoundsOptions;
  readonly #awaited = new TimerHeap<Waiting>();
  readonly #others = new TimerHeap<Waiting>();
  /** All in either heap. */
  readonly #waiting = new Map<string, Waiting>();
  /** In the order in which they were. Those that wait keep their place there too: what comes first counts. */
  readonly #woken = new Set<string>();
  /** With whether somebody waits for it. */
  readonly #out = new Map<string, boolean>();
  /** Woken or planned while they were out. */
  readonly #again = new Map<string, Planned | 'woken'>();
  #wasAwaited = false;
  /** Of looks. */
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
    const onlyWoken = [...this.#woken].filter((billId) => !this.#waiting.has(billId));
    return this.#waiting.size + onlyWoken.length + this.#out.size;
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
    const planned = { dueAt, isAwaited: false };
    if (this.#out.has(billId)) this.#again.set(billId, planned);
    else {
      this.#takeOut(billId);
      this.#putIn(billId, planned);
    }
    this.#go();
  }

  /** It is due by now: what has been due for longer keeps its place. */
  hasten(billId: string, isAwaited: boolean): void {
    const now = millis(this.#options.clock.wall());
    if (this.#out.has(billId)) {
      if (isAwaited || !this.#again.has(billId)) this.#again.set(billId, { dueAt: now, isAwaited });
    } else {
      const dueAt = millis(Math.min(this.#waiting.get(billId)?.dueAt ?? now, now));
      this.#leave(billId);
      this.#putIn(billId, { dueAt, isAwaited });
    }
    this.#go();
  }

  /** It is looked at before those that are due by their time. False: so many are already that this one keeps its time. */
  wake(billId: string): boolean {
    if (this.#out.has(billId)) {
      const again = this.#again.get(billId);
      if (typeof again !== 'object' || !again.isAwaited) this.#again.set(billId, 'woken');
    } else if (this.#woken.size < WOKEN_MAX) {
      this.#woken.add(billId);
    } else if (!this.#woken.has(billId)) {
      return false;
    }
    this.#go();
    return true;
  }

  /** Starts no more; what is out comes to its end. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  #putIn(billId: string, { dueAt, isAwaited }: Planned): void {
    if (dueAt === NEVER) return;
    const waiting = { billId, dueAt, isAwaited, heapIndex: -1 };
    this.#waiting.set(billId, waiting);
    this.#heapOf(waiting).set(waiting, dueAt);
  }

  #takeOut(billId: string): void {
    this.#woken.delete(billId);
    this.#leave(billId);
  }

  #leave(billId: string): void {
    const waiting = this.#waiting.get(billId);
    if (waiting === undefined) return;
    this.#waiting.delete(billId);
    this.#heapOf(waiting).remove(waiting);
  }

  #heapOf({ isAwaited }: Waiting): TimerHeap<Waiting> {
    return isAwaited ? this.#awaited : this.#others;
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
      // Spaces are kept on the average: a late timer lets the next ones follow closer, up to a second's worth.
      const space = (SECOND_MS / perSecond) * this.#slowness;
      this.#nextStartAt = Math.max(this.#nextStartAt, now - SECOND_MS) + space;
      this.#start(first);
    }
  }

  #first(now: number): Next | undefined {
    const awaited = firstOf(this.#awaited, 'awaited');
    const look = this.#firstLook(now);
    if (awaited === undefined || look === undefined) return awaited ?? look;
    if (awaited.dueAt > now || look.dueAt > now) return awaited.dueAt > look.dueAt ? look : awaited;
    return this.#wasAwaited ? look : awaited;
  }

  #firstLook(now: number): Next | undefined {
    const due = firstOf(this.#others, 'due');
    const [billId] = this.#woken;
    if (billId === undefined) return due;
    const isTurnOfDue = this.#wasWoken && due !== undefined && due.dueAt <= now;
    return isTurnOfDue ? due : { billId, dueAt: now, lane: 'woken' };
  }

  #start({ billId, lane }: Next): void {
    this.#wasAwaited = lane === 'awaited';
    if (lane !== 'awaited') this.#wasWoken = lane === 'woken';
    this.#out.set(billId, this.#waiting.get(billId)?.isAwaited ?? false);
    this.#takeOut(billId);
    const { clock, visit, defect } = this.#options;
    const back = (visited: Visited) => this.#back(billId, visited);
    visit(billId).then(back, (error: unknown) => {
      defect(billId, error);
      back({ dueAt: plus(millis(clock.wall()), AFTER_DEFECT_MS) });
    });
  }

  #back(billId: string, { dueAt, isAwaited = this.#out.get(billId), busyForMs }: Visited): void {
    this.#out.delete(billId);
    if (busyForMs === undefined) this.#slowness = Math.max(1, this.#slowness * RECOVERY);
    else this.#rest(busyForMs);
    const again = this.#again.get(billId);
    this.#again.delete(billId);
    if (again === 'woken') this.#woken.add(billId);
    const planned = typeof again === 'object' ? again : { dueAt, isAwaited: false };
    this.#putIn(billId, { ...planned, isAwaited: planned.isAwaited || isAwaited === true });
    this.#go();
  }

  #rest(busyForMs: number): void {
    this.#slowness = Math.min(this.#slowness * 2, SLOWEST);
    this.#nextStartAt = Math.max(this.#nextStartAt, this.#options.clock.wall() + busyForMs);
  }
}

function firstOf(heap: TimerHeap<Waiting>, lane: Next['lane']): Next | undefined {
  const first = heap.peek();
  return first && { billId: first.billId, dueAt: first.dueAt, lane };
}

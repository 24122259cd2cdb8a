// Bills that nobody has asked for lately, each as one string of its packed bytes: a fifth of the memory, and nothing
// for the garbage collector to walk. History has all of them, and none has an event pending; only their timers run.

import { type Timed, TimerHeap } from '../actors/timer-heap.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import type { BillId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { EntryId } from './entry-id.ts';

/** Turns a bill into a string of one byte a character, and back into an equal one. */
export interface BillPacker {
  pack(bill: PresentBill): string;
  unpack(packed: string): PresentBill;
}

/** What is left of a cell. */
export interface RestingBill extends Timed {
  readonly id: BillId;
  readonly packed: string;
  /** The entry that changed the bill last. */
  readonly entry: EntryId;
  /** Monotonic ms of its last request or transition. */
  readonly usedAt: number;
}

export class RestingBills {
  readonly #bills = new Map<BillId, RestingBill>();
  readonly #timers = new TimerHeap<RestingBill>();
  #sweep: IterableIterator<RestingBill> | null = null;

  get count(): number {
    return this.#bills.size;
  }

  /** Takes a bill in; `dueAt` is when its next timer falls due. */
  add(bill: Omit<RestingBill, keyof Timed>, dueAt: Millis): void {
    const { id, packed, entry, usedAt } = bill;
    const resting: RestingBill = { id, packed, entry, usedAt, dueAt, heapIndex: -1 };
    this.#bills.set(id, resting);
    this.#timers.set(resting, dueAt);
  }

  /** Takes a bill out: it wakes. */
  take(id: BillId): RestingBill | undefined {
    const resting = this.#bills.get(id);
    if (resting === undefined) return undefined;
    this.#remove(resting);
    return resting;
  }

  /** The bill whose timer is due first, if it is due by now. */
  due(now: Millis): BillId | undefined {
    const first = this.#timers.peek();
    return first !== undefined && first.dueAt <= now ? first.id : undefined;
  }

  /** Looks at the next `count` bills and lets those go that are idle since `idleBefore`. Returns how many went. */
  release(count: number, idleBefore: number): number {
    let gone = 0;
    for (let i = 0; i < count; i++) {
      this.#sweep ??= this.#bills.values();
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = null;
        break;
      }
      if (next.value.usedAt >= idleBefore) continue;
      this.#remove(next.value);
      gone += 1;
    }
    return gone;
  }

  clear(): void {
    this.#bills.clear();
    this.#timers.clear();
    this.#sweep = null;
  }

  #remove(resting: RestingBill): void {
    this.#timers.remove(resting);
    this.#bills.delete(resting.id);
  }
}

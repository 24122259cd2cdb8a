// Bills that nobody has asked for lately, each as its packed bytes: a fifth of the memory, and nothing for the garbage
// collector to walk. History has all of them, and none has an event pending; only their timers run.

import { SlotHeap } from '../actors/slot-heap.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import type { BillId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { EntryId } from './entry-id.ts';
import { PackedRecords } from './packed-records.ts';

/** Turns a bill into bytes, and back into an equal one. */
export interface BillPacker {
  pack(bill: PresentBill): Uint8Array;
  unpack(packed: Uint8Array): PresentBill;
}

/** What is left of a cell. */
export interface RestingBill {
  readonly id: BillId;
  readonly packed: Uint8Array;
  /** The entry that changed the bill last. */
  readonly entry: EntryId;
  /** Monotonic ms of its last request or transition. */
  readonly usedAt: number;
}

const SLOTS_MIN = 64;

export class RestingBills {
  readonly #records = new PackedRecords();
  readonly #timers = new SlotHeap();
  /** By slot of the record. */
  #entries = new Float64Array(0);
  #usedAt = new Float64Array(0);
  /** The slot that `release` looks at next. */
  #sweep = 0;

  get count(): number {
    return this.#records.count;
  }

  /** Takes a bill in that does not rest yet; `dueAt` is when its next timer falls due. */
  add({ id, packed, entry, usedAt }: RestingBill, dueAt: Millis): void {
    const slot = this.#records.add(id, packed);
    if (slot >= this.#entries.length) this.#grow();
    this.#entries[slot] = entry;
    this.#usedAt[slot] = usedAt;
    this.#timers.add(slot, dueAt);
  }

  /** Takes a bill out: it wakes. */
  take(id: BillId): RestingBill | undefined {
    const slot = this.#records.find(id);
    if (slot < 0) return undefined;
    const packed = this.#records.bytesAt(slot);
    const entry = (this.#entries[slot] ?? 0) as EntryId;
    const usedAt = this.#usedAt[slot] ?? 0;
    this.#remove(slot);
    return { id, packed, entry, usedAt };
  }

  /** The bill whose timer is due first, if it is due by now. */
  due(now: Millis): BillId | undefined {
    const slot = this.#timers.first;
    if (slot < 0 || this.#timers.dueAt(slot) > now) return undefined;
    return this.#records.keyAt(slot) as BillId;
  }

  /** Looks at the next `count` slots and lets bills go that are idle since `idleBefore`. Returns how many went. */
  release(count: number, idleBefore: number): number {
    let gone = 0;
    for (let i = Math.min(count, this.#records.slots); i > 0; i--) {
      const slot = this.#sweep < this.#records.slots ? this.#sweep : 0;
      this.#sweep = slot + 1;
      if (!this.#records.has(slot) || (this.#usedAt[slot] ?? 0) >= idleBefore) continue;
      this.#remove(slot);
      gone += 1;
    }
    return gone;
  }

  clear(): void {
    this.#records.clear();
    this.#timers.clear();
    this.#entries = new Float64Array(0);
    this.#usedAt = new Float64Array(0);
    this.#sweep = 0;
  }

  #remove(slot: number): void {
    this.#timers.remove(slot);
    this.#records.remove(slot);
  }

  #grow(): void {
    const [entries, usedAt] = [this.#entries, this.#usedAt];
    const length = Math.max(SLOTS_MIN, 2 * entries.length);
    this.#entries = new Float64Array(length);
    this.#entries.set(entries);
    this.#usedAt = new Float64Array(length);
    this.#usedAt.set(usedAt);
  }
}

// What a shard has committed and history does not have yet.

import { Fifo } from '../actors/fifo.ts';
import type { Bill } from '../domain/bill/state.ts';
import type { Touched } from '../domain/bill/touched.ts';
import type { EntryId } from './entry-id.ts';
import type { BillTransition, OrderVoided } from './records.ts';

/** One committed transition with what it touched: rows are made of it. */
export type CommittedItem =
  | {
      readonly kind: 'bill';
      readonly after: Bill;
      readonly touched: Touched;
      readonly transition: BillTransition;
    }
  | { readonly kind: 'order'; readonly transition: OrderVoided };

/** The command that a committed transition came of, for those who count. */
export function commandNameOf(item: CommittedItem): string {
  return item.kind === 'bill' ? item.transition.command : 'ResolveOrder';
}

/** A usual transition takes less in an entry. */
const TRANSITION_BYTES = 512;

export interface CommittedEntry {
  readonly entry: EntryId;
  /** What it takes of the room that memory has, in usual transitions: a fat one counts as several. */
  readonly weight: number;
  /** Time of its last transition, or of the opening. */
  readonly at: number;
  readonly items: readonly CommittedItem[];
}

/** What history does not have of a shard when its owner leaves it. */
export interface Unwritten {
  /** Where history stood, as far as the owner knows. */
  readonly watermark: EntryId;
  /** Oldest first. */
  readonly entries: readonly CommittedEntry[];
}

/** `bytes`: what the entry takes in the log. */
export function weightOf(transitions: number, bytes: number): number {
  return Math.max(transitions, Math.ceil(bytes / TRANSITION_BYTES));
}

/** A queue of committed entries, oldest first. */
export class HistoryQueue {
  readonly #entries = new Fifo<CommittedEntry>();
  #depth = 0;
  #weight = 0;

  /** Transitions that wait. */
  get depth(): number {
    return this.#depth;
  }

  /** Of all entries that wait. */
  get weight(): number {
    return this.#weight;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** The oldest entry that waits. */
  get first(): CommittedEntry | undefined {
    return this.#entries.peek();
  }

  /** The newest entry that waits. */
  get last(): CommittedEntry | undefined {
    return this.#entries.last();
  }

  /** All that wait, oldest first. */
  [Symbol.iterator](): IterableIterator<CommittedEntry> {
    return this.#entries[Symbol.iterator]();
  }

  push(entry: CommittedEntry): void {
    this.#entries.push(entry);
    this.#depth += entry.items.length;
    this.#weight += entry.weight;
  }

  /** The oldest entries, left in place, until they weigh `weightMax`; at least one. */
  head(weightMax: number): CommittedEntry[] {
    const taken: CommittedEntry[] = [];
    let weight = 0;
    for (const entry of this.#entries) {
      weight += entry.weight;
      if (taken.length > 0 && weight > weightMax) break;
      taken.push(entry);
    }
    return taken;
  }

  /** Takes out all entries up to and including one; returns them. */
  takeThrough(through: EntryId): CommittedEntry[] {
    const taken: CommittedEntry[] = [];
    for (
      let first = this.first;
      first !== undefined && first.entry <= through;
      first = this.first
    ) {
      taken.push(first);
      this.#entries.shift();
      this.#depth -= first.items.length;
      this.#weight -= first.weight;
    }
    return taken;
  }

  takeAll(): CommittedEntry[] {
    return this.last === undefined ? [] : this.takeThrough(this.last.entry);
  }

  /** Whether an entry of exactly this id waits. */
  has(entry: EntryId): boolean {
    for (const each of this.#entries) if (each.entry === entry) return true;
    return false;
  }
}

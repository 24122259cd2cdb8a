// Group commit: what comes in while one append is under way goes out with the next (A2).
//
//   G1. A reply waits for the batch that touched last what it rests on; it leaves with that batch's commit.
//   G2. State runs ahead of the log; on commit the sealed state of the batch becomes the committed one.
//   G3. When an append is not answered OK, everything that no commit covers goes back to its committed value (A4).

import { assert } from '../domain/assert.ts';
import type { Bill } from '../domain/bill/state.ts';
import type { Cell } from './cell.ts';
import type { EntryId } from './entry-id.ts';
import type { BillTransition, OrderVoided, Transition } from './records.ts';
import type { Asked } from './reply-sink.ts';
import type { Reply } from './requests.ts';

/** One transition with the bill before and after it: what history and event streams are made from. */
export type Item =
  | {
      readonly kind: 'bill';
      readonly before: Bill;
      readonly after: Bill;
      readonly transition: BillTransition;
    }
  | { readonly kind: 'order'; readonly transition: OrderVoided };

interface Release {
  readonly asked: Asked;
  readonly reply: Reply;
}

/** Something beside a bill that a batch changed, and how to put it back. */
export type PutBack = () => void;

export class Batch {
  readonly serial: number;
  /** What its entry takes in the log, once it is encoded. */
  bytes = 0;
  readonly items: Item[] = [];
  /** Cells that the batch touched, each once, with their state when the batch was sealed. */
  readonly touched: Cell[] = [];
  readonly sealed: Bill[] = [];
  readonly releases: Release[] = [];
  readonly putBacks: PutBack[] = [];

  constructor(serial: number) {
    this.serial = serial;
  }
}

export class GroupCommit {
  #open = new Batch(1);
  #inFlight: { batch: Batch; entry: EntryId } | null = null;

  /** Serial of the last batch that is durable. */
  get committedSerial(): number {
    return (this.#inFlight?.batch ?? this.#open).serial - 1;
  }

  get inFlight(): { readonly batch: Batch; readonly entry: EntryId } | null {
    return this.#inFlight;
  }

  /** Transitions not yet durable. */
  get depth(): number {
    return this.#open.items.length + (this.#inFlight?.batch.items.length ?? 0);
  }

  /** The earliest time of a transition that is not yet durable; undefined where all are. */
  get earliest(): number | undefined {
    const item = this.#inFlight?.batch.items[0] ?? this.#open.items[0];
    return item?.transition.at;
  }

  /** Adds a transition of a bill, whose cell already carries the state after it. Returns the batch's serial. */
  addBill(cell: Cell, before: Bill, transition: BillTransition): number {
    const batch = this.#open;
    batch.items.push({ kind: 'bill', before, after: cell.bill, transition });
    if (cell.batch !== batch.serial) {
      batch.touched.push(cell);
      cell.batch = batch.serial;
    }
    return batch.serial;
  }

  /** Adds an order's tombstone. Returns the batch's serial. */
  addOrder(transition: OrderVoided): number {
    this.#open.items.push({ kind: 'order', transition });
    return this.#open.serial;
  }

  /** Runs if the open batch does not become durable. */
  onPutBack(putBack: PutBack): void {
    this.#open.putBacks.push(putBack);
  }

  /** Holds a reply until the batch is durable (G1). False where it already is: the caller answers at once. */
  hold(serial: number, asked: Asked, reply: Reply): boolean {
    if (serial === this.#open.serial) this.#open.releases.push({ asked, reply });
    else if (serial === this.#inFlight?.batch.serial)
      this.#inFlight.batch.releases.push({ asked, reply });
    else return false;
    return true;
  }

  /** Whether there is something to append and nothing under way. */
  get isReady(): boolean {
    return this.#inFlight === null && this.#open.items.length > 0;
  }

  /** Closes the open batch as the entry to append. */
  seal(entry: EntryId): readonly Transition[] {
    assert(this.isReady, 'a batch is sealed only when none is under way');
    const batch = this.#open;
    for (const cell of batch.touched) batch.sealed.push(cell.bill);
    this.#inFlight = { batch, entry };
    this.#open = new Batch(batch.serial + 1);
    return batch.items.map((item) => item.transition);
  }

  /** The batch under way takes so much in the log. */
  encoded(bytes: number): void {
    if (this.#inFlight !== null) this.#inFlight.batch.bytes = bytes;
  }

  /** The batch under way is durable: its sealed states become the committed ones (G2). */
  commit(): { batch: Batch; entry: EntryId } {
    const done = this.#inFlight;
    assert(done !== null, 'nothing to commit');
    this.#inFlight = null;
    done.batch.touched.forEach((cell, i) => {
      const sealed = done.batch.sealed[i];
      assert(sealed !== undefined, 'a touched cell was not sealed');
      cell.committed = sealed;
      cell.entry = done.entry;
    });
    return done;
  }

  /**
   * What became of the batch under way is known now, and the open one is lost (G3). Returns the batches that failed,
   * whose releases the caller answers; where the one under way did commit, `commit` follows.
   */
  settle(isCommitted: boolean): Batch[] {
    const lost = this.#open;
    const unknown = this.#inFlight?.batch ?? null;
    this.#open = new Batch(lost.serial + 1);
    putBack(lost);
    if (unknown === null) return [lost];
    if (isCommitted) {
      unknown.touched.forEach((cell, i) => {
        cell.bill = unknown.sealed[i] ?? cell.bill;
      });
      return [lost];
    }
    putBack(unknown);
    this.#inFlight = null;
    return [unknown, lost];
  }
}

function putBack(batch: Batch): void {
  for (const cell of batch.touched) cell.bill = cell.committed;
  for (const each of batch.putBacks.toReversed()) each();
}

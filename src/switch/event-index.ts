// Events in memory by recipient: what is pending in resident bills, and what ended but may still look pending in
// history. A stream reads this first and history second, so that nothing falls between the two (A10).

import { sentAt } from '../domain/bill/outbox.ts';
import { allPoliciesOf } from '../domain/bill/policies.ts';
import { isForMany, type PresentBill } from '../domain/bill/state.ts';
import {
  type BillEvent,
  EVENTS_KEPT,
  type Recipient,
  type Terms,
} from '../domain/bill/vocabulary.ts';
import { type BillId, parsePartId, partId, type ShardId, shardOfBill } from '../domain/ids.ts';
import type { EventBill, StreamedEvent } from './ports.ts';

/** Pending events that one reading of memory gives at the most. */
const READ_MAX = 5_000;

interface Stream {
  readonly pending: Map<string, StreamedEvent>;
  readonly ended: Set<string>;
}

export class EventIndex {
  readonly #streams = new Map<Recipient, Stream>();
  /** Bills that may have let pending events go. */
  readonly #crowded = new Set<BillId>();
  #pendingCount = 0;

  /** Pending events of resident bills. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** An event is pending; says how a stream gives it. */
  add(bill: PresentBill, event: BillEvent): StreamedEvent {
    const streamed: StreamedEvent = { bill: eventBillOf(bill.terms), event };
    const stream = this.#streamOf(event.recipient);
    const key = partId(bill.terms.id, 'e', event.no);
    if (!stream.pending.has(key)) this.#pendingCount += 1;
    stream.pending.set(key, streamed);
    if (isForMany(bill) && bill.counts.events > EVENTS_KEPT) this.#crowded.add(bill.terms.id);
    return this.#placed(streamed);
  }

  /** What is pending of a bill in memory, in its order. */
  pendingOf(bill: PresentBill): StreamedEvent[] {
    const { id } = bill.terms;
    return bill.outbox.flatMap((event) => {
      const known = this.#streams.get(event.recipient)?.pending.get(partId(id, 'e', event.no));
      return known === undefined ? [] : [this.#placed(known)];
    });
  }

  /** An event has ended: acknowledged, or replaced by its repeat. History does not show it yet. */
  end(billId: BillId, event: BillEvent): void {
    const stream = this.#streamOf(event.recipient);
    const key = partId(billId, 'e', event.no);
    if (stream.pending.delete(key)) this.#pendingCount -= 1;
    stream.ended.add(key);
  }

  /** History shows the end of the event now. */
  endWritten(billId: BillId, event: BillEvent): void {
    const stream = this.#streams.get(event.recipient);
    if (stream === undefined) return;
    stream.ended.delete(partId(billId, 'e', event.no));
    this.#dropIfEmpty(event.recipient, stream);
  }

  /** The bill has let a pending event go, and history has it: it is read from there from now on. */
  leave(billId: BillId, event: BillEvent): void {
    const stream = this.#streams.get(event.recipient);
    if (stream === undefined) return;
    if (stream.pending.delete(partId(billId, 'e', event.no))) this.#pendingCount -= 1;
    this.#dropIfEmpty(event.recipient, stream);
  }

  /**
   * The shard leaves this worker: its next owner knows what is pending of its bills, what they have let go included, and
   * what has ended.
   */
  forgetShard(shard: ShardId): void {
    for (const [recipient, stream] of this.#streams) {
      for (const [id, { bill }] of stream.pending) {
        if (shardOfBill(bill.id) !== shard) continue;
        stream.pending.delete(id);
        this.#pendingCount -= 1;
      }
      for (const id of stream.ended) {
        const part = parsePartId(id, 'e');
        if (part !== undefined && shardOfBill(part.billId) === shard) stream.ended.delete(id);
      }
      this.#dropIfEmpty(recipient, stream);
    }
    for (const id of this.#crowded) if (shardOfBill(id) === shard) this.#crowded.delete(id);
  }

  /** The bill leaves memory: its pending events are read from history from now on. */
  forget(bill: PresentBill): void {
    this.#crowded.delete(bill.terms.id);
    for (const event of bill.outbox) {
      const stream = this.#streams.get(event.recipient);
      if (stream === undefined) continue;
      if (stream.pending.delete(partId(bill.terms.id, 'e', event.no))) this.#pendingCount -= 1;
      this.#dropIfEmpty(event.recipient, stream);
    }
  }

  /**
   * What memory knows of a recipient's events: the oldest READ_MAX pending ones, which is far more than a stream keeps
   * unacknowledged at a time, and all ends that history may not show.
   */
  read(recipient: Recipient): { pending: StreamedEvent[]; ended: string[] } {
    const stream = this.#streams.get(recipient);
    if (stream === undefined) return { pending: [], ended: [] };
    const pending = [...stream.pending.values()].sort(byPlace).slice(0, READ_MAX);
    return {
      pending: pending.map((event) => this.#placed(event)),
      ended: [...stream.ended],
    };
  }

  #placed(streamed: StreamedEvent): StreamedEvent {
    return this.#crowded.has(streamed.bill.id) ? { ...streamed, isAfterLetGo: true } : streamed;
  }

  #streamOf(recipient: Recipient): Stream {
    const known = this.#streams.get(recipient);
    if (known !== undefined) return known;
    const made: Stream = { pending: new Map(), ended: new Set() };
    this.#streams.set(recipient, made);
    return made;
  }

  #dropIfEmpty(recipient: Recipient, stream: Stream): void {
    if (stream.pending.size === 0 && stream.ended.size === 0) this.#streams.delete(recipient);
  }
}

/** What an event tells of its bill. */
export function eventBillOf(terms: Terms): EventBill {
  const { id, orderId, amount, currency, purpose, institutionId, mode = 'live' } = terms;
  const policies = allPoliciesOf(terms);
  return { id, orderId, amount, currency, purpose, policies, institutionId, mode };
}

/** By time, then bill, then number: the order of a stream. */
export function byPlace(left: StreamedEvent, right: StreamedEvent): number {
  const byTime = sentAt(left.event) - sentAt(right.event);
  if (byTime !== 0) return byTime;
  if (left.bill.id !== right.bill.id) return left.bill.id < right.bill.id ? -1 : 1;
  return left.event.no - right.event.no;
}

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
import { type BillId, partId, type ShardId, shardOfBill } from '../domain/ids.ts';
import type { EventBill, StreamedEvent } from './ports.ts';

/** Pending events that one reading of memory gives at the most. */
const READ_MAX = 5_000;

interface Stream {
  readonly pending: Map<string, StreamedEvent>;
  readonly ended: Set<string>;
}

/** What is known of the bills of one shard. */
interface OfShard {
  readonly streams: Map<Recipient, Stream>;
  /** Bills that may have let pending events go. */
  readonly crowded: Set<BillId>;
  pendingCount: number;
}

export class EventIndex {
  /** Each apart: one that leaves is forgotten at once, whatever the others have. */
  readonly #shards = new Map<ShardId, OfShard>();

  /** Pending events of resident bills. */
  get pendingCount(): number {
    let sum = 0;
    for (const { pendingCount } of this.#shards.values()) sum += pendingCount;
    return sum;
  }

  /** An event is pending; says how a stream gives it. */
  add(bill: PresentBill, event: BillEvent): StreamedEvent {
    const { id } = bill.terms;
    const streamed: StreamedEvent = { bill: eventBillOf(bill.terms), event };
    const shard = this.#shardOf(id);
    const stream = streamOf(shard, event.recipient);
    const key = partId(id, 'e', event.no);
    if (!stream.pending.has(key)) shard.pendingCount += 1;
    stream.pending.set(key, streamed);
    if (isForMany(bill) && bill.counts.events > EVENTS_KEPT) shard.crowded.add(id);
    return placed(shard, streamed);
  }

  /** What is pending of a bill in memory, in its order. */
  pendingOf(bill: PresentBill): StreamedEvent[] {
    const { id } = bill.terms;
    const shard = this.#shardOf(id);
    return bill.outbox.flatMap((event) => {
      const known = shard.streams.get(event.recipient)?.pending.get(partId(id, 'e', event.no));
      return known === undefined ? [] : [placed(shard, known)];
    });
  }

  /** An event has ended: acknowledged, or replaced by its repeat. History does not show it yet. */
  end(billId: BillId, event: BillEvent): void {
    const shard = this.#shardOf(billId);
    const stream = streamOf(shard, event.recipient);
    const key = partId(billId, 'e', event.no);
    if (stream.pending.delete(key)) shard.pendingCount -= 1;
    stream.ended.add(key);
  }

  /** History shows the end of the event now. */
  endWritten(billId: BillId, event: BillEvent): void {
    const { streams } = this.#shardOf(billId);
    const stream = streams.get(event.recipient);
    if (stream === undefined) return;
    stream.ended.delete(partId(billId, 'e', event.no));
    dropIfEmpty(streams, event.recipient, stream);
  }

  /** The bill has let a pending event go, and history has it: it is read from there from now on. */
  leave(billId: BillId, event: BillEvent): void {
    const shard = this.#shardOf(billId);
    const stream = shard.streams.get(event.recipient);
    if (stream === undefined) return;
    if (stream.pending.delete(partId(billId, 'e', event.no))) shard.pendingCount -= 1;
    dropIfEmpty(shard.streams, event.recipient, stream);
  }

  /**
   * The shard leaves this worker: its next owner knows what is pending of its bills, what they have let go included, and
   * what has ended.
   */
  forgetShard(shard: ShardId): void {
    this.#shards.delete(shard);
  }

  /** The bill leaves memory: its pending events are read from history from now on. */
  forget(bill: PresentBill): void {
    this.#shardOf(bill.terms.id).crowded.delete(bill.terms.id);
    for (const event of bill.outbox) this.leave(bill.terms.id, event);
  }

  /**
   * What memory knows of a recipient's events: the oldest READ_MAX pending ones, which is far more than a stream keeps
   * unacknowledged at a time, and all ends that history may not show.
   */
  read(recipient: Recipient): { pending: StreamedEvent[]; ended: string[] } {
    const pending: StreamedEvent[] = [];
    const ended: string[] = [];
    for (const shard of this.#shards.values()) {
      const stream = shard.streams.get(recipient);
      for (const event of stream?.pending.values() ?? []) pending.push(placed(shard, event));
      for (const id of stream?.ended ?? []) ended.push(id);
    }
    return { pending: pending.sort(byPlace).slice(0, READ_MAX), ended };
  }

  #shardOf(billId: BillId): OfShard {
    const no = shardOfBill(billId);
    const known = this.#shards.get(no);
    if (known !== undefined) return known;
    const made: OfShard = { streams: new Map(), crowded: new Set(), pendingCount: 0 };
    this.#shards.set(no, made);
    return made;
  }
}

function placed({ crowded }: OfShard, streamed: StreamedEvent): StreamedEvent {
  return crowded.has(streamed.bill.id) ? { ...streamed, isAfterLetGo: true } : streamed;
}

function streamOf({ streams }: OfShard, recipient: Recipient): Stream {
  const known = streams.get(recipient);
  if (known !== undefined) return known;
  const made: Stream = { pending: new Map(), ended: new Set() };
  streams.set(recipient, made);
  return made;
}

function dropIfEmpty(streams: Map<Recipient, Stream>, recipient: Recipient, stream: Stream): void {
  if (stream.pending.size === 0 && stream.ended.size === 0) streams.delete(recipient);
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

// What Postgres holds, in simulated durable memory: the tables of the history, their keys, their guards, and their
// bytes by the real codec.

import { nextDueOf } from '../../src/domain/bill/bill.ts';
import { sentAt } from '../../src/domain/bill/outbox.ts';
import type { PresentBill } from '../../src/domain/bill/state.ts';
import type { Credit, Payment, RefusedPayment } from '../../src/domain/bill/vocabulary.ts';
import type { ShardId } from '../../src/domain/ids.ts';
import { type Millis, millis, NEVER } from '../../src/domain/time.ts';
import { makeBillCodec } from '../../src/persistence/history/bill-codec.ts';
import { type EntryId, NO_ENTRY } from '../../src/switch/entry-id.ts';
import type { FoundPart, PartKey } from '../../src/switch/part-keys.ts';
import type {
  BillRow,
  EventEnd,
  EventRow,
  HistoryBatch,
  OrderRow,
  TransitionRow,
  Watermark,
} from '../../src/switch/ports.ts';

const codec = makeBillCodec();

export interface StoredBill {
  readonly shard: ShardId;
  readonly entry: EntryId;
  readonly nextDueAt: Millis | null;
  readonly state: Uint8Array;
}

export interface StoredEvent {
  readonly entry: EntryId;
  readonly billId: string;
  readonly no: number;
  readonly recipient: string;
  readonly occurredAt: Millis;
  readonly pending: boolean;
  readonly acknowledgedAt: Millis | null;
  readonly body: Uint8Array;
}

export interface StoredReference {
  readonly digest: string;
  readonly outcome: Uint8Array;
}

export interface HistoryWitness {
  /** A statement has committed; these shards moved. */
  wrote(batch: HistoryBatch, moved: ReadonlySet<ShardId>): void;
  /** It is about to come back as it was before. */
  lost(): void;
  broke(what: string): void;
}

interface Keyed<Row> {
  readonly entry: EntryId;
  readonly row: Row;
}

export class HistoryStore {
  readonly watermarks = new Map<ShardId, Watermark>();
  readonly bills = new Map<string, StoredBill>();
  readonly payments = new Map<string, Keyed<Payment | RefusedPayment>>();
  readonly credits = new Map<string, Keyed<Credit>>();
  readonly events = new Map<string, StoredEvent>();
  readonly orders = new Map<string, OrderRow>();
  readonly references = new Map<string, StoredReference>();
  readonly transitions = new Map<string, TransitionRow>();
  readonly #witness: HistoryWitness;
  /** Nothing answers until then (simulated ms). */
  awayUntil = 0;
  /** Whether it has come back as it was before. */
  hasLost = false;
  /** A planted fault: rows do not hang on their watermark. */
  isUngated = false;

  constructor(witness: HistoryWitness) {
    this.#witness = witness;
  }

  watermark(shard: ShardId): Watermark {
    return this.watermarks.get(shard) ?? { shard, entry: NO_ENTRY, at: millis(0) };
  }

  /** One statement: all of it or nothing. */
  write(batch: HistoryBatch): Set<ShardId> {
    const moved = new Set<ShardId>();
    for (const { shard, from, to, at } of batch.moves) {
      if (this.watermark(shard).entry !== from && !this.isUngated) continue;
      this.watermarks.set(shard, { shard, entry: to, at });
      moved.add(shard);
    }
    this.#once(batch);
    const hasMoved = ({ shard }: { readonly shard: ShardId }): boolean => moved.has(shard);
    for (const row of batch.bills.filter(hasMoved)) this.#putBill(row);
    for (const { bill, payment, entry } of batch.payments.filter(hasMoved)) {
      put(this.payments, `${bill.terms.id} ${payment.no}`, entry, payment);
    }
    for (const { bill, credit, entry } of batch.credits.filter(hasMoved)) {
      put(this.credits, `${bill.terms.id} ${credit.no}`, entry, credit);
    }
    // An UPDATE does not see what its own statement inserts.
    for (const row of batch.eventEnds.filter(hasMoved)) this.#endEvent(row);
    for (const row of batch.events.filter(hasMoved)) this.#putEvent(row);
    this.#putRest(batch, moved);
    this.#witness.wrote(batch, moved);
    return moved;
  }

  /** All that is durable now, to come back to. */
  snapshot(): () => void {
    const tables = this.#tables;
    const kept = tables.map((table) => [...table]);
    return () => {
      for (const [index, table] of tables.entries()) {
        table.clear();
        for (const [key, row] of kept[index] ?? []) table.set(key, row);
      }
    };
  }

  lost(): void {
    this.hasLost = true;
    this.#witness.lost();
  }

  get #tables(): Map<unknown, unknown>[] {
    const { watermarks, bills, payments, credits, events, orders, references, transitions } = this;
    return [watermarks, bills, payments, credits, events, orders, references, transitions];
  }

  bill(id: string): PresentBill | null {
    const row = this.bills.get(id);
    return row === undefined ? null : codec.decodeBill(row.state);
  }

  /** A payment, also by one of its credits, with all its credits; or an event that is pending. */
  part({ billId, kind, no }: PartKey): FoundPart {
    const own = (table: ReadonlyMap<string, Keyed<Credit>>): Credit[] => {
      const credits: Credit[] = [];
      for (const [key, { row }] of table) if (key.startsWith(`${billId} `)) credits.push(row);
      return credits.sort((left, right) => left.no - right.no);
    };
    if (kind === 'event') {
      const stored = this.events.get(`${billId} ${no}`);
      const event = stored?.pending === true ? codec.decodeEvent(stored.body) : null;
      return { payment: null, credits: [], event };
    }
    const credit = this.credits.get(`${billId} ${no}`)?.row;
    const paymentNo = kind === 'payment' ? no : credit?.paymentNo;
    const payment = this.payments.get(`${billId} ${paymentNo}`)?.row;
    if (payment === undefined || !('status' in payment)) {
      return { payment: null, credits: [], event: null };
    }
    const credits = own(this.credits).filter((each) => each.paymentNo === paymentNo);
    return { payment, credits, event: null };
  }

  /** What Postgres would refuse: a key twice in one statement. */
  #once(batch: HistoryBatch): void {
    const keys = new Set<string>();
    const once = (key: string): void => {
      if (keys.has(key)) this.#witness.broke(`a row twice in one statement: ${key}`);
      keys.add(key);
    };
    for (const { bill } of batch.bills) once(`bill ${bill.terms.id}`);
    for (const { bill, payment } of batch.payments) once(`payment ${bill.terms.id} ${payment.no}`);
    for (const { bill, credit } of batch.credits) once(`credit ${bill.terms.id} ${credit.no}`);
    for (const { terminalId, orderId } of batch.orders) once(`order ${terminalId} ${orderId}`);
    for (const { shard, entry, no } of batch.transitions) once(`line ${shard} ${entry} ${no}`);
  }

  #putBill({ bill, shard, entry }: BillRow): void {
    const known = this.bills.get(bill.terms.id);
    if (known !== undefined && known.entry >= entry) return;
    const due = nextDueOf(bill);
    const nextDueAt = due === NEVER ? null : due;
    // The codec's buffer is used again: what is stored must be a copy.
    const state = Uint8Array.prototype.slice.call(codec.encodeBill(bill));
    this.bills.set(bill.terms.id, { shard, entry, nextDueAt, state });
    this.#checkBooks(bill);
  }

  #checkBooks({ terms, books }: PresentBill): void {
    const { paid, confirmed, reversed, refunded, unreturned } = books;
    const isSound =
      [paid, confirmed, reversed, refunded, unreturned].every((sum) => sum >= 0) &&
      reversed <= paid &&
      unreturned <= reversed + refunded &&
      refunded <= confirmed &&
      (confirmed === 0 ||
        paid === confirmed + reversed ||
        (terms.type === 'static' && paid > confirmed + reversed));
    if (!isSound) this.#witness.broke(`the books of ${terms.id} do not add up in history`);
  }

  #putEvent({ bill, event, entry, acknowledgedAt, replaced }: EventRow): void {
    const key = `${bill.terms.id} ${event.no}`;
    if (this.events.has(key)) return;
    this.events.set(key, {
      entry,
      billId: bill.terms.id,
      no: event.no,
      recipient: event.recipient,
      occurredAt: sentAt(event),
      pending: acknowledgedAt === null && !replaced,
      acknowledgedAt,
      body: Uint8Array.prototype.slice.call(codec.encodeEvent(event)),
    });
  }

  #endEvent({ billId, no, acknowledgedAt }: EventEnd): void {
    const key = `${billId} ${no}`;
    const known = this.events.get(key);
    if (known === undefined) this.#witness.broke(`history ends an event it does not have: ${key}`);
    else if (known.pending) this.events.set(key, { ...known, pending: false, acknowledgedAt });
  }

  #putRest(batch: HistoryBatch, moved: ReadonlySet<ShardId>): void {
    for (const row of batch.orders) {
      const key = `${row.terminalId} ${row.orderId}`;
      const known = this.orders.get(key);
      if (moved.has(row.shard) && (known === undefined || known.entry < row.entry)) {
        this.orders.set(key, row);
      }
    }
    for (const { shard, billId, reference } of batch.references) {
      const key = `${billId} ${reference.kind} ${reference.scope} ${reference.ref}`;
      if (!moved.has(shard) || this.references.has(key)) continue;
      const outcome = Uint8Array.prototype.slice.call(codec.encodeOutcome(reference.outcome));
      this.references.set(key, { digest: reference.digest, outcome });
    }
    for (const row of batch.transitions) {
      const key = `${row.shard} ${row.entry} ${row.no}`;
      if (moved.has(row.shard) && !this.transitions.has(key)) this.transitions.set(key, row);
    }
  }
}

export const historyCodec = codec;

function put<Row>(table: Map<string, Keyed<Row>>, key: string, entry: EntryId, row: Row): void {
  const known = table.get(key);
  if (known === undefined || known.entry < entry) table.set(key, { entry, row });
}

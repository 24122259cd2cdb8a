// Committed entries folded to one row a key: what one statement writes to history (A6).

import { isPresent } from '../domain/bill/state.ts';
import type { ShardId } from '../domain/ids.ts';
import { millis } from '../domain/time.ts';
import type { EntryId } from './entry-id.ts';
import type { CommittedEntry, CommittedItem } from './history-queue.ts';
import {
  type BillRow,
  type CreditRow,
  type EventEnd,
  type EventRow,
  type HistoryBatch,
  HistoryRefusal,
  type OrderRow,
  type PaymentRow,
  type ReferenceRow,
  type TransitionRow,
  type WatermarkMove,
} from './ports.ts';
import type { BillTransition, OrderVoided } from './records.ts';
import { describe } from './reply-sink.ts';

/** What one shard has for history: entries above its watermark. */
export interface ShardEntries {
  readonly shard: ShardId;
  readonly from: EntryId;
  readonly entries: readonly CommittedEntry[];
}

type BillItem = Extract<CommittedItem, { kind: 'bill' }>;

interface Place {
  readonly shard: ShardId;
  readonly entry: EntryId;
}

/** What cannot be folded is as bad as what Postgres never takes, and stops as little: its shard, and not the worker. */
export function foldOrRefuse(parts: readonly ShardEntries[]): HistoryBatch {
  try {
    return fold(parts);
  } catch (error) {
    throw new HistoryRefusal(`it cannot be folded: ${describe(error)}`, { cause: error });
  }
}

/** Rows of all tables, watermarks too. */
export function rowsOf(batch: HistoryBatch): number {
  return Object.values(batch).reduce((sum, rows: readonly unknown[]) => sum + rows.length, 0);
}

/** One row a key; of several changes the last one counts. */
export function fold(parts: readonly ShardEntries[]): HistoryBatch {
  const folding = new Folding();
  for (const { shard, from, entries } of parts) {
    const last = entries.at(-1);
    if (last === undefined) continue;
    folding.moves.push({ shard, from, to: last.entry, at: millis(last.at) });
    for (const { entry, items } of entries) {
      items.forEach((item, no) => {
        folding.add(item, { shard, entry }, no);
      });
    }
  }
  return folding.batch();
}

class Folding {
  readonly moves: WatermarkMove[] = [];
  readonly #bills = new Map<string, BillRow>();
  readonly #payments = new Map<string, PaymentRow>();
  readonly #credits = new Map<string, CreditRow>();
  readonly #events = new Map<string, EventRow>();
  readonly #eventEnds = new Map<string, EventEnd>();
  readonly #orders = new Map<string, OrderRow>();
  readonly #references: ReferenceRow[] = [];
  readonly #transitions: TransitionRow[] = [];

  add(item: CommittedItem, place: Place, no: number): void {
    if (item.kind === 'order') this.#addOrder(item.transition, place, no);
    else this.#addBill(item, place, no);
  }

  batch(): HistoryBatch {
    return {
      moves: this.moves,
      bills: [...this.#bills.values()],
      payments: [...this.#payments.values()],
      credits: [...this.#credits.values()],
      events: [...this.#events.values()],
      eventEnds: [...this.#eventEnds.values()],
      orders: [...this.#orders.values()],
      references: this.#references,
      transitions: this.#transitions,
    };
  }

  #addOrder(transition: OrderVoided, { shard, entry }: Place, no: number): void {
    const { terminalId, orderId, at, actor, requestId } = transition;
    const order = { shard, entry, terminalId, orderId, billId: null, digest: '', at };
    this.#orders.set(`${terminalId} ${orderId}`, order);
    const [type, outcome] = ['ResolveOrder', 'OrderVoided'];
    const who = { at, actor, requestId };
    this.#transitions.push({ shard, entry, no, billId: null, version: 0, type, outcome, ...who });
  }

  // Literals, not spreads: this runs once a transition, and a spread costs as much as the rest of it.
  #addBill(item: BillItem, place: Place, no: number): void {
    const { after: bill, touched, transition } = item;
    if (!isPresent(bill)) return;
    const { shard, entry } = place;
    const { id } = bill.terms;
    this.#bills.set(id, { bill, shard, entry });
    for (const payment of numbered(bill.payments, touched.payments)) {
      this.#payments.set(`${id} ${payment.no}`, { bill, shard, entry, payment });
    }
    for (const payment of touched.refused) {
      this.#payments.set(`${id} ${payment.no}`, { bill, shard, entry, payment });
    }
    for (const credit of numbered(bill.credits, touched.credits)) {
      this.#credits.set(`${id} ${credit.no}`, { bill, shard, entry, credit });
    }
    for (const event of touched.eventsRaised) {
      const row = { bill, shard, entry, event, acknowledgedAt: null, replaced: false };
      this.#events.set(`${id} ${event.no}`, row);
    }
    if (touched.eventsEnded.length > 0) this.#addEnds(item, place);
    for (const reference of touched.references) {
      this.#references.push({ shard, entry, billId: id, reference });
    }
    if (transition.facts[0]?.type === 'BillCreated') {
      const { terminalId, orderId, digest, createdAt: at } = bill.terms;
      const order = { shard, entry, terminalId, orderId, billId: id, digest, at };
      this.#orders.set(`${terminalId} ${orderId}`, order);
    }
    const row = transitionOf(item, place, no);
    if (row !== null) this.#transitions.push(row);
  }

  #addEnds(item: BillItem, place: Place): void {
    const { at, billId } = item.transition;
    for (const { event, how } of item.touched.eventsEnded) {
      // History sees by itself that a dead letter is too old, and keeps as pending what was let go.
      if (how === 'dead' || how === 'letGo') continue;
      const replaced = how === 'replaced';
      const key = `${billId} ${event.no}`;
      const acknowledgedAt = replaced ? null : at;
      const raised = this.#events.get(key);
      // An UPDATE would not see the INSERT of the same statement.
      if (raised !== undefined) this.#events.set(key, { ...raised, acknowledgedAt, replaced });
      else this.#eventEnds.set(key, { billId, shard: place.shard, no: event.no, acknowledgedAt });
    }
  }
}

/** The line that a bill's transition leaves; null where there is no bill. */
export function transitionOf(
  { after: bill, transition }: BillItem,
  { shard, entry }: Place,
  no: number,
): TransitionRow | null {
  if (!isPresent(bill)) return null;
  return {
    shard,
    entry,
    no,
    billId: bill.terms.id,
    version: bill.version,
    type: transition.command,
    at: transition.at,
    actor: transition.actor,
    requestId: transition.requestId,
    outcome: outcomeOf(transition),
  };
}

/** The parts with these numbers; both lists are in order. */
function numbered<Part extends { readonly no: number }>(
  parts: readonly Part[],
  nos: readonly number[],
): readonly Part[] {
  if (nos.length === 0) return NO_PARTS;
  return nos.flatMap((no) => parts[placeOf(parts, no)] ?? NO_PARTS);
}

const NO_PARTS: readonly never[] = [];

/** Where the part with this number stands; -1 where it is not there. A bill may have five hundred. */
function placeOf(parts: readonly { readonly no: number }[], no: number): number {
  let from = 0;
  let to = parts.length - 1;
  while (from <= to) {
    const middle = (from + to) >>> 1;
    const found = parts[middle]?.no ?? no;
    if (found === no) return middle;
    if (found < no) from = middle + 1;
    else to = middle - 1;
  }
  return -1;
}

/** What the audit trail says: the first fact, or the code of a recorded refusal. */
function outcomeOf(transition: BillTransition): string {
  const [head, next] = transition.facts;
  const first = head?.type === 'PartsRecalled' ? next : head;
  if (first?.type === 'PaymentRefused') return first.payment.rejection.rejected;
  if (first?.type === 'KeyUsed' && first.rejection !== null) return first.rejection.rejected;
  return first?.type ?? '';
}

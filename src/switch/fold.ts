// Committed entries folded to one row a key: what one statement writes to history (A6).

import { isPresent } from '../domain/bill/state.ts';
import type { ShardId } from '../domain/ids.ts';
import { millis } from '../domain/time.ts';
import type { EntryId } from './entry-id.ts';
import type { CommittedEntry, CommittedItem } from './history-queue.ts';
import type {
  BillRow,
  CreditRow,
  EventEnd,
  EventRow,
  HistoryBatch,
  OrderRow,
  PaymentRow,
  ReferenceRow,
  TransitionRow,
  WatermarkMove,
} from './ports.ts';
import type { BillTransition, OrderVoided } from './records.ts';

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

  #addOrder(transition: OrderVoided, place: Place, no: number): void {
    const { terminalId, orderId, at, actor, requestId } = transition;
    const key = `${terminalId} ${orderId}`;
    this.#orders.set(key, { ...place, terminalId, orderId, billId: null, digest: '', at });
    const type = 'ResolveOrder';
    const outcome = 'OrderVoided';
    this.#transitions.push({
      ...place,
      no,
      billId: null,
      version: 0,
      type,
      at,
      actor,
      requestId,
      outcome,
    });
  }

  #addBill(item: BillItem, place: Place, no: number): void {
    const { after, touched, transition } = item;
    if (!isPresent(after)) return;
    const { id } = after.terms;
    const row = { bill: after, ...place };
    this.#bills.set(id, row);
    for (const payment of numbered(after.payments, touched.payments)) {
      this.#payments.set(`${id} ${payment.no}`, { ...row, payment });
    }
    for (const payment of touched.refused) {
      this.#payments.set(`${id} ${payment.no}`, { ...row, payment });
    }
    for (const credit of numbered(after.credits, touched.credits)) {
      this.#credits.set(`${id} ${credit.no}`, { ...row, credit });
    }
    for (const event of touched.eventsRaised) {
      this.#events.set(`${id} ${event.no}`, {
        ...row,
        event,
        acknowledgedAt: null,
        replaced: false,
      });
    }
    this.#addEnds(item, place);
    for (const reference of touched.references) {
      this.#references.push({ ...place, billId: id, reference });
    }
    if (transition.facts[0]?.type === 'BillCreated') this.#addCreatedOrder(item, place);
    this.#addTransition(item, place, no, after.version);
  }

  #addEnds(item: BillItem, place: Place): void {
    const { at, billId } = item.transition;
    for (const { event, how } of item.touched.eventsEnded) {
      // History sees by itself that a dead letter is too old.
      if (how === 'dead') continue;
      const replaced = how === 'replaced';
      const key = `${billId} ${event.no}`;
      const acknowledgedAt = replaced ? null : at;
      const raised = this.#events.get(key);
      // An UPDATE would not see the INSERT of the same statement.
      if (raised !== undefined) this.#events.set(key, { ...raised, acknowledgedAt, replaced });
      else this.#eventEnds.set(key, { billId, shard: place.shard, no: event.no, acknowledgedAt });
    }
  }

  #addCreatedOrder(item: BillItem, place: Place): void {
    if (!isPresent(item.after)) return;
    const { terminalId, orderId, digest, id, createdAt } = item.after.terms;
    const order = { ...place, terminalId, orderId, digest, billId: id, at: createdAt };
    this.#orders.set(`${terminalId} ${orderId}`, order);
  }

  #addTransition(item: BillItem, place: Place, no: number, version: number): void {
    const { billId, command: type, at, actor, requestId } = item.transition;
    const outcome = outcomeOf(item.transition);
    this.#transitions.push({ ...place, no, billId, version, type, at, actor, requestId, outcome });
  }
}

/** The parts with these numbers; both lists are in order, and almost always it is the last one. */
function numbered<Part extends { readonly no: number }>(
  parts: readonly Part[],
  nos: readonly number[],
): Part[] {
  if (nos.length === 0) return [];
  return parts.filter((part) => nos.includes(part.no));
}

/** What the audit trail says: the first fact, or the code of a recorded refusal. */
function outcomeOf(transition: BillTransition): string {
  const first = transition.facts[0];
  if (first?.type === 'PaymentRefused') return first.payment.rejection.rejected;
  if (first?.type === 'KeyUsed' && first.rejection !== null) return first.rejection.rejected;
  return first?.type ?? '';
}

// Parts of a bill for many payments that it has let go: which of them a request names, and where they are (A8). What has
// left stands beside the bill until history has it; from then on history is asked.

import { type PartNos, partsAway } from '../domain/bill/parts.ts';
import { isForMany, isPresent, type PresentBill } from '../domain/bill/state.ts';
import type {
  BillEvent,
  BillFact,
  Credit,
  KeptReference,
  Parts,
  Payment,
} from '../domain/bill/vocabulary.ts';
import type { BillOperation } from './bill-commands.ts';
import type { Cell, LettingGo } from './cell.ts';
import type { FoundPart, PartKey, PartsBeside } from './part-keys.ts';

const NOT_FOUND: FoundPart = Object.freeze({ payment: null, credits: [], event: null });

/** The parts that an operation needs, which the bill has not at hand. `reference` is the one that it names. */
export function awayFrom(
  bill: PresentBill,
  operation: BillOperation,
  reference: KeptReference | null,
): PartKey[] {
  const { payments, credits, events } = partsAway(bill, namedBy(operation, reference));
  const billId = bill.terms.id;
  return [
    ...payments.map((no) => ({ billId, kind: 'payment', no }) as const),
    ...credits.map((no) => ({ billId, kind: 'credit', no }) as const),
    ...events.map((no) => ({ billId, kind: 'event', no }) as const),
  ];
}

/** The payment that an event tells of, whose acknowledgement is noted in it, where the bill has not it at hand. */
export function paymentAway(bill: PresentBill, { event }: FoundPart): PartKey | null {
  if (event?.type !== 'payment.received' || event.payment === null) return null;
  const { no } = event.payment;
  if (bill.payments.some((payment) => payment.no === no)) return null;
  return { billId: bill.terms.id, kind: 'payment', no };
}

function namedBy(operation: BillOperation, reference: KeptReference | null): Partial<PartNos> {
  switch (operation.op) {
    case 'payment.confirm':
    case 'payment.cancel':
    case 'payment.refund':
      return { payments: [operation.paymentNo] };
    case 'bill.refund':
      return operation.paymentNo === null ? {} : { payments: [operation.paymentNo] };
    case 'credit.get':
    case 'credit.settle':
    case 'credit.request':
    case 'credit.close':
      return { credits: [operation.creditNo] };
    case 'event.ack':
      return { events: operation.nos };
    case 'payment.get':
    case 'payment.void': {
      const outcome = reference?.outcome;
      return outcome?.type === 'accepted' ? { payments: [outcome.answer.payment.no] } : {};
    }
    default:
      return {};
  }
}

/**
 * Keeps what a transition of a bill for many let go beside the bill, and which events it ended, until the batch that did
 * so is in history: what is asked of it before would be pending still.
 */
export function keepBeside(
  cell: Cell,
  before: PresentBill,
  after: PresentBill,
  facts: readonly BillFact[],
  by: LettingGo,
): void {
  const left = facts.find((fact) => fact.type === 'PartsLetGo');
  const payments = new Set(left?.payments);
  const events = new Set(left?.events);
  const ended = eventsEnded(before, after, facts).filter((no) => !events.has(no));
  if (left === undefined && ended.length === 0) return;
  const parts = {
    payments: before.payments.filter(({ no }) => payments.has(no)),
    credits: before.credits.filter(({ paymentNo }) => payments.has(paymentNo)),
    events: before.outbox.filter(({ no }) => events.has(no)),
    ended,
  };
  cell.unwritten ??= [];
  cell.unwritten.push({ ...by, reference: null, parts });
}

/** Numbers of events that stood in the outbox, or were brought back into it, and stand there no more. */
function eventsEnded(
  before: PresentBill,
  after: PresentBill,
  facts: readonly BillFact[],
): number[] {
  const ended: number[] = [];
  if (before.outbox !== after.outbox) {
    const pending = new Set(after.outbox);
    for (const event of before.outbox) if (!pending.has(event)) ended.push(event.no);
  }
  const first = facts[0];
  if (first?.type === 'PartsRecalled') for (const { no } of first.events) ended.push(no);
  return ended;
}

/** A part as it stands beside the bill; undefined where only history can know. */
export function besideOf(cell: Cell, { kind, no }: PartKey): FoundPart | undefined {
  const unwritten = cell.unwritten ?? [];
  for (let i = unwritten.length - 1; i >= 0; i--) {
    const parts = unwritten[i]?.parts;
    if (parts === null || parts === undefined) continue;
    const found = kind === 'event' ? eventIn(parts, no) : paymentIn(parts, kind, no);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether only history can know of the part, or of the payment that it tells of. */
export function isOfHistory(cell: Cell, bill: PresentBill, key: PartKey): boolean {
  const beside = besideOf(cell, key);
  if (beside === undefined) return true;
  const payment = paymentAway(bill, beside);
  return payment !== null && besideOf(cell, payment) === undefined;
}

function eventIn({ events, ended }: PartsBeside, no: number): FoundPart | undefined {
  if (ended.includes(no)) return NOT_FOUND;
  const event = events.find((each) => each.no === no);
  return event === undefined ? undefined : { ...NOT_FOUND, event };
}

function paymentIn(
  { payments, credits }: PartsBeside,
  kind: 'payment' | 'credit',
  no: number,
): FoundPart | undefined {
  const paymentNo = kind === 'payment' ? no : credits.find((each) => each.no === no)?.paymentNo;
  const payment = payments.find((each) => each.no === paymentNo);
  if (payment === undefined) return undefined;
  return { payment, credits: credits.filter((each) => each.paymentNo === paymentNo), event: null };
}

/** What is found of the parts that an operation needs: beside the bill, else as it was told. Null: it needs none. */
export function partsFor(
  cell: Cell,
  operation: BillOperation,
  reference: KeptReference | null,
  told: readonly FoundPart[],
): Parts | null {
  const { bill } = cell;
  if (!isPresent(bill) || !isForMany(bill)) return null;
  const keys = awayFrom(bill, operation, reference);
  if (keys.length === 0) return null;
  const found = new Found();
  const look = (key: PartKey): FoundPart =>
    besideOf(cell, key) ?? told.find((part) => isPart(part, key)) ?? NOT_FOUND;
  for (const key of keys) {
    const part = look(key);
    found.add(part);
    const payment = paymentAway(bill, part);
    if (payment !== null) found.add(look(payment));
  }
  return found.parts();
}

function isPart({ payment, credits, event }: FoundPart, { kind, no }: PartKey): boolean {
  if (kind === 'event') return event?.no === no;
  return kind === 'payment' ? payment?.no === no : credits.some((credit) => credit.no === no);
}

/** Each part once. */
class Found {
  readonly #payments = new Map<number, Payment>();
  readonly #credits = new Map<number, Credit>();
  readonly #events = new Map<number, BillEvent>();

  add({ payment, credits, event }: FoundPart): void {
    if (event !== null) this.#events.set(event.no, event);
    if (payment === null || this.#payments.has(payment.no)) return;
    this.#payments.set(payment.no, payment);
    for (const credit of credits) this.#credits.set(credit.no, credit);
  }

  parts(): Parts {
    const inOrder = <Part extends { readonly no: number }>(parts: Map<number, Part>): Part[] =>
      [...parts.values()].sort((left, right) => left.no - right.no);
    return {
      payments: inOrder(this.#payments),
      credits: inOrder(this.#credits),
      events: inOrder(this.#events),
    };
  }
}

// What a bill for many payments need not keep at hand, and how it comes back. Payments leave once they are settled, with
// all their credits; old events leave while they are pending. History has them (the caller keeps them until it does).

import type { PresentBill } from './state.ts';
import {
  type BillCommand,
  type BillEvent,
  type Credit,
  EVENTS_KEPT,
  type FactOf,
  LATEST_KEPT,
  PAYMENTS_KEPT,
  type Parts,
  type Payment,
} from './vocabulary.ts';

/** Parts by their numbers. */
export interface PartNos {
  readonly payments: readonly number[];
  readonly credits: readonly number[];
  readonly events: readonly number[];
}

const NO_PARTS: Parts = Object.freeze({ payments: [], credits: [], events: [] });

/** What a command names of the bill's parts. */
function partsNamedBy(command: BillCommand): Partial<PartNos> {
  switch (command.type) {
    case 'ConfirmPayment':
    case 'CancelPayment':
      return { payments: [command.paymentNo] };
    case 'RefundBill':
      return command.paymentNo === null ? {} : { payments: [command.paymentNo] };
    case 'SettleCredit':
    case 'RequestCreditAgain':
    case 'CloseCredit':
      return { credits: [command.creditNo] };
    case 'AcknowledgeEvents':
      return { events: command.nos };
    default:
      return {};
  }
}

/** Which of the parts named are not at hand, and may have been let go. */
export function partsAway(bill: PresentBill, named: Partial<PartNos>): PartNos {
  const { counts } = bill;
  const away = (
    nos: readonly number[] | undefined,
    last: number,
    here: readonly { readonly no: number }[],
  ): number[] =>
    (nos ?? []).filter((no) => no >= 1 && no <= last && !here.some((part) => part.no === no));
  const hasLetGo = bill.payments.length < counts.accepted;
  // An outbox that never was full has let nothing go.
  const wasFull = counts.events > EVENTS_KEPT;
  return {
    payments: hasLetGo ? away(named.payments, counts.payments, bill.payments) : [],
    credits: hasLetGo ? away(named.credits, counts.credits, bill.credits) : [],
    events: wasFull ? away(named.events, counts.events, bill.outbox) : [],
  };
}

/** Those of the parts found that the bill has not at hand, of which what it has is newer. Events come back to end. */
export function partsMissing(bill: PresentBill, found: Parts, command: BillCommand): Parts {
  const payments = found.payments.filter(({ no }) => !hasNo(bill.payments, no));
  const nos = new Set(payments.map(({ no }) => no));
  const credits = found.credits.filter(({ paymentNo }) => nos.has(paymentNo));
  const events = found.events.filter(
    ({ no, recipient }) =>
      command.type === 'AcknowledgeEvents' &&
      command.recipient === recipient &&
      command.nos.includes(no) &&
      !hasNo(bill.outbox, no),
  );
  return payments.length + events.length === 0 ? NO_PARTS : { payments, credits, events };
}

export function isNone({ payments, events }: Parts): boolean {
  return payments.length === 0 && events.length === 0;
}

/** The bill with parts back in their places. */
export function withParts(bill: PresentBill, parts: Parts): PresentBill {
  if (isNone(parts)) return bill;
  return {
    ...bill,
    payments: merged(bill.payments, parts.payments),
    credits: merged(bill.credits, parts.credits),
    outbox: merged(bill.outbox, parts.events),
  };
}

/** The bill as an answer shows it: with the payments and credits that were found of it, where it has them not at hand. */
export function showing(bill: PresentBill, found: Parts | null): PresentBill {
  if (found === null) return bill;
  const payments = found.payments.filter(({ no }) => !hasNo(bill.payments, no));
  const nos = new Set(payments.map(({ no }) => no));
  const credits = found.credits.filter(({ paymentNo }) => nos.has(paymentNo));
  return withParts(bill, { payments, credits, events: [] });
}

/** What can leave now, beside what the command names; null where that is not worth a fact. */
export function partsLetGo(bill: PresentBill, command: BillCommand): FactOf<'PartsLetGo'> | null {
  const tooManyEvents = bill.outbox.length > EVENTS_KEPT;
  const tooManyPayments = bill.payments.length > PAYMENTS_KEPT + bill.outbox.length;
  if (!tooManyEvents && !tooManyPayments) return null;
  const named = partsNamedBy(command);
  const events = tooManyEvents ? eventsToLeave(bill, new Set(named.events)) : [];
  const payments = paymentsToLeave(bill, named, new Set(events));
  if (payments.length === 0 && events.length === 0) return null;
  return { type: 'PartsLetGo', payments, events };
}

/** The oldest ones. A request for a credit stays while it may be repeated: its repeat takes its place. */
function eventsToLeave(bill: PresentBill, named: ReadonlySet<number>): number[] {
  const pending = new Set<number>();
  for (const { no, status } of bill.credits) if (status === 'pending') pending.add(no);
  const leaving: number[] = [];
  const count = bill.outbox.length - EVENTS_KEPT / 2;
  for (const event of bill.outbox) {
    if (leaving.length >= count) break;
    const isAsking = event.type === 'credit.requested' && pending.has(event.credit?.no ?? 0);
    if (!isAsking && !named.has(event.no)) leaving.push(event.no);
  }
  return leaving;
}

function paymentsToLeave(
  bill: PresentBill,
  named: Partial<PartNos>,
  eventsLeaving: ReadonlySet<number>,
): number[] {
  const staying = new Set(named.payments);
  for (const event of bill.outbox) {
    const isNamed = named.events?.includes(event.no) === true;
    if (tellsOfPayment(event) && (isNamed || !eventsLeaving.has(event.no))) {
      staying.add(event.payment?.no ?? 0);
    }
  }
  const latest = bill.counts.credits - LATEST_KEPT;
  for (const credit of bill.credits) {
    const isNamed = named.credits?.includes(credit.no) === true;
    if (isNamed || credit.status === 'pending' || credit.no > latest) staying.add(credit.paymentNo);
  }
  const old = bill.payments.slice(0, Math.max(0, bill.payments.length - LATEST_KEPT));
  return old
    .filter(({ no, status }) => status !== 'accepted' && !staying.has(no))
    .map(({ no }) => no);
}

/** Whether its acknowledgement is noted in the payment. */
function tellsOfPayment({ type }: BillEvent): boolean {
  return type === 'payment.received';
}

function hasNo(parts: readonly { readonly no: number }[], no: number): boolean {
  return parts.some((part) => part.no === no);
}

/** Both are in the order of their numbers, and have none in common. */
export function merged<Part extends Payment | Credit | BillEvent>(
  here: readonly Part[],
  back: readonly Part[],
): readonly Part[] {
  if (back.length === 0) return here;
  return [...back, ...here].sort((left, right) => left.no - right.no);
}

// How a dynamic bill is confirmed, cancelled or expires, and what is given back by it.

import { type Minor, subtract } from '../money.ts';
import type { Millis } from '../time.ts';
import { drawReversals, requestsOf } from './credits.ts';
import { refundAllLeft, refundInPart } from './dynamic-refunds.ts';
import {
  isOwnTerminal,
  raiseForBill,
  raiseForConfirmed,
  raiseForCredits,
  raiseForHolders,
  terminal,
} from './outbox.ts';
import { isKnownReceipt, sameJson } from './receipts.ts';
import { dueOf, heldOf, keptOf, type PresentBill } from './state.ts';
import { drawAll } from './tips.ts';
import type {
  Actor,
  BillDecision,
  BillFact,
  BillRejection,
  Cause,
  CommandOf,
  Credit,
  FactOf,
  Json,
  KeptReference,
} from './vocabulary.ts';

/** Who ends the bill, or a payment of it, and whether its terminal must be told of it. */
export interface Ender {
  readonly cause: Cause;
  readonly tellsTerminal: boolean;
}

/** The bill's own clock ends it. */
export const BY_TIMEOUT: Ender = { cause: 'timeout', tellsTerminal: true };

/** Decides the final amount; what was paid above it goes back. The same amount again: no facts. */
export function confirm(
  bill: PresentBill,
  command: CommandOf<'ConfirmBill'>,
  now: Millis,
): BillDecision {
  const { amount, receipt, by } = command;
  const { status, books } = bill;
  const rejected = 'bill.notConfirmable';
  if (status === 'confirmed' || status === 'refunded') {
    return isConfirmedSo(bill, command) ? [] : { rejected, status };
  }
  if (status === 'cancelled' && amount === 0 && isKnownReceipt(bill, receipt)) return [];
  if (status === 'cancelled' || status === 'expired' || status === 'failed') {
    return { rejected, status };
  }
  if (amount === 0)
    return [...receiptOf(bill, receipt), ...cancelled(bill, enderOf(bill, by), now)];
  const unpaid = unpaidOf(bill, amount);
  if (unpaid !== null) return unpaid;

  return confirmed(bill, amount ?? heldOf(books), receipt, enderOf(bill, by), now);
}

/** Why what was paid does not do for a confirm; null where it does. A stay that was free needs no payment. */
function unpaidOf(bill: PresentBill, amount: Minor | null): BillRejection | null {
  const held = heldOf(bill.books);
  const needsPayment = amount !== null || bill.terms.stay === undefined;
  if (bill.books.paid === 0 && needsPayment) return { rejected: 'bill.notPaid' };
  if (amount === null && dueOf(bill) > 0) return { rejected: 'bill.stillDue', due: dueOf(bill) };
  if (amount !== null && amount > held) return { rejected: 'confirm.exceedsPaid', paid: held };
  return null;
}

/** Not confirmed: gives all back. Confirmed: refunds, so that a register need not care which. */
export function cancel(
  bill: PresentBill,
  command: CommandOf<'CancelBill'>,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  if (command.amount !== null) {
    return refundInPart(bill, { ...command, amount: command.amount }, now, recalled);
  }
  const isUntouched = bill.status === 'open' || bill.status === 'pending';
  if (command.onlyIfUnpaid && (bill.books.paid > 0 || !isUntouched)) return [];
  switch (bill.status) {
    case 'cancelled':
    case 'refunded':
      return [];
    case 'expired':
    case 'failed':
      return { rejected: 'bill.notCancellable', status: bill.status };
    case 'confirmed':
      return refundAllLeft(bill, command.by, now);
    default:
      return cancelled(bill, enderOf(bill, command.by), now);
  }
}

/** Facts of a confirm: what was paid above the amount goes back, newest payment first; tips stay. */
export function confirmed(
  bill: PresentBill,
  amount: Minor,
  receipt: Json,
  { cause, tellsTerminal }: Ender,
  now: Millis,
): BillFact[] {
  const reversals = drawReversals(bill, subtract(heldOf(bill.books), amount), now);
  const facts: BillFact[] = [
    { type: 'BillConfirmed', amount, cause, receipt },
    ...closedReservations(bill),
    ...requestsOf(reversals),
    ...raiseForHolders(bill, cause),
  ];
  if (tellsTerminal) facts.push(raiseForBill(terminal(bill), 'bill.confirmed', cause));
  facts.push(...raiseForConfirmed(bill.payments, reversals));
  facts.push(...raiseForCredits(bill, reversals, tellsTerminal));
  return facts;
}

/** Facts of a cancel: all that is held goes back. */
export function cancelled(
  bill: PresentBill,
  { cause, tellsTerminal }: Ender,
  now: Millis,
): BillFact[] {
  const reversals = drawAll(bill, now);
  return [
    ...closed(bill, { cause, tellsTerminal }, reversals),
    ...raiseForCredits(bill, reversals, tellsTerminal),
  ];
}

/** Facts that close a bill to payers, with the reversals that go with it, whose events are still to be raised. */
export function closed(
  bill: PresentBill,
  { cause, tellsTerminal }: Ender,
  reversals: readonly Credit[],
): BillFact[] {
  const facts: BillFact[] = [
    { type: 'BillCancelled', cause },
    ...closedReservations(bill),
    ...requestsOf(reversals),
    ...raiseForHolders(bill, cause),
  ];
  if (tellsTerminal) facts.push(raiseForBill(terminal(bill), 'bill.cancelled', cause));
  return facts;
}

/** Facts of an expiry, which waits for live reservations and so has none to close. */
export function expired(bill: PresentBill, now: Millis): BillFact[] {
  const { cause, tellsTerminal } = BY_TIMEOUT;
  const reversals = drawAll(bill, now);
  return [
    { type: 'BillExpired' },
    ...requestsOf(reversals),
    raiseForBill(terminal(bill), 'bill.expired', cause),
    ...raiseForCredits(bill, reversals, tellsTerminal),
  ];
}

/** Whether the bill stands confirmed as this confirm would have it. */
function isConfirmedSo(bill: PresentBill, command: CommandOf<'ConfirmBill'>): boolean {
  const { terms, books } = bill;
  // What a dynamic bill asked for, all of it; of the others, whatever was paid.
  const amount = command.amount ?? (terms.type === 'dynamic' ? terms.amount : keptOf(books));
  return amount === books.confirmed && isKnownReceipt(bill, command.receipt);
}

function closedReservations(bill: PresentBill): FactOf<'ReservationEnded'>[] {
  return bill.reservations.map(({ no }) => ({ type: 'ReservationEnded', no, how: 'closed' }));
}

function receiptOf(bill: PresentBill, receipt: Json): FactOf<'ReceiptAttached'>[] {
  if (receipt === null || sameJson(receipt, bill.ending.receipt)) return [];
  return [{ type: 'ReceiptAttached', receipt }];
}

export function enderOf(bill: PresentBill, by: Actor): Ender {
  return {
    cause: by.kind === 'operator' ? 'operator' : 'terminal',
    tellsTerminal: !isOwnTerminal(bill, by),
  };
}

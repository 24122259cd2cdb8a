// How a confirmed bill gives money back. Refunds in part carry a key, under which the first outcome is kept,
// a refusal too: a call that was refused and arrives again never moves money later (B4).

import { assert, must } from '../assert.ts';
import { type Minor, subtract } from '../money.ts';
import type { Millis } from '../time.ts';
import { drawCredits, requestsOf } from './credits.ts';
import { isOwnTerminal, raiseForCredits } from './outbox.ts';
import { sameJson } from './receipts.ts';
import { lookUpReference } from './references.ts';
import type { PresentBill } from './state.ts';
import { drawTips, hasTipLeft } from './tips.ts';
import {
  type Actor,
  type BillDecision,
  type BillFact,
  type BillRejection,
  type CommandOf,
  CREDITS_MAX,
  type FactOf,
  type KeptReference,
  PAYMENTS_MAX,
  type Payment,
} from './vocabulary.ts';

/** Credits that refunds in part may use up: the rest is kept for returning each payment, and each tip, whole (B6). */
function creditsInPartMax({ books }: PresentBill): number {
  return CREDITS_MAX - (books.tips === undefined ? PAYMENTS_MAX : 2 * PAYMENTS_MAX);
}

export type RefundCommand = Omit<CommandOf<'RefundBill'>, 'type'>;

/** Decides what a confirmed bill gives back. The first outcome of its key stands, a refusal too (B4). */
export function refund(
  bill: PresentBill,
  command: RefundCommand,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  const { status } = bill;
  return keyed(bill, command, { rejected: 'bill.notRefundable', status }, now, recalled);
}

/** A cancel that names an amount: a refund in part, for a register that does not tell the two apart. */
export function refundInPart(
  bill: PresentBill,
  command: CommandOf<'CancelBill'> & { readonly amount: Minor },
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  return keyed(
    bill,
    orderOf(command, null),
    { rejected: 'cancel.amountBeforeConfirm' },
    now,
    recalled,
  );
}

/** The refund that a cancel with an amount stands for. */
export function orderOf(
  command: Pick<CommandOf<'CancelBill'>, 'by' | 'amount' | 'key' | 'digest'>,
  paymentNo: number | null,
): RefundCommand {
  const { by, amount, digest } = command;
  const key = must(command.key, 'the key of a cancel with an amount');
  return { by, amount, paymentNo, reason: null, receipt: null, key, digest };
}

/** Facts that return all that is left of a confirmed bill. */
export function refundAllLeft(bill: PresentBill, by: Actor, now: Millis): BillFact[] {
  return refunded(bill, { by, amount: leftOf(bill, null), reason: null, payment: null }, now);
}

function keyed(
  bill: PresentBill,
  order: RefundCommand,
  notConfirmed: BillRejection,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  const kept = lookUpReference(bill, recalled, 'key', order.by.id, order.key);
  if (kept !== null) return repeated(kept, order);
  assert(order.amount !== 0 || order.returnsTip === true, 'a refund of nothing');
  if (bill.status !== 'confirmed' && bill.status !== 'refunded') {
    return [keyUsed(order, notConfirmed)];
  }
  const payment = bill.payments.find(({ no }) => no === order.paymentNo) ?? null;
  if (order.paymentNo !== null && payment === null) {
    return [keyUsed(order, { rejected: 'payment.notFound' })];
  }
  const left = leftOf(bill, payment);
  const amount = order.amount ?? left;
  if (exceedsLeft(bill, order, payment, left)) {
    return [keyUsed(order, { rejected: 'refund.exceedsConfirmed', left })];
  }
  // Where the acquirer gives back all or nothing.
  if (amount < left && bill.terms.acquirer?.partialRefund === false) {
    return [keyUsed(order, { rejected: 'refund.partForbidden', left })];
  }
  const { by, reason, returnsTip } = order;
  const facts = refunded(bill, { by, amount, reason, payment, returnsTip }, now);
  const limit = creditsInPartMax(bill);
  if (amount < leftOf(bill, null) && creditsAfter(bill, facts) > limit) {
    return [keyUsed(order, { rejected: 'bill.limitReached', limit, of: 'credits' })];
  }

  if (order.receipt !== null && !sameJson(order.receipt, bill.ending.receipt)) {
    facts.push({ type: 'ReceiptAttached', receipt: order.receipt });
  }
  facts.push(keyUsed(order, null));
  return facts;
}

/** Whether more is asked for than is left; where nothing is asked for but a tip, whether that is not there. */
export function exceedsLeft(
  bill: PresentBill,
  { amount, returnsTip = false }: RefundCommand,
  payment: Payment | null,
  left: Minor,
): boolean {
  if ((amount ?? left) > left) return true;
  const isOfTipAlone = left === 0 || amount === 0;
  return isOfTipAlone && !(returnsTip && hasTipLeft(bill, payment));
}

/** What a repeat under the same key is told. */
export function repeated(kept: KeptReference, order: RefundCommand): BillDecision {
  if (kept.digest !== order.digest) return { rejected: 'idempotency.reused' };
  return kept.outcome.type === 'rejected' ? kept.outcome.rejection : [];
}

export interface Return {
  readonly by: Actor;
  readonly amount: Minor;
  readonly reason: string | null;
  readonly payment: Payment | null;
  /** Absent: tips stay. */
  readonly returnsTip?: boolean | undefined;
}

/** Facts that return an amount, from any payment or from one. */
export function refunded(
  bill: PresentBill,
  { by, amount, reason, payment, returnsTip }: Return,
  now: Millis,
): BillFact[] {
  const credits = drawCredits(bill, { kind: 'refund', amount, reason, payment }, now);
  if (returnsTip) {
    credits.push(...drawTips(bill, { kind: 'refund', reason, payment, after: credits }, now));
  }
  return [...requestsOf(credits), ...raiseForCredits(bill, credits, !isOwnTerminal(bill, by))];
}

/** What of the bill, or of one payment, has not been asked back yet. */
function leftOf(bill: PresentBill, payment: Payment | null): Minor {
  if (payment !== null) return subtract(payment.amount, payment.credited);
  return subtract(bill.books.confirmed, bill.books.refunded);
}

/**
 * Why no credit may be requested again: all that is paid must find credits to be returned by (B6). A payment still to come
 * may need three, for itself, for what was above what was due and for its tip; a confirm of less splits one payment more.
 */
export function limitOfRepeats({ status, counts, payments }: PresentBill): BillRejection | null {
  const isBeingPaid = status === 'open' || status === 'partiallyPaid';
  const whole = payments.filter(({ amount, credited }) => credited < amount).length;
  const tips = payments.filter(({ tip, isTipReturned }) => tip !== undefined && !isTipReturned);
  const limit = CREDITS_MAX - (isBeingPaid ? 3 * PAYMENTS_MAX : whole + tips.length) - 1;
  return counts.credits < limit ? null : { rejected: 'bill.limitReached', limit, of: 'credits' };
}

function creditsAfter(bill: PresentBill, facts: readonly BillFact[]): number {
  return bill.counts.credits + facts.filter(({ type }) => type === 'CreditRequested').length;
}

/** What keeps the outcome of a key; `rejection`: null where it was done. */
export function keyUsed(
  { by, key, digest }: RefundCommand,
  rejection: BillRejection | null,
): FactOf<'KeyUsed'> {
  return { type: 'KeyUsed', scope: by.id, key, digest, rejection };
}

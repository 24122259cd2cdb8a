// How each payment of a bill for many payments is confirmed, cancelled and refunded by itself, and how its code is
// withdrawn. The payment that a command names is in the bill: what was let go has been put back (parts.ts).

import { type Minor, subtract } from '../money.ts';
import type { Millis } from '../time.ts';
import { drawCredits, findCredit, requestsOf } from './credits.ts';
import { closed, type Ender, enderOf } from './dynamic-endings.ts';
import {
  exceedsLeft,
  keyUsed,
  orderOf,
  type RefundCommand,
  refunded,
  repeated,
} from './dynamic-refunds.ts';
import { paychannel, raiseForCredits, raiseForPayment, terminal } from './outbox.ts';
import { sameJson } from './receipts.ts';
import { lookUpReference } from './references.ts';
import type { PresentBill } from './state.ts';
import { drawTips } from './tips.ts';
import {
  type BillDecision,
  type BillFact,
  type BillRejection,
  type CommandOf,
  type FactOf,
  type KeptReference,
  PAYMENT_CREDITS_MAX,
  type Payment,
  PENDING_CREDITS_MAX,
} from './vocabulary.ts';

/** Decides the final amount of one payment. The same amount again: no facts. */
export function confirmPayment(
  bill: PresentBill,
  command: CommandOf<'ConfirmPayment'>,
  now: Millis,
): BillDecision {
  const payment = findPaymentNo(bill, command.paymentNo);
  if (payment === null) return { rejected: 'payment.notFound' };
  const most = mostOf(payment);
  const amount = command.amount ?? most;
  const { status } = payment;
  if (status !== 'accepted') {
    return confirmedOf(bill, payment) === amount
      ? []
      : { rejected: 'payment.notConfirmable', status };
  }
  if (amount > most) return { rejected: 'confirm.exceedsPaid', paid: most };
  const ender = enderOf(bill, command.by);
  if (amount === 0) return paymentReversed(bill, payment, ender, now);

  return paymentConfirmed(bill, payment, amount, ender, now);
}

/** Not confirmed: gives it back. Confirmed: refunds, so that a register need not care which. */
export function cancelPayment(
  bill: PresentBill,
  command: CommandOf<'CancelPayment'>,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  const { paymentNo, amount, by } = command;
  if (amount !== null) {
    const order = orderOf(command, paymentNo);
    return keyed(bill, order, { rejected: 'cancel.amountBeforeConfirm' }, now, recalled);
  }
  const payment = findPaymentNo(bill, paymentNo);
  if (payment === null) return { rejected: 'payment.notFound' };
  if (payment.status === 'accepted') {
    return paymentReversed(bill, payment, enderOf(bill, by), now);
  }
  if (payment.status !== 'confirmed') return [];
  const limited = limitOf(bill, payment, leftOf(payment));
  if (limited !== null) return limited;
  return refunded(bill, { by, amount: leftOf(payment), reason: null, payment }, now);
}

/** One payment's money, or a part of it, goes back. */
export function refundPayment(
  bill: PresentBill,
  order: RefundCommand,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  if (order.paymentNo === null) return { rejected: 'refund.paymentRequired' };
  return keyed(bill, order, null, now, recalled);
}

/** The code takes nothing any more; the payments made stay as they are. */
export function withdraw(bill: PresentBill, command: CommandOf<'CancelBill'>): BillDecision {
  if (command.amount !== null) return { rejected: 'refund.paymentRequired' };
  if (command.onlyIfUnpaid && (bill.books.paid > 0 || bill.status !== 'open')) return [];
  if (bill.status === 'cancelled') return [];
  if (bill.status !== 'open') return { rejected: 'bill.notCancellable', status: bill.status };

  return closed(bill, enderOf(bill, command.by), []);
}

/** A code as a whole is never confirmed; confirming nothing of it withdraws it, as of any bill. */
export function confirmNothing(
  bill: PresentBill,
  { amount, by }: CommandOf<'ConfirmBill'>,
): BillDecision {
  const { status } = bill;
  if (amount !== 0 || status === 'expired') return { rejected: 'bill.notConfirmable', status };
  return status === 'open' ? closed(bill, enderOf(bill, by), []) : [];
}

/** Facts of a confirm: what was paid above the amount goes back. */
export function paymentConfirmed(
  bill: PresentBill,
  payment: Payment,
  amount: Minor,
  { cause, tellsTerminal }: Ender,
  now: Millis,
): BillFact[] {
  const { no, subscribed, paychannelId } = payment;
  const rest = subtract(leftOf(payment), amount);
  const draw = { kind: 'reversal', amount: rest, reason: null, payment } as const;
  const reversals = rest === 0 ? [] : drawCredits(bill, draw, now);
  const facts: BillFact[] = [...requestsOf(reversals), { type: 'PaymentConfirmed', no }];
  if (subscribed) facts.push(raiseForPayment(paychannel(paychannelId), 'payment.confirmed', no));
  if (tellsTerminal) {
    facts.push({ ...raiseForPayment(terminal(bill), 'payment.confirmed', no), cause });
  }
  facts.push(...raiseForCredits(bill, reversals, tellsTerminal));
  return facts;
}

/** Facts of a cancel before the confirm: all of the payment goes back, its tip too. */
export function paymentReversed(
  bill: PresentBill,
  payment: Payment,
  { tellsTerminal }: Ender,
  now: Millis,
): BillFact[] {
  const draw = { kind: 'reversal', amount: leftOf(payment), reason: null, payment } as const;
  const reversals = drawCredits(bill, draw, now);
  reversals.push(...drawTips(bill, { ...draw, after: reversals }, now));
  return [...requestsOf(reversals), ...raiseForCredits(bill, reversals, tellsTerminal)];
}

function keyed(
  bill: PresentBill,
  order: RefundCommand,
  notConfirmed: BillRejection | null,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  const kept = lookUpReference(bill, recalled, 'key', order.by.id, order.key);
  if (kept !== null) return repeated(kept, order);
  const payment = findPaymentNo(bill, order.paymentNo ?? 0);
  if (payment === null) return [keyUsed(order, { rejected: 'payment.notFound' })];
  const { status } = payment;
  if (status === 'accepted' || status === 'reversed') {
    const rejection = notConfirmed ?? { rejected: 'payment.notRefundable', status };
    return [keyUsed(order, rejection)];
  }
  const left = leftOf(payment);
  const amount = order.amount ?? left;
  if (exceedsLeft(bill, order, payment, left)) {
    return [keyUsed(order, { rejected: 'refund.exceedsConfirmed', left })];
  }
  const limited = limitOf(bill, payment, amount);
  if (limited !== null) return [keyUsed(order, limited)];

  const { by, reason, returnsTip } = order;
  const facts = refunded(bill, { by, amount, reason, payment, returnsTip }, now);
  return [...facts, ...receiptOf(bill, order), keyUsed(order, null)];
}

function receiptOf(bill: PresentBill, { receipt }: RefundCommand): FactOf<'ReceiptAttached'>[] {
  if (receipt === null || sameJson(receipt, bill.ending.receipt)) return [];
  return [{ type: 'ReceiptAttached', receipt }];
}

/** Credits that wait for their wallets stay in memory: there is a bound to them, and to those of one payment. */
function limitOf(bill: PresentBill, payment: Payment, amount: Minor): BillRejection | null {
  const rejected = 'bill.limitReached';
  if (!hasRoomForCredit(bill)) {
    return { rejected, limit: PENDING_CREDITS_MAX, of: 'pending credits' };
  }
  let own = 0;
  for (const { paymentNo, isTip } of bill.credits) {
    if (paymentNo === payment.no && !isTip) own += 1;
  }
  // The last one is kept for returning all that is left.
  const limit = PAYMENT_CREDITS_MAX - 1;
  if (amount > 0 && amount < leftOf(payment) && own >= limit) {
    return { rejected, limit, of: 'credits of a payment' };
  }
  return null;
}

/** Why a credit may not be requested again. */
export function limitOfRepeats(bill: PresentBill, creditNo: number): BillRejection | null {
  const payment = findPaymentNo(bill, findCredit(bill, creditNo)?.paymentNo ?? 0);
  if (payment === null) return null;
  const own = bill.credits.filter(({ paymentNo }) => paymentNo === payment.no).length;
  const limit = PAYMENT_CREDITS_MAX;
  if (own >= limit) return { rejected: 'bill.limitReached', limit, of: 'credits of a payment' };
  return limitOf(bill, payment, leftOf(payment));
}

/** Whether one more credit may wait for its wallet. */
export function hasRoomForCredit({ credits }: PresentBill): boolean {
  if (credits.length < PENDING_CREDITS_MAX) return true;
  let pending = 0;
  for (const { status } of credits) if (status === 'pending') pending += 1;
  return pending < PENDING_CREDITS_MAX;
}

/** Null: the bill has none of this number, or has let it go. */
export function findPaymentNo(bill: PresentBill, no: number): Payment | null {
  return bill.payments.findLast((payment) => payment.no === no) ?? null;
}

/** What of a payment was confirmed; 0 of one that was reversed whole. Its credits are all there. */
function confirmedOf(bill: PresentBill, payment: Payment): number {
  let confirmed: number = payment.amount;
  for (const { paymentNo, kind, amount, isTip, replaces } of bill.credits) {
    const isDrawn = kind === 'reversal' && !isTip && replaces === undefined;
    if (paymentNo === payment.no && isDrawn) confirmed -= amount;
  }
  return confirmed;
}

/** The most that can be confirmed of a payment. */
export function mostOf({ amount, excess }: Payment): Minor {
  return excess === undefined ? amount : subtract(amount, excess);
}

function leftOf(payment: Payment): Minor {
  return subtract(payment.amount, payment.credited);
}

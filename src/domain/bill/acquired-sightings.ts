// What was seen at the acquirer, as facts of the bill: it is open, paid, ended, its credits are settled (X2, X3 in
// acquired.ts).

import { CANCEL_REFUND, leftOf } from '../acquiring/acquired-bill.ts';
import type { AcquiredBill } from '../acquiring/record.ts';
import { must } from '../assert.ts';
import { parseReference, type Reference } from '../ids.ts';
import { above, type Minor, subtract, ZERO } from '../money.ts';
import type { Millis } from '../time.ts';
import type { Writable } from './copies.ts';
import { creditOf, requestsOf } from './credits.ts';
import { closed, type Ender, expired } from './dynamic-endings.ts';
import { DYNAMIC_PAYMENTS } from './dynamic-payments.ts';
import {
  raiseForBill,
  raiseForCredit,
  raiseForCredits,
  raiseForPayment,
  terminal,
} from './outbox.ts';
import { askedOf, type PresentBill } from './state.ts';
import type { BillFact, Credit, Payment } from './vocabulary.ts';

/** The reason of credits for money that came when the bill had ended. */
export const LATE = 'late';
export const BY_ACQUIRER: Ender = { cause: 'acquirer', tellsTerminal: true };

/** Facts of all that the record says now and did not say before. */
export function seenFacts(bill: PresentBill, after: AcquiredBill, now: Millis): BillFact[] {
  const before = must(bill.acquiring, 'the chain of a bill at an acquirer').record;
  const facts = before.status === after.status ? [] : turned(bill, after, now);
  return [...facts, ...settled(bill, after, facts)];
}

function turned(bill: PresentBill, after: AcquiredBill, now: Millis): BillFact[] {
  switch (after.status) {
    case 'open':
      if (bill.status !== 'pending') return [];
      return [{ type: 'BillOpened' }, raiseForBill(terminal(bill), 'bill.opened', null)];
    case 'paid':
      return paid(bill, after, now);
    case 'failed':
      if (hasEnded(bill)) return [];
      return [{ type: 'BillFailed' }, raiseForBill(terminal(bill), 'bill.failed', 'acquirer')];
    default: {
      if (hasEnded(bill)) return [];
      const isOver = after.status === 'expired' || now >= after.expiresAt;
      if (isOver) return expired(bill, now);
      return closed(bill, BY_ACQUIRER, []);
    }
  }
}

function hasEnded({ status }: PresentBill): boolean {
  return status !== 'pending' && status !== 'open' && status !== 'partiallyPaid';
}

function paid(bill: PresentBill, after: AcquiredBill, now: Millis): BillFact[] {
  const isGivenBack = after.refunds.some(({ id }) => id === CANCEL_REFUND);
  const isAllByHand = after.external === after.paid;
  if (hasEnded(bill)) return late(bill, after, now);
  // Ending it in time has given back what was paid a moment before.
  if (isGivenBack) return [...expired(bill, now), ...late(bill, after, now)];
  const payment = paymentOf(bill, after, now);
  const { excess = ZERO } = payment;
  if (isAllByHand) return [{ type: 'PaymentAccepted', payment }, ...closed(bill, BY_ACQUIRER, [])];
  const credits = excess > 0 ? [reversalOf(bill, payment, excess, 'excess', now)] : [];
  return [
    { type: 'PaymentAccepted', payment },
    ...requestsOf(credits),
    ...DYNAMIC_PAYMENTS.outcome(bill, payment, subtract(after.paid, excess)),
    ...raiseForCredits(bill, credits, true),
  ];
}

/** X3. */
function late(bill: PresentBill, after: AcquiredBill, now: Millis): BillFact[] {
  const payment = paymentOf(bill, after, now);
  const credit = reversalOf(bill, payment, payment.amount, LATE, now);
  return [
    { type: 'PaymentAccepted', payment },
    ...requestsOf([credit]),
    raiseForPayment(terminal(bill), 'payment.received', payment.no),
    ...raiseForCredits(bill, [credit], true),
  ];
}

function paymentOf(bill: PresentBill, after: AcquiredBill, now: Millis): Payment {
  // One payment is all that it takes.
  const excess = above(after.paid, askedOf(bill));
  const { paychannelId } = must(bill.terms.acquirer, 'the acquirer of a bill');
  const { ref, id } = must(after.registration, 'the registration of what was paid');
  const payment: Writable<Payment> = {
    no: bill.counts.payments + 1,
    paychannelId,
    paymentRef: parseReference(ref) ?? (id as Reference),
    amount: after.paid,
    credited: ZERO,
    method: null,
    payer: null,
    paidAt: null,
    status: 'accepted',
    receivedAt: now,
    notifiedAt: null,
    subscribed: false,
  };
  if (excess > 0) payment.excess = excess;
  return payment;
}

function reversalOf(
  bill: PresentBill,
  payment: Payment,
  amount: Minor,
  reason: string,
  now: Millis,
): Credit {
  const no = bill.counts.credits + 1;
  return creditOf(payment, { no, kind: 'reversal', amount, reason }, now);
}

/** What became of the refunds that the credits are. */
function settled(
  bill: PresentBill,
  after: AcquiredBill,
  turnedTo: readonly BillFact[],
): BillFact[] {
  const made = turnedTo.flatMap((fact) => (fact.type === 'CreditRequested' ? [fact.credit] : []));
  const pending = [...bill.credits, ...made].filter(({ status }) => status === 'pending');
  const facts: BillFact[] = [];
  for (const credit of pending) {
    const how = endOf(credit, after);
    if (how === null) continue;
    const { status, reason } = how;
    facts.push(
      { type: 'CreditSettled', no: credit.no, status, reference: null, reason },
      raiseForCredit(terminal(bill), `credit.${status}`, credit),
    );
  }
  return facts;
}

type End = { readonly status: 'settled' | 'rejected'; readonly reason: string | null };

function endOf({ no, reason }: Credit, after: AcquiredBill): End | null {
  const order = after.refunds.find(({ id }) => id === `c${no}`);
  if (order === undefined) return reason === 'excess' ? null : endOfLate(after);
  if (order.status === 'done') return SETTLED;
  return order.status === 'refused' ? { status: 'rejected', reason: order.reason } : null;
}

const SETTLED: End = { status: 'settled', reason: null };

/** Late money is back where nothing of it is left, whoever gave it; part of it may have been given by hand. */
function endOfLate(after: AcquiredBill): End | null {
  const order = after.refunds.find(({ id }) => id === CANCEL_REFUND);
  if (order?.status === 'refused') return { status: 'rejected', reason: order.reason };
  const isGone = after.status === 'paid' && leftOf(after) === 0;
  return isGone && (order === undefined || order.status === 'done') ? SETTLED : null;
}

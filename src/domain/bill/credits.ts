// Credits: money to be given back, drawn from payments, and what the wallets make of it.

import { assert, must } from '../assert.ts';
import { type Minor, smaller, subtract } from '../money.ts';
import { DAY_MS, type Millis } from '../time.ts';
import { isOwnTerminal, raiseForCredit, raiseForCredits, terminal } from './outbox.ts';
import type { PresentBill } from './state.ts';
import type {
  BillDecision,
  BillRejection,
  CommandOf,
  Credit,
  CreditKind,
  FactOf,
  Payment,
} from './vocabulary.ts';

interface Draw {
  readonly kind: CreditKind;
  readonly amount: Minor;
  readonly reason: string | null;
  /** Null: from any payment, the newest first. */
  readonly payment: Payment | null;
}

/** Credits that return the amount, at most one a payment. What the payments cannot cover is a Defect. */
export function drawCredits(bill: PresentBill, draw: Draw, now: Millis): Credit[] {
  const credits: Credit[] = [];
  const payments = draw.payment === null ? bill.payments : [draw.payment];
  let rest = draw.amount;
  for (let i = payments.length - 1; i >= 0 && rest > 0; i--) {
    const payment = payments[i];
    if (payment === undefined || payment.credited === payment.amount) continue;
    const amount = smaller(rest, subtract(payment.amount, payment.credited));
    rest = subtract(rest, amount);
    const no = bill.counts.credits + credits.length + 1;
    credits.push(creditOf(payment, { no, kind: draw.kind, amount, reason: draw.reason }, now));
  }
  assert(rest === 0, 'payments do not cover the credits drawn from them');
  return credits;
}

/** A credit of the payment, as it is requested. */
export function creditOf(
  payment: Payment,
  { no, kind, amount, reason }: Pick<Credit, 'no' | 'kind' | 'amount' | 'reason'>,
  now: Millis,
): Credit {
  return {
    no,
    kind,
    paymentNo: payment.no,
    paychannelId: payment.paychannelId,
    paymentRef: payment.paymentRef,
    amount,
    status: 'pending',
    reason,
    settledReason: null,
    reference: null,
    requestedAt: now,
    settledAt: null,
    repeats: 0,
  };
}

/** Reversals of the amount, newest payment first. */
export function drawReversals(bill: PresentBill, amount: Minor, now: Millis): Credit[] {
  return drawCredits(bill, { kind: 'reversal', amount, reason: null, payment: null }, now);
}

export function requestsOf(credits: readonly Credit[]): FactOf<'CreditRequested'>[] {
  return credits.map((credit) => ({ type: 'CreditRequested', credit }));
}

/** Decides what a wallet says of a credit. The same again: no facts. Otherwise than before: rejected. */
export function settleCredit(bill: PresentBill, command: CommandOf<'SettleCredit'>): BillDecision {
  const credit = findCredit(bill, command.creditNo);
  if (credit === null || credit.paychannelId !== command.paychannelId) {
    return { rejected: 'credit.notFound' };
  }
  if (credit.status !== 'pending') {
    const isRepeat =
      credit.status === command.status &&
      credit.reference === command.reference &&
      credit.settledReason === command.reason;
    return isRepeat ? [] : { rejected: 'credit.settledOtherwise', status: credit.status };
  }

  const { status, reference, reason } = command;
  return [
    { type: 'CreditSettled', no: credit.no, status, reference, reason },
    raiseForCredit(terminal(bill), `credit.${status}`, credit),
  ];
}

/**
 * Asks again for what a wallet rejected. It is another credit: what a wallet has said of one is final, and it may say so
 * again at any time. `limit` says why there may be no further credit; null where there may.
 */
export function requestCreditAgain(
  bill: PresentBill,
  command: CommandOf<'RequestCreditAgain'>,
  now: Millis,
  limit: BillRejection | null,
): BillDecision {
  const rejected = findCredit(bill, command.creditNo);
  if (rejected === null) return { rejected: 'credit.notFound' };
  if (rejected.resolution?.how === 'requestedAgain') return [];
  if (!isUnresolved(rejected)) return notRejected(rejected);
  if (limit !== null) return limit;

  const { no: replaces, kind, paymentNo, paychannelId, paymentRef, amount, reason } = rejected;
  const credit: Credit = {
    no: bill.counts.credits + 1,
    kind,
    paymentNo,
    paychannelId,
    paymentRef,
    amount,
    status: 'pending',
    // What the wallet said when it rejected the other is not why this one is asked for.
    reason: rejected.settledReason === null ? reason : null,
    settledReason: null,
    reference: null,
    requestedAt: now,
    settledAt: null,
    repeats: 0,
    ...(rejected.isTip ? { isTip: true as const } : {}),
    replaces,
  };
  return [
    { type: 'CreditRequestedAgain', credit },
    ...raiseForCredits(bill, [credit], !isOwnTerminal(bill, command.by)),
  ];
}

/** The terminal hears that the customer has the money, as of any other credit. */
export function closeCredit(bill: PresentBill, command: CommandOf<'CloseCredit'>): BillDecision {
  const { creditNo, reference } = command;
  const rejected = findCredit(bill, creditNo);
  if (rejected === null) return { rejected: 'credit.notFound' };
  const { resolution } = rejected;
  if (resolution?.how === 'returnedOtherwise' && resolution.reference === reference) return [];
  if (!isUnresolved(rejected)) return notRejected(rejected);

  return [
    { type: 'CreditReturnedOtherwise', no: creditNo, reference },
    raiseForCredit(terminal(bill), 'credit.settled', rejected),
  ];
}

/** Whether a wallet rejected it and nobody has dealt with that yet. */
export function isUnresolved({ status, resolution }: Credit): boolean {
  return status === 'rejected' && resolution === undefined;
}

function notRejected({ status, resolution }: Credit): BillRejection {
  const now = status === 'rejected' ? resolution?.how : status;
  return { rejected: 'credit.notRejected', status: must(now, 'what became of the credit') };
}

/** A bill's nth credit; null where there is none, or a static bill has let it go. */
export function findCredit(bill: PresentBill, no: number): Credit | null {
  return bill.credits[indexOfCredit(bill.credits, no)] ?? null;
}

/** Credits count from 1 without a gap, but for those that a static bill has let go. */
export function indexOfCredit(credits: readonly Credit[], no: number): number {
  return credits[no - 1]?.no === no ? no - 1 : credits.findIndex((credit) => credit.no === no);
}

/** Whether the wallet has let more than a day go by. */
export function isOverdue(credit: Credit, now: Millis): boolean {
  return credit.status === 'pending' && now > credit.requestedAt + DAY_MS;
}

// Tips: what payers add on top of what they owe, where a bill allows it.
//
//   T1. A tip is outside of all else: of what is due, of what is paid, confirmed, reversed and refunded. None is above
//       what its bill allows.
//   T2. Tips are conserved: `paid` = kept + `returned`. Each goes back whole and once, by a credit of its own, or stays.
//   T3. What is given back as a whole before its confirm, a bill or one payment of many, gives its tips back. A confirm,
//       of however little, leaves them; a refund returns them only if asked.

import { assert } from '../assert.ts';
import { add, type Minor, ZERO } from '../money.ts';
import type { Millis } from '../time.ts';
import { creditOf, drawReversals } from './credits.ts';
import { heldOf, type PresentBill } from './state.ts';
import {
  type BillRejection,
  type Credit,
  type CreditKind,
  type Payment,
  type Terms,
  type Tips,
  TOTAL_MAX,
} from './vocabulary.ts';

export const NO_TIPS: Tips = Object.freeze({ paid: ZERO, returned: ZERO, unreturned: ZERO });

/** Why a payment cannot bring this tip; null where it can (T1). */
export function tipRefusal({ terms, books }: PresentBill, tip: Minor): BillRejection | null {
  const { tipMax } = terms;
  if (tipMax === undefined) return { rejected: 'payment.tipForbidden' };
  if (tip > tipMax) return { rejected: 'payment.tipExceedsMax', max: tipMax };
  const paid = books.tips?.paid ?? ZERO;
  return paid + tip > TOTAL_MAX ? { rejected: 'bill.notPayable', reason: 'limit' } : null;
}

/** Whether the bill's terms let the payment bring what it brought (T1). */
export function isTipFit({ tipMax = ZERO }: Terms, { tip }: Payment): boolean {
  return tip === undefined || (tip > 0 && tip <= tipMax);
}

/** What tips are given back with. */
interface TipDraw {
  readonly kind: CreditKind;
  readonly reason: string | null;
  /** Null: the tips of all payments, the newest first. */
  readonly payment: Payment | null;
  /** The credits that are numbered before them. */
  readonly after: readonly Credit[];
}

/** Credits of the tips that have not gone back yet, one a payment. */
export function drawTips(bill: PresentBill, draw: TipDraw, now: Millis): Credit[] {
  const credits: Credit[] = [];
  if (bill.books.tips === undefined) return credits;
  const { kind, reason, after } = draw;
  const payments = draw.payment === null ? bill.payments : [draw.payment];
  const first = bill.counts.credits + after.length + 1;
  for (let i = payments.length - 1; i >= 0; i--) {
    const payment = payments[i];
    if (payment?.tip === undefined || payment.isTipReturned) continue;
    const part = { no: first + credits.length, kind, amount: payment.tip, reason };
    credits.push({ ...creditOf(payment, part, now), isTip: true });
  }
  return credits;
}

/** Reversals of all that is held of the bill, and of its tips (T3). */
export function drawAll(bill: PresentBill, now: Millis): Credit[] {
  const reversals = drawReversals(bill, heldOf(bill.books), now);
  if (bill.books.tips === undefined) return reversals;
  const draw = { kind: 'reversal', reason: null, payment: null, after: reversals } as const;
  return [...reversals, ...drawTips(bill, draw, now)];
}

/** Whether a tip is left to return: of the payment or, where none is named, of any. */
export function hasTipLeft({ payments }: PresentBill, payment: Payment | null): boolean {
  const among = payment === null ? payments : [payment];
  return among.some(({ tip, isTipReturned }) => tip !== undefined && !isTipReturned);
}

/** The tips with more of each. */
export function tipsWith(tips: Tips | undefined, more: Partial<Tips>): Tips {
  const { paid, returned, unreturned } = tips ?? NO_TIPS;
  return {
    paid: add(paid, more.paid ?? ZERO),
    returned: add(returned, more.returned ?? ZERO),
    unreturned: add(unreturned, more.unreturned ?? ZERO),
  };
}

/** What holds of tips after every transition, whatever happened (T2, T3). */
export function assertTips({ paid, returned, unreturned }: Tips, bill: PresentBill): void {
  assert(returned <= paid, 'more is returned of tips than was paid');
  assert(unreturned <= returned, 'more of tips came back rejected than was asked back');
  const { status, terms } = bill;
  if (terms.offer?.usage === 'many') return;
  const hasEnded = status !== 'open' && status !== 'partiallyPaid' && status !== 'paid';
  assert(hasEnded || returned === 0, 'a tip went back before the end of its bill');
  const isGivenBack = status === 'cancelled' || status === 'expired';
  assert(!isGivenBack || returned === paid, 'closed, and tips were kept');
}

// The promises of tips.ts, for all lives of bills of every type.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lives, type Step } from '../../../tests/support/bill-lives.ts';
import { ref, refund } from '../../../tests/support/bill-spec.ts';
import { livesOfMany, livesOfSingle } from '../../../tests/support/static-lives.ts';
import { livesOfTimer } from '../../../tests/support/timer-lives.ts';
import { must } from '../assert.ts';
import { decide, evolve } from './bill.ts';
import { isUnresolved } from './credits.ts';
import { isForMany, isPresent, type PresentBill } from './state.ts';
import { NO_TIPS } from './tips.ts';
import { type BillCommand, type BillFact, isRejection, type Payment } from './vocabulary.ts';

/** Always the same lives: what they meet is no matter of luck. */
const SAMPLE = { numRuns: 600, seed: 7 };

/** Of bills for many: the twin that lets nothing go. */
const worlds = {
  dynamic: lives(),
  'static, paid once': livesOfSingle(),
  'static, for many': livesOfMany().map((life) => life.map(({ twin }) => twin)),
  timer: livesOfTimer(),
};

type Lived = Step & { readonly after: PresentBill };

describe.each(Object.keys(worlds) as (keyof typeof worlds)[])('tips of a bill: %s', (name) => {
  const samples = fc.sample<readonly Step[]>(worlds[name], SAMPLE);
  const steps = samples.flat().filter((step): step is Lived => isPresent(step.after));

  test('T1: none is above what its bill allows', () => {
    for (const { after } of steps) {
      const most = after.terms.tipMax ?? 0;
      expect(after.payments.filter((payment) => tipOf(payment) > most)).toEqual([]);
    }
  });

  test('T1: no other sum knows of them', () => {
    for (const { before, command, now, after } of steps) {
      if (command.type !== 'PayBill' || !isPresent(before)) continue;
      if (tipsOf(after).paid === tipsOf(before).paid) continue;
      const { tip: _tip, ...plain } = command;
      expect(withoutTips(after)).toEqual(withoutTips(become(before, plain, now)));
    }
  });

  test('T2: they are conserved: each was kept, or went back whole and once', () => {
    expect(steps.map(({ after }) => after).filter(isUnbalanced)).toEqual([]);
    for (const { after } of steps) {
      expect(after.payments.filter((payment) => isOverdrawn(after, payment))).toEqual([]);
    }
  });

  test('T3: what is given back before its confirm takes its tip along', () => {
    for (const { after } of steps) {
      if (isForMany(after)) {
        expect(after.payments.filter(isTipLeftBehind)).toEqual([]);
      } else if (after.status === 'cancelled' || after.status === 'expired') {
        expect(tipsOf(after).returned).toBe(tipsOf(after).paid);
      }
    }
  });

  test('T3: a confirm leaves them, and a refund returns them only if asked', () => {
    for (const { before, command, after } of steps) {
      if (!isPresent(before) || tipsOf(before).returned === tipsOf(after).returned) continue;
      const refunds = command.type === 'RefundBill' && command.returnsTip === true;
      const isReversed = after.credits.findLast(({ isTip }) => isTip)?.kind === 'reversal';
      expect(refunds).toBe(!isReversed);
      if (isReversed && !isForMany(after)) expect(['cancelled', 'expired']).toContain(after.status);
      if (refunds && command.paymentNo === null) {
        expect(tipsOf(after).returned).toBe(tipsOf(after).paid);
      }
    }
  });

  test('can all be returned once they are confirmed, by nothing but themselves', () => {
    for (const { after, now } of steps) {
      for (const payment of after.payments.filter((each) => isReturnable(after, each))) {
        const changes = { key: ref('tip'), paymentNo: payment.no, returnsTip: true } as const;
        const { books } = become(after, refund(0, changes), now);
        expect(books.tips?.returned).toBe(tipsOf(after).returned + tipOf(payment));
        expect(books.refunded).toBe(after.books.refunded);
      }
    }
  });

  test('are paid, refused, reversed and refunded in these lives', () => {
    const met = new Set(steps.flatMap(({ facts }) => facts).map(metIn));
    const refusals = ['payment.tipForbidden', 'payment.tipExceedsMax'];
    const expected = ['paid', ...refusals, 'reversal', 'refund'];
    expect([...met]).toEqual(expect.arrayContaining(expected));
    // What a wallet rejects is the same for all types, and rare in the lives of the others.
    const isRejected = steps.some(({ after }) => tipsOf(after).unreturned > 0);
    if (name === 'dynamic') expect(isRejected).toBe(true);
  });
});

/** Whether the books say other than payments and credits, each by themselves. */
function isUnbalanced(bill: PresentBill): boolean {
  const { paid, returned, unreturned } = tipsOf(bill);
  const { payments, credits } = bill;
  const kept = payments.filter(({ isTipReturned }) => !isTipReturned);
  const ofTips = credits.filter(({ isTip }) => isTip);
  const returning = ofTips.filter(({ replaces }) => replaces === undefined);
  const rejected = ofTips.filter(isUnresolved);
  return (
    sum(payments.map(tipOf)) !== paid ||
    sum(kept.map(tipOf)) + returned !== paid ||
    sum(returning.map(({ amount }) => amount)) !== returned ||
    sum(rejected.map(({ amount }) => amount)) !== unreturned
  );
}

/** Whether credits of a payment give back other than they should: its tip whole and once, nothing above both. */
function isOverdrawn({ credits }: PresentBill, payment: Payment): boolean {
  // One that was requested again takes the place of one that stands here.
  const own = credits.filter(
    ({ paymentNo, replaces }) => paymentNo === payment.no && replaces === undefined,
  );
  const all = sum(own.map(({ amount }) => amount));
  const ofTip = own.filter(({ isTip }) => isTip).map(({ amount }) => amount);
  return (
    ofTip.join() !== (payment.isTipReturned ? `${payment.tip}` : '') ||
    all !== payment.credited + sum(ofTip) ||
    all > payment.amount + tipOf(payment)
  );
}

function metIn(fact: BillFact): string {
  switch (fact.type) {
    case 'PaymentAccepted':
      return hasTip(fact.payment) ? 'paid' : '';
    case 'PaymentRefused':
      return fact.payment.rejection.rejected;
    case 'CreditRequested':
      return fact.credit.isTip ? fact.credit.kind : '';
    default:
      return '';
  }
}

/** The bill after a command, which it may refuse. */
function become(bill: PresentBill, command: BillCommand, now: Step['now']): PresentBill {
  const decision = decide(bill, command, now);
  if (isRejection(decision)) return bill;
  const after = evolve(bill, decision, { at: now, requestId: 'r' });
  return must(isPresent(after) ? after : null, 'a bill');
}

/** Of a bill for many: reversed without its tip, or waiting for its confirm without it. */
function isTipLeftBehind(payment: Payment): boolean {
  if (!hasTip(payment)) return payment.isTipReturned !== undefined;
  if (payment.status === 'reversed') return payment.isTipReturned !== true;
  return payment.status === 'accepted' && payment.isTipReturned === true;
}

function isReturnable(bill: PresentBill, payment: Payment): boolean {
  return hasTip(payment) && !payment.isTipReturned && isRefundable(bill, payment);
}

function isRefundable({ status, terms }: PresentBill, payment: Payment): boolean {
  if (terms.offer?.usage === 'many') return /^(confirmed|refunded)$/.test(payment.status);
  return status === 'confirmed' || status === 'refunded';
}

/** All that the bill shows but its tips. */
function withoutTips({ status, version, books, payments, credits, ending }: PresentBill): unknown {
  const { tips: _tips, ...others } = books;
  const plain = payments.map(({ tip: _tip, ...payment }) => payment);
  return { status, version, books: others, payments: plain, credits, ending };
}

function tipsOf({ books }: PresentBill): { paid: number; returned: number; unreturned: number } {
  return books.tips ?? NO_TIPS;
}

function hasTip({ tip }: Payment): boolean {
  return tip !== undefined;
}

function tipOf({ tip = 0 as never }: Payment): number {
  return tip;
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

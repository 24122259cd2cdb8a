// The promises of timer.ts and charging.ts, for all lives of a bill in a small world.

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Step } from '../../../tests/support/bill-lives.ts';
import { pay, RUN_TIMER, ref } from '../../../tests/support/bill-spec.ts';
import { livesOfTimer } from '../../../tests/support/timer-lives.ts';
import { must } from '../assert.ts';
import { MINUTE_MS, type Millis, NEVER, plus } from '../time.ts';
import { decide, evolve, nextDueOf } from './bill.ts';
import { chargedOf, dueAt, quoteFor, stayOf } from './charging.ts';
import { findReference } from './references.ts';
import {
  type Bill,
  dueOf,
  isBeingPaid,
  isPresent,
  keptOf,
  type PresentBill,
  reservedOf,
} from './state.ts';
import { type BillFact, type CommandOf, isRejection } from './vocabulary.ts';

const RUNS = { numRuns: 150 };
/** Always the same lives: what they meet is no matter of luck. */
const REACHING = { numRuns: 300, seed: 7 };

type Lived = Step & { readonly after: PresentBill };

function forAllSteps(check: (step: Lived) => void, runs: object = RUNS): void {
  forAllLives((life) => {
    for (const { after, ...rest } of life) if (isPresent(after)) check({ ...rest, after });
  }, runs);
}

function forAllLives(check: (life: readonly Step[]) => void, runs: object = RUNS): void {
  fc.assert(fc.property(livesOfTimer(), check), runs);
}

describe('a timer bill', () => {
  test('Q1: who pays what is left of a live quote has paid for the stay', () => {
    forAllSteps((step) => {
      const { before, command, now, after } = step;
      if (command.type !== 'PayBill' || !isPresent(before) || !isHonoured(before, command, now)) {
        return;
      }
      expect(step.facts).toContainEqual(expect.objectContaining({ type: 'PaymentAccepted' }));
      expect(['paid', 'confirmed']).toContain(after.status);
      expect(dueOf(after)).toBe(0);
      expect(chargedOf(after).clearUntil).toBeGreaterThanOrEqual(command.quote?.until ?? NEVER);
    });
  });

  test('Q1: a quote that has just been told pays for the stay', () => {
    forAllSteps(({ after, now }) => {
      const told = quoteFor(after, 'gamma' as never, now);
      if (told === null || after.reservations.length > 0) return;
      const { amount, quote } = told;
      const changes = { quote, paymentRef: ref('fresh'), paychannelId: 'gamma' as never };
      const last = plus(quote.until, -1);
      // The bill itself may have to wait for nothing before.
      if (nextDueOf(after) <= last) return;
      const decision = decide(after, pay(amount, changes), last);
      expect(decision).toContainEqual(expect.objectContaining({ type: 'PaymentAccepted' }));
      if (isRejection(decision)) return;
      const paid = evolve(after, decision, { at: last, requestId: 'r' });
      expect(['paid', 'confirmed']).toContain(paid.status);
    });
  });

  test('Q2: never asks for less than is paid, nor for less as time passes', () => {
    forAllSteps(({ after, now }) => {
      expect(chargedOf(after).total).toBeGreaterThanOrEqual(keptOf(after.books));
      let due = dueAt(after, now);
      for (const waitMs of [1, 1_000, MINUTE_MS, 2 * MINUTE_MS, 60 * MINUTE_MS]) {
        const later = dueAt(after, plus(now, waitMs));
        expect(later).toBeGreaterThanOrEqual(due);
        due = later;
      }
    });
  });

  test('Q2: asks for no less by a clock that is behind, where no price is frozen', () => {
    forAllSteps(({ after, now }) => {
      if (!isBeingPaid(after) || after.reservations.some(({ quote }) => quote !== undefined))
        return;
      const left = chargedOf(after).total - keptOf(after.books);
      expect(dueAt(after, plus(now, -2 * MINUTE_MS))).toBeGreaterThanOrEqual(left);
    });
  });

  test('Q3: what a reservation has frozen is not quoted', () => {
    forAllSteps(({ after, now }) => {
      const isFrozen = after.reservations.some(
        ({ quote, expiresAt }) => quote !== undefined && now < expiresAt,
      );
      if (isFrozen) expect(quoteFor(after, 'gamma' as never, now)).toBeNull();
    });
  });

  test('Q2: what has been charged falls by a quote alone', () => {
    forAllSteps(({ before, after, command }) => {
      if (!isPresent(before) || chargedOf(after).total >= chargedOf(before).total) return;
      const isQuoted = 'quote' in command && command.quote !== undefined;
      expect(isQuoted || before.reservations.some(({ quote }) => quote !== undefined)).toBe(true);
    });
  });

  test('asks for nothing more of who has paid, until it has said that one must have left', () => {
    forAllSteps(({ before, after, now, facts }) => {
      if (!isPresent(before) || before.status !== 'paid') return;
      const until = must(chargedOf(before).clearUntil, 'a time to leave');
      if (after.status === 'partiallyPaid') {
        expect(now).toBeGreaterThan(until);
        expect(facts).toContainEqual(expect.objectContaining({ event: 'bill.due' }));
      }
      if (until !== NEVER) expect(nextDueOf(before)).toBeLessThanOrEqual(plus(until, 1));
    });
  });

  test('B1: conserves money', () => {
    forAllSteps(({ after: { status, books, payments } }) => {
      const { paid, confirmed, reversed, refunded } = books;
      const credited = sum(payments.map((payment) => payment.credited));
      expect(sum(payments.map(({ amount }) => amount))).toBe(paid);
      expect(credited).toBe(reversed + refunded);
      const hasEnded = status === 'confirmed' || status === 'refunded';
      if (hasEnded) expect(paid).toBe(confirmed + reversed);
      else expect(confirmed).toBe(0);
    });
  });

  test('B3: takes each payment within its live reservation, and reserves no more than is due', () => {
    forAllSteps(({ after, now }) => {
      expect(reservedOf(after)).toBeLessThanOrEqual(dueOf(after));
      expect(reservedOf(after)).toBeLessThanOrEqual(dueAt(after, now));
      for (const { no, amount, paychannelId, expiresAt } of after.reservations) {
        if (now >= expiresAt) continue;
        const within = { paychannelId, reservationNo: no, paymentRef: ref('fresh') };
        const decision = decide(after, pay(amount, within), now);
        expect(decision).toContainEqual(expect.objectContaining({ type: 'PaymentAccepted' }));
      }
    });
  });

  test('is read from its log without its tariff', () => {
    forAllLives((life) => {
      let bill: Bill = { status: 'absent' };
      for (const { facts, moment, after } of life) {
        bill = evolve(bill, facts.map(withoutTariff), moment);
        if (!isPresent(bill) || !isPresent(after)) continue;
        expect({ ...bill, terms: null }).toEqual({ ...after, terms: null });
        expect(nextDueOf(bill)).toBe(nextDueOf(after));
      }
    });
  });

  test('comes to rest when it is left alone', () => {
    forAllLives((life) => {
      const { after, now } = must(life.at(-1), 'a step');
      const { status } = atRest(after, now);
      expect(['confirmed', 'refunded', 'cancelled', 'expired']).toContain(status);
    });
  });
});

describe('the lives', () => {
  const met = new Map<string, number>();
  const meet = (what: string): void => {
    met.set(what, (met.get(what) ?? 0) + 1);
  };

  const meetFact = (fact: BillFact): void => {
    if (fact.type === 'EventRaised') meet(fact.event);
    if (fact.type === 'PaymentRefused') meet(fact.payment.rejection.rejected);
    if (fact.type === 'ReservationMade' && fact.reservation.quote) meet('frozen');
    if (fact.type === 'BillConfirmed' && fact.amount === 0) meet('free');
  };
  const meetPayment = (bill: PresentBill, command: CommandOf<'PayBill'>, now: Millis): void => {
    if (!isHonoured(bill, command, now)) return;
    meet('honoured');
    if (dueAt(bill, now) > command.amount) meet('honoured below the price');
  };

  beforeAll(() => {
    forAllSteps(({ before, after, command, facts, now }) => {
      meet(after.status);
      for (const fact of facts) meetFact(fact);
      if (isPresent(before) && command.type === 'PayBill') meetPayment(before, command, now);
    }, REACHING);
  });

  test.each([
    ...['open', 'partiallyPaid', 'paid', 'confirmed', 'refunded', 'cancelled', 'expired'],
    ...['bill.paid', 'bill.due', 'quote.expired', 'payment.exceedsDue', 'bill.notPayable'],
    ...['frozen', 'free', 'honoured', 'honoured below the price'],
  ])('meet %s', (what) => {
    expect(met.get(what) ?? 0).toBeGreaterThan(0);
  });
});

/** Whether the payment brings all that is left of a live quote, and nobody else holds any of it. */
function isHonoured(bill: PresentBill, command: CommandOf<'PayBill'>, now: Millis): boolean {
  const { quote, amount, paymentRef, paychannelId, reservationNo, currency, tip = 0 } = command;
  return (
    quote !== undefined &&
    now < quote.until &&
    isBeingPaid(bill) &&
    amount === quote.total - keptOf(bill.books) &&
    bill.reservations.length === 0 &&
    reservationNo === null &&
    currency === bill.terms.currency &&
    now < bill.terms.expiresAt &&
    tip <= (bill.terms.tipMax ?? 0) &&
    findReference(bill, 'payment', paychannelId, paymentRef) === null
  );
}

function withoutTariff(fact: Step['facts'][number]): Step['facts'][number] {
  if (fact.type !== 'BillCreated') return fact;
  const { startedAt } = must(fact.terms.stay, 'a stay');
  return { ...fact, terms: { ...fact.terms, stay: { startedAt, tariff: null as never } } };
}

/** The bill after all its timers, years later. */
function atRest(bill: Bill, from: Millis): PresentBill {
  let current = bill;
  let now = from;
  for (let count = 0; nextDueOf(current) !== NEVER; count++) {
    if (count > 10_000) throw new Error('the timers of a bill do not end');
    now = Math.max(now, nextDueOf(current)) as Millis;
    const decision = decide(current, RUN_TIMER, now);
    if (isRejection(decision) || decision.length === 0) throw new Error('a due timer does nothing');
    current = evolve(current, decision, { at: now, requestId: 'timer' });
  }
  if (!isPresent(current)) throw new Error('no bill');
  expect(stayOf(current)).toBeDefined();
  return current;
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

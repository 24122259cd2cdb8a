// The promises of static.ts, many.ts, offer.ts and parts.ts, for all lives of a bill in a small world.

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { freeze, type Step, shown } from '../../../tests/support/bill-lives.ts';
import { livesOfMany, livesOfSingle, type TwinStep } from '../../../tests/support/static-lives.ts';
import { must } from '../assert.ts';
import { type Millis, millis, NEVER } from '../time.ts';
import { CHANGES_WHAT_IS_SHOWN } from './apply-fact.ts';
import { decide, evolve, nextDueOf } from './bill.ts';
import { isUnresolved } from './credits.ts';
import { type Bill, isPresent, type PresentBill, reservedOf } from './state.ts';
import { touchedBy } from './touched.ts';
import {
  type BillDecision,
  type BillEvent,
  type BillFact,
  type Credit,
  EVENT_LIFE_MS,
  isRejection,
  type Offer,
  type Payment,
} from './vocabulary.ts';

const RUNS = { numRuns: 60 };

function forAllOfMany(check: (life: readonly TwinStep[]) => void): void {
  fc.assert(fc.property(livesOfMany(), check), RUNS);
}

/** Each state of the twin, which has all its parts. */
function forAllStates(check: (bill: PresentBill, offer: Offer, step: Step) => void): void {
  const each = (steps: readonly Step[]): void => {
    for (const step of steps) {
      const { after } = step;
      if (isPresent(after)) check(after, must(after.terms.offer, 'an offer'), step);
    }
  };
  forAllOfMany((life) => each(life.map(({ twin }) => twin)));
  fc.assert(fc.property(livesOfSingle(), each), RUNS);
}

describe('a static bill', () => {
  test('M1: money is conserved, and its books are the sums over all payments and credits', () => {
    forAllStates((bill, offer) => {
      const { books, payments, counts } = bill;
      const credits = bill.credits.filter(({ isTip }) => !isTip);
      const { paid, confirmed, reversed, refunded, unreturned, excess = 0 } = books;
      const held = sum(payments.map(({ amount, credited }) => amount - credited));
      expect(sum(payments.map(({ amount }) => amount))).toBe(paid);
      expect(held).toBe(paid - reversed - refunded);
      expect(sum(payments.map((payment) => payment.excess ?? 0))).toBe(excess);
      const total = (of: (credit: (typeof credits)[number]) => boolean): number =>
        sum(credits.filter(of).map(({ amount }) => amount));
      const drawn = (of: string) => (each: Credit) =>
        each.kind === of && each.replaces === undefined;
      expect(total(drawn('reversal'))).toBe(reversed);
      expect(total(drawn('refund'))).toBe(refunded);
      expect(total(isUnresolved)).toBe(unreturned);
      expect(counts.accepted).toBe(payments.length);
      if (offer.usage === 'single') return;
      const final = payments.filter(
        ({ status }) => status === 'confirmed' || status === 'refunded',
      );
      expect(sum(final.map(({ amount, credited }) => amount - credited))).toBe(
        confirmed - refunded,
      );
    });
  });

  test('O1: every payment lies in the range, but for what is above it and goes back at once', () => {
    forAllStates(({ payments, terms }, { minAmount, maxAmount }) => {
      for (const { amount, credited, excess = 0 } of payments) {
        expect(amount - excess).toBeGreaterThanOrEqual(minAmount);
        expect(amount - excess).toBeLessThanOrEqual(maxAmount);
        expect(credited).toBeGreaterThanOrEqual(excess);
        if (excess === 0) continue;
        expect(terms.policies?.excess).toBe('reverse');
        expect(amount - excess).toBe(maxAmount);
      }
    });
  });

  test('is paid late only if so agreed, within a reservation but for that, and never after its end', () => {
    forAllStates(({ terms }, _, { before, facts, now }) => {
      if (!facts.some(({ type }) => type === 'PaymentAccepted')) return;
      const isHeld = facts.some((fact) => fact.type === 'ReservationEnded' && fact.how === 'used');
      if (terms.policies?.late !== 'accept' && !isHeld) expect(now).toBeLessThan(terms.expiresAt);
      expect(before.status).toBe('open');
    });
  });

  test('that may be paid late does not expire', () => {
    forAllStates(({ status, terms }) => {
      if (terms.policies?.late === 'accept') expect(status).not.toBe('expired');
    });
  });

  test('O2: no limit is passed, reservations included', () => {
    forAllStates((bill, { usage, maxPayments, maxTotal }) => {
      const places = usage === 'single' ? 1 : (maxPayments ?? Number.POSITIVE_INFINITY);
      expect(bill.payments.length + bill.reservations.length).toBeLessThanOrEqual(places);
      const total = maxTotal ?? Number.POSITIVE_INFINITY;
      const { paid, excess = 0 } = bill.books;
      expect(paid - excess + reservedOf(bill)).toBeLessThanOrEqual(total);
    });
  });

  test('O2: a payment within its live reservation is accepted', () => {
    forAllStates((bill, _, { now }) => {
      for (const { no, amount, paychannelId, expiresAt } of bill.reservations) {
        if (now >= expiresAt) continue;
        const { currency } = bill.terms;
        const money = { amount, currency, reservationNo: no, digest: '' };
        const rest = { method: null, payer: null, paidAt: null, subscribed: false } as const;
        const paymentRef = 'fresh' as (typeof bill.terms)['orderId'];
        const pay = { type: 'PayBill', paychannelId, paymentRef, ...money, ...rest } as const;
        const decision = decide(bill, pay, now);
        expect(decision).toContainEqual(expect.objectContaining({ type: 'PaymentAccepted' }));
      }
    });
  });

  test('M2: a code that is withdrawn or over takes nothing, nor one that is not yet valid', () => {
    forAllStates((_, offer, { before, facts, now }) => {
      const takes = facts.some(
        ({ type }) => type === 'PaymentAccepted' || type === 'ReservationMade',
      );
      if (!takes || !isPresent(before)) return;
      expect(before.status).toBe('open');
      expect(now).toBeGreaterThanOrEqual(offer.validFrom ?? 0);
    });
  });

  test('M2: withdrawing a code gives nothing back', () => {
    forAllOfMany((life) => {
      for (const { twin } of life) {
        if (!twin.facts.some(({ type }) => type === 'BillCancelled')) continue;
        expect(twin.facts.map(({ type }) => type)).not.toContain('CreditRequested');
      }
    });
  });

  test('M4: comes to rest when it is left alone, no payment waiting', () => {
    forAllOfMany((life) => {
      const { twin, step } = must(life.at(-1), 'a step');
      for (const end of [twin, step]) {
        const { payments } = atRest(end.after, end.now);
        expect(payments.filter(({ status }) => status === 'accepted')).toEqual([]);
      }
    });
  });
});

describe('letting go', () => {
  test('M3: changes no decision', () => {
    forAllOfMany((life) => {
      for (const { step, twin } of life) expect(withoutParts(step.decision)).toEqual(twin.decision);
    });
  });

  test('M3: changes nothing of the books, the counts or the version', () => {
    forAllOfMany((life) => {
      for (const { step, twin } of life) {
        if (!isPresent(step.after) || !isPresent(twin.after)) continue;
        const { payments: _p, credits: _c, outbox: _o, ...rest } = step.after;
        const { payments: _tp, credits: _tc, outbox: _to, ...expected } = twin.after;
        expect(rest).toEqual(expected);
      }
    });
  });

  test('leaves rows from which everything can be found as it is', () => {
    forAllOfMany((life) => {
      const rows: Rows = { payments: new Map(), credits: new Map(), pending: new Map() };
      for (const { step, twin } of life) {
        write(rows, step);
        if (!isPresent(twin.after)) continue;
        expect([...rows.payments.values()]).toEqual(twin.after.payments);
        expect([...rows.credits.values()]).toEqual(twin.after.credits);
        expect([...rows.pending.values()]).toEqual(twin.after.outbox);
      }
    });
  });
});

describe('a command', () => {
  test('repeated at once decides nothing, or the same refusal', () => {
    forAllStates((bill, _, { command, now, decision, facts }) => {
      if (command.type === 'CreateBill' || command.type === 'RunTimer') return;
      const again = decide(bill, command, now);
      const last = facts.at(-1);
      const kept = last?.type === 'KeyUsed' ? last.rejection : null;
      expect(again).toEqual(isRejection(decision) ? decision : (kept ?? []));
    });
  });

  test('counts a version just when it shows', () => {
    forAllStates((bill, _, { before, facts }) => {
      const isShown = JSON.stringify(shown(before)) !== JSON.stringify(shown(bill));
      expect(bill.version - (isPresent(before) ? before.version : 0)).toBe(isShown ? 1 : 0);
      expect(facts.some(({ type }) => CHANGES_WHAT_IS_SHOWN[type])).toBe(isShown);
    });
  });
});

describe('replay', () => {
  test('of any snapshot and the rest gives the same bill', () => {
    fc.assert(
      fc.property(livesOfSingle(), fc.nat(), (life, seed) => {
        const from = seed % life.length;
        let bill = freeze(JSON.parse(JSON.stringify(must(life[from], 'a step').before)) as Bill);
        for (const { facts, moment } of life.slice(from)) {
          bill = evolve(bill, JSON.parse(JSON.stringify(facts)) as BillFact[], moment);
        }
        expect(bill).toEqual(must(life.at(-1), 'a step').after);
      }),
      RUNS,
    );
  });
});

describe('reach', () => {
  // A property that never arrives proves nothing.
  let steps: readonly Step[] = [];

  beforeAll(() => {
    const many = fc.sample(livesOfMany(), { seed: 7, numRuns: 700 }).flat();
    const single = fc.sample(livesOfSingle(), { seed: 7, numRuns: 300 }).flat();
    steps = [...many.map(({ step }) => step), ...single];
  });

  test('the lives come to every status but that of a part that is paid', () => {
    const statuses = new Set(steps.map(({ after }) => after.status));
    expect([...statuses].sort()).toEqual([
      'cancelled',
      'confirmed',
      'expired',
      'open',
      'paid',
      'refunded',
    ]);
  });

  test('the lives are paid too much and too late, once and many times', () => {
    const seen = new Set<string>();
    for (const { after, facts, now } of steps) {
      const accepted = facts.find((fact) => fact.type === 'PaymentAccepted');
      if (accepted === undefined || !isPresent(after)) continue;
      const { terms } = after;
      if (accepted.payment.excess !== undefined) seen.add(`${terms.offer?.usage} excess`);
      if (now >= terms.expiresAt) seen.add(`${terms.offer?.usage} late`);
    }
    expect([...seen]).toEqual(
      expect.arrayContaining(['many excess', 'single excess', 'single late']),
    );
  });

  test('the lives meet every refusal of their own', () => {
    const codes = new Set<string>();
    for (const { decision, facts } of steps) {
      const refusals = isRejection(decision) ? [decision] : facts.flatMap(refusalIn);
      for (const refusal of refusals) {
        codes.add('reason' in refusal ? `${refusal.rejected} ${refusal.reason}` : refusal.rejected);
      }
    }
    expect([...codes]).toEqual(
      expect.arrayContaining([
        'bill.notPayable expired',
        'bill.notPayable limit',
        'bill.notPayable notYetValid',
        'bill.notPayable paid',
        'bill.notPayable reserved',
        'bill.notPayable withdrawn',
        'cancel.amountBeforeConfirm',
        'confirm.exceedsPaid',
        'payment.notConfirmable',
        'payment.notFound',
        'payment.notRefundable',
        'payment.outOfRange',
        'refund.exceedsConfirmed',
        'refund.paymentRequired',
      ]),
    );
  });

  test('the lives recall payments, credits and events', () => {
    const recalled = { payments: 0, credits: 0, events: 0 };
    for (const { facts } of steps) {
      const [first] = facts;
      if (first?.type !== 'PartsRecalled') continue;
      recalled.payments += first.payments.length;
      recalled.credits += first.credits.length;
      recalled.events += first.events.length;
    }
    expect(Math.min(recalled.payments, recalled.credits, recalled.events)).toBeGreaterThan(3);
  });
});

interface Rows {
  readonly payments: Map<number, Payment>;
  readonly credits: Map<number, Credit>;
  readonly pending: Map<number, BillEvent>;
}

/** What a history writer does with what was touched, and history with what is too old. */
function write(rows: Rows, { before, after, facts, now }: Step): void {
  if (!isPresent(after)) return;
  const touched = touchedBy(before, after, facts);
  for (const payment of after.payments) {
    if (touched.payments.includes(payment.no)) rows.payments.set(payment.no, payment);
  }
  for (const credit of after.credits) {
    if (touched.credits.includes(credit.no)) rows.credits.set(credit.no, credit);
  }
  for (const event of touched.eventsRaised) rows.pending.set(event.no, event);
  for (const { event, how } of touched.eventsEnded) {
    if (how !== 'letGo') rows.pending.delete(event.no);
  }
  if (facts.length === 0) return;
  for (const [no, event] of rows.pending) {
    if (now - event.occurredAt > EVENT_LIFE_MS) rows.pending.delete(no);
  }
}

/** The bill once all its timers have run, as they fall due. */
function atRest(from: Bill, since: Millis): PresentBill {
  let bill = from;
  let now = since;
  for (let count = 0; nextDueOf(bill) !== NEVER; count++) {
    if (count > 1_000) throw new Error('the timers do not end');
    now = millis(Math.max(now, nextDueOf(bill)));
    const decision = decide(bill, { type: 'RunTimer' }, now);
    if (isRejection(decision) || decision.length === 0) throw new Error('a timer does nothing');
    bill = evolve(bill, decision, { at: now, requestId: 'rest' });
  }
  return must(isPresent(bill) ? bill : null, 'a bill');
}

function withoutParts(decision: BillDecision): BillDecision {
  if (isRejection(decision)) return decision;
  return decision.filter(({ type }) => type !== 'PartsRecalled' && type !== 'PartsLetGo');
}

function refusalIn(fact: BillFact) {
  if (fact.type === 'PaymentRefused') return [fact.payment.rejection];
  return fact.type === 'KeyUsed' && fact.rejection !== null ? [fact.rejection] : [];
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

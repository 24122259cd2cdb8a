// The promises of dynamic.ts, for all lives of a bill in a small world.

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { freeze, lives, type Step, shown } from '../../../tests/support/bill-lives.ts';
import { cancel, RUN_TIMER, ref, withTimersRun } from '../../../tests/support/bill-spec.ts';
import { must } from '../assert.ts';
import { HOUR_MS, type Millis, NEVER, plus } from '../time.ts';
import { CHANGES_WHAT_IS_SHOWN } from './apply-fact.ts';
import { decide, evolve, nextDueOf } from './bill.ts';
import { findCredit, isUnresolved } from './credits.ts';
import { type Bill, dueOf, isPresent, type PresentBill, reservedOf } from './state.ts';
import { type EndedEvent, type Touched, touchedBy } from './touched.ts';
import {
  type BillCommand,
  type BillDecision,
  type BillEvent,
  type BillFact,
  type BillRejection,
  type BillStatus,
  type Credit,
  isRejection,
  type KeptReference,
  type Outcome,
  type Payment,
  type ReferenceKind,
} from './vocabulary.ts';

const RUNS = { numRuns: 200 };

/** Checks each step of each life, and each life as a whole. */
function forAllSteps(check: (step: Step & { readonly after: PresentBill }) => void): void {
  forAllLives((life) => {
    for (const { after, ...rest } of life) if (isPresent(after)) check({ ...rest, after });
  });
}

function forAllLives(check: (life: readonly Step[]) => void): void {
  fc.assert(fc.property(lives(), check), RUNS);
}

describe('a dynamic bill', () => {
  test('B1: money is conserved', () => {
    forAllSteps(({ after: { status, books, payments, terms } }) => {
      const { paid, confirmed, reversed, refunded, unreturned, excess = 0 } = books;
      const held = sum(payments.map(({ amount, credited }) => amount - credited));
      expect(sum(payments.map(({ amount }) => amount))).toBe(paid);
      expect(sum(payments.map((payment) => payment.excess ?? 0))).toBe(excess);
      expect(excess).toBeLessThanOrEqual(reversed);
      expect(paid - excess).toBeLessThanOrEqual(terms.amount);
      expect(refunded).toBeLessThanOrEqual(confirmed);
      expect(unreturned).toBeLessThanOrEqual(reversed + refunded);
      if (status === 'confirmed' || status === 'refunded') {
        expect(paid).toBe(confirmed + reversed);
        expect(held).toBe(confirmed - refunded);
      } else {
        expect(paid).toBe(held + reversed);
        expect(confirmed).toBe(0);
      }
    });
  });

  test('B2: no credit exceeds its payment, and credits add up to what was asked back', () => {
    forAllSteps(({ after: { books, payments, ...bill } }) => {
      const credits = bill.credits.filter(({ isTip }) => !isTip);
      for (const payment of payments) {
        const own = credits.filter(({ paymentNo }) => paymentNo === payment.no);
        const drawn = own.filter(({ replaces }) => replaces === undefined);
        expect(sum(drawn.map(({ amount }) => amount))).toBe(payment.credited);
        expect(payment.credited).toBeLessThanOrEqual(payment.amount);
        expect(own.every((credit) => isDrawnFrom(credit, payment))).toBe(true);
      }
      const total = (of: (credit: Credit) => boolean): number =>
        sum(credits.filter(of).map(({ amount }) => amount));
      const drawn = (credit: Credit): boolean => credit.replaces === undefined;
      expect(total((each) => each.kind === 'reversal' && drawn(each))).toBe(books.reversed);
      expect(total((each) => each.kind === 'refund' && drawn(each))).toBe(books.refunded);
      expect(total(isUnresolved)).toBe(books.unreturned);
    });
  });

  test('B8: a credit is returned once: of those in place of one another, the last alone is alive', () => {
    forAllSteps(({ before, after: { credits }, facts }) => {
      for (const credit of credits) returnedOnce(credit, credits);
      if (isPresent(before) && facts.length > 0) nothingTakenBack(before.credits, credits);
    });
  });

  test('B3: reservations hold no more than is due', () => {
    forAllSteps(({ after }) => {
      expect(reservedOf(after)).toBeLessThanOrEqual(dueOf(after));
    });
  });

  test('B3: a payment within its live reservation is accepted', () => {
    forAllSteps(({ after, now }) => {
      for (const { no, amount, paychannelId, expiresAt } of after.reservations) {
        // Its end may be the next of several timers that are due.
        if (now >= expiresAt) continue;
        const command = {
          type: 'PayBill',
          paychannelId,
          paymentRef: ref('fresh'),
          digest: '',
          amount,
          currency: after.terms.currency,
          reservationNo: no,
          method: null,
          payer: null,
          paidAt: null,
          subscribed: false,
        } as const;
        const decision = decide(after, command, now);
        expect(decision).toContainEqual(expect.objectContaining({ type: 'PaymentAccepted' }));
      }
    });
  });

  test('B4: a reference keeps its first outcome', () => {
    forAllLives((life) => {
      const outcomes = new Map<string, Outcome>();
      for (const { before, after, facts } of life) {
        for (const kept of touchedBy(before, after, facts).references) {
          expect(outcomes.has(keyOf(kept))).toBe(false);
          outcomes.set(keyOf(kept), kept.outcome);
        }
        if (!isPresent(after)) continue;
        expect(new Map(after.references.map((kept) => [keyOf(kept), kept.outcome]))).toEqual(
          outcomes,
        );
      }
    });
  });

  test('B4: what was done or refused for good is neither done nor refused otherwise, ever', () => {
    forAllLives((life) => {
      const end = must(life.at(-1), 'a step');
      for (const { command, facts } of life) {
        if (facts.length === 0 || !isRepeatable(command)) continue;
        expect(decide(end.after, command, end.now)).toEqual(sameOutcome(facts));
      }
    });
  });

  test('B4: a reference that history recalls decides as one that the bill keeps', () => {
    forAllSteps(({ before, command, now, decision }) => {
      if (!isPresent(before)) return;
      const recalled = before.references.find((kept) => isNamedBy(kept, command));
      if (recalled === undefined) return;
      const forgetful = { ...before, references: [], spilled: true };
      expect(decide(forgetful, command, now, recalled)).toEqual(decision);
    });
  });

  test('B5: the version counts the transitions that show', () => {
    forAllSteps(({ before, after, facts }) => {
      const isShown = JSON.stringify(shown(before)) !== JSON.stringify(shown(after));
      const earlier = isPresent(before) ? before.version : 0;
      expect(after.version - earlier).toBe(isShown ? 1 : 0);
      expect(facts.some(({ type }) => CHANGES_WHAT_IS_SHOWN[type])).toBe(isShown);
    });
  });

  test('B6: all that it took can be returned', () => {
    forAllSteps(({ after, now, moment }) => {
      const decision = decide(after, cancel(), now);
      if (after.status === 'expired') return;
      expect(isRejection(decision)).toBe(false);
      const end = isRejection(decision) ? after : evolve(after, decision, moment);
      expect(
        isPresent(end) && end.payments.every(({ amount, credited }) => amount === credited),
      ).toBe(true);
    });
  });

  test('B7: a final status stays, and a confirmed amount never changes', () => {
    const finals: readonly string[] = ['refunded', 'cancelled', 'expired'] satisfies BillStatus[];
    forAllSteps(({ before, after }) => {
      if (!isPresent(before)) return;
      if (finals.includes(before.status)) expect(after.status).toBe(before.status);
      if (before.books.confirmed > 0) expect(after.books.confirmed).toBe(before.books.confirmed);
    });
  });
});

describe('the policies of a dynamic bill', () => {
  test('excess: what is paid above what is due goes back with the payment, and only if so agreed', () => {
    forAllSteps(({ before, after, facts }) => {
      for (const fact of facts) {
        if (fact.type !== 'PaymentAccepted' || !isPresent(before)) continue;
        const { no, amount, excess = 0 } = fact.payment;
        expect(excess).toBe(Math.max(0, amount - dueOf(before)));
        if (excess === 0) continue;
        expect(after.terms.policies?.excess).toBe('reverse');
        const drawn = { kind: 'reversal', paymentNo: no, amount: excess, reason: 'excess' };
        expect(after.credits).toContainEqual(expect.objectContaining(drawn));
      }
    });
  });

  test('part: where it is forbidden, one payment pays the bill, and one reservation holds it', () => {
    forAllSteps(({ after }) => {
      if (after.terms.policies?.part !== 'forbid') return;
      expect(after.payments.length + after.reservations.length).toBeLessThanOrEqual(1);
      expect(after.status).not.toBe('partiallyPaid');
      for (const { amount } of after.reservations) expect(amount).toBe(after.terms.amount);
    });
  });

  test('are for ever those that it was created with', () => {
    forAllSteps(({ before, after }) => {
      if (isPresent(before)) expect(after.terms).toBe(before.terms);
    });
  });
});

describe('a command', () => {
  test('repeated at once decides nothing, or the same refusal', () => {
    forAllSteps(({ command, now, decision, facts, after }) => {
      if (command.type === 'CreateBill' || command.type === 'RunTimer') return;
      const again = decide(after, command, now);
      if (isRejection(decision)) expect(again).toEqual(decision);
      else expect(again).toEqual(sameOutcome(facts));
    });
  });

  test('changes nothing that it was given', () => {
    // Every bill, command and fact of a life is frozen: a write to one of them has thrown by now.
    forAllSteps(({ after }) => {
      expect(Object.isFrozen(after) && Object.isFrozen(after.terms)).toBe(true);
    });
  });
});

describe('timers', () => {
  test('run before any command finds the bill, and do something just when they are due', () => {
    forAllLives((life) => {
      for (const { before, command, now, facts } of life) {
        const isDue = nextDueOf(before) <= now;
        if (command.type === 'RunTimer') expect(facts.length > 0).toBe(isDue);
        else expect(isDue).toBe(false);
      }
    });
  });

  test('have nothing left to do once they have run', () => {
    forAllLives((life) => {
      const end = must(life.at(-1), 'a step');
      const now = plus(end.now, HOUR_MS);
      const rested = withTimersRun(end.after, now);
      expect(nextDueOf(rested)).toBeGreaterThan(now);
      expect(decide(rested, RUN_TIMER, now)).toEqual([]);
    });
  });

  test('end: every bill that is left alone comes to rest', () => {
    forAllLives((life) => {
      let bill: Bill = must(life.at(-1), 'a step').after;
      let now: Millis = must(life.at(-1), 'a step').now;
      for (let count = 0; nextDueOf(bill) !== NEVER; count++) {
        expect(count).toBeLessThan(1_000);
        now = nextDueOf(bill) > now ? nextDueOf(bill) : now;
        const decision = decide(bill, { type: 'RunTimer' }, now);
        bill = isRejection(decision)
          ? bill
          : evolve(bill, decision, { at: now, requestId: 'rest' });
      }
      expect(['confirmed', 'refunded', 'cancelled', 'expired']).toContain(bill.status);
    });
  });
});

describe('events', () => {
  test('show the bill as their transition leaves it, in the order of their numbers', () => {
    forAllSteps(({ before, after, facts, moment }) => {
      const { eventsRaised } = touchedBy(before, after, facts);
      for (const event of eventsRaised) {
        expect(event).toMatchObject({
          status: after.status,
          version: after.version,
          paid: after.books.paid,
          due: dueOf(after),
          occurredAt: moment.at,
        });
        if (event.payment !== null) expect(after.payments).toContainEqual(event.payment);
        if (event.credit !== null) expect(after.credits).toContainEqual(event.credit);
      }
      const nos = after.outbox.map(({ no }) => no);
      expect(nos).toEqual([...nos].sort((left, right) => left - right));
    });
  });

  test('ask for each credit once at a time', () => {
    forAllSteps(({ after }) => {
      const asked = after.outbox
        .filter(({ type }) => type === 'credit.requested')
        .map(({ recipient, credit }) => `${recipient} ${credit?.no}`);
      expect(new Set(asked).size).toBe(asked.length);
    });
  });
});

describe('replay', () => {
  test('of any snapshot and the rest gives the same bill', () => {
    fc.assert(
      fc.property(lives(), fc.nat(), (life, seed) => {
        const from = seed % life.length;
        const start = must(life[from], 'a step').before;
        let bill: Bill = freeze(JSON.parse(JSON.stringify(start)) as Bill);
        for (const { facts, moment } of life.slice(from)) {
          const read = JSON.parse(JSON.stringify(facts)) as typeof facts;
          bill = evolve(bill, read, moment);
        }
        expect(bill).toEqual(must(life.at(-1), 'a step').after);
      }),
      RUNS,
    );
  });
});

describe('what a transition touched', () => {
  test('is enough to keep rows of payments, credits and pending events', () => {
    forAllLives((life) => {
      const rows = noRows();
      for (const { before, after, facts } of life) {
        if (!isPresent(after)) continue;
        write(rows, after, touchedBy(before, after, facts));
        expect([...rows.payments.values()]).toEqual(after.payments);
        expect([...rows.credits.values()]).toEqual(after.credits);
        expect([...rows.outbox.values()]).toEqual(after.outbox);
      }
    });
  });

  test('tells acknowledged events from replaced ones, and names every refusal', () => {
    forAllSteps(({ before, after, facts }) => {
      const { eventsEnded, eventsRaised, refused } = touchedBy(before, after, facts);
      const acknowledged = facts.flatMap((fact) =>
        fact.type === 'EventsAcknowledged' ? fact.nos : [],
      );
      const named = (how: EndedEvent['how']) => eventsEnded.filter((ended) => ended.how === how);
      expect(named('acknowledged').map(({ event }) => event.no)).toEqual(acknowledged);
      for (const { event } of named('replaced')) {
        expect(eventsRaised.map(({ credit }) => credit?.no)).toEqual([event.credit?.no]);
      }
      expect(refused).toEqual(
        facts.flatMap((fact) => (fact.type === 'PaymentRefused' ? [fact.payment] : [])),
      );
    });
  });
});

describe('reach', () => {
  // A property that never arrives proves nothing.
  let steps: readonly Step[] = [];

  beforeAll(() => {
    steps = fc.sample(lives(), { seed: 7, numRuns: 1_000 }).flat();
  });

  test('the lives come to every status', () => {
    const statuses = {
      open: true,
      partiallyPaid: true,
      paid: true,
      confirmed: true,
      refunded: true,
      cancelled: true,
      expired: true,
    } satisfies Record<Exclude<BillStatus, 'pending' | 'failed'>, true>;
    const ends = new Set(steps.map(({ after }) => after.status));
    expect([...ends].sort()).toEqual(Object.keys(statuses).sort());
  });

  test('the lives know every fact', () => {
    const types = new Set(steps.flatMap(({ facts }) => facts.map(({ type }) => type)));
    const ofOthers =
      /^(?:StayCharged|PaymentConfirmed|Parts\w+|Arming\w+|StickerArmed|EventResent|Acquiring\w+|BillOpened|BillFailed)$/;
    const expected = Object.keys(CHANGES_WHAT_IS_SHOWN).filter((type) => !ofOthers.test(type));
    expect([...types].sort()).toEqual(expected.sort());
  });

  test('the lives know every end of a reservation, every event and every end of one', () => {
    const ways = new Set<string>();
    for (const { before, after, facts } of steps) {
      const { eventsEnded, eventsRaised } = touchedBy(before, after, facts);
      for (const { how } of eventsEnded) ways.add(how);
      for (const { type } of eventsRaised) ways.add(type);
    }
    for (const fact of steps.flatMap(({ facts }) => facts)) {
      if (fact.type === 'ReservationEnded') ways.add(fact.how);
    }
    expect([...ways].sort()).toMatchInlineSnapshot(`
      [
        "acknowledged",
        "bill.cancelled",
        "bill.confirmed",
        "bill.expired",
        "bill.paid",
        "closed",
        "credit.rejected",
        "credit.requested",
        "credit.settled",
        "dead",
        "lapsed",
        "payment.confirmed",
        "payment.received",
        "released",
        "replaced",
        "used",
      ]
    `);
  });

  test('the lives meet every refusal but those of the limits', () => {
    const codes = new Set<string>();
    for (const { decision, facts } of steps) {
      const refusals = isRejection(decision) ? [decision] : facts.flatMap(refusalIn);
      for (const refusal of refusals) {
        codes.add('reason' in refusal ? `${refusal.rejected} ${refusal.reason}` : refusal.rejected);
      }
    }
    expect([...codes].sort()).toMatchInlineSnapshot(`
      [
        "bill.notCancellable",
        "bill.notConfirmable",
        "bill.notPaid",
        "bill.notPayable cancelled",
        "bill.notPayable expired",
        "bill.notPayable paid",
        "bill.notPayable reserved",
        "bill.notRefundable",
        "bill.stillDue",
        "cancel.amountBeforeConfirm",
        "confirm.exceedsPaid",
        "credit.notFound",
        "credit.notRejected",
        "credit.settledOtherwise",
        "idempotency.reused",
        "payment.currencyMismatch",
        "payment.exceedsDue",
        "payment.notFound",
        "payment.partForbidden",
        "payment.refReused",
        "payment.tipExceedsMax",
        "payment.tipForbidden",
        "payment.void",
        "refund.exceedsConfirmed",
        "reservation.exceedsDue",
        "reservation.expired",
        "reservation.notFound",
        "reservation.refReused",
      ]
    `);
  });
});

interface Rows {
  readonly payments: Map<number, Payment>;
  readonly credits: Map<number, Credit>;
  readonly outbox: Map<number, BillEvent>;
}

function noRows(): Rows {
  return { payments: new Map(), credits: new Map(), outbox: new Map() };
}

/** What a history writer does with what was touched. */
function write(rows: Rows, after: PresentBill, touched: Touched): void {
  for (const no of touched.payments) {
    const payment = after.payments.find((each) => each.no === no);
    rows.payments.set(no, must(payment, 'the payment touched'));
  }
  for (const no of touched.credits) {
    rows.credits.set(no, must(findCredit(after, no), 'the credit touched'));
  }
  for (const event of touched.eventsRaised) rows.outbox.set(event.no, event);
  for (const { event } of touched.eventsEnded) rows.outbox.delete(event.no);
}

/** What a repeat is answered: nothing new, or the refusal that the first call was given and that its key keeps. */
function sameOutcome(facts: readonly BillFact[]): BillDecision {
  const last = facts.at(-1);
  return last?.type === 'KeyUsed' && last.rejection !== null ? last.rejection : [];
}

/** Commands whose outcome lasts. A receipt takes another's place; an acknowledgement may have named what came later. */
function isRepeatable({ type }: BillCommand): boolean {
  const ofTheMoment = ['CreateBill', 'RunTimer', 'AttachReceipt', 'AcknowledgeEvents'];
  return !ofTheMoment.includes(type);
}

function isNamedBy(kept: KeptReference, command: BillCommand): boolean {
  switch (command.type) {
    case 'PayBill':
    case 'VoidPayment':
      return isKept(kept, 'payment', command.paychannelId, command.paymentRef);
    case 'ReserveBill':
      return isKept(kept, 'reservation', command.paychannelId, command.reservationRef);
    case 'RefundBill':
    case 'CancelBill':
      return isKept(kept, 'key', command.by.id, command.key);
    default:
      return false;
  }
}

function isKept(
  kept: KeptReference,
  kind: ReferenceKind,
  scope: string,
  name: string | null,
): boolean {
  return kept.kind === kind && kept.scope === scope && kept.ref === name;
}

function keyOf({ kind, scope, ref: name }: KeptReference): string {
  return `${kind} ${scope} ${name}`;
}

function isDrawnFrom(credit: Credit, payment: Payment): boolean {
  return (
    credit.amount > 0 &&
    credit.paychannelId === payment.paychannelId &&
    credit.paymentRef === payment.paymentRef
  );
}

function refusalIn(fact: BillFact): BillRejection[] {
  if (fact.type === 'PaymentRefused') return [fact.payment.rejection];
  return fact.type === 'KeyUsed' && fact.rejection !== null ? [fact.rejection] : [];
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

/** Whoever is in another's place says so, and the other way round. */
function returnedOnce(given: Credit, credits: readonly Credit[]): void {
  const { no, status, replaces, resolution, kind, paymentNo, amount } = given;
  if (resolution !== undefined) expect(status).toBe('rejected');
  if (resolution?.how === 'requestedAgain') {
    const next = must(credits[resolution.creditNo - 1], 'the one in its place');
    expect(next).toMatchObject({ replaces: no, kind, paymentNo, amount });
  }
  if (replaces === undefined) return;
  expect(credits[replaces - 1]?.resolution).toEqual({ how: 'requestedAgain', creditNo: no });
}

/** What a wallet or an operator has said of a credit is never taken back. */
function nothingTakenBack(before: readonly Credit[], after: readonly Credit[]): void {
  for (const [index, { status, resolution }] of before.entries()) {
    if (status !== 'pending') expect(after[index]?.status).toBe(status);
    if (resolution !== undefined) expect(after[index]?.resolution).toBe(resolution);
  }
}

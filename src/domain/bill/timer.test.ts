import { describe, expect, test } from 'vitest';
import {
  ALFA,
  BETA,
  cancel,
  confirm,
  create,
  createStatic,
  createTimer,
  type Given,
  given,
  inSeconds,
  momentOf,
  money,
  PARKING,
  pay,
  ref,
  refund,
  release,
  reserve,
  START,
} from '../../../tests/support/bill-spec.ts';
import { flat, free, per, rule, tariffOf } from '../../../tests/support/tariffs.ts';
import { must } from '../assert.ts';
import { STAY_MAX_MS } from '../tariff/tariff.ts';
import { DAY_MS, MINUTE_MS, type Millis, NEVER, plus } from '../time.ts';
import { evolve, nextDueOf } from './bill.ts';
import { dueAt, quoteFor } from './charging.ts';
import { payableReason } from './payable.ts';
import { dueOf } from './state.ts';
import type { Quote } from './vocabulary.ts';

const at = (minutes: number): Millis => inSeconds(minutes * 60);
const parked = (): Given => given(createTimer());
const dueIn = (bill: Given, minutes: number): number => dueAt(bill.bill, at(minutes));

/** What a wallet is told, so many minutes after the start. */
function told(bill: Given, minutes: number, channel = ALFA): { amount: number; quote: Quote } {
  return must(quoteFor(bill.bill, channel, at(minutes)), 'a quote');
}

/** Paid in full by its quote of minute 20: 100, clear until minute 40. */
const paidAt20 = (): Given => given(createTimer(), [pay(100), at(20)]);

describe('a stay', () => {
  test('costs what its tariff says by now, and nothing while it is free', () => {
    expect([0, 10, 11, 40, 41, 70, 71].map((minute) => dueIn(parked(), minute))).toEqual([
      0, 0, 100, 100, 200, 200, 300,
    ]);
  });

  test('counts from its start, where that was before its bill', () => {
    const bill = given(createTimer({ startedAt: plus(START, -30 * MINUTE_MS) }));
    expect(dueIn(bill, 0)).toBe(100);
  });

  test('is not payable before anything is due', () => {
    expect(payableReason(parked().bill, ALFA, at(5))).toBe('notYetValid');
    parked().when(pay(100), at(5)).refuses({ rejected: 'bill.notPayable', reason: 'notYetValid' });
    parked()
      .when(reserve(null), at(5))
      .rejects({ rejected: 'bill.notPayable', reason: 'notYetValid' });
    expect(payableReason(parked().bill, ALFA, at(11))).toBeNull();
  });

  test('has a last price: beyond 366 days it costs no more, and its bill expires', () => {
    const bill = parked().bill;
    const last = plus(START, STAY_MAX_MS);
    expect(dueAt(bill, plus(last, DAY_MS))).toBe(dueAt(bill, last));
    expect(nextDueOf(bill)).toBe(last);
  });

  test('must be charged in the currency of its bill, by a version in force at its start', () => {
    const tariff = {
      ...PARKING,
      versions: PARKING.versions.map((each) => ({ ...each, effectiveFrom: at(1) })),
    };
    expect(() => given(createTimer({ tariff }))).toThrow('without a price');
    expect(() => given(createTimer({ tariff: { ...PARKING, currency: 'USD' as never } }))).toThrow(
      'another currency',
    );
  });
});

describe('paying for a stay', () => {
  test('all that is due now pays it, and says until when one may leave', () => {
    const then = parked().when(pay(100), at(20));
    then.decides('StayCharged', 'PaymentAccepted', 'EventRaised', 'PaymentAnswered');
    expect(then.bill).toMatchObject({
      status: 'paid',
      charged: { total: 100, clearUntil: at(40) },
      outbox: [{ type: 'bill.paid', clearUntil: at(40), due: 0 }],
      references: [{ outcome: { answer: { due: 0, clearUntil: at(40) } } }],
    });
  });

  test('late in a unit gives the time of grace, though the unit is over before it', () => {
    expect(parked().when(pay(100), at(39)).bill.charged).toEqual({
      total: 100,
      clearUntil: at(54),
    });
  });

  test('a part leaves the rest due, which grows on', () => {
    const then = parked().when(pay(60), at(20));
    expect(then.bill).toMatchObject({
      status: 'partiallyPaid',
      charged: { total: 100, clearUntil: null },
      outbox: [{ type: 'payment.received', due: 40 }],
    });
    expect(then.bill.outbox[0]).not.toHaveProperty('clearUntil');
    expect(dueAt(then.bill, at(41))).toBe(140);
  });

  test('more than is due now is refused', () => {
    parked()
      .when(pay(101), at(20))
      .refuses({ rejected: 'payment.exceedsDue', due: money(100) });
  });

  test('with auto capture it is confirmed at once, and nothing more becomes due', () => {
    const then = given(createTimer({}, { capture: 'auto' })).when(pay(100), at(20));
    expect(then.bill).toMatchObject({ status: 'confirmed', books: { confirmed: 100 } });
    expect(then.bill.outbox[0]).toMatchObject({ type: 'bill.paid', clearUntil: at(40) });
    expect(nextDueOf(then.bill)).toBe(NEVER);
  });
});

describe('a quote', () => {
  test('is what is due now, for as long as the tariff honours it', () => {
    expect(told(parked(), 20)).toEqual({
      amount: 100,
      quote: { total: 100, coveredUntil: at(40), until: at(25) },
    });
  });

  test('is honoured to the cent until it ends, though more has become due', () => {
    const { quote } = told(parked(), 39);
    const now = plus(quote.until, -1);
    expect(dueAt(parked().bill, now)).toBe(200);
    expect(parked().when(pay(100, { quote }), now).bill).toMatchObject({
      status: 'paid',
      charged: { total: 100, clearUntil: plus(now, 15 * MINUTE_MS) },
    });
  });

  test('has run out at its end, and the refusal stays', () => {
    const { quote } = told(parked(), 39);
    const then = parked().when(pay(100, { quote }), quote.until);
    then.refuses({ rejected: 'quote.expired' });
    parked().when(reserve(null, { quote }), quote.until).rejects({ rejected: 'quote.expired' });
  });

  test('gives leave until its own end, where there is no grace', () => {
    const tariff = tariffOf('Europe/Riga', {
      graceSeconds: 0,
      rules: [rule('Always', null, per(30, 100))],
    });
    const bill = given(createTimer({ tariff }));
    const { quote } = told(bill, 29);
    const paid = bill.when(pay(100, { quote }), at(33)).bill;
    expect(paid.charged?.clearUntil).toBe(at(34));
    expect(nextDueOf(paid)).toBe(plus(at(34), 1));
  });

  test('takes no more than it says, and a part of it is a part of what is due now', () => {
    const { quote } = told(parked(), 39);
    parked()
      .when(pay(101, { quote }), at(41))
      .refuses({ rejected: 'payment.exceedsDue', due: money(100) });
    expect(parked().when(pay(99, { quote }), at(41)).bill).toMatchObject({
      status: 'partiallyPaid',
      charged: { total: 200 },
    });
  });

  test('counts what others have paid since: of its price, only the rest is left', () => {
    const { quote } = told(parked(), 39);
    const part = given(createTimer(), [pay(60, { paychannelId: BETA }), at(40)]);
    part
      .when(pay(100, { quote }), at(41))
      .refuses({ rejected: 'payment.exceedsDue', due: money(40) });
    expect(part.when(pay(40, { quote }), at(41)).bill.status).toBe('paid');
    const more = given(createTimer(), [pay(150, { paychannelId: BETA }), at(41)]);
    more.when(pay(1, { quote }), at(42)).refuses({ rejected: 'payment.exceedsDue', due: money(0) });
  });

  test('leaves alone what others have reserved', () => {
    const { quote } = told(parked(), 39);
    const held = given(createTimer(), [reserve(30, { paychannelId: BETA }), at(40)]);
    held
      .when(pay(100, { quote }), at(41))
      .refuses({ rejected: 'bill.notPayable', reason: 'reserved' });
    expect(told(held, 41)).toMatchObject({ amount: 170, quote: { total: 200 } });
  });

  test('is none where nothing is due, where the bill is over, and where the tariff gives none', () => {
    expect(quoteFor(parked().bill, ALFA, at(5))).toBeNull();
    expect(quoteFor(paidAt20().bill, ALFA, at(21))).toBeNull();
    const tariff = tariffOf('Europe/Riga', { quoteSeconds: 0, rules: [rule('R', null, flat(5))] });
    expect(quoteFor(given(createTimer({ tariff })).bill, ALFA, at(1))).toBeNull();
  });

  test('ends with its bill', () => {
    const bill = given(createTimer({}, { expiresAt: at(22) }));
    expect(told(bill, 20).quote.until).toBe(at(22));
  });

  test('is no quote of a bill of another type', () => {
    const { quote } = told(parked(), 20);
    given(create({ amount: money(100) }))
      .when(pay(100, { quote }))
      .refuses({ rejected: 'quote.expired' });
    given(createStatic()).when(reserve(null, { quote })).rejects({ rejected: 'quote.expired' });
  });
});

describe('a reservation with a quote', () => {
  const reserved = (): Given => {
    const { quote } = told(parked(), 39);
    return given(createTimer(), [reserve(null, { quote }), at(43)]);
  };

  test('freezes the amount while it lives, past the end of its quote', () => {
    const bill = reserved();
    expect(bill.bill.reservations).toMatchObject([{ amount: 100, quote: { total: 100 } }]);
    const now = plus(at(45), -1);
    expect(dueAt(bill.bill, now)).toBe(100);
    const { bill: paid } = bill.when(pay(100, { reservationNo: 1 }), now);
    expect(paid).toMatchObject({
      status: 'paid',
      reservations: [],
      charged: { total: 100, clearUntil: plus(now, 15 * MINUTE_MS) },
    });
  });

  test('lets the price go on from where it would have been', () => {
    expect(dueAt(reserved().later(at(45)).bill, at(45))).toBe(200);
    const released = reserved().when(release(1), at(44)).bill;
    expect(dueAt(released, at(44))).toBe(200);
  });

  test('is not quoted again, so that nobody holds a price for ever', () => {
    expect(quoteFor(reserved().bill, ALFA, at(44))).toBeNull();
  });

  test('without a quote freezes nothing', () => {
    const bill = given(createTimer(), [reserve(null), at(40)]);
    expect(bill.bill.reservations).toMatchObject([{ amount: 100 }]);
    expect(bill.bill.reservations[0]).not.toHaveProperty('quote');
    expect(bill.when(pay(100, { reservationNo: 1 }), at(41)).bill.status).toBe('partiallyPaid');
  });

  test('for a part freezes the whole, and a lower one frozen beside it counts for both', () => {
    const early = told(parked(), 39).quote;
    const late = told(parked(), 41).quote;
    const both = given(
      createTimer(),
      [reserve(50, { quote: late }), at(42)],
      [reserve(50, { quote: early, paychannelId: BETA, reservationRef: ref('r2') }), at(43)],
    );
    expect(dueAt(both.bill, at(43))).toBe(100);
    both
      .when(reserve(1, { reservationRef: ref('r3') }), at(43))
      .rejects({ rejected: 'bill.notPayable', reason: 'reserved' });
    const first = both.when(pay(50, { reservationNo: 1 }), at(43));
    expect(first.bill).toMatchObject({ status: 'partiallyPaid', charged: { total: 100 } });
  });

  test('takes no price below what is paid and reserved already', () => {
    const { quote } = told(parked(), 39);
    const held = given(
      createTimer(),
      [pay(80, { paychannelId: BETA }), at(41)],
      [reserve(80, { paychannelId: BETA }), at(42)],
    );
    held
      .when(reserve(null, { quote, reservationRef: ref('r2') }), at(43))
      .rejects({ rejected: 'bill.notPayable', reason: 'reserved' });
  });
});

describe('staying on', () => {
  test('is free until one must have left, and then more is due, and the terminal is told', () => {
    const paid = paidAt20();
    expect(dueAt(paid.later(at(40)).bill, at(40))).toBe(0);
    expect(nextDueOf(paid.bill)).toBe(plus(at(40), 1));
    const stayed = paid.later(at(41)).bill;
    expect(stayed).toMatchObject({
      status: 'partiallyPaid',
      charged: { total: 200, clearUntil: null },
      outbox: [{ type: 'bill.paid' }, { type: 'bill.due', due: 100, paid: 100 }],
    });
    expect(stayed.version).toBe(paid.bill.version + 1);
  });

  test('is charged as the one stay that it is, grace and all', () => {
    const late = given(createTimer(), [pay(100), at(39)]).later(at(55));
    expect(dueOf(late.bill)).toBe(100);
    expect(late.when(pay(100, { paymentRef: ref('p2') }), at(56)).bill).toMatchObject({
      status: 'paid',
      books: { paid: 200 },
      charged: { total: 200, clearUntil: at(71) },
    });
  });

  test('is noticed late where the switch was away, and charged by then', () => {
    expect(paidAt20().later(at(100)).bill.charged?.total).toBe(300);
  });

  test('never ends the leave of who has reached the highest price', () => {
    const tariff = tariffOf('Europe/Riga', {
      first: [free(10)],
      rules: [rule('R', null, flat(9))],
    });
    const paid = given(createTimer({ tariff }), [pay(9), at(20)]).bill;
    expect(paid.charged?.clearUntil).toBe(NEVER);
    expect(nextDueOf(paid)).toBe(plus(at(20), DAY_MS));
  });
});

describe('confirming a stay', () => {
  test('is refused while something is due, with how much', () => {
    const rejected = 'bill.stillDue';
    parked()
      .when(confirm(), at(20))
      .rejects({ rejected, due: money(100) });
    paidAt20()
      .later(at(41))
      .when(confirm(), at(42))
      .rejects({ rejected, due: money(100) });
    given(createTimer(), [pay(60), at(20)])
      .when(confirm(), at(41))
      .rejects({ rejected, due: money(140) });
  });

  test('ends it with what was paid, where nothing is due', () => {
    const then = paidAt20().when(confirm(), at(30));
    expect(then.bill).toMatchObject({ status: 'confirmed', books: { confirmed: 100 } });
    given(createTimer(), [pay(100), at(20)], [confirm(), at(30)])
      .when(confirm(), at(90))
      .decidesNothing();
  });

  test('needs no payment where it was free, and then nothing can be given back', () => {
    const free = given(createTimer(), [confirm(), at(9)]);
    expect(free.bill).toMatchObject({ status: 'confirmed', books: { paid: 0, confirmed: 0 } });
    free.when(confirm(), at(90)).decidesNothing();
    free.when(cancel(), at(90)).decidesNothing();
    free
      .when(refund(1), at(90))
      .refusesUnderKey({ rejected: 'refund.exceedsConfirmed', left: money(0) });
    free.when(pay(1), at(90)).refuses({ rejected: 'bill.notPayable', reason: 'paid' });
  });

  test('with an amount needs a payment, as of any bill; 0 cancels', () => {
    parked().when(confirm(50), at(20)).rejects({ rejected: 'bill.notPaid' });
    expect(parked().when(confirm(0), at(20)).bill.status).toBe('cancelled');
    expect(given(createTimer(), [pay(60), at(20)]).when(confirm(60), at(41)).bill).toMatchObject({
      status: 'confirmed',
      books: { confirmed: 60 },
      charged: { total: 200 },
    });
  });
});

describe('the end of a timer bill', () => {
  const ending = (unconfirmed: 'confirm' | 'reverse') =>
    given(createTimer({}, { unconfirmed, expiresAt: at(60) }), [pay(100), at(20)]).later(at(60))
      .bill;

  test('expires it where it never was paid, and reverses the parts', () => {
    const bill = given(createTimer({}, { expiresAt: at(60) }), [pay(60), at(20)]).later(at(60));
    expect(bill.bill).toMatchObject({ status: 'expired', books: { reversed: 60 } });
  });

  test('confirms what was paid where it once was paid and somebody stayed on, or reverses it', () => {
    expect(ending('confirm')).toMatchObject({ status: 'confirmed', books: { confirmed: 100 } });
    expect(ending('reverse')).toMatchObject({ status: 'expired', books: { reversed: 100 } });
  });

  test('confirms a paid one that nobody confirmed in time', () => {
    const within = { confirmWithinMs: 5 * MINUTE_MS };
    const bill = given(createTimer({}, within), [pay(100), at(20)]).later(at(25)).bill;
    expect(bill).toMatchObject({ status: 'confirmed', ending: { cause: 'timeout' } });
  });
});

test('a log is read without its tariff: what was charged stands in the facts', () => {
  const then = parked().when(pay(100), at(20));
  const { terms } = parked().bill;
  const poisoned = { ...terms, stay: { startedAt: START, tariff: null as never } };
  const created = evolve(
    { status: 'absent' },
    [{ type: 'BillCreated', terms: poisoned }],
    momentOf(START),
  );
  const paid = evolve(created, then.facts, momentOf(at(20)));
  expect({ ...paid, terms }).toEqual(then.bill);
});

// Stays where several things come together: a clock that is behind the one by which was charged last, since another node
// has taken the shard over; more than is due; a reservation beside a quote that has ended.

import { describe, expect, test } from 'vitest';
import {
  ALFA,
  createTimer,
  given,
  inSeconds,
  pay,
  ref,
  reserve,
} from '../../../tests/support/bill-spec.ts';
import { per, rule, tariffOf } from '../../../tests/support/tariffs.ts';
import { must } from '../assert.ts';
import { ZERO } from '../money.ts';
import { chargedOf, dueAt, quoteFor } from './charging.ts';

/** 1.00 for each started minute, and no time to leave. */
const tariff = tariffOf('Europe/Riga', {
  graceSeconds: 0,
  quoteSeconds: 30,
  rules: [rule('Always', null, per(1, 100))],
});
/** In its second minute it was charged for two. */
const charged = given(createTimer({ tariff }), [reserve(200), inSeconds(61)]);
const paid = given(
  createTimer({ tariff }),
  [reserve(200), inSeconds(61)],
  [pay(200, { reservationNo: 1 }), inSeconds(58)],
);

describe('a stay by a clock that is behind', () => {
  test('costs what it has been charged, and is quoted so', () => {
    expect(chargedOf(charged.bill).total).toBe(200);
    expect(dueAt(charged.bill, inSeconds(58))).toBe(200);
    const released = { ...charged.bill, reservations: [] };
    expect(quoteFor(released, ALFA, inSeconds(58))).toMatchObject({
      amount: 200,
      quote: { total: 200 },
    });
  });

  test('is paid by that, and asks for no more until the tariff does', () => {
    expect(paid.bill).toMatchObject({ status: 'paid', books: { paid: 200 } });
    const { bill } = paid.later(inSeconds(119));
    expect(bill).toMatchObject({ status: 'paid', charged: { total: 200 } });
    expect(bill.charged?.clearUntil).toBeGreaterThan(inSeconds(119));
    expect(bill.outbox.map(({ type }) => type)).not.toContain('bill.due');
    const late = paid.later(inSeconds(121)).bill;
    expect(late).toMatchObject({ status: 'partiallyPaid', charged: { total: 300 } });
    expect(late.outbox.map(({ type }) => type)).toContain('bill.due');
  });
});

describe('a stay paid above its price', () => {
  const policies = { late: 'refuse', excess: 'reverse', part: 'allow' } as const;

  test('is paid for, and says until when one may leave', () => {
    const parked = given(createTimer({ tariff }, { policies }));
    const { bill } = parked.when(pay(250), inSeconds(61));
    expect(bill).toMatchObject({ status: 'paid', books: { paid: 250, reversed: 50 } });
    expect(chargedOf(bill)).toMatchObject({ total: 200 });
    expect(chargedOf(bill).clearUntil).toBeGreaterThan(inSeconds(119));
  });

  test('is refused where a quote names what was paid before: all of it would go back', () => {
    const parked = given(createTimer({ tariff }, { policies }));
    const { quote } = must(quoteFor(parked.bill, ALFA, inSeconds(50)), 'a quote');
    const stayed = given(
      createTimer({ tariff }, { policies }),
      [pay(100), inSeconds(55)],
      [reserve(100), inSeconds(70)],
    );
    expect(stayed.bill).toMatchObject({ status: 'partiallyPaid', charged: { total: 200 } });
    stayed
      .when(pay(100, { quote, paymentRef: ref('again') }), inSeconds(75))
      .refuses({ rejected: 'payment.exceedsDue', due: ZERO });
  });
});

describe('a payment that names its reservation', () => {
  const quoted = must(
    quoteFor(given(createTimer({ tariff })).bill, ALFA, inSeconds(50)),
    'a quote',
  );
  const { quote } = quoted;

  test('is taken by the price that the reservation froze, though the quote beside it has ended', () => {
    const held = given(createTimer({ tariff }), [reserve(null, { quote }), inSeconds(55)]);
    const { bill } = held.when(pay(100, { quote, reservationNo: 1 }), inSeconds(100));
    expect(quote.until).toBeLessThan(inSeconds(100));
    expect(bill).toMatchObject({ status: 'paid', books: { paid: 100 }, charged: { total: 100 } });
  });

  test('is refused by a quote that has ended where the reservation froze none', () => {
    const held = given(createTimer({ tariff }), [reserve(null), inSeconds(55)]);
    held
      .when(pay(100, { quote, reservationNo: 1 }), inSeconds(100))
      .refuses({ rejected: 'quote.expired' });
  });
});

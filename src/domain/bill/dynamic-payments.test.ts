import { describe, expect, test } from 'vitest';
import {
  ALFA,
  acknowledge,
  BETA,
  cancel,
  confirm,
  create,
  EXPIRY,
  given,
  inSeconds,
  pay,
  ref,
  release,
  reserve,
  START,
  voidPayment,
} from '../../../tests/support/bill-spec.ts';
import { Defect } from '../assert.ts';
import type { InstitutionId } from '../ids.ts';
import type { Currency } from '../money.ts';
import { DAY_MS, plus } from '../time.ts';
import { decide } from './bill.ts';
import { payableReason } from './payable.ts';
import { findReference } from './references.ts';
import { PAYMENTS_MAX } from './vocabulary.ts';

describe('a payment', () => {
  test('of the whole amount makes the bill paid and tells the terminal', () => {
    const then = given(create()).when(pay(1000), inSeconds(5));
    then.decides('PaymentAccepted', 'EventRaised', 'PaymentAnswered');
    expect(then.told).toEqual(['terminal:term-1 bill.paid']);
    expect(then.bill).toMatchObject({
      status: 'paid',
      version: 2,
      books: { paid: 1000 },
      ending: { paidAt: inSeconds(5) },
    });
    expect(then.bill.outbox[0]).toMatchObject({
      status: 'paid',
      version: 2,
      paid: 1000,
      due: 0,
      payment: { no: 1, amount: 1000 },
    });
  });

  test('of a part leaves the rest due', () => {
    const then = given(create()).when(pay(400));
    expect(then.told).toEqual(['terminal:term-1 payment.received']);
    expect(then.bill).toMatchObject({ status: 'partiallyPaid', ending: { paidAt: null } });
    expect(then.bill.outbox[0]).toMatchObject({ paid: 400, due: 600 });
  });

  test('says whose paychannel it came through where that is another institution’s than the bill’s', () => {
    const [own, other] = ['inst-1', 'inst-2'] as InstitutionId[];
    const foreign = { institutionId: other };
    const paid = given(create()).when(pay(1000, foreign)).bill;
    expect(paid.payments[0]).toMatchObject(foreign);
    expect(paid.outbox[0]?.payment).toMatchObject(foreign);
    // Its copies say so too.
    const ended = given(create(), pay(1000, foreign), confirm()).bill;
    expect(ended.payments[0]).toMatchObject({ status: 'confirmed', ...foreign });
    const refused = given(create()).when(pay(2000, foreign)).bill;
    expect(findReference(refused, 'payment', ALFA, ref('p1'))?.outcome).toMatchObject({
      type: 'refused',
      payment: foreign,
    });
    // The log has no byte more of a payment within one institution.
    const within = given(create()).when(pay(1000, { institutionId: own })).bill;
    expect(within).toStrictEqual(given(create()).when(pay(1000)).bill);
  });

  test('keeps the answer of its first call, whatever follows', () => {
    const arranged = given(create(), pay(400), pay(600, { paymentRef: ref('p2') }), confirm());
    const kept = findReference(arranged.bill, 'payment', ALFA, ref('p1'));
    expect(kept?.outcome).toMatchObject({
      type: 'accepted',
      answer: {
        status: 'partiallyPaid',
        version: 2,
        paid: 400,
        due: 600,
        payment: { amount: 400 },
      },
    });
    arranged.when(pay(400)).decidesNothing();
    arranged.when(pay(500)).rejects({ rejected: 'payment.refReused' });
  });

  test('reference belongs to its paychannel', () => {
    given(create(), pay(400))
      .when(pay(100, { paychannelId: BETA }))
      .decides('PaymentAccepted', 'EventRaised', 'PaymentAnswered');
  });

  test('is refused for good, though its reason has gone', () => {
    const arranged = given(
      create(),
      reserve(1000, { paychannelId: BETA }),
      pay(400),
      release(1, BETA),
    );
    arranged.when(pay(400)).decidesNothing();
    const kept = findReference(arranged.bill, 'payment', ALFA, ref('p1'));
    expect(kept?.outcome).toMatchObject({
      type: 'refused',
      payment: { no: 1, rejection: { rejected: 'bill.notPayable', reason: 'reserved' } },
    });
    expect(arranged.bill.version).toBe(3);
    expect(arranged.bill.counts.payments).toBe(1);
  });

  test.each([
    ['in another currency', pay(1, { currency: 'USD' as Currency }), 'payment.currencyMismatch'],
    ['above what is due', pay(1001), 'payment.exceedsDue'],
    ['that names no reservation of this bill', pay(1, { reservationNo: 0 }), 'reservation.expired'],
  ] as const)('%s is refused', (_, command, rejected) => {
    const then = given(create()).when(command).decides('PaymentRefused');
    expect(then.facts[0]).toMatchObject({ payment: { rejection: { rejected } } });
  });

  test('is refused at the very moment of expiry, and taken just before', () => {
    given(create())
      .when(pay(1), EXPIRY)
      .refuses({ rejected: 'bill.notPayable', reason: 'expired' });
    given(create())
      .when(pay(1), plus(EXPIRY, -1))
      .decides('PaymentAccepted', 'EventRaised', 'PaymentAnswered');
  });

  test('of nothing is a defect, since the edge refuses it', () => {
    expect(() => given(create()).when(pay(0))).toThrow(Defect);
  });

  test('is known again when history recalls its reference', () => {
    const arranged = given(create(), pay(400));
    const recalled = findReference(arranged.bill, 'payment', ALFA, ref('p1'));
    const forgetful = { ...arranged.bill, references: [], spilled: true };
    expect(decide(forgetful, pay(400), inSeconds(9), recalled)).toEqual([]);
    expect(() => decide(forgetful, voidPayment('p2'), inSeconds(9), recalled)).toThrow(Defect);
  });

  test('is marked as notified when the terminal acknowledges its event, once', () => {
    const arranged = given(create(), pay(400));
    const then = arranged.when(acknowledge([1, 1, 99]), inSeconds(9)).decides('EventsAcknowledged');
    expect(then.bill).toMatchObject({
      outbox: [],
      version: 2,
      payments: [{ notifiedAt: inSeconds(9) }],
    });
    arranged.when(acknowledge([1], 'paychannel:alfa')).decidesNothing();
  });

  test('is refused beyond PAYMENTS_MAX, and a reservation keeps its place among them', () => {
    const payments = Array.from({ length: PAYMENTS_MAX - 1 }, (_, i) =>
      pay(1, { paymentRef: ref(`p${i}`) }),
    );
    const expiresAt = plus(START, DAY_MS);
    const arranged = given(create({ expiresAt }), ...payments, reserve(1));
    const beta = pay(1, { paychannelId: BETA });
    arranged.when(beta).refuses({ rejected: 'bill.notPayable', reason: 'limit' });
    arranged
      .when(reserve(1, { reservationRef: ref('r2') }))
      .rejects({ rejected: 'bill.notPayable', reason: 'limit' });
    const last = pay(1, { paymentRef: ref('last'), reservationNo: 1 });
    const full = given(create({ expiresAt }), ...payments, reserve(1), last);
    expect(full.bill.payments).toHaveLength(PAYMENTS_MAX);
    expect(payableReason(full.bill, BETA, inSeconds(0))).toBe('limit');
    const cancelled = full.when(cancel());
    expect(cancelled.bill).toMatchObject({
      status: 'cancelled',
      books: { reversed: PAYMENTS_MAX },
    });
  });
});

describe('a void', () => {
  test('of a payment not seen keeps it out, whatever its body', () => {
    const arranged = given(create(), voidPayment());
    expect(arranged.bill.version).toBe(1);
    arranged.when(pay(1000)).rejects({ rejected: 'payment.void' });
    arranged.when(voidPayment()).decidesNothing();
  });

  test('of a payment that was seen changes nothing', () => {
    given(create(), pay(400)).when(voidPayment()).decidesNothing();
    given(create(), pay(4000)).when(voidPayment()).decidesNothing();
  });
});

describe('capture auto', () => {
  test('confirms with the last payment, in one transition', () => {
    const then = given(
      create({ capture: 'auto' }),
      pay(400, { paychannelId: BETA, subscribed: true }),
    ).when(pay(600, { subscribed: true }));
    then.decides(
      'PaymentAccepted',
      'BillConfirmed',
      ...Array.from({ length: 4 }, () => 'EventRaised' as const),
      'PaymentAnswered',
    );
    expect(then.told).toEqual([
      'terminal:term-1 bill.paid',
      'terminal:term-1 bill.confirmed',
      'paychannel:beta payment.confirmed',
      'paychannel:alfa payment.confirmed',
    ]);
    expect(then.bill).toMatchObject({
      status: 'confirmed',
      version: 3,
      books: { paid: 1000, confirmed: 1000 },
      ending: { cause: null },
    });
    expect(findReference(then.bill, 'payment', ALFA, ref('p1'))?.outcome).toMatchObject({
      answer: { status: 'confirmed', due: 0, payment: { status: 'confirmed' } },
    });
  });
});

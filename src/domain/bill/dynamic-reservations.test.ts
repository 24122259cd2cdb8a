import { describe, expect, test } from 'vitest';
import {
  ALFA,
  BETA,
  cancel,
  confirm,
  create,
  EXPIRY,
  given,
  inSeconds,
  money,
  pay,
  ref,
  release,
  reserve,
  START,
} from '../../../tests/support/bill-spec.ts';
import { plus } from '../time.ts';
import { nextDueOf } from './bill.ts';
import { payableReason } from './payable.ts';
import { reservedOf } from './state.ts';
import { RESERVATION_MS, RESERVATIONS_MAX } from './vocabulary.ts';

describe('a reservation', () => {
  const reserved = given(create(), [reserve(700), inSeconds(0)]);

  test('holds its part against others for two minutes', () => {
    expect(reserved.bill.reservations).toMatchObject([
      { no: 1, amount: 700, expiresAt: plus(START, RESERVATION_MS) },
    ]);
    const beta = { paychannelId: BETA };
    reserved.when(pay(301, beta)).refuses({ rejected: 'bill.notPayable', reason: 'reserved' });
    expect(reserved.when(pay(300, beta)).bill.books.paid).toBe(300);
    expect(reserved.later(plus(START, RESERVATION_MS)).bill.reservations).toEqual([]);
  });

  test('without an amount holds all that is due and free', () => {
    const all = reserved.when(reserve(null, { paychannelId: BETA }));
    expect(reservedOf(all.bill, ALFA)).toBe(300);
  });

  test('is the same again for the same reference, though it has ended', () => {
    reserved.when(reserve(700)).decidesNothing();
    given(create(), reserve(700), release(1)).when(reserve(700)).decidesNothing();
    reserved.when(reserve(600)).rejects({ rejected: 'reservation.refReused' });
  });

  test('is refused where it asks for too much', () => {
    const asks = (amount: number | null) =>
      reserved.when(reserve(amount, { reservationRef: ref('r2') }));
    asks(1001).rejects({ rejected: 'reservation.exceedsDue', due: money(1000) });
    asks(301).rejects({ rejected: 'bill.notPayable', reason: 'reserved' });
    const full = given(create(), reserve(null));
    full
      .when(reserve(null, { reservationRef: ref('r2') }))
      .rejects({ rejected: 'bill.notPayable', reason: 'reserved' });
  });

  test('is not given once the bill has run out of time', () => {
    given(create())
      .when(reserve(1), EXPIRY)
      .rejects({ rejected: 'bill.notPayable', reason: 'expired' });
  });

  test('is one of at most RESERVATIONS_MAX', () => {
    const many = Array.from(
      { length: RESERVATIONS_MAX },
      (_, i) => [reserve(1, { reservationRef: ref(`many${i}`) }), inSeconds(1)] as const,
    );
    given(create(), ...many)
      .when(reserve(1), inSeconds(2))
      .rejects({ rejected: 'bill.notPayable', reason: 'limit' });
  });

  test('is used up by the payment that names it', () => {
    const then = reserved.when(pay(500, { reservationNo: 1 }));
    then.decides('ReservationEnded', 'PaymentAccepted', 'EventRaised', 'PaymentAnswered');
    expect(then.facts[0]).toMatchObject({ how: 'used' });
    expect(then.bill.reservations).toEqual([]);
  });

  test('is of no use to another channel', () => {
    reserved
      .when(pay(500, { paychannelId: BETA, reservationNo: 1 }))
      .refuses({ rejected: 'reservation.expired' });
    reserved.when(release(1, BETA)).rejects({ rejected: 'reservation.notFound' });
  });

  test('does not outlive its time, though its timer may not have run', () => {
    const end = plus(START, RESERVATION_MS);
    reserved.when(pay(700, { reservationNo: 1 }), end).refuses({ rejected: 'reservation.expired' });
    const late = given(create(), [reserve(null), plus(EXPIRY, -1)]).bill;
    expect(payableReason(late, ALFA, plus(EXPIRY, RESERVATION_MS))).toBe('expired');
  });

  test('ends before those that were made later', () => {
    const second = reserve(100, { reservationRef: ref('r2') });
    const two = given(create(), [reserve(700), START], [second, inSeconds(10)]);
    expect(nextDueOf(two.bill)).toBe(plus(START, RESERVATION_MS));
    expect(two.later(plus(START, RESERVATION_MS)).bill.reservations).toMatchObject([{ no: 2 }]);
  });

  test('is let go once, and then is gone already', () => {
    reserved.when(release(1)).decides('ReservationEnded');
    given(create(), reserve(700), release(1)).when(release(1)).decidesNothing();
    reserved.when(release(2)).rejects({ rejected: 'reservation.notFound' });
    reserved.when(release(0)).rejects({ rejected: 'reservation.notFound' });
  });

  test('lets its payment in after the expiry of the bill, and then the bill expires', () => {
    const made = plus(EXPIRY, -1_000);
    const late = given(
      create(),
      [reserve(700), made],
      [pay(700, { reservationNo: 1 }), plus(EXPIRY, 1)],
    );
    expect(late.bill).toMatchObject({ status: 'partiallyPaid', books: { paid: 700 } });
    expect(late.later(plus(EXPIRY, 2)).bill).toMatchObject({
      status: 'expired',
      books: { reversed: 700 },
    });
  });

  test('keeps the bill from expiring until it lapses', () => {
    const arranged = given(create(), [reserve(700), plus(EXPIRY, -1_000)]);
    const lapse = plus(EXPIRY, RESERVATION_MS - 1_000);
    expect(arranged.later(plus(lapse, -1)).bill.status).toBe('open');
    expect(nextDueOf(arranged.bill)).toBe(lapse);
    expect(arranged.later(lapse).bill.status).toBe('expired');
  });

  test('ends with a confirm or cancel, and its holder is told once', () => {
    const two = given(
      create(),
      pay(100),
      reserve(200),
      reserve(300, { reservationRef: ref('r2') }),
    );
    for (const command of [confirm(50), cancel()]) {
      const then = two.when(command);
      expect(then.bill.reservations).toEqual([]);
      expect(then.told).toEqual([
        'paychannel:alfa bill.cancelled',
        'paychannel:alfa credit.requested',
      ]);
      expect(then.facts.filter(({ type }) => type === 'ReservationEnded')).toMatchObject([
        { no: 1, how: 'closed' },
        { no: 2, how: 'closed' },
      ]);
    }
  });
});

describe('what a payer sees', () => {
  test('is whether the bill takes its money now', () => {
    const open = given(create()).bill;
    const held = given(create(), [reserve(null), plus(EXPIRY, -1_000)]).bill;
    expect(payableReason(open, ALFA, inSeconds(1))).toBeNull();
    expect(payableReason(open, ALFA, EXPIRY)).toBe('expired');
    expect(payableReason(held, BETA, inSeconds(1))).toBe('reserved');
    expect(payableReason(held, ALFA, EXPIRY)).toBeNull();
    expect(payableReason(held, BETA, EXPIRY)).toBe('expired');
    expect(payableReason(given(create(), pay(1000)).bill, ALFA, inSeconds(1))).toBe('paid');
    expect(payableReason(given(create(), cancel()).bill, ALFA, inSeconds(1))).toBe('cancelled');
    expect(payableReason(given(create()).later(EXPIRY).bill, ALFA, inSeconds(1))).toBe('expired');
  });
});

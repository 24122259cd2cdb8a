import { describe, expect, test } from 'vitest';
import {
  BETA,
  cancel,
  confirm,
  create,
  given,
  inSeconds,
  money,
  OPERATOR,
  pay,
  ref,
  refund,
} from '../../../tests/support/bill-spec.ts';
import { CREDITS_MAX, PAYMENTS_MAX } from './vocabulary.ts';

const RECEIPT = { number: 7, lines: ['tea', { price: 100 }] };

describe('a refund', () => {
  const split = given(create(), pay(600), pay(400, { paychannelId: BETA }), confirm(900));

  test('takes the newest payment first, and several where one is not enough', () => {
    const then = split.when(refund(400, { reason: 'broken', receipt: RECEIPT }));
    then.decides(
      'CreditRequested',
      'CreditRequested',
      'EventRaised',
      'EventRaised',
      'ReceiptAttached',
      'KeyUsed',
    );
    expect(then.bill).toMatchObject({
      status: 'confirmed',
      books: { paid: 1000, confirmed: 900, reversed: 100, refunded: 400 },
      payments: [
        { credited: 100, status: 'confirmed' },
        { credited: 400, status: 'refunded' },
      ],
      ending: { receipt: RECEIPT, closedAt: null },
    });
    expect(then.bill.credits.slice(1)).toMatchObject([
      { kind: 'refund', paymentNo: 2, amount: 300, reason: 'broken' },
      { kind: 'refund', paymentNo: 1, amount: 100, reason: 'broken' },
    ]);
  });

  test('of a named payment stays within it', () => {
    const named = (amount: number | null) => split.when(refund(amount, { paymentNo: 2 }));
    named(301).refusesUnderKey({ rejected: 'refund.exceedsConfirmed', left: money(300) });
    expect(named(null).bill.credits.at(-1)).toMatchObject({ paymentNo: 2, amount: 300 });
    split.when(refund(1, { paymentNo: 0 })).refusesUnderKey({ rejected: 'payment.notFound' });
  });

  test('of all ends the bill', () => {
    const then = split.when(refund(null), inSeconds(60));
    expect(then.bill).toMatchObject({ status: 'refunded', ending: { closedAt: inSeconds(60) } });
  });

  test('of nothing left is refused, though it names no amount', () => {
    given(create(), pay(1000), confirm(), refund(null))
      .when(refund(null, { key: ref('k2') }))
      .refusesUnderKey({ rejected: 'refund.exceedsConfirmed', left: money(0) });
  });

  test('has one outcome under its key', () => {
    const done = given(create(), pay(1000), confirm(), refund(300));
    done.when(refund(300)).decidesNothing();
    done.when(refund(301)).rejects({ rejected: 'idempotency.reused' });
    const other = refund(300, { by: OPERATOR });
    expect(done.when(other).bill.books.refunded).toBe(600);
  });

  test('that was refused stays refused, though it would be possible now', () => {
    const early = given(create(), pay(1000), refund(300), confirm());
    const rejection = { rejected: 'bill.notRefundable', status: 'paid' } as const;
    early.when(refund(300)).rejects(rejection);
    expect(early.bill.books.refunded).toBe(0);
    given(create(), pay(1000), confirm(800))
      .when(refund(801))
      .refusesUnderKey({ rejected: 'refund.exceedsConfirmed', left: money(800) });
  });

  test('in parts ends early enough that all can still be returned', () => {
    const parts = CREDITS_MAX - PAYMENTS_MAX;
    const amount = money(parts + 100);
    const refunds = Array.from({ length: parts }, (_, i) => refund(1, { key: ref(`part${i}`) }));
    const arranged = given(create({ amount }), pay(amount), confirm(), ...refunds);
    arranged
      .when(refund(1))
      .refusesUnderKey({ rejected: 'bill.limitReached', limit: parts, of: 'credits' });
    expect(arranged.when(refund(100)).bill.status).toBe('refunded');
    expect(arranged.when(cancel()).bill.status).toBe('refunded');
  });
});

import { describe, expect, test } from 'vitest';
import {
  BETA,
  cancel,
  confirm,
  create,
  EXPIRY,
  given,
  inSeconds,
  MERCHANT,
  money,
  OPERATOR,
  OTHER_TILL,
  pay,
  RUN_TIMER,
  ref,
  refund,
  reserve,
} from '../../../tests/support/bill-spec.ts';
import { plus } from '../time.ts';
import { nextDueOf } from './bill.ts';

const RECEIPT = { number: 7, lines: ['tea', { price: 100 }] };
const OTHER_RECEIPT = { number: 8 };

describe('a confirm', () => {
  const split = given(
    create(),
    pay(600, { subscribed: true }),
    pay(400, { paychannelId: BETA, subscribed: true }),
  );

  test('of less reverses the excess, newest payment first, splitting one where needed', () => {
    const then = split.when(confirm(500, { receipt: RECEIPT }));
    expect(then.bill).toMatchObject({
      status: 'confirmed',
      books: { paid: 1000, confirmed: 500, reversed: 500 },
      payments: [
        { amount: 600, credited: 100, status: 'confirmed' },
        { amount: 400, credited: 400, status: 'reversed' },
      ],
      credits: [
        { no: 1, kind: 'reversal', paymentNo: 2, amount: 400, status: 'pending' },
        { no: 2, kind: 'reversal', paymentNo: 1, amount: 100, status: 'pending' },
      ],
    });
    expect(then.told).toEqual([
      'paychannel:alfa payment.confirmed',
      'paychannel:beta credit.requested',
      'paychannel:alfa credit.requested',
    ]);
    expect(then.bill.outbox.at(-3)).toMatchObject({
      payment: { amount: 600, credited: 100 },
      receipt: RECEIPT,
    });
  });

  test('by others is told to the terminal, with its cause', () => {
    for (const by of [MERCHANT, OPERATOR, OTHER_TILL]) {
      const then = split.when(confirm(900, { by }));
      expect(then.told).toEqual([
        'terminal:term-1 bill.confirmed',
        'paychannel:alfa payment.confirmed',
        'paychannel:beta payment.confirmed',
        'paychannel:beta credit.requested',
        'terminal:term-1 credit.requested',
      ]);
      const cause = by === OPERATOR ? 'operator' : 'terminal';
      expect(then.bill.ending.cause).toBe(cause);
      expect(then.bill.outbox.find(({ type }) => type === 'bill.confirmed')?.cause).toBe(cause);
    }
  });

  test('closes a part-paid bill only where it names an amount', () => {
    const part = given(create(), pay(400));
    part.when(confirm()).rejects({ rejected: 'bill.stillDue', due: money(600) });
    part.when(confirm(401)).rejects({ rejected: 'confirm.exceedsPaid', paid: money(400) });
    part.when(confirm(400)).decides('BillConfirmed');
    given(create()).when(confirm(1)).rejects({ rejected: 'bill.notPaid' });
  });

  test('of nothing is a cancel, and keeps its receipt', () => {
    const then = split.when(confirm(0, { receipt: RECEIPT }));
    expect(then.bill).toMatchObject({
      status: 'cancelled',
      books: { confirmed: 0, reversed: 1000 },
      ending: { receipt: RECEIPT },
    });
    const again = given(create(), pay(400), confirm(0, { receipt: RECEIPT }));
    again.when(confirm(0, { receipt: RECEIPT })).decidesNothing();
    again
      .when(confirm(0, { receipt: OTHER_RECEIPT }))
      .rejects({ rejected: 'bill.notConfirmable', status: 'cancelled' });
  });

  test('again is nothing where it says the same, and a refusal where it does not', () => {
    const done = given(create(), pay(1000), confirm(800, { receipt: RECEIPT }));
    const rejected = { rejected: 'bill.notConfirmable', status: 'confirmed' } as const;
    done.when(confirm(800)).decidesNothing();
    done
      .when(confirm(800, { receipt: { lines: ['tea', { price: 100 }], number: 7 } }))
      .decidesNothing();
    done.when(confirm(800, { receipt: OTHER_RECEIPT })).rejects(rejected);
    done.when(confirm(799)).rejects(rejected);
    done.when(confirm()).rejects(rejected);
    given(create(), pay(1000), confirm(), refund(null)).when(confirm()).decidesNothing();
  });

  test('is still known by its receipt when another receipt has come', () => {
    const later = given(
      create(),
      pay(1000),
      confirm(null, { receipt: RECEIPT }),
      { type: 'AttachReceipt', receipt: OTHER_RECEIPT },
      { type: 'AttachReceipt', receipt: {} },
    );
    expect(later.bill.ending.receipt).toEqual({});
    later.when(confirm(null, { receipt: RECEIPT })).decidesNothing();
  });
});

describe('a bill that nobody confirms', () => {
  const confirmWithinMs = 60_000;
  const due = plus(inSeconds(5), confirmWithinMs);

  test('is confirmed when its time is over', () => {
    const paid = given(create({ confirmWithinMs }), [pay(1000), inSeconds(5)]);
    expect(nextDueOf(paid.bill)).toBe(due);
    paid.when(RUN_TIMER, plus(due, -1)).decidesNothing();
    const then = paid.when(RUN_TIMER, due).decides('BillConfirmed', 'EventRaised');
    expect(then.told).toEqual(['terminal:term-1 bill.confirmed']);
    expect(then.bill).toMatchObject({ books: { confirmed: 1000 }, ending: { cause: 'timeout' } });
  });

  test('is reversed where its policy says so', () => {
    const paid = given(create({ confirmWithinMs, unconfirmed: 'reverse' }), [
      pay(1000),
      inSeconds(5),
    ]);
    const then = paid.when(RUN_TIMER, due);
    expect(then.bill).toMatchObject({ status: 'cancelled', books: { reversed: 1000 } });
    expect(then.told).toEqual([
      'terminal:term-1 bill.cancelled',
      'paychannel:alfa credit.requested',
      'terminal:term-1 credit.requested',
    ]);
  });
});

describe('an expiry', () => {
  test('reverses what was paid in part and tells the terminal', () => {
    const then = given(create(), pay(400)).when(RUN_TIMER, EXPIRY);
    then.decides('BillExpired', 'CreditRequested', 'EventRaised', 'EventRaised', 'EventRaised');
    expect(then.told).toEqual([
      'terminal:term-1 bill.expired',
      'paychannel:alfa credit.requested',
      'terminal:term-1 credit.requested',
    ]);
    expect(then.bill).toMatchObject({
      status: 'expired',
      books: { paid: 400, reversed: 400 },
      ending: { closedAt: EXPIRY, cause: 'timeout' },
    });
  });

  test('does not come to a paid bill', () => {
    expect(given(create(), pay(1000)).later(plus(EXPIRY, 1)).bill.status).toBe('paid');
  });
});

describe('a cancel', () => {
  test('by the till itself tells the paychannels alone', () => {
    const then = given(create(), pay(400)).when(cancel());
    expect(then.told).toEqual(['paychannel:alfa credit.requested']);
    expect(then.bill).toMatchObject({
      status: 'cancelled',
      ending: { cause: 'terminal' },
      payments: [{ credited: 400, status: 'reversed' }],
    });
  });

  test('by the operator says so', () => {
    const then = given(create()).when(cancel({ by: OPERATOR }));
    expect(then.told).toEqual(['terminal:term-1 bill.cancelled']);
    expect(then.bill.ending.cause).toBe('operator');
  });

  test('of a confirmed bill refunds all that is left, again and again the same', () => {
    const arranged = given(create(), pay(1000), confirm(800), refund(300));
    const then = arranged.when(cancel());
    expect(then.bill).toMatchObject({
      status: 'refunded',
      books: { reversed: 200, refunded: 800 },
      payments: [{ status: 'refunded', credited: 1000 }],
    });
    given(create(), pay(1000), confirm(800), refund(300), cancel()).when(cancel()).decidesNothing();
  });

  test('with an amount before confirm is refused for good under its key', () => {
    const keyed = cancel({ amount: money(100), key: ref('k1') });
    const arranged = given(create(), pay(1000));
    arranged.when(keyed).refusesUnderKey({ rejected: 'cancel.amountBeforeConfirm' });
    given(create(), pay(1000), keyed, confirm())
      .when(keyed)
      .rejects({ rejected: 'cancel.amountBeforeConfirm' });
  });

  test('if unpaid leaves alone what was paid', () => {
    const command = cancel({ onlyIfUnpaid: true });
    given(create(), pay(1)).when(command).decidesNothing();
    given(create()).later(EXPIRY).when(command).decidesNothing();
    given(create(), reserve(1))
      .when(command)
      .decides('BillCancelled', 'ReservationEnded', 'EventRaised');
  });
});

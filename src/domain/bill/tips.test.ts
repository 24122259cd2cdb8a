import { describe, expect, test } from 'vitest';
import {
  BETA,
  cancel,
  cancelPayment,
  confirm,
  confirmPayment,
  create,
  createStatic,
  createTimer,
  EXPIRY,
  given,
  inSeconds,
  money,
  OTHER_TILL,
  pay,
  ref,
  refund,
  START,
  type Step,
  settle,
} from '../../../tests/support/bill-spec.ts';
import { DAY_MS, plus } from '../time.ts';
import { decide } from './bill.ts';
import { TOTAL_MAX } from './vocabulary.ts';

const TIPPED = { tipMax: money(300) } as const;
const tipped = (...steps: readonly Step[]) =>
  given(create(TIPPED), pay(1000, { tip: money(200) }), ...steps);
const board = (...steps: readonly Step[]) =>
  given(
    createStatic({}, { ...TIPPED, capture: 'manual' }),
    pay(100, { tip: money(200) }),
    ...steps,
  );
const KEPT = { paid: 200, returned: 0, unreturned: 0 };
const RETURNED = { paid: 200, returned: 200, unreturned: 0 };

describe('a tip', () => {
  test('stands beside the amount, outside of what is due and paid', () => {
    expect(tipped().bill).toMatchObject({
      status: 'paid',
      books: { paid: 1000, reversed: 0, tips: KEPT },
      payments: [{ amount: 1000, tip: 200, credited: 0 }],
    });
    const { bill } = given(create(TIPPED), pay(400, { tip: money(300) }));
    expect(bill).toMatchObject({ status: 'partiallyPaid', books: { paid: 400 } });
    expect(bill.books.tips?.paid).toBe(300);
  });

  test('is refused for good, with its payment, where it is more than the bill allows', () => {
    const refused = given(create(TIPPED)).when(pay(1000, { tip: money(301) }));
    refused.refuses({ rejected: 'payment.tipExceedsMax', max: money(300) });
    expect(refused.facts[0]).toMatchObject({ payment: { amount: 1000, tip: 301 } });
    given(create())
      .when(pay(1000, { tip: money(1) }))
      .refuses({ rejected: 'payment.tipForbidden' });
  });

  test('is judged after all else: what cannot be paid says so first', () => {
    given(create(TIPPED), cancel())
      .when(pay(1000, { tip: money(301) }))
      .refuses({ rejected: 'bill.notPayable', reason: 'cancelled' });
    given(create(TIPPED))
      .when(pay(1001, { tip: money(301) }))
      .refuses({ rejected: 'payment.exceedsDue', due: money(1000) });
  });

  test('leaves no trace on a bill to which none was paid', () => {
    const { bill } = given(create(), pay(1000), cancel());
    expect(bill.books).not.toHaveProperty('tips');
    expect(bill.payments[0]).not.toHaveProperty('tip');
    expect(bill.payments[0]).not.toHaveProperty('isTipReturned');
    expect(bill.credits[0]).not.toHaveProperty('isTip');
    for (const event of bill.outbox) expect(event).not.toHaveProperty('tips');
  });

  test('is in the answer that its payment is given for ever', () => {
    const { bill } = tipped(confirm(), refund(0, { returnsTip: true }));
    const [kept] = bill.references;
    expect(kept?.outcome).toMatchObject({ type: 'accepted', answer: { payment: { tip: 200 } } });
    expect(tipped(cancel()).when(pay(1000, { tip: money(200) })).decision).toEqual([]);
    tipped()
      .when(pay(1000, { tip: money(100), digest: 'pay 1000 tip 100' }))
      .rejects({ rejected: 'payment.refReused' });
  });

  test('is told to the terminal with the payment, and with the books of the bill', () => {
    const [paid] = tipped().bill.outbox;
    expect(paid).toMatchObject({ type: 'bill.paid', tips: KEPT, payment: { tip: 200 } });
    const events = tipped(cancel({ by: OTHER_TILL })).bill.outbox;
    const asked = events.filter(({ type }) => type === 'credit.requested');
    // Its wallet and its terminal, of the amount and of the tip.
    expect(asked.map(({ credit }) => credit?.isTip ?? false)).toEqual([false, false, true, true]);
    expect(asked.map(({ tips }) => tips)).toEqual([RETURNED, RETURNED, RETURNED, RETURNED]);
  });

  test('stays whatever less is confirmed', () => {
    const { bill } = tipped(confirm(10));
    expect(bill).toMatchObject({
      books: { reversed: 990, tips: KEPT },
      credits: [{ amount: 990 }],
    });
  });

  test('stays where its payment is reversed by a confirm of less', () => {
    const second = pay(400, { paychannelId: BETA, tip: money(30) });
    const { bill } = given(create(TIPPED), pay(600), second, confirm(600));
    expect(bill.payments[1]).toMatchObject({ status: 'reversed', tip: 30 });
    expect(bill.books.tips).toEqual({ paid: 30, returned: 0, unreturned: 0 });
  });

  test('stays where what was too much goes back', () => {
    const policies = { late: 'refuse', excess: 'reverse', part: 'allow' } as const;
    const { bill } = given(create({ ...TIPPED, policies }), pay(1200, { tip: money(200) }));
    expect(bill).toMatchObject({
      status: 'paid',
      books: { paid: 1200, reversed: 200, tips: KEPT },
    });
    expect(
      given(create({ ...TIPPED, policies }), pay(1200, { tip: money(200) }), cancel()).bill,
    ).toMatchObject({ books: { reversed: 1200, tips: RETURNED } });
  });

  test('goes back with a cancel, by a credit of its own', () => {
    const { bill } = tipped(cancel());
    expect(bill).toMatchObject({
      status: 'cancelled',
      books: { paid: 1000, reversed: 1000, tips: RETURNED },
      payments: [{ credited: 1000, status: 'reversed', isTipReturned: true }],
      credits: [
        { no: 1, kind: 'reversal', amount: 1000 },
        { no: 2, kind: 'reversal', amount: 200, isTip: true },
      ],
    });
    expect(tipped().when(confirm(0)).bill.books.tips).toEqual(RETURNED);
  });

  test('goes back with the parts of a bill that expires', () => {
    const part = given(create(TIPPED), pay(400, { tip: money(200) })).later(EXPIRY);
    expect(part.bill).toMatchObject({
      status: 'expired',
      books: { reversed: 400, tips: RETURNED },
    });
  });

  test('goes back with a bill that nobody confirms, where that is reversed', () => {
    const paid = [create({ ...TIPPED, unconfirmed: 'reverse' }), pay(1000, { tip: money(200) })];
    const { bill } = given(...paid).later(plus(inSeconds(2), DAY_MS));
    expect(bill).toMatchObject({ status: 'cancelled', books: { tips: RETURNED } });
    const kept = tipped().later(plus(inSeconds(2), DAY_MS)).bill;
    expect(kept).toMatchObject({ status: 'confirmed', books: { tips: KEPT } });
  });

  test('goes back with a refund only where that is asked for', () => {
    const confirmed = tipped(confirm());
    expect(confirmed.when(refund(null)).bill.books.tips).toEqual(KEPT);
    expect(confirmed.when(cancel()).bill.books.tips).toEqual(KEPT);
    const { bill } = confirmed.when(refund(100, { returnsTip: true }));
    expect(bill).toMatchObject({
      status: 'confirmed',
      books: { refunded: 100, tips: RETURNED },
      credits: [{ amount: 100 }, { kind: 'refund', amount: 200, isTip: true }],
    });
  });

  test('goes back alone, before or after all else, once', () => {
    const alone = refund(0, { key: ref('k2'), returnsTip: true });
    expect(tipped(confirm()).when(alone).bill).toMatchObject({
      status: 'confirmed',
      books: { refunded: 0, tips: RETURNED },
      payments: [{ credited: 0, isTipReturned: true }],
    });
    const returned = tipped(confirm(), refund(null), alone);
    expect(returned.bill).toMatchObject({
      status: 'refunded',
      books: { refunded: 1000, tips: RETURNED },
    });
    returned
      .when(refund(0, { key: ref('k3'), returnsTip: true }))
      .refusesUnderKey({ rejected: 'refund.exceedsConfirmed', left: money(0) });
    returned.when(alone).decidesNothing();
  });

  test('that is gone already does not stop a refund of the rest', () => {
    const again = refund(100, { key: ref('k2'), returnsTip: true });
    const { bill } = tipped(confirm(), refund(0, { returnsTip: true })).when(again);
    expect(bill.books).toMatchObject({ refunded: 100, tips: RETURNED });
  });

  test('of one payment goes back alone where that one is named', () => {
    const second = pay(400, { paychannelId: BETA, tip: money(30) });
    const split = given(create(TIPPED), pay(600, { tip: money(20) }), second, confirm());
    const named = refund(1, { paymentNo: 1, returnsTip: true });
    expect(split.when(named).bill.books.tips?.returned).toBe(20);
    expect(split.when(refund(1, { returnsTip: true })).bill.books.tips?.returned).toBe(50);
  });

  test('that its wallet rejects is told apart from what else came back', () => {
    const { bill } = tipped(cancel(), settle(2, { status: 'rejected' }));
    expect(bill.books).toMatchObject({ unreturned: 0, tips: { ...RETURNED, unreturned: 200 } });
  });

  test('of a payment by itself is kept by its confirm and returned by its cancel', () => {
    expect(board(confirmPayment(1, { amount: money(60) })).bill).toMatchObject({
      books: { confirmed: 60, reversed: 40, tips: KEPT },
      credits: [{ amount: 40 }],
    });
    const { bill } = board(cancelPayment(1));
    expect(bill).toMatchObject({
      status: 'open',
      books: { reversed: 100, tips: RETURNED },
      payments: [{ status: 'reversed', isTipReturned: true }],
    });
    expect(board(confirmPayment(1, { amount: money(0) })).bill.books.tips).toEqual(RETURNED);
    const all = refund(null, { paymentNo: 1, returnsTip: true });
    const refunded = board(confirmPayment(1), all).bill;
    expect(refunded.books).toMatchObject({ refunded: 100, tips: RETURNED });
    const tip = refund(0, { paymentNo: 1, returnsTip: true });
    expect(board(confirmPayment(1), tip).bill.books).toMatchObject({ refunded: 0, tips: RETURNED });
    expect(board(confirmPayment(1), cancelPayment(1)).bill.books.tips).toEqual(KEPT);
  });

  test('that would make a code’s tips more than a number can hold is refused', () => {
    const { bill } = board();
    const tips = { paid: money(TOTAL_MAX), returned: money(0), unreturned: money(0) };
    const full = { ...bill, books: { ...bill.books, tips } };
    const decision = decide(full, pay(100, { tip: money(1), paymentRef: ref('p2') }), START);
    expect(decision).toMatchObject([{ payment: { rejection: { reason: 'limit' } } }]);
  });

  test('is paid for a stay like for anything else', () => {
    const stay = createTimer({}, TIPPED);
    const { bill } = given(stay, [pay(100, { tip: money(200) }), inSeconds(1_200)]);
    expect(bill).toMatchObject({ status: 'paid', books: { paid: 100, tips: KEPT } });
  });
});

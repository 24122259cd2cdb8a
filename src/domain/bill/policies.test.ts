import { describe, expect, test } from 'vitest';
import {
  ALFA,
  BETA,
  cancel,
  cancelPayment,
  confirm,
  confirmPayment,
  create,
  createStatic,
  EXPIRY,
  Given,
  given,
  inSeconds,
  money,
  pay,
  ref,
  refund,
  reserve,
  START,
  settle,
  staticTerms,
  terms,
} from '../../../tests/support/bill-spec.ts';
import { must } from '../assert.ts';
import { DAY_MS, NEVER, plus } from '../time.ts';
import { nextDueOf } from './bill.ts';
import { payableReason } from './payable.ts';
import { allPoliciesOf } from './policies.ts';
import { PENDING_CREDITS_MAX, type Policies } from './vocabulary.ts';

const REVERSES: Policies = { late: 'refuse', excess: 'reverse', part: 'allow' };
const WHOLE: Policies = { late: 'refuse', excess: 'refuse', part: 'forbid' };
const LATE: Policies = { late: 'accept', excess: 'refuse', part: 'forbid' };
const single = { usage: 'single' } as const;

describe('the policies of a bill', () => {
  test('are the usual ones where none are given, and a static bill is not paid in parts', () => {
    const usual = { late: 'refuse', excess: 'refuse', part: 'allow', unconfirmed: 'confirm' };
    expect(allPoliciesOf(terms())).toEqual(usual);
    expect(allPoliciesOf(staticTerms())).toEqual({ ...usual, part: 'forbid' });
    const own = terms({ policies: REVERSES, unconfirmed: 'reverse' });
    expect(allPoliciesOf(own)).toEqual({ ...REVERSES, unconfirmed: 'reverse' });
  });
});

describe('an excess that is reversed', () => {
  const open = () => given(create({ policies: REVERSES }));

  test('is taken with its payment, and goes back at once; both sides hear of it', () => {
    const then = open().when(pay(1200));
    then.decides(
      'PaymentAccepted',
      'CreditRequested',
      'EventRaised',
      'EventRaised',
      'EventRaised',
      'PaymentAnswered',
    );
    expect(then.told).toEqual([
      'terminal:term-1 bill.paid',
      'paychannel:alfa credit.requested',
      'terminal:term-1 credit.requested',
    ]);
    expect(then.bill).toMatchObject({
      status: 'paid',
      books: { paid: 1200, reversed: 200, confirmed: 0, excess: 200 },
      payments: [{ amount: 1200, credited: 200, status: 'accepted' }],
      credits: [{ kind: 'reversal', amount: 200, paymentNo: 1, reason: 'excess' }],
    });
    const [kept] = then.bill.references;
    expect(kept?.outcome).toMatchObject({ answer: { paid: 1200, due: 0, status: 'paid' } });
  });

  test('is above what others have left due, too', () => {
    const then = given(create({ policies: REVERSES }), pay(700)).when(
      pay(400, { paychannelId: BETA }),
    );
    expect(then.bill).toMatchObject({
      status: 'paid',
      books: { paid: 1100, reversed: 100 },
      payments: [{ credited: 0 }, { credited: 100 }],
    });
  });

  test('does not take what others have reserved', () => {
    given(create({ policies: REVERSES }), reserve(400, { paychannelId: BETA }))
      .when(pay(1200))
      .refuses({ rejected: 'bill.notPayable', reason: 'reserved' });
  });

  test('is no part of what is confirmed, and a lower confirm reverses what is above it, too', () => {
    const paid = given(create({ policies: REVERSES }), pay(1200));
    expect(paid.when(confirm()).bill).toMatchObject({
      status: 'confirmed',
      books: { confirmed: 1000, reversed: 200 },
    });
    expect(paid.when(confirm(700)).bill).toMatchObject({
      books: { confirmed: 700, reversed: 500 },
      payments: [{ credited: 500, status: 'confirmed' }],
    });
    paid.when(confirm(1100)).rejects({ rejected: 'confirm.exceedsPaid', paid: money(1000) });
    given(create({ policies: REVERSES }), pay(1200), confirm())
      .when(confirm(1000))
      .decidesNothing();
  });

  test('is not given back twice by a cancel, an expiry or a refund', () => {
    const paid = given(create({ policies: REVERSES }), pay(1200));
    expect(paid.when(cancel()).bill.credits.map(({ amount }) => amount)).toEqual([200, 1000]);
    const confirmed = given(create({ policies: REVERSES }), pay(1200), confirm());
    expect(confirmed.when(refund(null)).bill).toMatchObject({
      status: 'refunded',
      books: { refunded: 1000 },
      payments: [{ credited: 1200, status: 'refunded' }],
    });
    confirmed
      .when(refund(1001))
      .refusesUnderKey({ rejected: 'refund.exceedsConfirmed', left: money(1000) });
  });

  test('of an auto-captured bill is left out of its confirm', () => {
    const then = given(create({ policies: REVERSES, capture: 'auto' })).when(pay(1200));
    expect(then.bill).toMatchObject({ status: 'confirmed', books: { confirmed: 1000 } });
  });

  test('that its wallet rejects counts as unreturned', () => {
    const rejected = settle(1, { status: 'rejected' });
    const { bill } = given(create({ policies: REVERSES }), pay(1200), rejected);
    expect(bill).toMatchObject({ status: 'paid', books: { unreturned: 200 } });
  });

  test('is refused where the bill says so, and where nothing is due', () => {
    given(create())
      .when(pay(1200))
      .refuses({ rejected: 'payment.exceedsDue', due: money(1000) });
    given(create({ policies: REVERSES }), pay(1000))
      .when(pay(1, { paymentRef: ref('p2') }))
      .refuses({ rejected: 'bill.notPayable', reason: 'paid' });
  });

  test('of a printed code is what is above its amount; a limit counts what is kept', () => {
    const board = given(
      createStatic({ maxTotal: money(200) }, { policies: { ...REVERSES, part: 'forbid' } }),
      pay(150),
    );
    expect(board.bill).toMatchObject({
      status: 'open',
      books: { paid: 150, confirmed: 100, reversed: 50, excess: 50 },
      payments: [{ credited: 50, status: 'confirmed' }],
    });
    const second = board.when(pay(100, { paymentRef: ref('p2') })).bill;
    expect(second.books).toMatchObject({ paid: 250, confirmed: 200 });
    board.when(pay(50, { paymentRef: ref('p2') })).refuses({
      rejected: 'payment.outOfRange',
      minAmount: money(100),
      maxAmount: money(100),
    });
  });

  test('of a payment that is confirmed by itself is left out of it', () => {
    const policies = { ...REVERSES, part: 'forbid' } as const;
    const steps = [createStatic({}, { policies, capture: 'manual' }), pay(150)] as const;
    const held = given(...steps);
    expect(held.when(confirmPayment(1)).bill.books).toMatchObject({ confirmed: 100, reversed: 50 });
    held
      .when(confirmPayment(1, { amount: money(101) }))
      .rejects({ rejected: 'confirm.exceedsPaid', paid: money(100) });
    expect(held.when(cancelPayment(1)).bill.books).toMatchObject({ confirmed: 0, reversed: 150 });
    expect(held.later(plus(START, 2 * DAY_MS)).bill.books).toMatchObject({ confirmed: 100 });
    const lower = given(...steps, confirmPayment(1, { amount: money(60) }));
    lower.when(confirmPayment(1, { amount: money(60) })).decidesNothing();
    lower
      .when(confirmPayment(1))
      .rejects({ rejected: 'payment.notConfirmable', status: 'confirmed' });
    given(...steps, confirmPayment(1))
      .when(confirmPayment(1))
      .decidesNothing();
  });

  test('of a billboard is refused while as many credits wait as it keeps', () => {
    const policies = { ...REVERSES, part: 'forbid' } as const;
    const { bill } = given(createStatic({}, { policies }), pay(101));
    const credits = Array.from({ length: PENDING_CREDITS_MAX }, () => must(bill.credits[0], 'one'));
    new Given({ ...bill, credits }, START).when(pay(101, { paymentRef: ref('p2') })).refuses({
      rejected: 'payment.outOfRange',
      minAmount: money(100),
      maxAmount: money(100),
    });
  });
});

describe('parts that are forbidden', () => {
  test('are refused for good, whole payments are not', () => {
    const open = given(create({ policies: WHOLE }));
    open.when(pay(999)).refuses({ rejected: 'payment.partForbidden', due: money(1000) });
    expect(open.when(pay(1000)).bill.status).toBe('paid');
  });

  test('cannot be reserved; a reservation without an amount holds all', () => {
    const open = given(create({ policies: WHOLE }));
    open.when(reserve(999)).rejects({ rejected: 'payment.partForbidden', due: money(1000) });
    expect(open.when(reserve(null)).bill.reservations).toMatchObject([{ amount: 1000 }]);
    given(create({ policies: WHOLE }), reserve(null, { paychannelId: BETA }))
      .when(reserve(null))
      .rejects({ rejected: 'bill.notPayable', reason: 'reserved' });
  });

  test('go with an excess that is reversed', () => {
    const both = { ...WHOLE, excess: 'reverse' } as const;
    const { bill } = given(create({ policies: both }), pay(1001));
    expect(bill).toMatchObject({ status: 'paid', books: { reversed: 1 } });
  });
});

describe('a bill that may be paid late', () => {
  const printed = () => createStatic(single, { policies: LATE, expiresAt: EXPIRY });

  test('does not expire: it is paid and reserved after its end', () => {
    const late = given(printed()).later(plus(EXPIRY, DAY_MS));
    expect(late.bill.status).toBe('open');
    expect(nextDueOf(late.bill)).toBe(NEVER);
    expect(payableReason(late.bill, ALFA, plus(EXPIRY, DAY_MS))).toBeNull();
    expect(late.when(pay(100)).bill.status).toBe('confirmed');
    expect(late.when(reserve(null)).bill.reservations).toHaveLength(1);
  });

  test('is not paid once it was cancelled, late or not', () => {
    const cancelled = given(printed(), cancel());
    for (const at of [inSeconds(5), plus(EXPIRY, 1)]) {
      cancelled.when(pay(100), at).refuses({ rejected: 'bill.notPayable', reason: 'cancelled' });
    }
  });

  test('is paid once', () => {
    given(printed(), [pay(100), plus(EXPIRY, DAY_MS)])
      .when(pay(100, { paymentRef: ref('p2') }))
      .refuses({ rejected: 'bill.notPayable', reason: 'paid' });
  });

  test('is the exception: the same bill without the policy expires', () => {
    const expired = given(createStatic(single, { expiresAt: EXPIRY })).later(EXPIRY);
    expired.when(pay(100)).refuses({ rejected: 'bill.notPayable', reason: 'expired' });
  });
});

import { describe, expect, test } from 'vitest';
import {
  ALFA,
  acknowledge,
  BETA,
  cancel,
  cancelPayment,
  confirm,
  confirmPayment,
  createStatic,
  given,
  inSeconds,
  momentOf,
  money,
  OPERATOR,
  pay,
  ref,
  refund,
  reserve,
  START,
  settle,
  TERMINAL,
} from '../../../tests/support/bill-spec.ts';
import { must } from '../assert.ts';
import { DAY_MS, HOUR_MS, type Millis, plus } from '../time.ts';
import { decide, evolve, nextDueOf } from './bill.ts';
import { findPaymentNo } from './many-payments.ts';
import { type Bill, dueOf, isPresent, type PresentBill } from './state.ts';
import { touchedBy } from './touched.ts';
import {
  EVENTS_KEPT,
  isRejection,
  LATEST_KEPT,
  PAYMENTS_KEPT,
  type Parts,
  TOTAL_MAX,
  UNCONFIRMED_MAX,
} from './vocabulary.ts';

const MANUAL = { capture: 'manual', confirmWithinMs: HOUR_MS } as const;
const p = (no: number) => pay(100, { paymentRef: ref(`p${no}`) });

describe('a payment of a code for many', () => {
  test('is confirmed at once, and the code stays open for the next', () => {
    given(createStatic())
      .when(pay(100, { subscribed: true }))
      .decides(
        'PaymentAccepted',
        'PaymentConfirmed',
        'EventRaised',
        'EventRaised',
        'PaymentAnswered',
      )
      .and(({ status, books, counts, payments }) => {
        expect([status, books.confirmed, counts.accepted]).toEqual(['open', 100, 1]);
        expect(payments[0]?.status).toBe('confirmed');
      });
  });

  test('tells its terminal that it came, and a channel that subscribes what was confirmed', () => {
    const { told } = given(createStatic()).when(pay(100, { subscribed: true }));
    expect(told).toEqual([
      `terminal:${TERMINAL} payment.received`,
      `paychannel:${ALFA} payment.confirmed`,
    ]);
  });

  test('outside of the range is refused for good', () => {
    const code = given(createStatic({ maxAmount: money(300) }, { amount: money(0) }));
    const rejection = { minAmount: money(100), maxAmount: money(300) };
    code.when(pay(99)).refuses({ rejected: 'payment.outOfRange', ...rejection });
    code.when(pay(301)).refuses({ rejected: 'payment.outOfRange', ...rejection });
    expect(dueOf(code.bill)).toBe(100);
  });

  test('that would pass a limit is refused; what was given back frees no place', () => {
    const one = given(createStatic({ maxPayments: 1 }), p(1), refund(null, { paymentNo: 1 }));
    one.when(p(2)).refuses({ rejected: 'bill.notPayable', reason: 'limit' });
    const total = given(createStatic({ maxTotal: money(250) }), p(1), p(2));
    total.when(p(3)).refuses({ rejected: 'bill.notPayable', reason: 'limit' });
  });

  test('waits while reservations hold the last places, and has its own', () => {
    const held = given(createStatic({ maxPayments: 1 }), reserve(null));
    const reserved = { rejected: 'bill.notPayable', reason: 'reserved' } as const;
    held.when(pay(100, { paychannelId: BETA })).refuses(reserved);
    held.when(pay(100, { reservationNo: 1 })).and(({ counts }) => expect(counts.accepted).toBe(1));
  });

  test('beyond what a bill can hold is refused', () => {
    const amount = money(1_000_000_000_000);
    const code = given(createStatic({ minAmount: amount, maxAmount: amount }, { amount }));
    const paid = money(TOTAL_MAX - amount + 1);
    const full = { ...code.bill, books: { ...code.bill.books, paid, confirmed: paid } };
    const decision = decide(full, pay(amount), START);
    expect(decision).toMatchObject([{ payment: { rejection: { reason: 'limit' } } }]);
  });

  test('is confirmed in part by its terminal: the rest is reversed', () => {
    given(createStatic({}, MANUAL), p(1))
      .when(confirmPayment(1, { amount: money(80), by: OPERATOR }))
      .decides('CreditRequested', 'PaymentConfirmed', 'EventRaised', 'EventRaised', 'EventRaised')
      .and(({ books }) =>
        expect(books).toMatchObject({ paid: 100, confirmed: 80, reversed: 20, refunded: 0 }),
      );
  });

  test('of which a part was confirmed is so again only by the same amount', () => {
    const part = given(createStatic({}, MANUAL), p(1), confirmPayment(1, { amount: money(80) }));
    part.when(confirmPayment(1, { amount: money(80) })).decidesNothing();
    const rejected = 'payment.notConfirmable';
    part.when(confirmPayment(1)).rejects({ rejected, status: 'confirmed' });
    // A refund changes nothing of what was confirmed.
    const rest = given(
      createStatic({}, MANUAL),
      p(1),
      confirmPayment(1, { amount: money(80) }),
      refund(null, { paymentNo: 1 }),
    );
    rest.when(confirmPayment(1, { amount: money(80) })).decidesNothing();
  });

  test('is cancelled whole before its confirm, and refunded after it', () => {
    given(createStatic({}, MANUAL), p(1))
      .when(cancelPayment(1))
      .and(({ books, payments }) => {
        expect(books).toMatchObject({ reversed: 100, refunded: 0 });
        expect(payments[0]?.status).toBe('reversed');
      });
    given(createStatic(), p(1))
      .when(cancelPayment(1))
      .and(({ books }) => expect(books).toMatchObject({ reversed: 0, refunded: 100 }));
  });

  test('that nobody confirms in time ends by its policy, each by itself', () => {
    const two = given(createStatic({}, { ...MANUAL, unconfirmed: 'reverse' }), p(1), p(2));
    const due = plus(inSeconds(2), HOUR_MS);
    expect(nextDueOf(two.bill)).toBe(due);
    const { payments, books } = two.later(due).bill;
    expect(payments.map(({ status }) => status)).toEqual(['reversed', 'accepted']);
    expect(books).toMatchObject({ paid: 200, reversed: 100, confirmed: 0 });
    expect(nextDueOf(two.later(due).bill)).toBe(plus(inSeconds(3), HOUR_MS));
  });

  test('finds no place while too many wait for their confirm', () => {
    const { bill } = given(createStatic({}, MANUAL), p(1));
    const [payment] = bill.payments;
    const payments = Array.from({ length: UNCONFIRMED_MAX }, () => must(payment, 'a payment'));
    expect(decide({ ...bill, payments }, p(2), START)).toMatchObject([
      { payment: { rejection: { rejected: 'bill.notPayable', reason: 'limit' } } },
    ]);
  });
});

describe('a code for many', () => {
  test('that is withdrawn takes nothing, and its payments can still be refunded', () => {
    const withdrawn = given(createStatic(), p(1), reserve(100), cancel());
    expect(withdrawn.bill).toMatchObject({ status: 'cancelled', books: { reversed: 0 } });
    withdrawn.when(p(2)).refuses({ rejected: 'bill.notPayable', reason: 'withdrawn' });
    withdrawn.when(cancel()).decidesNothing();
    withdrawn
      .when(refund(40, { paymentNo: 1 }))
      .and(({ status, books }) => expect([status, books.refunded]).toEqual(['cancelled', 40]));
  });

  test('is neither confirmed nor refunded as a whole', () => {
    const code = given(createStatic(), p(1));
    code.when(confirm()).rejects({ rejected: 'bill.notConfirmable', status: 'open' });
    code.when(refund(null)).rejects({ rejected: 'refund.paymentRequired' });
    code
      .when(cancel({ amount: money(10), key: ref('k') }))
      .rejects({ rejected: 'refund.paymentRequired' });
  });

  test('without an end waits for nothing, and with one expires with its payments as they are', () => {
    expect(nextDueOf(given(createStatic(), p(1)).bill)).toBe(Number.MAX_SAFE_INTEGER);
    const end = plus(START, 400 * DAY_MS);
    const over = given(createStatic({}, { expiresAt: end }), p(1)).later(end).bill;
    expect(over).toMatchObject({ status: 'expired', books: { confirmed: 100, reversed: 0 } });
  });
});

describe('a code for one payer', () => {
  const once = { usage: 'single', maxAmount: money(300) } as const;

  test('is paid once within its range and confirmed by the amount that came', () => {
    given(createStatic(once, { amount: money(0) }))
      .when(pay(250))
      .decides('PaymentAccepted', 'BillConfirmed', 'EventRaised', 'EventRaised', 'PaymentAnswered')
      .and(({ status, books }) => expect([status, books.confirmed]).toEqual(['confirmed', 250]));
  });

  test('is ended by its only payment, too', () => {
    const paid = given(createStatic(once, { ...MANUAL, amount: money(0) }), pay(250));
    paid.when(confirmPayment(1)).and(({ status }) => expect(status).toBe('confirmed'));
    paid.when(cancelPayment(1)).and(({ status }) => expect(status).toBe('cancelled'));
    paid.when(confirmPayment(2)).rejects({ rejected: 'payment.notFound' });
  });
});

describe('a crowded billboard', () => {
  const COUNT = 1_000;
  const PAYMENTS_MAX = PAYMENTS_KEPT + EVENTS_KEPT + LATEST_KEPT;

  test('keeps its latest payments at hand and counts them all, whether its terminal listens or not', () => {
    for (const listens of [true, false]) {
      const board = crowded(COUNT, listens);
      expect(board.counts.accepted).toBe(COUNT);
      expect(board.books).toMatchObject({ paid: COUNT * 100, confirmed: COUNT * 100 });
      expect(board.payments.length).toBeLessThanOrEqual(listens ? PAYMENTS_KEPT + 2 : PAYMENTS_MAX);
      expect(board.outbox.length).toBeLessThanOrEqual(EVENTS_KEPT + 1);
      const latest = board.payments.slice(-LATEST_KEPT).map(({ no }) => no);
      expect(latest).toEqual(Array.from({ length: LATEST_KEPT }, (_, i) => COUNT - 19 + i));
    }
  });

  test('lets its oldest events go while they are pending: that is no end of them', () => {
    const before = crowded(EVENTS_KEPT + 1, false);
    const decision = decide(before, p(EVENTS_KEPT + 1), START);
    if (isRejection(decision)) throw new Error('refused');
    const after = evolve(before, decision, momentOf(START));
    const { eventsEnded } = touchedBy(before, after, decision);
    expect(eventsEnded.length).toBeGreaterThan(EVENTS_KEPT / 2);
    expect(new Set(eventsEnded.map(({ how }) => how))).toEqual(new Set(['letGo']));
  });

  test('refunds its first payment with what history tells of it, and asks for that credit daily', () => {
    const board = crowded(COUNT, true);
    const first = { ...must(board.payments[0], 'a payment'), no: 1, paymentRef: ref('p0') };
    const parts: Parts = { payments: [first], credits: [], events: [] };
    const order = refund(30, { paymentNo: 1 });
    expect(decide(board, order, START)).toMatchObject([
      { rejection: { rejected: 'payment.notFound' } },
    ]);
    const decision = decide(board, order, START, null, parts);
    if (isRejection(decision)) throw new Error('refused');
    expect(decision[0]).toMatchObject({ type: 'PartsRecalled', payments: [{ no: 1 }] });
    const after = present(evolve(board, decision, momentOf(START)));
    expect(findPaymentNo(after, 1)).toMatchObject({ credited: 30 });
    expect(nextDueOf(after)).toBe(plus(START, DAY_MS));
    // While the wallet has not settled it, the payment stays; later it may leave again, with its credit.
    const busy = crowd(after, COUNT, 200, true);
    expect(findPaymentNo(busy, 1)).not.toBeNull();
    const settled = decide(busy, settle(1), START);
    expect(isRejection(settled)).toBe(false);
  });
});

function crowded(count: number, listens: boolean): PresentBill {
  return crowd(given(createStatic()).bill, 0, count, listens);
}

/** More payments, one after another; a terminal that listens acknowledges each event. */
function crowd(from: PresentBill, begin: number, count: number, listens: boolean): PresentBill {
  let bill: Bill = from;
  for (let i = begin; i < begin + count; i++) {
    bill = run(bill, pay(100, { paymentRef: ref(`p${i}`) }), START);
    const last = present(bill).counts.events;
    if (listens) bill = run(bill, acknowledge([last]), START);
  }
  return present(bill);
}

function run(bill: Bill, command: Parameters<typeof decide>[1], now: Millis): Bill {
  const decision = decide(bill, command, now);
  if (isRejection(decision)) throw new Error(JSON.stringify(decision));
  return evolve(bill, decision, momentOf(now));
}

function present(bill: Bill): PresentBill {
  return must(isPresent(bill) ? bill : null, 'a bill');
}

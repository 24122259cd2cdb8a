import { describe, expect, test } from 'vitest';
import {
  ALFA,
  acknowledge,
  BETA,
  cancel,
  confirm,
  create,
  EXPIRY,
  type Given,
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
  release,
  reserve,
  START,
  settle,
  terms,
  voidPayment,
} from '../../../test/support/bill-spec.ts';
import { Defect } from '../assert.ts';
import type { Currency } from '../money.ts';
import { DAY_MS, NEVER, plus } from '../time.ts';
import { decide, evolve, nextDueOf } from './bill.ts';
import { isOverdue } from './credits.ts';
import { payableReason } from './payable.ts';
import { findPayment, findReference } from './references.ts';
import { ABSENT, type Bill, reservedOf } from './state.ts';
import {
  type BillCommand,
  type BillDecision,
  type BillFact,
  CREDIT_REPEATS_MAX,
  CREDITS_MAX,
  EVENT_LIFE_MS,
  isRejection,
  PAYMENTS_MAX,
  REFERENCES_KEPT,
  RESERVATION_MS,
  RESERVATIONS_MAX,
} from './vocabulary.ts';

const RECEIPT = { number: 7, lines: ['tea', { price: 100 }] };
const OTHER_RECEIPT = { number: 8 };

describe('the table', () => {
  const statuses = {
    absent: null,
    open: given(create()),
    partiallyPaid: given(create(), pay(400)),
    paid: given(create(), pay(1000)),
    confirmed: given(create(), pay(1000), confirm(800)),
    refunded: given(create(), pay(1000), confirm(), refund(null, { key: ref('k0') })),
    cancelled: given(create(), pay(400), cancel()),
    expired: given(create(), pay(400)).later(EXPIRY),
  } satisfies Record<Bill['status'], Given | null>;

  /** In a minute, or a day after the last timer where the timer is what is asked for. */
  function cell(arranged: Given | null, command: BillCommand): string {
    const bill: Bill = arranged?.bill ?? ABSENT;
    const now = command.type === 'RunTimer' ? plus(EXPIRY, 2 * DAY_MS) : plus(EXPIRY, -1);
    return summary(decide(bill, command, now));
  }

  function table(commands: Record<string, BillCommand>): string {
    const rows = [['', ...Object.keys(commands)]];
    for (const [status, arranged] of Object.entries(statuses)) {
      rows.push([status, ...Object.values(commands).map((command) => cell(arranged, command))]);
    }
    const widths = (rows[0] ?? []).map((_, i) =>
      Math.max(...rows.map((row) => row[i]?.length ?? 0)),
    );
    const line = (row: string[]): string =>
      row
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd();
    return `\n${rows.map(line).join('\n')}\n`;
  }

  test('of what payers do', () => {
    const commands = {
      ReserveBill: reserve(100, { reservationRef: ref('r9') }),
      ReleaseReservation: release(1),
      PayBill: pay(100, { paymentRef: ref('p9') }),
      'PayBill again': pay(400),
      VoidPayment: voidPayment('p9'),
    };
    expect(table(commands)).toMatchInlineSnapshot(`
      "
                     ReserveBill                  ReleaseReservation    PayBill                     PayBill again      VoidPayment
      absent         bill.notFound                bill.notFound         bill.notFound               bill.notFound      bill.notFound
      open           ReservationMade              reservation.notFound  PaymentAccepted             PaymentAccepted    PaymentVoided
      partiallyPaid  ReservationMade              reservation.notFound  PaymentAccepted             ·                  PaymentVoided
      paid           bill.notPayable (paid)       reservation.notFound  PaymentRefused (paid)       payment.refReused  PaymentVoided
      confirmed      bill.notPayable (paid)       reservation.notFound  PaymentRefused (paid)       payment.refReused  PaymentVoided
      refunded       bill.notPayable (paid)       reservation.notFound  PaymentRefused (paid)       payment.refReused  PaymentVoided
      cancelled      bill.notPayable (cancelled)  reservation.notFound  PaymentRefused (cancelled)  ·                  PaymentVoided
      expired        bill.notPayable (expired)    reservation.notFound  PaymentRefused (expired)    ·                  PaymentVoided
      "
    `);
  });

  test('of what the till does', () => {
    const commands = {
      ConfirmBill: confirm(),
      'ConfirmBill 400': confirm(400),
      'ConfirmBill 0': confirm(0),
      CancelBill: cancel(),
      'CancelBill, if unpaid': cancel({ onlyIfUnpaid: true }),
      'CancelBill 100': cancel({ amount: money(100), key: ref('k9') }),
    };
    expect(table(commands)).toMatchInlineSnapshot(`
      "
                     ConfirmBill          ConfirmBill 400                ConfirmBill 0                  CancelBill                     CancelBill, if unpaid  CancelBill 100
      absent         bill.notFound        bill.notFound                  bill.notFound                  bill.notFound                  bill.notFound          bill.notFound
      open           bill.notPaid         bill.notPaid                   BillCancelled                  BillCancelled                  BillCancelled          KeyUsed (cancel.amountBeforeConfirm)
      partiallyPaid  bill.stillDue        BillConfirmed                  BillCancelled CreditRequested  BillCancelled CreditRequested  ·                      KeyUsed (cancel.amountBeforeConfirm)
      paid           BillConfirmed        BillConfirmed CreditRequested  BillCancelled CreditRequested  BillCancelled CreditRequested  ·                      KeyUsed (cancel.amountBeforeConfirm)
      confirmed      bill.notConfirmable  bill.notConfirmable            bill.notConfirmable            CreditRequested                ·                      CreditRequested
      refunded       ·                    bill.notConfirmable            bill.notConfirmable            ·                              ·                      KeyUsed (refund.exceedsConfirmed)
      cancelled      bill.notConfirmable  bill.notConfirmable            ·                              ·                              ·                      KeyUsed (cancel.amountBeforeConfirm)
      expired        bill.notConfirmable  bill.notConfirmable            bill.notConfirmable            bill.notCancellable            ·                      KeyUsed (cancel.amountBeforeConfirm)
      "
    `);
  });

  test('of what comes after', () => {
    const commands = {
      RefundBill: refund(100),
      AttachReceipt: { type: 'AttachReceipt', receipt: RECEIPT } as const,
      SettleCredit: settle(1),
      AcknowledgeEvents: acknowledge([1]),
      RunTimer: RUN_TIMER,
    };
    expect(table(commands)).toMatchInlineSnapshot(`
      "
                     RefundBill                         AttachReceipt    SettleCredit     AcknowledgeEvents   RunTimer
      absent         bill.notFound                      bill.notFound    bill.notFound    bill.notFound       bill.notFound
      open           KeyUsed (bill.notRefundable)       ReceiptAttached  credit.notFound  ·                   BillExpired
      partiallyPaid  KeyUsed (bill.notRefundable)       ReceiptAttached  credit.notFound  EventsAcknowledged  BillExpired CreditRequested
      paid           KeyUsed (bill.notRefundable)       ReceiptAttached  credit.notFound  EventsAcknowledged  BillConfirmed
      confirmed      CreditRequested                    ReceiptAttached  CreditSettled    EventsAcknowledged  CreditRepeated
      refunded       KeyUsed (refund.exceedsConfirmed)  ReceiptAttached  CreditSettled    EventsAcknowledged  CreditRepeated
      cancelled      KeyUsed (bill.notRefundable)       ReceiptAttached  CreditSettled    EventsAcknowledged  CreditRepeated
      expired        KeyUsed (bill.notRefundable)       ReceiptAttached  CreditSettled    EventsAcknowledged  CreditRepeated
      "
    `);
  });
});

describe('a new bill', () => {
  test('is open, owes its amount and has version 1', () => {
    const { bill } = given().when(create(), START).decides('BillCreated');
    expect(bill).toMatchObject({ status: 'open', version: 1, books: { paid: 0 } });
    expect(nextDueOf(bill)).toBe(EXPIRY);
  });

  test('is not made twice, since orders are told apart outside', () => {
    expect(() => decide(given(create()).bill, create(), START)).toThrow(Defect);
  });

  test('is not made of nothing, since the edge refuses it', () => {
    expect(() => decide(ABSENT, create({ amount: money(0) }), START)).toThrow(Defect);
  });

  test('waits for nothing before it exists', () => {
    expect(nextDueOf(ABSENT)).toBe(NEVER);
  });
});

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

  test('is found by its reference as it is now', () => {
    const { bill } = given(create(), pay(1000), confirm(700));
    expect(findPayment(bill, ALFA, ref('p1'))).toMatchObject({
      credited: 300,
      status: 'confirmed',
    });
    expect(findPayment(bill, BETA, ref('p1'))).toBeNull();
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
    const named = arranged.when(pay(1, { paymentRef: ref('last'), reservationNo: 1 }));
    expect(named.bill.payments).toHaveLength(PAYMENTS_MAX);
    expect(payableReason(named.bill, BETA, inSeconds(0))).toBe('limit');
    const cancelled = evolve(named.bill, factsOf(decide(named.bill, cancel(), inSeconds(9))), {
      at: inSeconds(9),
      requestId: 'cancel',
    });
    expect(cancelled).toMatchObject({ status: 'cancelled', books: { reversed: PAYMENTS_MAX } });
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

describe('a credit', () => {
  const owed = given(create(), pay(1000), [confirm(700), inSeconds(10)]);

  test('is settled by its paychannel, once, and the terminal is told', () => {
    const then = owed.when(settle(1, { reference: 'W1', reason: 'ok' }), inSeconds(60));
    then.decides('CreditSettled', 'EventRaised');
    expect(then.told).toEqual(['terminal:term-1 credit.settled']);
    expect(then.bill).toMatchObject({
      books: { reversed: 300, unreturned: 0 },
      credits: [{ status: 'settled', reference: 'W1', reason: 'ok', settledAt: inSeconds(60) }],
    });
    expect(then.bill.outbox.at(-1)).toMatchObject({ credit: { status: 'settled' } });
  });

  test('that is rejected stays unreturned', () => {
    const then = owed.when(settle(1, { status: 'rejected', reason: 'closed account' }));
    expect(then.told).toEqual(['terminal:term-1 credit.rejected']);
    expect(then.bill.books).toMatchObject({ reversed: 300, unreturned: 300 });
  });

  test('is not settled otherwise later', () => {
    const settled = given(
      create(),
      pay(1000),
      confirm(),
      refund(300, { reason: 'broken' }),
      settle(1),
    );
    settled.when(settle(1)).decidesNothing();
    const otherwise = { rejected: 'credit.settledOtherwise', status: 'settled' } as const;
    settled.when(settle(1, { status: 'rejected' })).rejects(otherwise);
    settled.when(settle(1, { reference: 'W1' })).rejects(otherwise);
    settled.when(settle(1, { reason: 'broken' })).rejects(otherwise);
    expect(settled.bill.credits).toMatchObject([{ reason: 'broken' }]);
  });

  test('is nobody else’s to settle', () => {
    owed.when(settle(1, { paychannelId: BETA })).rejects({ rejected: 'credit.notFound' });
    owed.when(settle(2)).rejects({ rejected: 'credit.notFound' });
    owed.when(settle(0)).rejects({ rejected: 'credit.notFound' });
  });

  test('is asked for again each day, in place of the earlier event', () => {
    const day = plus(inSeconds(10), DAY_MS);
    expect(nextDueOf(owed.bill)).toBe(day);
    const then = owed.when(RUN_TIMER, day).decides('CreditRepeated', 'EventRaised');
    expect(then.bill.outbox.filter(({ type }) => type === 'credit.requested')).toMatchObject([
      { no: 3, occurredAt: day, credit: { repeats: 1 } },
    ]);
    expect(then.bill.version).toBe(owed.bill.version);
    expect(isOverdue(then.bill.credits[0] ?? never(), day)).toBe(false);
    expect(isOverdue(then.bill.credits[0] ?? never(), plus(day, 1))).toBe(true);
  });

  test('is asked for once for all the days that were missed', () => {
    const late = owed.later(plus(inSeconds(10), 3.5 * DAY_MS));
    expect(late.bill.credits).toMatchObject([{ repeats: 3 }]);
    expect(late.bill.counts.events).toBe(owed.bill.counts.events + 1);
    expect(nextDueOf(late.bill)).toBe(plus(inSeconds(10), 4 * DAY_MS));
  });

  test('is asked for at most CREDIT_REPEATS_MAX times, and not once it is settled', () => {
    const last = owed.later(plus(inSeconds(10), CREDIT_REPEATS_MAX * DAY_MS));
    expect(nextDueOf(last.bill)).toBe(NEVER);
    expect(nextDueOf(owed.when(settle(1)).bill)).toBe(NEVER);
  });
});

describe('an event', () => {
  test('is a dead letter after its life, and leaves with the next transition', () => {
    const paid = given(create({ confirmWithinMs: 90 * DAY_MS }), [pay(1000), inSeconds(1)]);
    const attach = { type: 'AttachReceipt', receipt: RECEIPT } as const;
    expect(paid.when(attach, plus(inSeconds(1), EVENT_LIFE_MS)).bill.outbox).toHaveLength(1);
    expect(paid.when(attach, plus(inSeconds(1), EVENT_LIFE_MS + 1)).bill.outbox).toEqual([]);
  });

  test('can be acknowledged in the moment of its death', () => {
    const paid = given(create({ confirmWithinMs: 90 * DAY_MS }), [pay(1000), inSeconds(1)]);
    expect(paid.when(acknowledge([1]), plus(inSeconds(1), 2 * EVENT_LIFE_MS)).bill.outbox).toEqual(
      [],
    );
  });
});

describe('references', () => {
  test('beyond REFERENCES_KEPT are let go, the oldest first, and the bill says so', () => {
    const voids = Array.from({ length: REFERENCES_KEPT }, (_, i) => voidPayment(`v${i}`));
    const full = given(create(), ...voids);
    expect(full.bill.spilled).toBe(false);
    const { bill } = full.when(voidPayment());
    expect(bill.spilled).toBe(true);
    expect(bill.references).toHaveLength(REFERENCES_KEPT);
    expect(findReference(bill, 'payment', ALFA, ref('v0'))).toBeNull();
    expect(findReference(bill, 'payment', ALFA, ref('v1'))).not.toBeNull();
  });
});

describe('evolve', () => {
  const open = given(create()).bill;
  const paid = given(create(), pay(1000)).bill;
  const ended = given(create(), pay(1000), confirm(900)).bill;
  const payment = paid.payments[0] ?? never();
  const credit = ended.credits[0] ?? never();

  test.each<[string, Bill, BillFact]>([
    ['a creation of what exists', open, { type: 'BillCreated', terms: terms() }],
    [
      'a payment that exceeds the bill',
      open,
      { type: 'PaymentAccepted', payment: { ...payment, amount: money(1001) } },
    ],
    ['a payment out of turn', open, { type: 'PaymentAccepted', payment: { ...payment, no: 2 } }],
    ['a payment of a paid bill', paid, { type: 'PaymentAccepted', payment: { ...payment, no: 2 } }],
    [
      'a confirm of an open bill',
      open,
      { type: 'BillConfirmed', amount: money(1), cause: null, receipt: null },
    ],
    [
      'a confirm of less without reversals',
      paid,
      { type: 'BillConfirmed', amount: money(1), cause: null, receipt: null },
    ],
    ['a cancel without reversals', paid, { type: 'BillCancelled', cause: 'terminal' }],
    ['a cancel of a confirmed bill', ended, { type: 'BillCancelled', cause: 'terminal' }],
    ['an expiry of a paid bill', paid, { type: 'BillExpired' }],
    ['a credit before the end', paid, { type: 'CreditRequested', credit }],
    ['a credit out of turn', ended, { type: 'CreditRequested', credit }],
    [
      'a credit above its payment',
      ended,
      { type: 'CreditRequested', credit: { ...credit, no: 2, kind: 'refund', amount: money(901) } },
    ],
    ['a reversal after confirm', ended, { type: 'CreditRequested', credit: { ...credit, no: 2 } }],
    ['the end of no reservation', open, { type: 'ReservationEnded', no: 1, how: 'lapsed' }],
    [
      'an event of no payment',
      open,
      {
        type: 'EventRaised',
        to: 'terminal:t',
        event: 'bill.paid',
        cause: null,
        paymentNo: 1,
        creditNo: null,
      },
    ],
    ['an acknowledgement of no event', open, { type: 'EventsAcknowledged', nos: [1] }],
    ['an answer to no payment', open, { type: 'PaymentAnswered', no: 1, digest: '' }],
    [
      'a settlement of no credit',
      open,
      { type: 'CreditSettled', no: 1, status: 'settled', reference: null, reason: null },
    ],
    ['a repeat of no credit', open, { type: 'CreditRepeated', no: 1 }],
    [
      'a reservation above what is due',
      open,
      {
        type: 'ReservationMade',
        digest: '',
        reservation: {
          no: 1,
          paychannelId: ALFA,
          reservationRef: ref('r'),
          amount: money(1001),
          expiresAt: EXPIRY,
        },
      },
    ],
  ])('refuses %s', (_, bill, fact) => {
    expect(() => evolve(bill, [fact], { at: inSeconds(9), requestId: 'x' })).toThrow(Defect);
  });

  test('makes nothing of nothing', () => {
    expect(evolve(open, [], { at: inSeconds(9), requestId: 'x' })).toBe(open);
    expect(evolve(ABSENT, [], { at: inSeconds(9), requestId: 'x' })).toBe(ABSENT);
  });
});

/** What was decided, in brief: facts without the events, how often each; or why not. */
function summary(decision: BillDecision): string {
  if (isRejection(decision)) return `${decision.rejected}${detail(decision)}`;
  const names = decision.map(summaryOfFact).filter((name) => name !== '');
  return names.length === 0 ? '·' : names.join(' ');
}

function summaryOfFact(fact: BillFact): string {
  switch (fact.type) {
    case 'EventRaised':
    case 'PaymentAnswered':
      return '';
    case 'PaymentRefused':
      return `PaymentRefused${detail(fact.payment.rejection)}`;
    case 'KeyUsed':
      return fact.rejection === null ? '' : `KeyUsed (${fact.rejection.rejected})`;
    default:
      return fact.type;
  }
}

function detail(rejection: object): string {
  return 'reason' in rejection ? ` (${rejection.reason})` : '';
}

function factsOf(decision: BillDecision): readonly BillFact[] {
  if (isRejection(decision)) throw new Error(decision.rejected);
  return decision;
}

function never(): never {
  throw new Error('missing');
}

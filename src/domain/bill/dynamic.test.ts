import { describe, expect, test } from 'vitest';
import {
  ALFA,
  acknowledge,
  cancel,
  confirm,
  create,
  EXPIRY,
  type Given,
  given,
  inSeconds,
  money,
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
} from '../../../tests/support/bill-spec.ts';
import { Defect } from '../assert.ts';
import { DAY_MS, NEVER, plus } from '../time.ts';
import { decide, evolve, nextDueOf } from './bill.ts';
import { ABSENT, type Bill } from './state.ts';
import { type BillCommand, type BillDecision, type BillFact, isRejection } from './vocabulary.ts';

const RECEIPT = { number: 7, lines: ['tea', { price: 100 }] };

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
  } satisfies Record<Exclude<Bill['status'], 'pending' | 'failed'>, Given | null>;

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

function never(): never {
  throw new Error('missing');
}

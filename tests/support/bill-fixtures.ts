// Domain values for tests of what stores and shows them. They are plausible, not lived: what a bill may become is the
// domain's to test.

import type { PresentBill } from '../../src/domain/bill/state.ts';
import type {
  BillEvent,
  Credit,
  KeptReference,
  Payment,
  PaymentAnswer,
  RefusedPayment,
  Reservation,
  Terms,
} from '../../src/domain/bill/vocabulary.ts';
import {
  type BillId,
  type InstitutionId,
  type MerchantId,
  makeBillId,
  type PaychannelId,
  type Reference,
  type ShardId,
  type TerminalId,
} from '../../src/domain/ids.ts';
import { type Currency, type Minor, minor, ZERO } from '../../src/domain/money.ts';
import { DAY_MS, type Millis, millis, plus } from '../../src/domain/time.ts';

/** 2026-01-05T12:00:00Z. */
export const NOON = millis(1_767_614_400_000);
export const terminalId = 'ter_1' as TerminalId;
export const merchantId = 'mer_1' as MerchantId;
export const institutionId = 'ins_1' as InstitutionId;
export const paychannelId = 'pay_1' as PaychannelId;

export const shard = (no: number): ShardId => no as ShardId;
export const reference = (text: string): Reference => text as Reference;

/** The nth bill id of a shard: the same one every time. */
export function billId(no: number, of: ShardId = shard(0), at: Millis = NOON): BillId {
  const random = new Uint8Array(13);
  for (let i = 0, rest = no; i < random.length; i++, rest = Math.floor(rest / 32)) {
    random[random.length - 1 - i] = rest % 32;
  }
  return makeBillId(at, of, random);
}

export function makeTerms(given: Partial<Terms> = {}): Terms {
  const createdAt = given.createdAt ?? NOON;
  return {
    id: billId(1),
    type: 'dynamic',
    institutionId,
    merchantId,
    terminalId,
    merchant: { name: 'Corner Coffee', city: 'Springfield' },
    orderId: reference('order-1'),
    digest: 'digest-of-the-create-00',
    purpose: 'sale',
    amount: minor(1_000),
    currency: 'EUR' as Currency,
    description: null,
    lines: [],
    metadata: null,
    capture: 'manual',
    confirmWithinMs: DAY_MS,
    unconfirmed: 'confirm',
    qrFormat: 'url',
    returnUrl: null,
    relatedBillId: null,
    createdAt,
    expiresAt: plus(createdAt, 900_000),
    ...given,
  };
}

/** An open bill, but for what is given. */
export function makeBill(
  terms: Partial<Terms> = {},
  given: Partial<Omit<PresentBill, 'terms'>> = {},
): PresentBill {
  return {
    status: 'open',
    version: 1,
    terms: makeTerms(terms),
    books: { paid: ZERO, confirmed: ZERO, reversed: ZERO, refunded: ZERO, unreturned: ZERO },
    payments: [],
    credits: [],
    reservations: [],
    outbox: [],
    references: [],
    spilled: false,
    counts: { payments: 0, credits: 0, events: 0, reservations: 0, accepted: 0 },
    ending: {
      paidAt: null,
      confirmedAt: null,
      closedAt: null,
      cause: null,
      receipt: null,
      replacedReceipt: null,
    },
    sticker: null,
    ...given,
  };
}

export function makePayment(given: Partial<Payment> = {}): Payment {
  return {
    no: 1,
    paychannelId,
    paymentRef: reference('payment-1'),
    amount: minor(1_000),
    credited: ZERO,
    method: 'card',
    payer: null,
    paidAt: plus(NOON, 4_000),
    status: 'accepted',
    receivedAt: plus(NOON, 5_000),
    notifiedAt: null,
    subscribed: true,
    ...given,
  };
}

export function makeRefusal(given: Partial<RefusedPayment> = {}): RefusedPayment {
  return {
    no: 2,
    paychannelId,
    paymentRef: reference('payment-2'),
    amount: minor(700),
    method: null,
    receivedAt: plus(NOON, 6_000),
    rejection: { rejected: 'payment.exceedsDue', due: ZERO },
    ...given,
  };
}

export function makeCredit(given: Partial<Credit> = {}): Credit {
  return {
    no: 1,
    kind: 'reversal',
    paymentNo: 1,
    paychannelId,
    paymentRef: reference('payment-1'),
    amount: minor(200),
    status: 'pending',
    reason: null,
    settledReason: null,
    reference: null,
    requestedAt: plus(NOON, 7_000),
    settledAt: null,
    repeats: 0,
    ...given,
  };
}

export function makeReservation(given: Partial<Reservation> = {}): Reservation {
  return {
    no: 1,
    paychannelId,
    reservationRef: reference('reservation-1'),
    amount: minor(300),
    expiresAt: plus(NOON, 120_000),
    ...given,
  };
}

export function makeEvent(given: Partial<BillEvent> = {}): BillEvent {
  return {
    no: 1,
    recipient: `terminal:${terminalId}`,
    type: 'bill.paid',
    occurredAt: plus(NOON, 5_000),
    requestId: 'request-1',
    status: 'paid',
    version: 2,
    paid: minor(1_000),
    due: ZERO,
    cause: null,
    payment: makePayment(),
    credit: null,
    receipt: null,
    ...given,
  };
}

export function makeAnswer(given: Partial<PaymentAnswer> = {}): PaymentAnswer {
  return {
    payment: makePayment(),
    status: 'paid',
    version: 2,
    paid: minor(1_000),
    due: ZERO,
    ...given,
  };
}

export function makeReference(given: Partial<KeptReference> = {}): KeptReference {
  return {
    kind: 'payment',
    scope: paychannelId,
    ref: reference('payment-1'),
    digest: 'digest-of-the-payment-0',
    outcome: { type: 'accepted', answer: makeAnswer() },
    ...given,
  };
}

/** A bill that has a bit of everything, with what is hard to store: large amounts, odd texts, free JSON. */
export function makeFullBill(terms: Partial<Terms> = {}): PresentBill {
  const large = (9 * 10 ** 15) as Minor;
  const odd = '"quoted" \\ {braces}, NULL é 漢 🍵 \u0001\n';
  const json = JSON.parse('{"__proto__":{"a":[1.5,-2,9007199254740991,null,true]},"NULL":"\\"}"}');
  return makeBill(
    {
      amount: large,
      description: odd,
      purpose: 'prepayment',
      capture: 'auto',
      unconfirmed: 'reverse',
      lines: [{ name: odd, quantity: 1.5, price: minor(2 ** 40), amount: minor(3 * 2 ** 39) }],
      metadata: { __proto__x: odd, null: 'NULL' },
      returnUrl: 'https://shop.example/back?order=1&x="y"',
      relatedBillId: billId(99),
      policies: { late: 'refuse', excess: 'reverse', part: 'forbid' },
      tipMax: minor(500),
      ...terms,
    },
    {
      status: 'confirmed',
      version: 2 ** 31 - 1,
      books: {
        paid: large,
        confirmed: minor(large - 200),
        reversed: minor(200),
        refunded: minor(100),
        unreturned: minor(50),
        excess: minor(100),
        tips: { paid: minor(70), returned: minor(30), unreturned: minor(30) },
      },
      payments: [
        makePayment({ status: 'confirmed', credited: minor(100), excess: minor(100) }),
        makePayment({ no: 3, method: null, tip: minor(30), isTipReturned: true }),
        makePayment({ no: 4, tip: minor(40) }),
      ],
      credits: [
        makeCredit(),
        makeCredit({
          no: 2,
          kind: 'refund',
          status: 'rejected',
          reason: odd,
          settledReason: odd,
          reference: 'wallet-1',
          settledAt: NOON,
          repeats: 30,
        }),
        makeCredit({ no: 3, paymentNo: 3, amount: minor(30), isTip: true, status: 'rejected' }),
      ],
      reservations: [makeReservation()],
      outbox: [
        makeEvent(),
        makeEvent({
          no: 2,
          recipient: `paychannel:${paychannelId}`,
          type: 'credit.requested',
          cause: 'operator',
          payment: null,
          credit: makeCredit({ isTip: true }),
          receipt: json,
          tips: { paid: minor(70), returned: minor(30), unreturned: ZERO },
        }),
      ],
      references: [
        makeReference(),
        makeReference({
          ref: reference('null'),
          outcome: { type: 'refused', payment: makeRefusal({ tip: minor(7) }) },
        }),
        makeReference({ ref: reference('voided'), outcome: { type: 'voided', at: NOON } }),
        makeReference({
          kind: 'reservation',
          outcome: { type: 'reserved', reservation: makeReservation() },
        }),
        makeReference({ kind: 'key', scope: terminalId, outcome: { type: 'done' } }),
        makeReference({
          kind: 'key',
          scope: terminalId,
          ref: reference('key-2'),
          outcome: { type: 'rejected', rejection: { rejected: 'bill.stillDue', due: minor(1) } },
        }),
      ],
      spilled: true,
      counts: { payments: 4, credits: 3, events: 2, reservations: 1, accepted: 3 },
      ending: {
        paidAt: plus(NOON, 5_000),
        confirmedAt: plus(NOON, 7_000),
        closedAt: null,
        cause: 'terminal',
        receipt: json,
        replacedReceipt: { old: odd },
      },
    },
  );
}

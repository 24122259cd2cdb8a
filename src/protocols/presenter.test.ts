import { describe, expect, test } from 'vitest';
import {
  billId,
  institutionId,
  makeAnswer,
  makeBill,
  makeCredit,
  makeEvent,
  makeFullBill,
  makePayment,
  makeRefusal,
  makeReservation,
  NOON,
  paychannelId,
  reference,
} from '../../tests/support/bill-fixtures.ts';
import { contractViolations, problemViolations } from '../../tests/support/contract.ts';
import { codesAt } from '../../tests/support/qr-claims.ts';
import { unpackr } from '../../tests/support/socket.ts';
import { allPoliciesOf } from '../domain/bill/policies.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import type { PaychannelId } from '../domain/ids.ts';
import { minor, ZERO } from '../domain/money.ts';
import { DAY_MS, NEVER, plus } from '../domain/time.ts';
import type { Reply } from '../switch/requests.ts';
import { makePresenter } from './presenter.ts';
import * as told from './schemas/event-responses.ts';
import * as parts from './schemas/part-responses.ts';
import * as shown from './schemas/responses.ts';

const codes = codesAt('https://pay.example');
const presenter = makePresenter({ publicBaseUrl: 'https://pay.example', codes });

function present(reply: Reply): { status: number; body: Record<string, unknown> } {
  const { status, body } = presenter.present(reply, 'json', 'request-1');
  return {
    status,
    body: JSON.parse(Buffer.from(body).toString('utf8')) as Record<string, unknown>,
  };
}

const full = makeFullBill();
const everything = {
  ...full,
  ending: { ...full.ending, receipt: { fn: 9_006_078_900_006_041, list: [1.5, -(2 ** 40), null] } },
};
const other = 'pay_2' as PaychannelId;

const replies: Record<string, Reply> = {
  'a bill with everything': { kind: 'bill', bill: everything, created: false, now: NOON },
  'a bill with nothing': { kind: 'bill', bill: makeBill(), created: true, now: NOON },
  'a tombstone': { kind: 'orderVoided', orderId: reference('order-1'), at: NOON },
  'a view': { kind: 'view', bill: everything, paychannelId, now: NOON },
  'a page': { kind: 'page', bill: everything, now: NOON },
  'a reservation': {
    kind: 'reservation',
    bill: makeBill(),
    reservation: makeReservation(),
    created: true,
  },
  'a payment': { kind: 'payment', bill: everything, answer: makeAnswer(), created: true },
  'a credit': { kind: 'credit', bill: everything, credit: makeCredit(), now: NOON },
  'a count': { kind: 'acknowledged', count: 3 },
  'a refusal with a large amount': {
    kind: 'rejection',
    rejection: { rejected: 'bill.stillDue', due: minor(10 ** 12) },
  },
  'a fault': { kind: 'fault', code: 'overloaded', detail: 'Too much.', retryAfterS: 2 },
};

describe('an answer', () => {
  test.each(Object.entries(replies))(
    '%s has the same names and values in both encodings',
    (_name, reply) => {
      const json = presenter.present(reply, 'json', 'request-1');
      const msgpack = presenter.present(reply, 'msgpack', 'request-1');
      expect(msgpack.status).toBe(json.status);
      const text = JSON.parse(Buffer.from(json.body).toString('utf8')) as unknown;
      expect(unpackr.unpack(msgpack.body)).toEqual(text);
    },
  );

  test('of msgpack has no number of 2^32 or more as a float', () => {
    const amount = minor(2 ** 32);
    const bill = makeBill({ amount, lines: [{ name: 'x', quantity: 1, price: amount, amount }] });
    const { body } = presenter.present(
      { kind: 'bill', bill, created: true, now: NOON },
      'msgpack',
      'r',
    );
    expect(Buffer.from(body).includes(Buffer.from('cb41f0000000000000', 'hex'))).toBe(false);
    expect(Buffer.from(body).includes(Buffer.from('d30000000100000000', 'hex'))).toBe(true);
  });
});

describe('where the payer may be sent back to', () => {
  const returnUrl = 'https://shop.example/back?order=1&x="y"';

  test.each(['a bill', 'a view'] as const)('stands in %s', (noun) => {
    const shownOf = (bill: PresentBill) =>
      noun === 'a bill'
        ? present({ kind: 'bill', bill, created: false, now: NOON })
        : present({ kind: 'view', bill, paychannelId, now: NOON });
    expect(shownOf(makeBill({ returnUrl })).body).toMatchObject({ returnUrl });
    expect(shownOf(makeBill()).body).toMatchObject({ returnUrl: null });
  });

  test('is not for everybody who has the code', () => {
    const { body } = present({ kind: 'page', bill: makeBill({ returnUrl }), now: NOON });
    expect(JSON.stringify(body)).not.toContain('shop.example');
  });
});

describe('a page', () => {
  const pageOf = (bill: PresentBill) => present({ kind: 'page', bill, now: NOON }).body;

  test('has the payload of a bill that somebody can pay', () => {
    const bill = makeBill();
    const open = { isPayable: true, payload: codes.payloadOf(bill.terms) };
    expect(pageOf(bill)).toMatchObject(open);
    const reservations = [makeReservation({ amount: minor(1_000), expiresAt: plus(NOON, 1) })];
    expect(pageOf(makeBill({}, { reservations }))).toMatchObject(open);
  });

  const offer = {
    usage: 'many',
    minAmount: minor(100),
    maxAmount: minor(500),
    maxPayments: 2,
    maxTotal: null,
    validFrom: NOON,
  } as const;
  const many = { type: 'static', amount: ZERO, expiresAt: NEVER, offer } as const;
  const counts = { payments: 2, credits: 0, events: 2, reservations: 0, accepted: 2 };

  test.each([
    ['is paid', makeBill({}, { status: 'paid' })],
    ['is late', makeBill({ expiresAt: NOON })],
    ['was withdrawn', makeBill(many, { status: 'cancelled' })],
    ['is not to be paid yet', makeBill({ ...many, offer: { ...offer, validFrom: plus(NOON, 1) } })],
    ['has come to its limit', makeBill(many, { counts })],
  ])('of a bill that %s has none', (_what, bill) => {
    expect(pageOf(bill)).toMatchObject({ isPayable: false, payload: null });
  });
});

describe('a bill', () => {
  test('has the fields of the contract, in its order, and no other', () => {
    const { status, body } = present({ kind: 'bill', bill: makeBill(), created: true, now: NOON });
    expect(status).toBe(201);
    expect(Object.keys(body)).toEqual(
      `id type status version orderId purpose amount minAmount maxAmount currency due paid confirmed reversed refunded
       unreturned reserved description lines metadata returnUrl capture policies terminalId merchantId institutionId
       mode relatedBillId createdAt expiresAt paidAt confirmedAt closedAt cause receipt payments credits qr`.split(
        /\s+/,
      ),
    );
    expect(body.qr).toEqual({
      format: 'url',
      payload: expect.stringMatching(
        new RegExp(`^https://pay.example/q/${billId(1)}\\.[0-9A-Z]{8}$`),
      ),
      svg: `https://pay.example/v1/terminal/bills/${billId(1)}/qr.svg`,
      png: `https://pay.example/v1/terminal/bills/${billId(1)}/qr.png`,
    });
  });

  test('that is static shows its range, its usage, its limits and its count beside', () => {
    const offer = {
      usage: 'many',
      minAmount: minor(100),
      maxAmount: minor(500),
      maxPayments: null,
      maxTotal: minor(900),
      validFrom: NOON,
    } as const;
    const terms = { type: 'static', amount: ZERO, expiresAt: NEVER, offer } as const;
    const books = { paid: 700, confirmed: 700, reversed: 0, refunded: 0, unreturned: 0 };
    const counts = { payments: 3, credits: 0, events: 2, reservations: 0, accepted: 2 };
    const bill = makeBill(terms, { books: books as PresentBill['books'], counts });
    const { body } = present({ kind: 'bill', bill, created: false, now: NOON });
    expect(contractViolations(shown.bill, body)).toEqual([]);
    expect(body).toMatchObject({
      type: 'static',
      amount: null,
      minAmount: 100,
      maxAmount: 500,
      due: 100,
      expiresAt: null,
      usage: 'many',
      maxPayments: null,
      maxTotal: 900,
      validFrom: expect.any(String),
      validUntil: null,
      paymentCount: 2,
    });
    const view = present({ kind: 'view', bill, paychannelId, now: NOON }).body;
    expect(contractViolations(shown.view, view)).toEqual([]);
    expect(view).toMatchObject({ due: 100, minAmount: 100, maxAmount: 200, part: 'forbid' });
  });

  test('fits its schema, empty and full', () => {
    for (const bill of [makeBill(), everything]) {
      const { body } = present({ kind: 'bill', bill, created: false, now: NOON });
      expect(contractViolations(shown.bill, body)).toEqual([]);
    }
  });

  test('shows its latest 20 payments and credits, oldest first', () => {
    const payments = Array.from({ length: 30 }, (_unused, i) => makePayment({ no: i + 1 }));
    const credits = Array.from({ length: 25 }, (_unused, i) => makeCredit({ no: i + 1 }));
    const { body } = present({
      kind: 'bill',
      bill: makeBill({}, { payments, credits }),
      created: false,
      now: NOON,
    });
    const idsOf = (part: string): string[] => (body[part] as { id: string }[]).map(({ id }) => id);
    expect(idsOf('payments')).toHaveLength(20);
    expect(idsOf('payments')[0]).toBe(`${billId(1)}-p11`);
    expect(idsOf('payments').at(-1)).toBe(`${billId(1)}-p30`);
    expect(idsOf('credits')[0]).toBe(`${billId(1)}-c6`);
  });

  test('says of a credit that it is overdue after a day', () => {
    const bill = makeBill({}, { credits: [makeCredit({ requestedAt: NOON })] });
    const overdue = (now: typeof NOON): unknown =>
      (present({ kind: 'bill', bill, created: false, now }).body.credits as object[])[0];
    expect(overdue(plus(NOON, DAY_MS))).toMatchObject({ overdue: false });
    expect(overdue(plus(NOON, DAY_MS + 1))).toMatchObject({ overdue: true });
  });
});

describe('a view', () => {
  const reserved = makeBill(
    {},
    {
      reservations: [
        makeReservation({
          no: 1,
          paychannelId: other,
          amount: minor(600),
          expiresAt: plus(NOON, 60_000),
        }),
        makeReservation({
          no: 2,
          paychannelId: other,
          amount: minor(400),
          expiresAt: plus(NOON, 30_000),
        }),
      ],
    },
  );

  test('has the fields of the contract, in its order', () => {
    const { body } = present({ kind: 'view', bill: makeBill(), paychannelId, now: NOON });
    expect(Object.keys(body)).toEqual(
      `id type status mode merchant description lines currency amount due minAmount maxAmount part payable reason retryAt
       now expiresAt returnUrl quote`.split(/\s+/),
    );
    expect(contractViolations(shown.view, body)).toEqual([]);
  });

  test('leaves out what others have reserved, and says when to come again', () => {
    expect(present({ kind: 'view', bill: reserved, paychannelId, now: NOON }).body).toMatchObject({
      due: 0,
      payable: false,
      reason: 'reserved',
      retryAt: '2026-01-05T12:00:30.000Z',
    });
    expect(
      present({ kind: 'view', bill: reserved, paychannelId: other, now: NOON }).body,
    ).toMatchObject({
      due: 1_000,
      payable: true,
      reason: null,
      retryAt: null,
    });
  });
});

describe('a payment', () => {
  test('is answered as it was, with the bill as it was', () => {
    const answer = makeAnswer({
      version: 2,
      paid: minor(400),
      due: minor(600),
      status: 'partiallyPaid',
    });
    const { status, body } = present({ kind: 'payment', bill: everything, answer, created: false });
    expect(status).toBe(200);
    expect(body.bill).toMatchObject({
      status: 'partiallyPaid',
      version: 2,
      paid: 400,
      due: 600,
    });
    expect(contractViolations(shown.paymentAnswer, body)).toEqual([]);
  });

  test('that was taken is shown as it is now', () => {
    const bill = makeBill(
      {},
      { payments: [makePayment({ status: 'reversed', credited: minor(1_000) })] },
    );
    const fate = { type: 'accepted', answer: makeAnswer() } as const;
    const reply = {
      kind: 'paymentFate',
      bill,
      paychannelId,
      institutionId,
      paymentRef: reference('payment-1'),
      fate,
    } as const;
    expect(present(reply).body).toMatchObject({ status: 'reversed', credited: 1_000, code: null });
  });

  test.each([
    ['refused', { type: 'refused', payment: makeRefusal() }, 'payment.exceedsDue'],
    ['voided', { type: 'voided', at: NOON }, 'payment.void'],
  ] as const)('that was %s is refused, with its code', (_name, fate, code) => {
    const reply = {
      kind: 'paymentFate',
      bill: makeBill(),
      paychannelId,
      institutionId,
      paymentRef: reference('p-9'),
      fate,
    } as const;
    const { status, body } = present(reply);
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'refused', code, paychannelId });
    expect(contractViolations(parts.payment, body)).toEqual([]);
  });
});

describe('an event', () => {
  test('carries what was true when it happened', () => {
    const event = makeEvent({
      type: 'credit.requested',
      credit: makeCredit({ amount: minor(10 ** 12) }),
      cause: 'operator',
    });
    const bill = {
      id: billId(1),
      orderId: reference('order-1'),
      amount: 10 ** 12,
      currency: 'EUR',
      purpose: 'prepayment' as const,
      policies: allPoliciesOf(makeBill().terms),
      institutionId,
      mode: 'test' as const,
    };
    const json = JSON.parse(
      Buffer.from(presenter.presentEvent({ bill, event }, 'json')).toString('utf8'),
    ) as Record<string, unknown>;
    expect(json).toMatchObject({
      id: `${billId(1)}-e1`,
      type: 'credit.requested',
      billId: billId(1),
      billVersion: 2,
      occurredAt: '2026-01-05T12:00:05.000Z',
      data: {
        bill: { orderId: 'order-1', paid: 1_000 },
        cause: 'operator',
        credit: { id: `${billId(1)}-c1`, purpose: 'prepayment' },
      },
    });
    expect(contractViolations(told.event, json)).toEqual([]);
    expect(unpackr.unpack(presenter.presentEvent({ bill, event }, 'msgpack'))).toEqual(json);
  });
});

test('a rejection becomes the problem of its code, with its members', () => {
  const { status, body } = present({
    kind: 'rejection',
    rejection: { rejected: 'bill.notPayable', reason: 'expired' },
  });
  expect(status).toBe(409);
  expect(body).toMatchObject({
    code: 'bill.notPayable',
    reason: 'expired',
    requestId: 'request-1',
  });
  expect(problemViolations(status, body)).toEqual([]);
});

test('what is forbidden has the code of the contract', () => {
  const { status, body } = present({ kind: 'rejection', rejection: { rejected: 'forbidden' } });
  expect([status, body.code]).toEqual([403, 'request.forbidden']);
});

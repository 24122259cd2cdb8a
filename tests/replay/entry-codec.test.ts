// Entries as released versions wrote them. Today's code must read every one of them, for ever.
//
// To record a new version (once, when ENTRY_VERSION goes up, before its release): encode contents that show what is
// new with the codec of that version and keep the base64 of what it gives:
//
//   Buffer.from(makeEntryCodec().encode(content)).toString('base64')
//
// as `entries-v<version>.json`, name by name; then expect of it here what today's code should make of it. A recorded
// payload is never changed. Where a later version reads an old entry in another form, the expectation changes.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { BillId, Reference, TerminalId } from '../../src/domain/ids.ts';
import type { Currency, Minor } from '../../src/domain/money.ts';
import { millis } from '../../src/domain/time.ts';
import { makeEntryCodec } from '../../src/persistence/log/entry-codec.ts';
import { entryId } from '../../src/switch/entry-id.ts';
import type { EntryContent, Transition } from '../../src/switch/records.ts';

const billId = '06D9K3Q1ZR0072M4N6P8Q0R2S4' as BillId;
const at = 1_785_000_000_123;

const opening: EntryContent = {
  kind: 'open',
  nonce: 'Zm9vYmFy',
  holder: 'node-1:4711',
  at: millis(at),
  follows: entryId(7, 4_000_000_000),
};

const created: Transition = {
  kind: 'bill',
  billId,
  at: millis(at),
  command: 'CreateBill',
  actor: 'terminal:t1',
  requestId: 'req-1',
  facts: [
    {
      type: 'BillCreated',
      terms: {
        id: billId,
        type: 'dynamic',
        institutionId: 'i1',
        merchantId: 'm1',
        terminalId: 't1' as TerminalId,
        merchant: { name: 'Café Zoë', city: 'Rīga' },
        orderId: 'order-1' as Reference,
        digest: 'q7bq0tXo4m0JzYb5m3uQXA',
        purpose: 'sale',
        amount: 1_000_000_000_000 as Minor,
        currency: 'EUR' as Currency,
        description: null,
        lines: [{ name: 'Tea', quantity: 1.5, price: 200 as Minor, amount: 300 as Minor }],
        metadata: { table: '7', ['__proto__']: 'kept' },
        capture: 'manual',
        confirmWithinMs: 86_400_000,
        unconfirmed: 'confirm',
        qrFormat: 'url',
        returnUrl: null,
        relatedBillId: null,
        createdAt: millis(at),
        expiresAt: millis(at + 900_000),
      },
    },
  ],
} as unknown as Transition;

const batch: EntryContent = {
  kind: 'batch',
  transitions: [
    created,
    {
      kind: 'bill',
      billId,
      at: millis(at + 1),
      command: 'PayBill',
      actor: 'paychannel:p1',
      requestId: 'req-2',
      facts: [
        {
          type: 'PaymentRefused',
          payment: {
            no: 1,
            paychannelId: 'p1',
            paymentRef: 'pay-1',
            amount: 5_000_000_000,
            method: null,
            receivedAt: at + 1,
            rejection: { rejected: 'payment.exceedsDue', due: 4_294_967_296 },
          },
          digest: 'q7bq0tXo4m0JzYb5m3uQXB',
        },
        { type: 'BillConfirmed', amount: 0, cause: null, receipt: { 'fiscal no': [1, 0.1, 'å'] } },
      ],
    } as unknown as Transition,
    {
      kind: 'orderVoided',
      terminalId: 't1' as TerminalId,
      orderId: 'order-2' as Reference,
      at: millis(at + 2),
      actor: 'terminal:t1',
      requestId: 'req-3',
    },
  ],
};

const payment = {
  no: 3,
  paychannelId: 'p1',
  paymentRef: 'pay-3',
  amount: 500,
  credited: 0,
  method: null,
  payer: null,
  paidAt: null,
  status: 'confirmed',
  receivedAt: at,
  notifiedAt: null,
  subscribed: false,
};

/** Of version 3: a bill that dynamic ones know nothing of, and the facts that came with it. */
const ofStaticBills: EntryContent = {
  kind: 'batch',
  transitions: [
    {
      ...created,
      facts: [
        {
          type: 'BillCreated',
          terms: {
            id: billId,
            type: 'static',
            institutionId: 'i1',
            merchantId: 'm1',
            terminalId: 't1',
            merchant: { name: 'Café Zoë', city: 'Rīga' },
            orderId: 'poster-1',
            digest: 'q7bq0tXo4m0JzYb5m3uQXA',
            purpose: 'sale',
            amount: 0,
            currency: 'EUR',
            description: 'For the roof',
            lines: [],
            metadata: null,
            capture: 'auto',
            confirmWithinMs: 86_400_000,
            unconfirmed: 'confirm',
            qrFormat: 'url',
            returnUrl: null,
            relatedBillId: null,
            createdAt: at,
            expiresAt: Number.MAX_SAFE_INTEGER,
            offer: {
              usage: 'many',
              minAmount: 100,
              maxAmount: 1_000_000_000_000,
              maxPayments: null,
              maxTotal: 8_999_999_999_999_999,
              validFrom: at + 1,
            },
          },
        },
      ],
    } as unknown as Transition,
    {
      kind: 'bill',
      billId,
      at: millis(at + 3),
      command: 'AcknowledgeEvents',
      actor: 'terminal:t1',
      requestId: 'req-4',
      facts: [
        {
          type: 'PartsRecalled',
          payments: [payment],
          credits: [],
          events: [
            {
              no: 7,
              recipient: 'terminal:t1',
              type: 'payment.received',
              occurredAt: at,
              requestId: 'req-2',
              status: 'open',
              version: 4,
              paid: 500,
              due: 100,
              cause: null,
              payment,
              credit: null,
              receipt: { ['__proto__']: 'kept' },
            },
          ],
        },
        { type: 'PaymentConfirmed', no: 3 },
        { type: 'EventsAcknowledged', nos: [7] },
        { type: 'PartsLetGo', payments: [1, 2], events: [4, 5] },
      ],
    } as unknown as Transition,
  ],
};

/** Of version 4: a bill with policies of its own, and what they make of a payment. */
const ofPolicies: EntryContent = {
  kind: 'batch',
  transitions: [
    {
      ...created,
      facts: [
        {
          type: 'BillCreated',
          terms: {
            id: billId,
            type: 'dynamic',
            institutionId: 'i1',
            merchantId: 'm1',
            terminalId: 't1',
            merchant: { name: 'Café Zoë', city: 'Rīga' },
            orderId: 'order-4',
            digest: 'q7bq0tXo4m0JzYb5m3uQXA',
            purpose: 'sale',
            amount: 400,
            currency: 'EUR',
            description: null,
            lines: [],
            metadata: null,
            capture: 'manual',
            confirmWithinMs: 86_400_000,
            unconfirmed: 'reverse',
            qrFormat: 'url',
            returnUrl: null,
            relatedBillId: null,
            createdAt: at,
            expiresAt: at + 900_000,
            policies: { late: 'refuse', excess: 'reverse', part: 'forbid' },
          },
        },
        { type: 'PaymentAccepted', payment: { ...payment, excess: 100 } },
      ],
    } as unknown as Transition,
  ],
};

/** Of version 5: a stay with its tariff, and what it charged. */
const ofTimerBills: EntryContent = {
  kind: 'batch',
  transitions: [
    {
      ...created,
      facts: [
        {
          type: 'BillCreated',
          terms: {
            id: billId,
            type: 'timer',
            institutionId: 'i1',
            merchantId: 'm1',
            terminalId: 't1',
            merchant: { name: 'Café Zoë', city: 'Rīga' },
            orderId: 'ticket-1',
            digest: 'q7bq0tXo4m0JzYb5m3uQXA',
            purpose: 'sale',
            amount: 0,
            currency: 'EUR',
            description: null,
            lines: [],
            metadata: null,
            capture: 'manual',
            confirmWithinMs: 86_400_000,
            unconfirmed: 'confirm',
            qrFormat: 'url',
            returnUrl: null,
            relatedBillId: null,
            createdAt: at,
            expiresAt: at + 31_622_400_000,
            stay: {
              tariff: {
                currency: 'EUR',
                timeZone: 'Europe/Riga',
                versions: [
                  {
                    effectiveFrom: 0,
                    graceSeconds: 900,
                    quoteSeconds: 300,
                    first: [{ amount: 0, perMinutes: null, forMinutes: 15 }],
                    rules: [
                      {
                        name: 'Day',
                        windows: [{ startMinute: 480, endMinute: 1_200 }],
                        phases: [{ amount: 100, perMinutes: 30, forMinutes: null }],
                      },
                    ],
                    caps: [
                      { max: 2_000, per: { minutes: 1_440 } },
                      { max: 9_000, per: 'stay' },
                    ],
                  },
                ],
              },
              startedAt: at - 60_000,
            },
          },
        },
      ],
    } as unknown as Transition,
    {
      kind: 'bill',
      billId,
      at: millis(at + 3),
      command: 'ReserveBill',
      actor: 'paychannel:p1',
      requestId: 'req-4',
      facts: [
        { type: 'StayCharged', total: 300, clearUntil: null },
        {
          type: 'ReservationMade',
          reservation: {
            no: 1,
            paychannelId: 'p1',
            reservationRef: 'r1',
            amount: 300,
            expiresAt: at + 120_003,
            quote: { total: 300, coveredUntil: Number.MAX_SAFE_INTEGER, until: at + 60_000 },
          },
          digest: 'q7bq0tXo4m0JzYb5m3uQXB',
        },
      ],
    } as unknown as Transition,
  ],
};

/** Of version 6: a bill that allows a tip, a payment that brings one, one that brought too much, and its return. */
const ofTips: EntryContent = {
  kind: 'batch',
  transitions: [
    {
      ...created,
      facts: [
        {
          type: 'BillCreated',
          terms: {
            id: billId,
            type: 'dynamic',
            institutionId: 'i1',
            merchantId: 'm1',
            terminalId: 't1',
            merchant: { name: 'Café Zoë', city: 'Rīga' },
            orderId: 'order-6',
            digest: 'q7bq0tXo4m0JzYb5m3uQXA',
            purpose: 'sale',
            amount: 500,
            currency: 'EUR',
            description: null,
            lines: [],
            metadata: null,
            capture: 'manual',
            confirmWithinMs: 86_400_000,
            unconfirmed: 'confirm',
            qrFormat: 'url',
            returnUrl: null,
            relatedBillId: null,
            createdAt: at,
            expiresAt: at + 900_000,
            tipMax: 1_000_000_000_000,
          },
        },
        { type: 'PaymentAccepted', payment: { ...payment, tip: 5_000_000_000 } },
        {
          type: 'PaymentRefused',
          payment: {
            no: 4,
            paychannelId: 'p1',
            paymentRef: 'pay-4',
            amount: 500,
            method: null,
            receivedAt: at + 1,
            rejection: { rejected: 'payment.tipExceedsMax', max: 100 },
            tip: 101,
          },
          digest: 'q7bq0tXo4m0JzYb5m3uQXB',
        },
        {
          type: 'CreditRequested',
          credit: {
            no: 1,
            kind: 'refund',
            paymentNo: 3,
            paychannelId: 'p1',
            paymentRef: 'pay-3',
            amount: 5_000_000_000,
            status: 'pending',
            reason: null,
            settledReason: null,
            reference: null,
            requestedAt: at + 2,
            settledAt: null,
            repeats: 0,
            isTip: true,
          },
        },
      ],
    } as unknown as Transition,
  ],
};

/** Of version 8: a rejected credit that was requested again, and one that was returned otherwise. */
const ofResolutions: EntryContent = {
  kind: 'batch',
  transitions: [
    {
      ...created,
      command: 'RequestCreditAgain',
      actor: 'operator:o1',
      facts: [
        {
          type: 'CreditRequestedAgain',
          credit: {
            no: 4,
            kind: 'reversal',
            paymentNo: 3,
            paychannelId: 'p1',
            paymentRef: 'pay-3',
            amount: 5_000_000_000,
            status: 'pending',
            reason: null,
            settledReason: null,
            reference: null,
            requestedAt: at + 2,
            settledAt: null,
            repeats: 0,
            replaces: 2,
          },
        },
        { type: 'CreditReturnedOtherwise', no: 3, reference: 'SEPA 17' },
      ],
    } as unknown as Transition,
  ],
};

/** Of version 9: a dead letter that was sent again, with a receipt in it. */
const ofResent: EntryContent = {
  kind: 'batch',
  transitions: [
    {
      ...created,
      command: 'ResendEvents',
      actor: 'operator:o1',
      facts: [
        {
          type: 'EventResent',
          event: {
            no: 5,
            recipient: 'paychannel:p1',
            type: 'payment.confirmed',
            occurredAt: at,
            requestId: 'req-1',
            status: 'confirmed',
            version: 3,
            paid: 500,
            due: 0,
            cause: null,
            payment: null,
            credit: null,
            receipt: { number: 7, ['__proto__']: 'kept' },
            resentAt: at + 3_000_000_000,
            resends: 2,
          },
        },
      ],
    } as unknown as Transition,
  ],
};

/** Of version 10: a bill at an acquirer, a call about to be made, and a credit that nobody here asked for. */
const ofAcquirers: EntryContent = {
  kind: 'batch',
  transitions: [
    {
      ...created,
      command: 'FinishAcquiring',
      actor: 'switch:timer',
      facts: [
        {
          type: 'BillCreated',
          terms: {
            ...(created as unknown as { facts: { terms: object }[] }).facts[0]?.terms,
            acquirer: {
              name: 'bank',
              paychannelId: 'acq_bank',
              closesByItself: false,
              partialRefund: true,
            },
          },
        },
        {
          type: 'AcquiringBegun',
          step: {
            call: 'look',
            registration: { id: 'X-1', ref: '7', notes: { ['__proto__']: 'kept' } },
          },
          wakeAt: at + 5_000,
        },
        { type: 'BillOpened' },
        {
          type: 'AcquiringKept',
          acquiring: {
            record: { billId, status: 'open', registration: null, dueAt: at + 3_000 },
            no: 2,
            wakeAt: at + 60_000,
          },
        },
        {
          type: 'CreditRequested',
          credit: {
            no: 1,
            kind: 'refund',
            paymentNo: 1,
            paychannelId: 'acq_bank',
            paymentRef: '7',
            amount: 5_000_000_000,
            status: 'pending',
            reason: null,
            settledReason: null,
            reference: null,
            requestedAt: at + 2,
            settledAt: null,
            repeats: 0,
            origin: 'external',
          },
        },
        { type: 'BillFailed' },
      ],
    } as unknown as Transition,
  ],
};

function recorded(version: number): Record<string, string> {
  const path = new URL(`./entries-v${version}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8'));
}

describe.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('an entry of version %i', (version) => {
  const payloads = recorded(version);

  test.each([
    ['opening', opening],
    ['batch', batch],
  ])('that is a %s is read as what it said', (name, content) => {
    const payload = Buffer.from(payloads[name] ?? '', 'base64');
    expect(payload[0]).toBe(version);
    expect(makeEntryCodec().decode(payload)).toStrictEqual(content);
  });
});

test('an entry of version 3 that tells of static bills is read as what it said', () => {
  const payload = Buffer.from(recorded(3).static ?? '', 'base64');
  expect(payload[0]).toBe(3);
  expect(makeEntryCodec().decode(payload)).toStrictEqual(ofStaticBills);
});

test('an entry of version 4 that tells of policies is read as what it said', () => {
  const payload = Buffer.from(recorded(4).policies ?? '', 'base64');
  expect(payload[0]).toBe(4);
  expect(makeEntryCodec().decode(payload)).toStrictEqual(ofPolicies);
});

test('an entry of version 5 that tells of timer bills is read as what it said', () => {
  const payload = Buffer.from(recorded(5).timer ?? '', 'base64');
  expect(payload[0]).toBe(5);
  expect(makeEntryCodec().decode(payload)).toStrictEqual(ofTimerBills);
});

test('an entry of version 6 that tells of tips is read as what it said', () => {
  const payload = Buffer.from(recorded(6).tips ?? '', 'base64');
  expect(payload[0]).toBe(6);
  expect(makeEntryCodec().decode(payload)).toStrictEqual(ofTips);
});

test('an entry of version 8 that tells of resolved credits is read as what it said', () => {
  const payload = Buffer.from(recorded(8).resolutions ?? '', 'base64');
  expect(payload[0]).toBe(8);
  expect(makeEntryCodec().decode(payload)).toStrictEqual(ofResolutions);
});

test('an entry of version 9 that tells of a dead letter is read as what it said', () => {
  const payload = Buffer.from(recorded(9).resent ?? '', 'base64');
  expect(payload[0]).toBe(9);
  expect(makeEntryCodec().decode(payload)).toStrictEqual(ofResent);
});

test('an entry of version 10 that tells of acquirers is read as what it said', () => {
  const payload = Buffer.from(recorded(10).acquirers ?? '', 'base64');
  expect(payload[0]).toBe(10);
  expect(makeEntryCodec().decode(payload)).toStrictEqual(ofAcquirers);
});

import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import {
  billId,
  makeAnswer,
  makeBill,
  makeCredit,
  makeEvent,
  makeFullBill,
  makePayment,
  makeReference,
  makeReservation,
  NOON,
  reference,
  terminalId,
} from '../../../tests/support/bill-fixtures.ts';
import { PARKING } from '../../../tests/support/bill-spec.ts';
import { AMOUNT_MAX, minor, ZERO } from '../../domain/money.ts';
import { NEVER, plus } from '../../domain/time.ts';
import { CODEC_VERSION, makeBillCodec } from './bill-codec.ts';

const codec = makeBillCodec();
const POLICIES = { late: 'refuse', excess: 'reverse', part: 'forbid' } as const;

describe('the bill codec', () => {
  test('gives back every bill, event and outcome as it was', () => {
    for (const bill of [makeBill(), makeFullBill()]) {
      expect(codec.decodeBill(codec.encodeBill(bill))).toStrictEqual(bill);
      for (const event of bill.outbox) {
        expect(codec.decodeEvent(codec.encodeEvent(event))).toStrictEqual(event);
      }
      for (const { outcome } of bill.references) {
        expect(codec.decodeOutcome(codec.encodeOutcome(outcome))).toStrictEqual(outcome);
      }
    }
  });

  test('keeps what a code says, and of our own format no more than its place', () => {
    const bill = makeBill({ qrFormat: 'emvco', qrPayload: '000201…' });
    expect(codec.decodeBill(codec.encodeBill(bill))).toStrictEqual(bill);
    const codeOf = (given: ReturnType<typeof makeBill>): unknown => {
      const [, stored] = new Packr({ useRecords: false }).unpack(codec.encodeBill(given));
      return stored[2][18];
    };
    expect(codeOf(makeBill())).toBe(0);
    expect(codeOf(bill)).toEqual([1, '000201…']);
  });

  test('keeps a key called __proto__ in free JSON, and nobody’s prototype changes', () => {
    const receipt = JSON.parse('{"__proto__":{"owned":true}}');
    const decoded = codec.decodeEvent(codec.encodeEvent(makeEvent({ receipt })));
    expect(JSON.stringify(decoded.receipt)).toBe('{"__proto__":{"owned":true}}');
    expect('owned' in {}).toBe(false);
  });

  test('reads what older versions wrote, through every upcaster in turn', () => {
    const old = codec.encodeEvent(makeEvent());
    const seen: number[] = [];
    const later = makeBillCodec(CODEC_VERSION + 2, {
      bill: {},
      outcome: {},
      event: {
        [CODEC_VERSION]: (content) => {
          seen.push(CODEC_VERSION);
          return content;
        },
        [CODEC_VERSION + 1]: (content) => {
          seen.push(CODEC_VERSION + 1);
          return content;
        },
      },
    });
    expect(later.decodeEvent(old)).toStrictEqual(makeEvent());
    expect(seen).toEqual([CODEC_VERSION, CODEC_VERSION + 1]);
  });

  test('refuses what a later version wrote', () => {
    const later = new Packr({ useRecords: false }).pack([CODEC_VERSION + 1, []]);
    expect(() => codec.decodeBill(later)).toThrow(`version ${CODEC_VERSION + 1}`);
  });

  test('still reads the bytes of version 1', () => {
    const bytes = Buffer.from(V1_EVENT, 'base64');
    expect(codec.decodeEvent(bytes)).toStrictEqual(makeEvent());
  });
});

describe('a static bill', () => {
  const offer = {
    usage: 'many',
    minAmount: minor(100),
    maxAmount: AMOUNT_MAX,
    maxPayments: 1_000_000,
    maxTotal: minor(8_999_999_999_999_999),
    validFrom: NOON,
  } as const;

  test('is given back with its offer, and without an end', () => {
    const terms = { type: 'static', amount: ZERO, expiresAt: NEVER, offer } as const;
    const bill = makeFullBill(terms);
    expect(codec.decodeBill(codec.encodeBill(bill))).toStrictEqual(bill);
  });

  test('is given back with its sales', () => {
    const terms = { type: 'static', amount: ZERO, expiresAt: NEVER, offer } as const;
    const sale = {
      billId: billId(7),
      terminalId,
      orderId: reference('sale-7'),
      digest: 'digest-of-the-arm-00000',
      amount: AMOUNT_MAX,
      policies: null,
      armedAt: NOON,
      expiresAt: plus(NOON, 300_000),
    };
    const stickers = [
      { carried: null, arming: sale, repeatAt: plus(NOON, 2_000) },
      { carried: { ...sale, policies: POLICIES }, arming: null, repeatAt: NEVER },
    ];
    for (const sticker of stickers) {
      const bill = { ...makeFullBill(terms), sticker };
      expect(codec.decodeBill(codec.encodeBill(bill))).toStrictEqual(bill);
    }
  });

  test('costs the rows of dynamic bills no place for an offer, nor others one for sales', () => {
    const [, stored] = new Packr({ useRecords: false }).unpack(
      codec.encodeBill(makeBill()) as Buffer,
    ) as [number, unknown[][]];
    expect(stored[2]).toHaveLength(23);
    expect(stored).toHaveLength(12);
  });
});

describe('a timer bill', () => {
  const stay = { tariff: PARKING, startedAt: NOON };
  const charged = { total: minor(300), clearUntil: NEVER };
  const quote = { total: minor(300), coveredUntil: NEVER, until: NOON };
  const reservation = makeReservation({ quote });

  test('is given back with its tariff, what it charged, what is frozen, and when to leave', () => {
    const outbox = [makeEvent({ clearUntil: NOON }), makeEvent()];
    const answer = makeAnswer({ clearUntil: NOON });
    const references = [makeReference({ outcome: { type: 'accepted', answer } })];
    const rest = { charged, outbox, references, reservations: [reservation] };
    const bill = makeBill({ type: 'timer', amount: ZERO, stay }, rest);
    expect(codec.decodeBill(codec.encodeBill(bill))).toStrictEqual(bill);
    const open = { ...bill, charged: { total: ZERO, clearUntil: null } };
    expect(codec.decodeBill(codec.encodeBill(open))).toStrictEqual(open);
  });
});

test('a bill of version 1 is read with its payments counted', () => {
  const bill = codec.decodeBill(Buffer.from(V1_BILL, 'base64'));
  const counts = { payments: 3, credits: 1, events: 2, reservations: 0, accepted: 1 };
  expect(bill).toStrictEqual(
    makeBill({}, { payments: [makePayment()], credits: [makeCredit()], counts }),
  );
});

// Written once; changing it would change what is to be shown.
const V1_EVENT =
  'kgGdAa50ZXJtaW5hbDp0ZXJfMQDLQnm44HWYgACpcmVxdWVzdC0xAgLNA+gAwJwBpXBheV8xqXBheW1l' +
  'bnQtMc0D6ACkY2FyZKhKKioqIEQqKstCebjgdVoAAADLQnm44HWYgADAw8DA';

const V1_BILL =
  'kgGcAAHcABe6MDFLRTcwRUhHMDAwMDAwMDAwMDAwMDAwMDEApWluc18xpW1lcl8xpXRlcl8xrUNvcm5lciBD' +
  'b2ZmZWWrU3ByaW5nZmllbGSnb3JkZXItMbdkaWdlc3Qtb2YtdGhlLWNyZWF0ZS0wMADNA+ijRVVSwJDAAM4F' +
  'JlwAAADAwMtCebjgdGAAAMtCebjhUBoAAJUAAAAAAJGcAaVwYXlfMalwYXltZW50LTHNA+gApGNhcmSoSioq' +
  'KiBEKirLQnm44HVaAAAAy0J5uOB1mIAAwMORnQEAAaVwYXlfMalwYXltZW50LTHMyADAwMtCebjgdhWAAMAA' +
  'wJCQkMKUAwECAJbAwMDAwMA=';

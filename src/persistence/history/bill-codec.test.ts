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
  makeRefusal,
  makeReservation,
  NOON,
  reference,
  terminalId,
} from '../../../tests/support/bill-fixtures.ts';
import { PARKING } from '../../../tests/support/bill-spec.ts';
import type { InstitutionId } from '../../domain/ids.ts';
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
    const hosted = makeBill({ qrFormat: 'meadow', qrPayload: 'MEADOW:1' });
    expect(codec.decodeBill(codec.encodeBill(hosted))).toStrictEqual(hosted);
    expect(codeOf(hosted)).toEqual(['meadow', 'MEADOW:1']);
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

describe('a bill that allows a tip', () => {
  test('is given back with it, without policies or with them, and with all that was paid on top', () => {
    const tips = { paid: minor(70), returned: minor(30), unreturned: minor(30) };
    const books = { ...makeBill().books, tips };
    const again = { resentAt: NOON, resends: 1 };
    const outbox = [
      makeEvent({ tips }),
      makeEvent({ tips, clearUntil: NOON }),
      makeEvent(),
      makeEvent(again),
      makeEvent({ ...again, tips }),
    ];
    for (const terms of [{}, { policies: POLICIES }]) {
      const bill = makeBill({ ...terms, tipMax: AMOUNT_MAX }, { books, outbox });
      expect(codec.decodeBill(codec.encodeBill(bill))).toStrictEqual(bill);
    }
  });

  test('is the only one whose row has a place for it', () => {
    const plain = codec.encodeBill(makeBill({}, V4_PARTS));
    const content = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex', 2);
    // Payments had a label of their payer then: a8, and the eight letters of J*** D**.
    const then = content(Buffer.from(V4_BILL, 'base64')).replaceAll('a84a2a2a2a20442a2a', 'c0');
    expect(content(plain)).toBe(then);
  });
});

test('a bill of version 4 is read as it was', () => {
  const bytes = Buffer.from(V4_BILL, 'base64');
  expect(bytes[1]).toBe(4);
  expect(codec.decodeBill(bytes)).toStrictEqual(makeBill({}, V4_PARTS));
});

/** What bills had before tips. */
const V4_PARTS = {
  books: { ...makeBill().books, paid: minor(1_200), reversed: minor(200), excess: minor(200) },
  payments: [makePayment({ excess: minor(200) }), makePayment({ no: 2 })],
  credits: [makeCredit()],
  outbox: [makeEvent({ clearUntil: NOON }), makeEvent({ no: 2 })],
  references: [makeReference()],
};

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

const V4_BILL =
  'kgScAAHcABe6MDFLRTcwRUhHMDAwMDAwMDAwMDAwMDAwMDEApWluc18xpW1lcl8xpXRlcl8xrUNvcm5lciBD' +
  'b2ZmZWWrU3ByaW5nZmllbGSnb3JkZXItMbdkaWdlc3Qtb2YtdGhlLWNyZWF0ZS0wMADNA+ijRVVSwJDAAM4F' +
  'JlwAAADAwMtCebjgdGAAAMtCebjhUBoAAJbNBLAAzMgAAMzIkp0BpXBheV8xqXBheW1lbnQtMc0D6ACkY2Fy' +
  'ZKhKKioqIEQqKstCebjgdVoAAADLQnm44HWYgADAw8zInAKlcGF5XzGpcGF5bWVudC0xzQPoAKRjYXJkqEoq' +
  'KiogRCoqy0J5uOB1WgAAAMtCebjgdZiAAMDDkZ0BAAGlcGF5XzGpcGF5bWVudC0xzMgAwMDLQnm44HYVgADA' +
  'AMCQkp4BrnRlcm1pbmFsOnRlcl8xAMtCebjgdZiAAKlyZXF1ZXN0LTECAs0D6ADAnAGlcGF5XzGpcGF5bWVu' +
  'dC0xzQPoAKRjYXJkqEoqKiogRCoqy0J5uOB1WgAAAMtCebjgdZiAAMDDwMDLQnm44HRgAACdAq50ZXJtaW5h' +
  'bDp0ZXJfMQDLQnm44HWYgACpcmVxdWVzdC0xAgLNA+gAwJwBpXBheV8xqXBheW1lbnQtMc0D6ACkY2FyZKhK' +
  'KioqIEQqKstCebjgdVoAAADLQnm44HWYgADAw8DAkZUApXBheV8xqXBheW1lbnQtMbdkaWdlc3Qtb2YtdGhl' +
  'LXBheW1lbnQtMJIAlZwBpXBheV8xqXBheW1lbnQtMc0D6ACkY2FyZKhKKioqIEQqKstCebjgdVoAAADLQnm4' +
  '4HWYgADAwwICzQPoAMKVAAAAAACWwMDAwMDA';

const V1_BILL =
  'kgGcAAHcABe6MDFLRTcwRUhHMDAwMDAwMDAwMDAwMDAwMDEApWluc18xpW1lcl8xpXRlcl8xrUNvcm5lciBD' +
  'b2ZmZWWrU3ByaW5nZmllbGSnb3JkZXItMbdkaWdlc3Qtb2YtdGhlLWNyZWF0ZS0wMADNA+ijRVVSwJDAAM4F' +
  'JlwAAADAwMtCebjgdGAAAMtCebjhUBoAAJUAAAAAAJGcAaVwYXlfMalwYXltZW50LTHNA+gApGNhcmSoSioq' +
  'KiBEKirLQnm44HVaAAAAy0J5uOB1mIAAwMORnQEAAaVwYXlfMalwYXltZW50LTHMyADAwMtCebjgdhWAAMAA' +
  'wJCQkMKUAwECAJbAwMDAwMA=';

describe('a bill of two institutions', () => {
  const other = 'ins_2' as InstitutionId;

  test('is given back with whose paychannel paid it, and with its mode', () => {
    const payments = [
      makePayment({ institutionId: other }),
      makePayment({ no: 3, excess: minor(100), institutionId: other }),
    ];
    const refused = makeRefusal({ institutionId: other });
    for (const terms of [{ mode: 'test' }, { mode: 'test', policies: POLICIES }, {}] as const) {
      const bill = makeBill(terms, { payments });
      expect(codec.decodeBill(codec.encodeBill(bill))).toStrictEqual(bill);
    }
    for (const outcome of [
      { type: 'refused', payment: refused },
      { type: 'refused', payment: makeRefusal() },
    ] as const) {
      expect(codec.decodeOutcome(codec.encodeOutcome(outcome))).toStrictEqual(outcome);
    }
  });

  test('costs the payments of one institution no place', () => {
    const [, stored] = new Packr({ useRecords: false }).unpack(
      codec.encodeBill(makeBill({}, { payments: [makePayment()] })) as Buffer,
    ) as [number, unknown[][][]];
    expect(stored[4]?.[0]).toHaveLength(12);
  });
});

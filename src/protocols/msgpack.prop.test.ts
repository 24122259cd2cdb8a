import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import type { Json } from '../domain/bill/vocabulary.ts';
import { MsgpackRefusal, pack, unpack, widenAll } from './msgpack.ts';

const DEPTH = 20;
const packr = new Packr({ useRecords: false });

/** JSON as clients may send it over either encoding. */
const json = fc
  .jsonValue({ maxDepth: 6, stringUnit: 'grapheme' })
  .filter(
    (value) =>
      !JSON.stringify(value).includes('__proto__') && !JSON.stringify(value).includes('\\u0000'),
  )
  // msgpack tells −0 from 0, JSON does not.
  .map((value) => JSON.parse(JSON.stringify(value)) as Json);

describe('msgpack', () => {
  test('reads what msgpackr packs: the same JSON', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(unpack(packr.pack(value), DEPTH)).toEqual(value);
      }),
    );
  });

  test('reads what the switch packs, large integers included', () => {
    const large = fc.record({ amount: fc.maxSafeInteger(), list: fc.array(json) });
    fc.assert(
      fc.property(large, (value) => {
        expect(unpack(pack(widenAll(value)), DEPTH)).toEqual(value);
      }),
    );
  });

  test('refuses with a reason, or reads JSON; it never throws anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          const value = unpack(bytes, DEPTH);
          expect(JSON.parse(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)));
        } catch (error) {
          expect(error).toBeInstanceOf(MsgpackRefusal);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['a record definition', 'd4724092a161a1620102'],
    ['a regular expression', 'd47892a12ea0'],
    ['a time', 'd6ff00000001'],
    ['binary', 'c4020102'],
    ['a list that claims 2^32 items', 'ddffffffff'],
    ['a map that claims 2^32 items', 'dfffffffff'],
    ['text that claims 2^32 bytes', 'dbffffffff'],
    ['a key that is a number', '810102'],
    ['a key named __proto__', '81a95f5f70726f746f5f5f01'],
    ['text with U+0000', 'a100'],
    ['overlong UTF-8', 'a2c0af'],
    ['a surrogate in UTF-8', 'a3eda080'],
    ['2^64 − 1', 'cfffffffffffffffff'],
    ['NaN', 'cb7ff8000000000000'],
    ['infinity', 'ca7f800000'],
    ['the byte that is never used', 'c1'],
    ['two values', '0102'],
    ['nothing', ''],
    ['a nest of 21', `${'91'.repeat(21)}01`],
  ])('refuses %s', (_name, hex) => {
    expect(() => unpack(Buffer.from(hex, 'hex'), DEPTH)).toThrow(MsgpackRefusal);
  });
});

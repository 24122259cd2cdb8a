import fc from 'fast-check';
import { expect, test } from 'vitest';
import { billId } from '../../../tests/support/bill-fixtures.ts';
import { millis, TIME_MAX } from '../../domain/time.ts';
import { readCursor, writeCursor } from './cursor.ts';

const time = fc.integer({ min: 0, max: TIME_MAX }).map(millis);

test('a cursor reads as it was written', () => {
  const place = fc.record({
    at: time,
    id: fc.nat().map((no) => billId(no) as string),
    no: fc.nat(),
  });
  fc.assert(
    fc.property(fc.record({ place, asOf: time }), (cursor) => {
      expect(readCursor(writeCursor(cursor))).toEqual(cursor);
    }),
  );
});

test('any other text is no cursor, and nothing is thrown', () => {
  const json = fc
    .jsonValue()
    .map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), json), (text) => {
      expect(readCursor(text)).toBeUndefined();
    }),
  );
});

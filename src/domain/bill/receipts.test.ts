import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { confirm, create, given, pay } from '../../../tests/support/bill-spec.ts';
import { sameJson } from './receipts.ts';
import type { Json } from './vocabulary.ts';

describe('two receipts', () => {
  test.each<[Json, Json]>([
    [
      { a: 1, b: [1, { c: null }] },
      { b: [1, { c: null }], a: 1 },
    ],
    [[], []],
    [null, null],
    ['x', 'x'],
  ])('%j and %j are the same', (left, right) => {
    expect(sameJson(left, right)).toBe(true);
  });

  test.each<[Json, Json]>([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: null }, { b: null }],
    [
      [1, 2],
      [2, 1],
    ],
    [[1], { 0: 1 }],
    [[], {}],
    [null, {}],
    [null, 0],
    ['1', 1],
  ])('%j and %j differ', (left, right) => {
    expect(sameJson(left, right)).toBe(false);
    expect(sameJson(right, left)).toBe(false);
  });

  test('are the same after a journey through text', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as Json;
        return sameJson(json, JSON.parse(JSON.stringify(json)) as Json);
      }),
    );
  });
});

describe('a receipt that comes later', () => {
  const attach = (receipt: Json) => ({ type: 'AttachReceipt', receipt }) as const;

  test('before a confirm that brings none stays', () => {
    const { bill } = given(create(), pay(1000), attach({ no: 1 }), confirm());
    expect(bill.ending.receipt).toEqual({ no: 1 });
  });

  test('is kept, and the same again is nothing new', () => {
    const arranged = given(create(), attach({ no: 1 }));
    expect(arranged.bill).toMatchObject({ version: 2, ending: { receipt: { no: 1 } } });
    arranged.when(attach({ no: 1 })).decidesNothing();
    expect(arranged.when(attach({ no: 2 })).bill.version).toBe(3);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Defect } from './assert.ts';
import {
  BILL_ID_LENGTH,
  BILL_ID_RANDOM_LENGTH,
  makeBillId,
  parseBillId,
  parsePartId,
  parseReference,
  partId,
  type Reference,
  SHARDS_MAX,
  type ShardId,
  shardOfBill,
  shardOfOrder,
  type TerminalId,
} from './ids.ts';
import { millis, TIME_MAX } from './time.ts';

const NOW = millis(Date.UTC(2030, 0, 1));
const random = fc.uint8Array({
  minLength: BILL_ID_RANDOM_LENGTH,
  maxLength: BILL_ID_RANDOM_LENGTH,
});
const shards = fc.integer({ min: 0, max: SHARDS_MAX - 1 }).map((shard) => shard as ShardId);
const zeros = new Uint8Array(BILL_ID_RANDOM_LENGTH);

describe('a bill id', () => {
  test('carries its shard and parses back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: TIME_MAX }), shards, random, (at, shard, bytes) => {
        const id = makeBillId(millis(at), shard, bytes);
        expect(id).toHaveLength(BILL_ID_LENGTH);
        expect(parseBillId(id)).toBe(id);
        expect(shardOfBill(id)).toBe(shard);
      }),
    );
  });

  test('sorts by time', () => {
    const shard = 1 as ShardId;
    const ids = [0, 1, 31, 32, NOW, TIME_MAX].map((at) => makeBillId(millis(at), shard, zeros));
    expect([...ids].sort()).toEqual(ids);
  });

  test('is upper case, of a bill’s length and without the letters that look like digits', () => {
    const id = makeBillId(NOW, 0 as ShardId, zeros);
    for (const text of [
      id.toLowerCase(),
      `${id}0`,
      id.slice(1),
      `I${id.slice(1)}`,
      `U${id.slice(1)}`,
    ]) {
      expect(parseBillId(text)).toBeUndefined();
    }
  });

  test('is not made with too little chance or for no shard', () => {
    expect(() => makeBillId(NOW, 0 as ShardId, zeros.slice(1))).toThrow(Defect);
    expect(() => makeBillId(NOW, SHARDS_MAX as ShardId, zeros)).toThrow(Defect);
  });
});

describe('the id of a part', () => {
  const bill = makeBillId(NOW, 5 as ShardId, zeros);

  test('names its bill, its kind and its number', () => {
    expect(parsePartId(partId(bill, 'p', 12), 'p')).toEqual({ billId: bill, no: 12 });
  });

  test('is not one of another kind, nor counts from zero', () => {
    for (const text of [partId(bill, 'c', 1), `${bill}-p0`, `${bill}-p01`, `${bill}-p`, bill]) {
      expect(parsePartId(text, 'p')).toBeUndefined();
    }
  });
});

describe('a reference', () => {
  test('is 1 to 64 of a small alphabet', () => {
    expect(parseReference('A-z0.9_:')).toBe('A-z0.9_:');
    expect(parseReference('x'.repeat(64))).toBeDefined();
    for (const text of ['', 'x'.repeat(65), 'a b', 'ä', 'a\n', 'a/b']) {
      expect(parseReference(text)).toBeUndefined();
    }
  });
});

describe('the shard of an order', () => {
  const shardOf = (terminal: string, order: string): number =>
    shardOfOrder(terminal as TerminalId, order as Reference, 16);

  test('is the same for ever', () => {
    expect([shardOf('term-1', 'order-1'), shardOf('term-1', 'order-2')]).toMatchInlineSnapshot(`
      [
        5,
        8,
      ]
    `);
  });

  test('tells terminal and order apart', () => {
    expect(
      shardOf('ab', 'c') === shardOf('a', 'bc') && shardOf('ab', 'd') === shardOf('a', 'bd'),
    ).toBe(false);
  });

  test('spreads orders evenly', () => {
    const counts = new Array<number>(16).fill(0);
    for (let i = 0; i < 16_000; i++) {
      const shard = shardOf('term-1', `order-${i}`);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1_150);
  });
});

import { describe, expect, test } from 'vitest';
import { Defect } from './assert.ts';
import { AMOUNT_MAX, add, minor, smaller, subtract, ZERO } from './money.ts';

describe('an amount', () => {
  test('is a whole number of minor units, zero included', () => {
    expect(minor(0)).toBe(ZERO);
    expect(minor(AMOUNT_MAX)).toBe(1e12);
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => minor(value)).toThrow(Defect);
    }
  });

  test('adds and subtracts without ever falling below zero', () => {
    expect(add(minor(2), minor(3))).toBe(5);
    expect(subtract(minor(3), minor(3))).toBe(0);
    expect(() => subtract(minor(2), minor(3))).toThrow(Defect);
    expect(() => add(minor(2 ** 53 - 1), minor(1))).toThrow(Defect);
  });

  test('of two is the smaller', () => {
    expect(smaller(minor(2), minor(3))).toBe(2);
    expect(smaller(minor(3), minor(2))).toBe(2);
  });
});

import { describe, expect, test } from 'vitest';
import { assert, Defect, must, unreachable } from './assert.ts';

describe('a defect', () => {
  test('is thrown where a claim does not hold', () => {
    expect(() => assert(1 > 2, 'one is more than two')).toThrow(new Defect('one is more than two'));
    expect(() => assert(2 > 1, 'two is more than one')).not.toThrow();
  });

  test('is thrown where a value is missing, and only there', () => {
    expect(() => must(null, 'a bill')).toThrow('missing: a bill');
    expect(() => must(undefined, 'a bill')).toThrow(Defect);
    expect([must(0, 'a number'), must('', 'a text'), must(false, 'a claim')]).toEqual([
      0,
      '',
      false,
    ]);
  });

  test('is thrown where a case was forgotten', () => {
    expect(() => unreachable('what' as never)).toThrow('unreachable case: "what"');
  });
});

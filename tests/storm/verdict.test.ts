import { describe, expect, test } from 'vitest';
import { type KeyRules, type Told, type Variant, verdictOf } from './verdict.ts';

const rules: KeyRules = { refusal: 'payment.refReused', creates: true, alike: (body) => body };

describe('the verdict on a key', () => {
  test('is that all is well where one body has won and the other was refused', () => {
    const told = [taken(1, 200), refused(0), taken(1, 201), refused(0), taken(1, 200)];

    expect(verdictOf(told, rules)).toEqual({ winner: 1, said: { no: 1 }, faults: [] });
  });

  test.each<[string, Told[]]>([
    ['both bodies were taken', [taken(0, 201), taken(1, 200)]],
    ['the one body was taken and refused', [taken(0, 201), refused(0)]],
    ['created 2 times', [taken(0, 201), taken(0, 201)]],
    ['answered {"no":1} and {"no":2}', [taken(0, 201), taken(0, 200, { no: 2 })]],
    ['answered 500 undefined', [taken(0, 201), { variant: 1, answer: { status: 500, body: {} } }]],
    ['answered 409 bill.notPayable', [taken(0, 201), refused(1, 'bill.notPayable')]],
    ['none has won', [refused(0)]],
  ])('is that %s', (fault, told) => {
    expect(verdictOf(told, rules).faults).toEqual([fault]);
  });
});

function taken(variant: Variant, status: number, body: object = { no: 1 }): Told {
  return { variant, answer: { status, body } };
}

function refused(variant: Variant, code = 'payment.refReused'): Told {
  return { variant, answer: { status: 409, body: { code } } };
}

import { describe, expect, test } from 'vitest';
import { policiesFor } from './policies.ts';

const sale = { orderId: 'o', amount: 100, currency: 'EUR' } as const;
const poster = { ...sale, type: 'static' } as const;
const board = { ...poster, usage: 'many' } as const;
const everything = {
  late: 'accept',
  excess: 'reverse',
  part: 'forbid',
  unconfirmed: 'reverse',
} as const;

describe('the policies of a new bill', () => {
  test('are not told where all are as usual', () => {
    expect(policiesFor(sale)).toBeUndefined();
    expect(policiesFor(poster, { late: 'refuse', part: 'allow' })).toBeUndefined();
    expect(
      policiesFor({ ...sale, policies: { part: 'allow' } }, { part: 'forbid' }),
    ).toBeUndefined();
  });

  test('are the request’s, else those that are set', () => {
    expect(policiesFor({ ...sale, policies: { excess: 'refuse' } }, everything)).toEqual({
      late: 'refuse',
      excess: 'refuse',
      part: 'forbid',
    });
    expect(policiesFor({ ...sale, policies: { excess: 'reverse' } })).toEqual({
      late: 'refuse',
      excess: 'reverse',
      part: 'allow',
    });
  });

  test('let late payments be accepted of what is printed and paid once only, whatever is set', () => {
    expect(policiesFor(poster, everything)?.late).toBe('accept');
    expect(policiesFor({ ...poster, policies: { late: 'refuse' } }, everything)?.late).toBe(
      'refuse',
    );
    for (const other of [sale, board]) expect(policiesFor(other, everything)?.late).toBe('refuse');
  });

  test('never let a static bill be paid in parts, whatever is set', () => {
    expect(policiesFor(poster, { part: 'allow', excess: 'reverse' })).toEqual({
      late: 'refuse',
      excess: 'reverse',
      part: 'forbid',
    });
  });
});

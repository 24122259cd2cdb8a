import { describe, expect, test } from 'vitest';
import { institutionId, makeBill } from '../../tests/support/bill-fixtures.ts';
import { SuspendedSellers, type Suspensions } from './sellers.ts';

const { terms } = makeBill();
const { merchantId, terminalId } = terms;

const whole = (...suspended: string[]): Suspensions => ({ isWhole: true, suspended, others: [] });

describe('suspended sellers', () => {
  test.each([
    ['institution', institutionId],
    ['merchant', merchantId],
    ['terminal', terminalId],
  ])('have sold what their %s has', (_, id) => {
    expect(new SuspendedSellers(whole(id)).haveSold(terms)).toBe(true);
    expect(new SuspendedSellers(whole('another')).haveSold(terms)).toBe(false);
    expect(new SuspendedSellers().haveSold(terms)).toBe(false);
  });

  test('are suspended and resumed one by one, and the others stay as they are', () => {
    const sellers = new SuspendedSellers(whole('another'));
    sellers.learn({ isWhole: false, suspended: [terminalId], others: ['nobody'] });
    expect(sellers.haveSold(terms)).toBe(true);
    expect(sellers.all()).toEqual(whole('another', terminalId));
    sellers.learn({ isWhole: false, suspended: [], others: [terminalId] });
    expect(sellers.haveSold(terms)).toBe(false);
    expect(sellers.all()).toEqual(whole('another'));
  });

  test('are those alone who are told of where all are', () => {
    const sellers = new SuspendedSellers(whole(terminalId));
    sellers.learn(whole('another'));
    expect(sellers.haveSold(terms)).toBe(false);
    expect(sellers.all()).toEqual(whole('another'));
  });
});

// What the judge of the banks' books holds for one refund and what for two, on books of one bill.

import { describe, expect, test } from 'vitest';
import type { BookEntry } from '../../src/simulators/control.ts';
import { atBanks } from './audit-banks.ts';
import type { BillLine, CreditLine, PaymentLine } from './rows.ts';

type Refund = BookEntry['refunds'][number];

const ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const PAID = 4_000;
const SECOND = 1_000;

const byHand = (amount: number, at: number): Refund => ({ amount, at, by: 'hand', status: 'done' });
const asked = (amount: number, at: number): Refund => ({ amount, at, by: 'api', status: 'done' });

type Given = Pick<CreditLine, 'amount'> &
  Partial<Pick<CreditLine, 'origin' | 'settled_at' | 'status' | 'reference'>>;

function found(refunds: readonly Refund[], credits: readonly Given[]): string[] {
  const total = (of: readonly { readonly amount: number }[]): number =>
    of.reduce((sum, { amount }) => sum + amount, 0);
  const entry = {
    order: `${ID}-1`,
    ref: 'r',
    payload: 'code',
    status: 'REFUNDED',
    amount: PAID,
    paid: PAID,
    returned: total(refunds),
    refunds,
  };
  const bill = { id: ID, acquirer: 'tbank', status: 'confirmed' } as BillLine;
  const payment = { bill_id: ID, amount: PAID, status: 'confirmed' } as PaymentLine;
  const lines = credits.map(
    (credit, i) =>
      ({ bill_id: ID, no: i + 1, status: 'settled', origin: null, ...credit }) as CreditLine,
  );
  const rows = { bills: [bill], payments: [payment], credits: lines };
  const banks = [{ acquirer: 'tbank', entries: [entry] }];
  return atBanks({ banks, calls: [] }, rows).map((line) => line.split(': ')[0] ?? '');
}

describe('the judge of refunds at a bank', () => {
  test('takes several by hand that make up a lost refund for it, and what is beyond for external', () => {
    const hands = [byHand(300, 1 * SECOND), byHand(454, 2 * SECOND)];
    const lost = { amount: 700, settled_at: 3 * SECOND };
    expect(found(hands, [lost, { amount: 54, origin: 'external' }])).toEqual([]);
  });

  test('takes nothing for it that was given when it had been settled', () => {
    const hands = [byHand(300, 1 * SECOND), byHand(454, 9 * SECOND)];
    const lost = { amount: 700, settled_at: 3 * SECOND };
    expect(found(hands, [lost, { amount: 54, origin: 'external' }])).toEqual([
      '700 settled here, and given by nobody until then',
    ]);
  });

  test('finds one by hand that stands nowhere beside a refund that was made', () => {
    const given = [asked(700, 1 * SECOND), byHand(300, 2 * SECOND)];
    const lines = found(given, [{ amount: 700, settled_at: 3 * SECOND }]);
    expect(lines).toContain('300 by hand at the bank, 0 of it found, 0 taken for ours');
  });

  test('counts one by hand for the credit that it has resolved, and for no other', () => {
    const status = 'returnedOtherwise';
    const resolved = { amount: 300, status, reference: 'seen-at-acquirer' };
    const hand = [byHand(300, 1 * SECOND)];
    expect(found(hand, [resolved])).toEqual([]);
    expect(found([], [resolved])).toContain('300 settled and 0 rejected here, 0 given back there');
    expect(found(hand, [resolved, { amount: 300, origin: 'external' }])).toContain(
      'more by hand here than at the bank',
    );
  });

  test('knows not how an operator has returned what the bank rejected', () => {
    const closed = { amount: 300, status: 'returnedOtherwise', reference: 'T1' };
    expect(found([], [closed])).toEqual([]);
    expect(found([byHand(300, 1 * SECOND)], [closed])).toEqual([]);
  });

  test('finds a refund that was made and stands here as another', () => {
    const given = [asked(700, 1 * SECOND), byHand(700, 2 * SECOND)];
    const lines = found(given, [
      { amount: 300, settled_at: 3 * SECOND },
      { amount: 400, settled_at: 3 * SECOND },
      { amount: 700, origin: 'external' },
    ]);
    expect(lines).toEqual(['700 given back as asked, and not settled here']);
  });
});

import { describe, expect, test } from 'vitest';
import { reference } from '../../tests/support/bill-fixtures.ts';
import { GoneReferences } from './gone-references.ts';

const named = (n: number, scope = 'pay_1') =>
  ({ kind: 'payment', scope, ref: reference(`ref-${n}`) }) as const;

describe('what a bill has let go of', () => {
  test('is known for ever, however much it becomes', () => {
    const gone = new GoneReferences();
    for (let n = 0; n < 20_000; n++) gone.add(named(n));
    for (let n = 0; n < 20_000; n++) expect(gone.mayHold(named(n))).toBe(true);
  });

  test('is seldom taken for what it is not', () => {
    const gone = new GoneReferences();
    for (let n = 0; n < 5_000; n++) gone.add(named(n));
    let wrong = 0;
    for (let n = 0; n < 5_000; n++) if (gone.mayHold(named(n, 'pay_2'))) wrong += 1;
    expect(wrong).toBeLessThan(250);
  });
});

// Refunds that T-Bank does not give for now, and what people do meanwhile.

import { afterEach, describe, expect, test } from 'vitest';
import { AcquiredLife, type Happening } from '../../../tests/support/acquired-life.ts';
import { type BankWorld, tbankWorld } from '../../../tests/support/bank-worlds.ts';

const MINUTE_MS = 60_000;
const paid: readonly Happening[] = [
  { do: 'steps', count: 1 },
  { do: 'pay' },
  { do: 'pass', ms: MINUTE_MS },
  { do: 'steps', count: 1 },
];

describe('a refund that T-Bank puts off', () => {
  let at: BankWorld | undefined;
  afterEach(() => at?.close());

  test('is not given a second time where somebody has given it by hand meanwhile', async () => {
    at = await tbankWorld();
    const life = new AcquiredLife(at, '3002');
    await life.play([
      ...paid,
      { do: 'refuse', count: 1 },
      { do: 'refund', amount: 50_00 },
      { do: 'steps', count: 2 },
      { do: 'pass', ms: 30 * MINUTE_MS },
      { do: 'byHand', amount: 50_00 },
      { do: 'pass', ms: 31 * MINUTE_MS },
      { do: 'steps', count: 4 },
    ]);

    expect(at.bank.books()).toMatchObject([{ returned: 50_00 }]);
    expect(life.bill).toMatchObject({ external: 0, refunds: [{ status: 'done', attempts: 1 }] });
    expect(life.flaws()).toEqual([]);
  });

  test('is refused in the end where it never says why: its payer has no account any more', async () => {
    at = await tbankWorld({ simulator: { refundDelayMs: 5_000 } });
    const life = new AcquiredLife(at, '3008');
    await life.play([...paid, { do: 'refuse', count: 99 }, { do: 'refund', amount: 50_00 }]);

    expect(life.bill.refunds).toMatchObject([{ status: 'refused' }]);
    expect(at.bank.books()).toMatchObject([{ returned: 0 }]);
    expect(life.flaws()).toEqual([]);
  });
});

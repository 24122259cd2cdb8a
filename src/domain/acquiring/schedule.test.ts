import { describe, expect, test } from 'vitest';
import type { Currency, Minor } from '../money.ts';
import { type Millis, NEVER } from '../time.ts';
import { acquire } from './acquired-bill.ts';
import type { AcquiredBill } from './record.ts';
import { backoffMs, lookAgainAt } from './schedule.ts';

const MINUTE_MS = 60_000;
const bill: AcquiredBill = {
  ...acquire({
    billId: 'b',
    amount: 100 as Minor,
    currency: 'RUB' as Currency,
    description: '',
    createdAt: 0 as Millis,
    expiresAt: (15 * MINUTE_MS) as Millis,
  }),
  status: 'open',
};

/** When it is looked at, up to then. */
function looks(of: AcquiredBill, untilMs: number): number[] {
  const times: number[] = [];
  for (let now = 0; now <= untilMs; now = lookAgainAt(of, now as Millis)) times.push(now);
  return times;
}

describe('looks at an open bill', () => {
  test('are close at first, and fewer with its age', () => {
    const times = looks(bill, 15 * MINUTE_MS);

    expect(times.filter((at) => at < 30_000)).toHaveLength(10);
    expect(times.length).toBeLessThan(60);
  });

  test('come soon after its end, and then at most every five minutes', () => {
    expect(looks(bill, 16 * MINUTE_MS)).toContain(15 * MINUTE_MS + 3_000);
    const late = 300 * MINUTE_MS;
    expect(lookAgainAt(bill, late as Millis) - late).toBe(5 * MINUTE_MS);
  });
});

describe('looks at a paid bill', () => {
  const seen = {
    status: 'paid',
    paid: 100 as Minor,
    returned: 0 as Minor,
    isReturning: false,
    reference: null,
    payer: null,
  } as const;
  const paid = { ...bill, status: 'paid', paid: 100 as Minor, seen } as const;
  const days = (count: number) => (count * 86_400_000) as Millis;

  test('are made hourly, then daily, for a month: somebody may give back by hand', () => {
    expect(lookAgainAt(paid, 1 as Millis)).toBe(3_600_001);
    expect(lookAgainAt(paid, days(20))).toBe(days(21));
    expect(lookAgainAt(paid, days(31))).toBe(NEVER);
  });

  test('end once all of it was given back', () => {
    expect(lookAgainAt({ ...paid, seen: { ...seen, returned: 100 as Minor } }, 1 as Millis)).toBe(
      NEVER,
    );
  });
});

describe('waiting after failures', () => {
  test('doubles from a second to five minutes', () => {
    expect([1, 2, 3, 9, 10, 99].map(backoffMs)).toEqual([
      1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
    ]);
  });
});

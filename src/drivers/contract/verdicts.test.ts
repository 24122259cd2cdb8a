import { describe, expect, test } from 'vitest';
import type { Minor } from '../../domain/money.ts';
import type { Millis } from '../../domain/time.ts';
import type { Refund, Sighting } from './bill-driver.ts';
import { judgeRefund } from './verdicts.ts';

const SENT = { lastSentAt: 1_000 as Millis };
const LONG_AFTER = { now: 100_000 as Millis, settleMs: 60_000 };
const REFUND: Refund = { id: 'r1', amount: 300 as Minor, returnedBefore: 0 as Minor };

function seen(returned: number, isReturning: boolean): Sighting {
  const paid = 1_000 as Minor;
  return {
    status: 'paid',
    paid,
    returned: returned as Minor,
    isReturning,
    reference: null,
    payer: null,
  };
}

describe('a refund that was sent', () => {
  test('has been given where as much has come back since, and nothing is on its way', () => {
    expect(judgeRefund(seen(300, false), REFUND, SENT, LONG_AFTER)).toEqual({ verdict: 'given' });
  });

  test.each([0, 300, 500])(
    'is under way while one may yet fail, though %i show in the sum',
    (sum) => {
      expect(judgeRefund(seen(sum, true), REFUND, SENT, LONG_AFTER)).toEqual({
        verdict: 'underway',
      });
    },
  );

  test('is sent again where it has failed on its way', () => {
    expect(judgeRefund(seen(0, false), REFUND, SENT, LONG_AFTER)).toEqual({ verdict: 'send' });
  });
});

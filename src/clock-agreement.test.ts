import { expect, test } from 'vitest';
import { ManualClock } from '../tests/support/manual-clock.ts';
import { silentLogger as logger } from '../tests/support/silent-logger.ts';
import { agreeOnTime, howApart } from './clock-agreement.ts';
import { HOUR_MS, MINUTE_MS } from './domain/time.ts';

/** A start whose clock is so far ahead of Postgres's, which takes so long to answer. */
function given(aheadMs: number, answerMs = 0) {
  const clock = new ManualClock();
  const at = { aheadMs, told: [] as string[], isWaiting: false, asked: 0 };
  const agreed = agreeOnTime({
    clock,
    compare: () =>
      howApart(clock, async () => {
        at.asked += 1;
        // It reads its clock at the end of the way there.
        clock.advance(answerMs);
        return clock.wall() - at.aheadMs;
      }),
    logger,
    whileApart: async (how) => {
      at.told.push(how);
      at.isWaiting = true;
      return async () => {
        at.isWaiting = false;
      };
    },
  });
  return { clock, at, agreed };
}

test.each([
  ['the same', 0, 0],
  ['a minute ahead', MINUTE_MS, 0],
  ['a minute behind', -MINUTE_MS, 0],
  ['the same, which answers late', 0, 5 * MINUTE_MS],
])('a clock that is %s agrees', async (_what, aheadMs, answerMs) => {
  const { at, agreed } = given(aheadMs, answerMs);
  await agreed;

  expect(at.told).toEqual([]);
});

test.each([
  ['ahead of', 25 * HOUR_MS, 0, '90000 s ahead of Postgres'],
  ['ahead of, though that answers late,', 25 * HOUR_MS, 5 * MINUTE_MS, '89700 s ahead of Postgres'],
  ['behind', -25 * HOUR_MS, 0, '90000 s behind Postgres'],
  ['a little more than a minute behind', -MINUTE_MS - 1, 0, '60 s behind Postgres'],
])(
  'one that is %s Postgres’s is waited for until it is right',
  async (_what, aheadMs, answerMs, how) => {
    const { clock, at, agreed } = given(aheadMs, answerMs);
    await expect.poll(() => at.isWaiting).toBe(true);
    expect(at.told).toEqual([expect.stringContaining(how)]);
    clock.advance(5_000);
    await expect.poll(() => at.asked).toBe(2);
    expect(at.isWaiting).toBe(true);
    at.aheadMs = 0;
    await expect.poll(() => clock.advance(5_000) ?? at.isWaiting).toBe(false);

    await agreed;
  },
);

// The promises of the bucket, for all rates and all ways of asking.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Rate, TokenBucket } from './token-bucket.ts';

const rates = fc.record({
  perSecond: fc.integer({ min: 1, max: 5_000 }),
  burst: fc.integer({ min: 1, max: 50 }),
});
/** Pauses between questions: many in one ms, and now and then a long one. */
const pauses = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.double({ min: 0, max: 40, noNaN: true }) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 5_000, noNaN: true }) },
  ),
  { minLength: 1, maxLength: 120, size: 'max' },
);

/** Asks after each pause, and takes what is there: when that was. */
function takenAt(rate: Rate, given: readonly number[], isEnding: boolean): number[] {
  const bucket = new TokenBucket(rate, 0.5);
  const taken: number[] = [];
  let now = 0.5;
  for (const pause of given) {
    now += pause;
    if (bucket.waitMs(now, isEnding) > 0) continue;
    bucket.take();
    taken.push(now);
  }
  return taken;
}

/** The most that any stretch of time has seen beyond what came in within it. */
function excessOf(taken: readonly number[], perSecond: number): number {
  let excess = 0;
  for (let from = 0; from < taken.length; from++) {
    for (let to = from; to < taken.length; to++) {
      const came =
        ((Math.floor(taken[to] ?? 0) - Math.floor(taken[from] ?? 0)) * perSecond) / 1_000;
      excess = Math.max(excess, to - from + 1 - came);
    }
  }
  return excess;
}

describe('a token bucket', () => {
  test('T1: gives no more than a burst beyond its rate, over any stretch of time', () => {
    let most = 0;
    fc.assert(
      fc.property(rates, pauses, (rate, given) => {
        const excess = excessOf(takenAt(rate, given, false), rate.perSecond);
        expect(excess).toBeLessThanOrEqual(rate.burst);
        most = Math.max(most, excess / rate.burst);
      }),
      { numRuns: 40 },
    );
    // And it does give a burst: a bucket that gave nothing would pass as well.
    expect(most).toBe(1);
  });

  test('T2: is ready after just the time that it told, and not before', () => {
    let refusals = 0;
    fc.assert(
      fc.property(rates, pauses, fc.boolean(), (rate, given, isEnding) => {
        const bucket = new TokenBucket(rate, 0);
        let now = 0;
        for (const pause of given) {
          now += pause;
          const wait = bucket.waitMs(now, isEnding);
          if (wait === 0) {
            bucket.take();
            continue;
          }
          refusals += 1;
          const start = Math.floor(now);
          expect(bucket.waitMs(start + wait - 1, isEnding)).toBe(1);
          expect(bucket.waitMs(start + wait, isEnding)).toBe(0);
          now = start + wait;
        }
      }),
      { numRuns: 40 },
    );
    expect(refusals).toBeGreaterThan(100);
  });

  test('T3: lets what ends something overdraw by one more burst, and no further', () => {
    fc.assert(
      fc.property(rates, pauses, (rate, given) => {
        const excess = excessOf(takenAt(rate, given, true), rate.perSecond);
        expect(excess).toBeLessThanOrEqual(2 * rate.burst);
      }),
      { numRuns: 40 },
    );
    const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 0);
    for (let i = 0; i < 4; i++) {
      expect(bucket.waitMs(0, true)).toBe(0);
      bucket.take();
    }
    expect(bucket.waitMs(0, true)).toBe(100);
    // Paid back first: 2 that are owed, and then one.
    expect(bucket.waitMs(0, false)).toBe(300);
  });

  test('T4: owes what was taken elsewhere, a burst at most', () => {
    const bucket = new TokenBucket({ perSecond: 100, burst: 5 }, 0);
    bucket.owe(3, 0);
    expect(bucket.waitMs(0, false)).toBe(0);
    bucket.owe(1_000_000, 0);
    expect(bucket.waitMs(0, false)).toBe(60);
    expect(bucket.isFull(99)).toBe(false);
    expect(bucket.isFull(100)).toBe(true);
  });

  test('goes on at another rate without a burst for it', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 1 }, 0);
    bucket.take();
    bucket.change({ perSecond: 1_000, burst: 100 }, 0);
    expect(bucket.waitMs(0, false)).toBe(1);
    bucket.change({ perSecond: 1, burst: 1 }, 1_000);
    bucket.take();
    expect(bucket.waitMs(1_000, false)).toBe(1_000);
  });
});

import { describe, expect, test } from 'vitest';
import { drawSchedule } from './schedule.ts';

/** A small generator of its own, so that the test is the same each time. */
function drawer(): () => number {
  let state = 12_345;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

describe('a schedule', () => {
  const times = drawSchedule(500, 20_000, drawer());

  test('has as many arrivals as its rate asks for', () => {
    expect(times.length).toBeGreaterThan(9_600);
    expect(times.length).toBeLessThan(10_400);
  });

  test('rises and stays within its duration', () => {
    expect(times.every((at, i) => at >= (times[i - 1] ?? 0) && at < 20_000)).toBe(true);
  });

  test('bunches as arrivals do that know nothing of one another', () => {
    const gaps = [...times].slice(1).map((at, i) => at - (times[i] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const shortShare = gaps.filter((gap) => gap < mean).length / gaps.length;
    // 1 - 1/e of exponential gaps are shorter than their mean.
    expect(shortShare).toBeGreaterThan(0.61);
    expect(shortShare).toBeLessThan(0.66);
  });
});

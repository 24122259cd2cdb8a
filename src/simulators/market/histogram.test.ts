import { describe, expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

describe('a histogram', () => {
  test('knows what so many of a hundred stay below, to within 3 %', () => {
    const histogram = new Histogram();
    for (let ms = 1; ms <= 1_000; ms++) histogram.add(ms);

    for (const percent of [50, 90, 99]) {
      const told = histogram.percentile(percent);
      expect(told / (percent * 10)).toBeGreaterThan(0.999);
      expect(told / (percent * 10)).toBeLessThan(1.03);
    }
    expect(histogram.latencies()).toMatchObject({ count: 1_000, max: 1_000 });
  });

  test('tells nothing more than the greatest, and 0 of nothing', () => {
    const histogram = new Histogram();
    expect(histogram.latencies()).toEqual({ count: 0, p50: 0, p90: 0, p99: 0, max: 0 });
    histogram.add(0.5);
    expect(histogram.percentile(99)).toBe(0.5);
  });
});

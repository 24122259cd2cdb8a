// Latencies in HdrHistograms, and their percentiles.

import { build, type Histogram } from 'hdr-histogram-js';
import type { Percentiles } from './messages.ts';

/** Microseconds, to one minute. */
export function histogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
}

export function record(into: Histogram, ms: number): void {
  into.recordValue(Math.max(1, Math.round(ms * 1000)));
}

export function percentiles(of: Histogram): Percentiles {
  const at = (percent: number): number => of.getValueAtPercentile(percent) / 1000;
  return {
    count: of.totalCount,
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    p9999: at(99.99),
    max: of.maxValue / 1000,
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

const CURVE = [0, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.98, 99.99];

/** Percentiles and their values in ms, for a plot; only such as enough values stand behind. */
export function curve(of: Histogram): [percentile: number, ms: number][] {
  return CURVE.filter((percent) => of.totalCount * (1 - percent / 100) >= 1).map((percent) => [
    percent,
    of.getValueAtPercentile(percent) / 1000,
  ]);
}

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

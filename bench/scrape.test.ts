import { describe, expect, test } from 'vitest';
import { countsBetween, countsOf, loopDelays, parseMetrics } from './scrape.ts';

const text = (appends: number): string => `# HELP qrswitch_batches_appended_seconds From sending
# TYPE qrswitch_batches_appended_seconds histogram
qrswitch_batches_appended_seconds_bucket{le="0.001"} 3
qrswitch_batches_appended_seconds_count ${appends}
qrswitch_transitions_committed_total{command="PayBill"} 40
qrswitch_transitions_committed_total{command="CreateBill"} 2
qrswitch_loops_delayed_seconds{thread="worker-0",quantile="0.99"} 0.002
qrswitch_loops_delayed_seconds{thread="worker-0",quantile="1"} 0.012
qrswitch_loops_delayed_seconds{thread="gateway-0",quantile="1"} 0.003
`;

describe('a scrape', () => {
  const read = parseMetrics(text(7));

  test('sums a name over its labels, and keeps each label', () => {
    expect(read.get('qrswitch_transitions_committed_total')).toBe(42);
    expect(read.get('qrswitch_transitions_committed_total{command="PayBill"}')).toBe(40);
  });

  test('tells what a run cost by the difference of two', () => {
    const before = countsOf(read, 1_000);
    const after = countsOf(parseMetrics(text(12)), 4_000);
    expect(countsBetween(before, after)).toMatchObject({ appends: 5, logBytes: 3_000 });
  });

  test('names the worst delay of each thread', () => {
    expect(loopDelays(read)).toEqual({ 'worker-0': 12, 'gateway-0': 3 });
  });
});

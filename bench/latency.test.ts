import { describe, expect, test } from 'vitest';
import { whyVoid } from './latency.ts';
import type { OpenOutcome, Percentiles } from './load/messages.ts';

const flat = (ms: number): Percentiles => ({
  count: 100,
  p50: ms,
  p90: ms,
  p99: ms,
  p999: ms,
  p9999: ms,
  max: ms,
});

const held: OpenOutcome = {
  latencyMs: {
    create: flat(1),
    view: flat(1),
    pay: flat(1),
    'pay → event': flat(1),
    confirm: flat(1),
  },
  curves: { create: [], view: [], pay: [], 'pay → event': [], confirm: [] },
  lagMs: flat(1),
  offeredPerSecond: 1_000,
  achievedPerSecond: 995,
  starved: 0,
};

describe('a run at a fixed rate', () => {
  test('holds where all that was offered was achieved', () => {
    expect(whyVoid(held, 100)).toBeNull();
  });

  test('is void where less was achieved', () => {
    expect(whyVoid({ ...held, achievedPerSecond: 900 }, 100)).toContain('90.0 %');
  });

  test('is void where the generator fell behind its schedule', () => {
    expect(whyVoid({ ...held, lagMs: flat(12) }, 100)).toContain('p99 lag was 12.0 ms');
    expect(whyVoid({ ...held, starved: 1 }, 100)).toContain('slots');
  });

  test('is void where history was late', () => {
    expect(whyVoid(held, 1_500)).toContain('1500 ms behind');
  });
});

import { describe, expect, test } from 'vitest';
import type { Measured } from './measure.ts';
import { stepsTable } from './scale.ts';
import type { Step } from './steps.ts';

const step = (at: number, perSecond: number, behindMs: number, eachBytes: number | null): Step => {
  const measured: Measured = {
    contestant: 'x',
    unit: 'lifecycles',
    perSecond,
    transitionsPerSecond: perSecond * 4,
    completed: 10,
    behindMs,
    cpuUs: {},
  };
  return { at, rounds: [measured], rssBytes: 300 * 2 ** 20, eachBytes, heapBytes: 0 };
};

describe('the steps of a growth', () => {
  test('tell the rate, what is left of the first, and the memory of each thing', () => {
    const shown = stepsTable('bills', [step(10, 1_000, 20, null), step(20_000, 900, 20, 712.4)]);
    const [, , first, second] = shown.split('\n').map((line) => line.replace(/ +/g, ' '));
    expect(first).toBe('| 10 | 1000 (1000-1000) | lifecycles | 1.00 | 300 | | 0 |');
    expect(second).toBe('| 20000 | 900 (900-900) | lifecycles | 0.90 | 300 | 712 B | 0 |');
  });

  test('tell beside what their case has measured', () => {
    const started = { ...step(10, 1_000, 20, null), figures: { 'ready s': 0.7 } };
    const [head, , row] = stepsTable('terminals', [started]).split('\n');
    expect([head, row].map((line) => line?.split('|').at(-2)?.trim())).toEqual(['ready s', '0.7']);
  });

  test('are refused where history was late', () => {
    expect(stepsTable('bills', [step(10, 1_000, 1_001, null)])).toContain('refused');
  });
});

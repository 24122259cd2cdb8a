import { describe, expect, test } from 'vitest';
import type { Measured } from './measure.ts';
import { allRatios } from './ratios.ts';

const run = (perSecond: number, behindMs?: number): Measured => ({
  contestant: 'x',
  unit: 'lifecycles',
  perSecond,
  transitionsPerSecond: perSecond * 4,
  completed: 100,
  cpuUs: { all: 1e6 / perSecond },
  ...(behindMs !== undefined && { behindMs }),
});

const rounds = (behindMs: number) =>
  new Map([
    ['http', [run(300, 10), run(200, behindMs)]],
    ['pgbench single c=8', [run(100), run(40)]],
    ['pgbench single c=32', [run(50), run(50)]],
    ['uws', [run(200), run(100)]],
    ['echo http', [run(2_400), run(1_600)]],
  ]);

describe('the ratios of a run', () => {
  const of = (behindMs: number, name: string) =>
    allRatios({ protocols: ['http'] }, rounds(behindMs)).find((ratio) => ratio.name === name)
      ?.spread;

  test('take the better of pgbench’s clients in each round', () => {
    expect(of(10, 'http : pgbench single')).toEqual({ median: 3.5, min: 3, max: 4 });
  });

  test('compare each round with itself', () => {
    expect(of(10, 'http : uws')).toEqual({ median: 1.75, min: 1.5, max: 2 });
  });

  test('compare durable transitions with messages', () => {
    expect(of(10, 'http, transitions : echo, messages')?.median).toBe(0.5);
  });

  test('are refused where history was late in a round', () => {
    expect(of(1_001, 'http : uws')).toBeNull();
  });

  test('leave out who did not run', () => {
    expect(of(10, 'http : fastify')).toBeUndefined();
  });
});

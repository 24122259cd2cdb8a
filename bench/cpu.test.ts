import { describe, expect, test } from 'vitest';
import { difference, joined, processUse } from './cpu.ts';

describe('processor time', () => {
  test('is summed by name, and the difference of two readings is what was used', () => {
    const before = joined(
      new Map([['a', 5]]),
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    );
    expect(before).toEqual(
      new Map([
        ['a', 6],
        ['b', 2],
      ]),
    );
    const after = new Map([
      ['a', 10],
      ['b', 2],
      ['new', 3],
    ]);
    expect(difference(before, after)).toEqual(
      new Map([
        ['a', 4],
        ['new', 3],
      ]),
    );
  });

  test.runIf(process.platform === 'linux')('of this very process grows as it works', () => {
    const before = processUse(process.pid, 'own');
    let sum = 0;
    for (let i = 0; i < 50_000_000; i++) sum += i % 7;
    const used = difference(before, processUse(process.pid, 'own')).get('own') ?? 0;
    expect(sum).toBeGreaterThan(0);
    expect(used).toBeGreaterThan(5_000_000);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShardClock } from './shard-clock.ts';

const WALL = 1_000_000;

describe('a shard’s clock', () => {
  test('never goes back, and shows whole milliseconds', () => {
    const readings = fc.array(
      fc.record({ jump: fc.integer({ min: -200_000, max: 200_000 }), passes: fc.nat(90_000) }),
    );
    fc.assert(
      fc.property(readings, (plan) => {
        let wall = WALL;
        let monotonic = 0;
        const clock = new ShardClock({ wall, monotonic }, 0);
        let last = clock.now({ wall, monotonic });
        for (const { jump, passes } of plan) {
          monotonic += passes;
          wall += passes + jump;
          const now = clock.now({ wall, monotonic });
          expect(Number.isInteger(now)).toBe(true);
          expect(now).toBeGreaterThanOrEqual(last);
          last = now;
        }
      }),
    );
  });
});

// The promises of the share, for all crowds.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairShare } from './fair-share.ts';

const crowds = fc.record({
  names: fc.array(fc.constantFrom('loud', 'loud', 'loud', 'loud', 'a', 'b'), {
    maxLength: 300,
    size: 'max',
  }),
  pauseMs: fc.integer({ min: 0, max: 10 }),
});

describe('a fair share', () => {
  test('F4: lets in whoever asks no more than the others do on average', () => {
    let refusals = 0;
    fc.assert(
      fc.property(crowds, ({ names, pauseMs }) => {
        const share = new FairShare();
        let inside: string[] = [];
        let since = 0;
        names.forEach((name, i) => {
          const now = i * pauseMs;
          if (now - since >= 1_000) {
            inside = [];
            since = now;
          }
          const own = inside.filter((other) => other === name).length;
          const isIn = share.admits(name, now);
          // There are three of them at the most.
          expect(isIn || own * 3 > inside.length).toBe(true);
          if (isIn) inside.push(name);
          else refusals += 1;
        });
      }),
      { numRuns: 30 },
    );
    expect(refusals).toBeGreaterThan(100);
  });

  test('F5: lets in whoever is alone, as often as it asks', () => {
    const share = new FairShare();
    for (let i = 0; i < 1_000; i++) expect(share.admits('loud', i)).toBe(true);
  });

  test('does not give all of a window to who comes first in it', () => {
    const share = new FairShare();
    share.admits('quiet', 0);
    share.admits('loud', 0);
    const inside = Array.from({ length: 1_000 }, () => share.admits('loud', 1_000));
    expect(inside.filter((isIn) => isIn).length).toBeLessThan(50);
    expect(share.admits('quiet', 1_999)).toBe(true);
    // It has not come back for a window: the room is the other's again.
    expect(Array.from({ length: 100 }, () => share.admits('loud', 5_000))).not.toContain(false);
  });
});

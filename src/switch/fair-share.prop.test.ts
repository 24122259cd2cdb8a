// The promises of the share, for all crowds.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FairShare, SharedBound } from './fair-share.ts';

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

describe('a shared bound', () => {
  const open = () => new SharedBound(1_000, { monotonic: () => 0 });
  const taken = (bound: SharedBound, used: number, name: string, op: string, times: number) =>
    Array.from({ length: times }, () => bound.takes(used, name, op)).filter((isIn) => isIn).length;

  test('asks nobody for a share while there is room, and takes nobody once it is reached', () => {
    const bound = open();
    expect(taken(bound, 749, 'loud', 'bill.create', 5_000)).toBe(5_000);
    expect(taken(bound, 1_000, 'quiet', 'payment.create', 10)).toBe(0);
    expect(taken(bound, 1_000, 'quiet', 'bill.create', 10)).toBe(0);
  });

  test('refuses first, shortly before it, who asks for most', () => {
    const bound = open();
    let quiet = 0;
    let loud = 0;
    for (let i = 0; i < 100; i++) {
      quiet += taken(bound, 800, 'quiet', 'bill.create', 1);
      loud += taken(bound, 800, 'loud', 'bill.create', 10);
    }
    expect(quiet).toBe(100);
    expect(loud).toBeLessThan(130);
  });

  test('takes what ends something a little longer than what begins', () => {
    const bound = open();
    taken(bound, 800, 'quiet', 'bill.create', 1);
    expect(taken(bound, 800, 'loud', 'bill.create', 1_000)).toBeLessThan(50);
    expect(taken(bound, 800, 'loud', 'payment.create', 1_000)).toBe(1_000);
    expect(taken(bound, 900, 'loud', 'payment.create', 1_000)).toBe(0);
  });
});

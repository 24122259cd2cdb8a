import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SharedTurns } from './shared-turns.ts';

const MAX = 12;

/** Turns that are taken and not given back before a test says so. */
function taking() {
  const turns = new SharedTurns(MAX);
  const begun: { readonly institution: string; end(): void }[] = [];
  return {
    take: (institution: string, count: number): void => {
      for (let i = 0; i < count; i++) {
        void turns.take(
          institution,
          () => new Promise<void>((end) => begun.push({ institution, end })),
        );
      }
    },
    /** The first of its own is done. */
    end: async (institution: string): Promise<void> => {
      const [first] = begun.splice(
        begun.findIndex((each) => each.institution === institution),
        1,
      );
      first?.end();
      await settled();
    },
    underWay: async (institution: string): Promise<number> => {
      await settled();
      return begun.filter((each) => each.institution === institution).length;
    },
  };
}

describe('turns that institutions share', () => {
  test('are for one no more than are left free, so that whoever comes next finds as many', async () => {
    const { take, underWay } = taking();
    take('slow', 100);
    expect(await underWay('slow')).toBe(6);
    take('quick', 3);
    expect(await underWay('quick')).toBe(3);
    take('another', 1);
    expect(await underWay('another')).toBe(1);
  });

  test('go to the one with the least under way once one is given back', async () => {
    const { take, end, underWay } = taking();
    take('slow', 100);
    take('slower', 100);
    expect([await underWay('slow'), await underWay('slower')]).toEqual([6, 3]);
    for (let ended = 0; ended < 3; ended++) await end('slow');
    expect([await underWay('slow'), await underWay('slower')]).toEqual([4, 4]);
  });

  test('are all given back', async () => {
    const { take, end, underWay } = taking();
    take('slow', 20);
    for (let ended = 0; ended < 20; ended++) await end('slow');
    take('slow', 20);
    expect(await underWay('slow')).toBe(6);
  });
});

// The power goes under load, and what Redis had not synced is torn off. `npm run power-cuts` does it for longer.

import { describe, expect, test } from 'vitest';
import { runPowerCuts } from '../power-cuts/run.ts';

const settings = { seed: 7, answers: 1500, slots: 100 };

describe('a power cut', () => {
  test('takes nothing that was acknowledged where Redis syncs always', async () => {
    const tally = await runPowerCuts({ ...settings, log: 'redis', policy: 'always', cuts: 6 });

    const { lost, doubled, refused, faults } = tally;
    expect({ lost, doubled, refused, faults }).toEqual({
      lost: [],
      doubled: [],
      refused: [],
      faults: [],
    });
    expect(tally.acknowledged).toBeGreaterThan(4000);
    // It did hit writes that were not synced, and answers that nobody heard.
    expect(tally.cutsWithTail).toBeGreaterThan(0);
    expect(tally.unknown).toBeGreaterThan(0);
  });

  test.each(['everysec', 'no'] as const)(
    'takes what was acknowledged where Redis syncs by the policy %s',
    async (policy) => {
      const tally = await runPowerCuts({ ...settings, log: 'redis', policy, cuts: 2 });

      expect(tally.lost.length + tally.refused.length).toBeGreaterThan(0);
      expect(tally.doubled).toEqual([]);
    },
  );
});

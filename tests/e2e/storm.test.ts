// Every reference many times at once, under kills. `npm run storm` does it a hundred thousand times.

import { describe, expect, test } from 'vitest';
import { runStorm } from '../storm/run.ts';
import { setUps } from '../support/set-ups.ts';

const KEYS = 300;

describe.each(setUps)('a storm of repeats on $name', (setUp) => {
  test('has one effect a key, one answer for its body and a refusal for any other', async () => {
    const stores = await setUp.start();
    try {
      const tally = await runStorm({ stores, keys: KEYS, seed: 5, killEvery: KEYS / 2 });

      expect(tally.faults).toEqual([]);
      expect(tally.keys).toBeGreaterThanOrEqual(KEYS);
      expect(tally.sent).toBeGreaterThan(5 * KEYS);
      expect(tally.kills).toBeGreaterThan(0);
      expect(tally.refused).toBeGreaterThan(0);
      expect(tally.late).toBeGreaterThan(0);
    } finally {
      await stores.stop();
    }
  });
});

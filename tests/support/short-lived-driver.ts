// A driver of somebody's own for the tests of acquirers: one that is loaded, and whose bills a test need not wait for.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DIST } from './switch-process.ts';

/**
 * Writes somebody's own drivers into a folder: a Sber whose bills may end soon, and one that gives all of them one reference.
 * Answers how acquirers configured in that folder name the first, or the other.
 */
export function writeShortLivedSber(
  folder: string,
  driverName: 'short' | 'repeating' = 'short',
): { driver: string; driverName: string } {
  const driver = pathToFileURL(join(DIST, 'drivers/sber/driver.js')).href;
  writeFileSync(
    join(folder, 'short.mjs'),
    `import { driver as sber } from ${JSON.stringify(driver)};
    const make = (settings, surroundings) => {
      const made = sber.make(settings, surroundings);
      made.capabilities.lifetimeMinMs = 1;
      return made;
    };
    let first;
    const makeRepeating = (settings, surroundings) => {
      const made = sber.make(settings, surroundings);
      const register = async (...call) => {
        const outcome = await made.__proto__.register.apply(made, call);
        if (outcome.outcome === 'done') outcome.value.ref = first ??= outcome.value.ref;
        return outcome;
      };
      return Object.assign(made, { register });
    };
    export const driver = [
      { ...sber, name: 'short', make },
      { ...sber, name: 'repeating', make: makeRepeating },
    ];`,
  );
  return { driver: './short.mjs', driverName };
}

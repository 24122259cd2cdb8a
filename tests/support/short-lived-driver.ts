// A driver of somebody's own for the tests of acquirers: one that is loaded, and whose bills a test need not wait for.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DIST } from './switch-process.ts';

/**
 * Writes somebody's own drivers into a folder, a Sber whose bills may end soon beside another. Answers how acquirers
 * configured in that folder name it.
 */
export function writeShortLivedSber(folder: string): { driver: string; driverName: string } {
  const driver = pathToFileURL(join(DIST, 'drivers/sber/driver.js')).href;
  writeFileSync(
    join(folder, 'short.mjs'),
    `import { driver as sber } from ${JSON.stringify(driver)};
    const make = (settings, surroundings) => {
      const made = sber.make(settings, surroundings);
      made.capabilities.lifetimeMinMs = 1;
      return made;
    };
    export const driver = [sber, { ...sber, name: 'short', make }];`,
  );
  return { driver: './short.mjs', driverName: 'short' };
}

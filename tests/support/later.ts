// A switch that starts when days have gone by: see later-preload.mjs.

import { fileURLToPath } from 'node:url';
import { DAY_MS } from '../../src/domain/time.ts';

const PRELOAD = fileURLToPath(new URL('later-preload.mjs', import.meta.url));

/** Options for a switch whose clock is so many days ahead. */
export function later(days: number): Readonly<Record<string, string>> {
  return { LATER_MS: String(days * DAY_MS), NODE_OPTIONS: `--import ${PRELOAD}` };
}

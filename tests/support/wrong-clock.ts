// A switch on a machine whose clock is wrong until somebody sets it right: see wrong-clock-preload.mjs.

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PRELOAD = fileURLToPath(new URL('wrong-clock-preload.mjs', import.meta.url));

/** Options for a switch whose clock is so far ahead, and what sets it right. */
export function wrongClock(aheadMs: number): {
  readonly env: Readonly<Record<string, string>>;
  readonly setRight: () => void;
} {
  const file = join(tmpdir(), `qrswitch-clock-${crypto.randomUUID()}`);
  return {
    env: {
      WRONG_BY_MS: String(aheadMs),
      WRONG_UNTIL_FILE: file,
      NODE_OPTIONS: `--import ${PRELOAD}`,
    },
    setRight: () => writeFileSync(file, ''),
  };
}

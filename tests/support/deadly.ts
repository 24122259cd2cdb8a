// A switch whose threads can be told to die: see deadly-preload.mjs.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PRELOAD = fileURLToPath(new URL('deadly-preload.mjs', import.meta.url));

export type Way = 'throw' | 'exit' | 'memory';

export interface Deadly {
  /** For the switch that is to obey. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends one thread of that kind, whichever sees it first. */
  end(kind: 'worker' | 'gateway', way: Way): void;
  remove(): void;
}

export function makeDeadly(): Deadly {
  const folder = mkdtempSync(join(tmpdir(), 'qrswitch-deadly-'));
  return {
    env: { DEADLY_FOLDER: folder, NODE_OPTIONS: `--import ${PRELOAD}` },
    end: (kind, way) => writeFileSync(join(folder, `${kind}-${way}`), ''),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

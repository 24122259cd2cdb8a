// Lets so many terminals come back at once after a crash: `npm run reconnect -- --terminals 10000`. Both this process and
// the switch need as many file descriptors (`ulimit -n`).

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { terminals: { type: 'string', default: '10000' } } });
const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'e2e',
    'tests/e2e/reconnect.test.ts',
    '--testTimeout=600000',
  ],
  { stdio: 'inherit', env: { ...process.env, RECONNECT_TERMINALS: values.terminals } },
);
process.exit(status ?? 1);

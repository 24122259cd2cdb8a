// Builds the benchmark and what it imports, then runs it: `node bench/run.js lifecycle --help` tells the rest. Types are
// checked by `npm run types`, not here.

import { spawnSync } from 'node:child_process';
import { cpSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const run = (...args) => spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;

const built = run(here('../node_modules/@typescript/native/bin/tsc'), '-p', here('tsconfig.json'));
// The compiler leaves Lua and SQL behind; the peer that appends to Redis runs the switch's own script.
cpSync(here('../src/persistence'), here('dist/src/persistence'), {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || /\.(lua|sql)$/.test(path),
});
process.exitCode =
  built === 0
    ? run('--enable-source-maps', here('dist/bench/main.js'), ...process.argv.slice(2))
    : built;

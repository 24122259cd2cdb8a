// Runs the simulation under plain node: its TypeScript is bundled into one file first.

import { mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = await mkdtemp(`${root}node_modules/.sim-`);
const file = `${folder}/sim.mjs`;
let code = 1;
try {
  await build({
    cwd: root,
    input: 'tests/simulation/cli.ts',
    platform: 'node',
    external: [/^[^./]/],
    output: { file, format: 'esm', sourcemap: 'inline' },
    logLevel: 'warn',
  });
  const { main } = await import(pathToFileURL(file).href);
  code = await main(process.argv.slice(2));
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = code;

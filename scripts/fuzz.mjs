// Runs the fuzzers under plain node: their TypeScript is bundled into one file first.

import { mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = await mkdtemp(`${root}node_modules/.fuzz-`);
const file = `${folder}/fuzz.mjs`;
process.env.E2E_DIST ??= `${root}dist`;
let code = 1;
try {
  await build({
    cwd: root,
    input: 'tests/fuzz/cli.ts',
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

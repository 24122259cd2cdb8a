// Runs a program of the tests under plain node: `node scripts/run-typescript.mjs <file> [arguments]`. Its TypeScript is
// bundled into one file first; the file exports `main(arguments)`, which resolves with the exit code.

import { mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const [input, ...rest] = process.argv.slice(2);
const folder = await mkdtemp(`${root}node_modules/.run-`);
const file = `${folder}/program.mjs`;
// The bundle lies elsewhere than its sources, and node_modules may be a link: what is built is found from here.
process.env.E2E_DIST ??= `${root}dist`;
let code = 1;
try {
  await build({
    cwd: root,
    input,
    platform: 'node',
    external: [/^[^./]/],
    output: { file, format: 'esm', sourcemap: 'inline' },
    logLevel: 'warn',
  });
  const { main } = await import(pathToFileURL(file).href);
  code = await main(rest);
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = code;

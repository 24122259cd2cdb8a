// Runs the power cuts under plain node: their TypeScript is bundled into one file first, in which each module still
// knows where it came from.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
await mkdir(`${root}dist`, { recursive: true });
const folder = await mkdtemp(`${root}dist/.power-cuts-`);
const file = `${folder}/power-cuts.mjs`;
let code = 1;
try {
  await build({
    cwd: root,
    input: 'tests/power-cuts/cli.ts',
    platform: 'node',
    external: [/^[^./]/],
    output: { file, format: 'esm', codeSplitting: false },
    logLevel: 'warn',
    plugins: [
      {
        name: 'keep-urls',
        transform: (text, id) =>
          text.includes('import.meta.url')
            ? text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
            : null,
      },
    ],
  });
  const { main } = await import(pathToFileURL(file).href);
  code = await main(process.argv.slice(2));
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = code;

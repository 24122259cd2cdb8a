// Runs a program of the tests under plain node: `node scripts/run-typescript.mjs <file> [arguments]`. Its TypeScript is
// bundled into one file first, in which each module still knows where it came from; the program exports
// `main(arguments)`, which resolves with the exit code.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const [input, ...rest] = process.argv.slice(2);
await mkdir(`${root}dist`, { recursive: true });
const folder = await mkdtemp(`${root}dist/.run-`);
const file = `${folder}/program.mjs`;
let code = 1;
try {
  await build({
    cwd: root,
    input,
    platform: 'node',
    external: [/^[^./]/],
    output: { file, format: 'esm', sourcemap: 'inline', codeSplitting: false },
    logLevel: 'warn',
    plugins: [
      {
        name: 'keep-urls',
        // Lines stay where they are, so the map does too.
        transform: (text, id) =>
          text.includes('import.meta.url')
            ? {
                code: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)),
                map: null,
              }
            : null,
      },
    ],
  });
  const { main } = await import(pathToFileURL(file).href);
  code = await main(rest);
} finally {
  await rm(folder, { recursive: true, force: true });
}
// A socket that a program has given up may keep its loop busy for a while; what it had to say has been said.
process.exit(code);

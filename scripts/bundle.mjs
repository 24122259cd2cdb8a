// Bundles what `./start` runs into a few files, dist/bundle: a program for each thread, and what they share. Read one by
// one, the modules of a start are a thousand files, and finding them is most of its work. dist/main.js does the same.

import { readdirSync, rmSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const source = `${root}src/`;
const target = `${root}dist/bundle`;

const threads = readdirSync(source).filter((name) => name.endsWith('-thread.ts'));
const programs = ['main.ts', 'worker.ts', ...threads];

/** Packages in hundreds of files. All others stay where they are: some look for what lies beside them. */
const BUNDLED = ['@sinclair/typebox'];

rmSync(target, { recursive: true, force: true });
await build({
  cwd: root,
  input: Object.fromEntries(programs.map((name) => [name.slice(0, -3), `${source}${name}`])),
  platform: 'node',
  external: (id) => /^[^./]/.test(id) && !BUNDLED.some((name) => id.startsWith(name)),
  output: { dir: target, format: 'esm', sourcemap: true, chunkFileNames: 'shared-[hash].js' },
  logLevel: 'warn',
  plugins: [{ name: 'places', transform: (text, id) => placed(text, id) }],
});

/** The bundle stands for the folder src itself: what lies beside a deeper module is to be found in dist. */
function placed(text, id) {
  if (dirname(id) + '/' === source || !text.includes('import.meta.url')) return null;
  const place = `new URL('../${relative(source, id)}', import.meta.url).href`;
  // Lines stay where they are, so the map does too.
  return { code: text.replaceAll('import.meta.url', place), map: null };
}

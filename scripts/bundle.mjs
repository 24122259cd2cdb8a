// Bundles the program of each thread, over what tsc has written in its place, and what they share beside it. Read one by
// one, the modules of a start are a thousand files, and finding them is a third of its work.

import { readdirSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const source = `${root}src/`;
const target = `${root}dist/`;

const threads = readdirSync(source).filter((name) => name.endsWith('-thread.ts'));
const programs = ['main.ts', 'worker.ts', ...threads];

/** With what they need. The others stay where they are: they have native code, or look for files beside them. */
const BUNDLED = ['@sinclair/typebox', 'ioredis', 'postgres', 'prom-client', 'qrcode'];

for (const name of readdirSync(target)) {
  if (name.startsWith('shared-')) rmSync(`${target}${name}`);
}
await build({
  cwd: root,
  input: Object.fromEntries(programs.map((name) => [name.slice(0, -3), `${source}${name}`])),
  platform: 'node',
  external: isExternal,
  output: {
    dir: target,
    format: 'esm',
    sourcemap: true,
    sourcemapExcludeSources: true,
    chunkFileNames: 'shared-[hash].js',
  },
  logLevel: 'warn',
  plugins: [{ name: 'places', transform: (text, id) => placed(text, id) }],
});

function isExternal(id, importer) {
  if (isBuiltin(id)) return true;
  const isPackage = /^[^./]/.test(id) && !importer?.includes('/node_modules/');
  return isPackage && !BUNDLED.some((name) => id === name || id.startsWith(`${name}/`));
}

/** What lies beside a deeper module is to be found where tsc and copy-assets.mjs have put it. */
function placed(text, id) {
  if (`${dirname(id)}/` === source || !text.includes('import.meta.url')) return null;
  const place = `new URL('./${relative(source, id)}', import.meta.url).href`;
  // Lines stay where they are, so the map does too.
  return { code: text.replaceAll('import.meta.url', place), map: null };
}

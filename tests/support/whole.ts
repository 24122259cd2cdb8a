// A test file with all that it imports of ours as one module: between modules that vitest has loaded one by one, every
// call goes through a namespace, which took a fifth of the simulation's time.

import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';
import type { Plugin } from 'vitest/config';

/** Packages are left as they are; each module still knows where it came from. */
export function whole(isMeant: (file: string) => boolean): Plugin {
  return {
    name: 'whole',
    enforce: 'pre',
    async load(id) {
      if (!isMeant(id)) return null;
      const { output } = await build({
        input: id,
        write: false,
        platform: 'node',
        external: [/^[^./]/],
        // Never written: its map names sources as seen from there.
        output: { file: id, format: 'esm', sourcemap: true, codeSplitting: false },
        logLevel: 'warn',
        plugins: [{ name: 'keep-urls', transform: keepUrl }],
      });
      const [{ code, map }] = output;
      return { code, map: map === null ? null : map.toString() };
    },
  };
}

function keepUrl(text: string, id: string): { code: string; map: null } | null {
  if (!text.includes('import.meta.url')) return null;
  const url = JSON.stringify(pathToFileURL(id).href);
  // Lines stay where they are, so the map does too.
  return { code: text.replaceAll('import.meta.url', url), map: null };
}

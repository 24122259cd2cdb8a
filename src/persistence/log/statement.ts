// Lua and SQL lie in files of their own beside this module, in the sources and in the build alike
// (scripts/copy-assets.mjs copies what the compiler leaves behind).

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A Lua script that Redis knows by its SHA-1 once it has seen it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

export function loadScript(name: string): Script {
  const text = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

export function loadStatement(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8');
}

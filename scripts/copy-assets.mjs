// Copies what tsc does not: Lua and SQL, from src to the same place in dist, where the built modules look for them.

import { statSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const source = fileURLToPath(new URL('src', root));
const target = fileURLToPath(new URL('dist', root));

await cp(source, target, {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || /\.(lua|sql)$/.test(path),
});

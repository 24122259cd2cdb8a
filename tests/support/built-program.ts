// A program of a process of its own, built for a test from the source as it stands, in the test's own folder.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';

const HOST = 'src/drivers/host';

/** With the thread by which such a process ends with its host. The folder has the switch's `node_modules`. */
export async function builtProgram(
  name: string,
  folder: string,
  source = `${HOST}/${name}.ts`,
): Promise<URL> {
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const [program, file] of [
    [name, source],
    ['driver-watch', `${HOST}/driver-watch.ts`],
  ] as const) {
    await build({
      input: file,
      platform: 'node',
      external: [/^[^./]/],
      output: { file: join(folder, `${program}.js`), format: 'esm', codeSplitting: false },
      logLevel: 'warn',
    });
  }
  return pathToFileURL(join(folder, `${name}.js`));
}

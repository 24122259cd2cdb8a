import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtProgram } from '../../../tests/support/built-program.ts';
import { fromPage } from '../../../tests/support/listed-drivers.ts';
import type { Checked } from '../../drivers/kit/run-checks.ts';
import { triedApart } from './tried-apart.ts';

let folder: string;
let program: URL;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qrswitch-apart-'));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  program = await builtProgram('kit-process', folder, 'src/cli/driver-kit/kit-process.ts');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What the kit says of the format of docs/drivers.md with a line of it changed. */
async function tried(name: string, [from, to]: readonly [string, string], spinMs?: number) {
  const file = join(folder, `${name}.mjs`);
  const code = fromPage('format.mjs');
  expect(code).toContain(from);
  writeFileSync(file, code.replace(from, to));
  const all: Checked[] = [];
  const report = (checked: Checked) => void all.push(checked);
  await triedApart(file, spinMs === undefined ? { program, report } : { program, report, spinMs });
  return all;
}

const EXPORTED = 'export const driver =';
const READ = 'read: (text) => {';
const ISSUED = "if (amount === null) return { unfit: 'Its codes name their amount.' };";

describe('the conformance kit in a process of its own', () => {
  test('says what it says elsewhere', async () => {
    const checked = await tried('sound', [READ, READ]);

    expect(checked.map(({ flaw }) => flaw)).toEqual(checked.map(() => undefined));
    expect(checked).toHaveLength(10);
  });

  test('says which call has not given back the processor, and in which check', async () => {
    const checked = await tried('spinning', [ISSUED, `${ISSUED} for (;;);`], 3_000);

    expect(checked.map(({ flaw }) => flaw)).toEqual([
      undefined,
      'issue has not given back the processor in 3 s; the checks after this one were not made',
    ]);
    expect(checked.at(-1)?.name).toContain('issues what its capabilities take');
  });

  test('says which call has ended the process', async () => {
    const checked = await tried('ending', [READ, `${READ} process.exit(0);`]);

    expect(checked.at(-1)?.flaw).toContain('read has ended the process (0)');
  });

  test.each([
    ['spins', `for (;;); ${EXPORTED}`, 'it has not given back the processor in 3 s'],
    ['ends', `process.exit(0); ${EXPORTED}`, 'it has ended the process (0)'],
    ['throws', `throw new Error('no card'); ${EXPORTED}`, 'cannot be loaded: no card'],
    ['exports-none', 'export const other =', 'exports no `driver`'],
  ])('refuses a package that %s when it is loaded', async (name, code, said) => {
    const changed = tried(name, [EXPORTED, code], 3_000);

    await expect(changed).rejects.toThrow(said);
  });
});

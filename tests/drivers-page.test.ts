// docs/drivers.md writes drivers from nothing. These are they, from the page alone, tried against their contracts.

import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { qrswitch } from './support/command-line.ts';

const page = readFileSync('docs/drivers.md', 'utf8');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qrswitch-driver-'));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The blocks of one file on the page, changed as a test needs it. */
function written(
  name: string,
  change: (code: string) => string = (code) => code,
  of = 'driver.mjs',
): string {
  const blocks = [...page.matchAll(/^```js file=(\S+)\n([\s\S]*?)^```$/gm)];
  const code = blocks.flatMap((block) => (block[1] === of ? [block[2]] : [])).join('\n');
  expect(code).not.toBe('');
  const file = join(folder, name);
  writeFileSync(file, change(code));
  return file;
}

describe('the driver of docs/drivers.md', () => {
  test('keeps the contract', async () => {
    const { code, stdout } = await qrswitch('driver', 'check', written('driver.mjs'));

    expect(stdout).not.toContain('FAIL');
    expect(code).toBe(0);
  });

  test('is caught where it says no of what it cannot know', async () => {
    const file = written('hasty.mjs', (code) =>
      code.replace('return unknown(error.message)', "return notDone('refused', '', 'never')"),
    );
    const { code, stdout, stderr } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  gives back once when the first call is disturbed: answerLost');
    expect(stderr).toContain('does not keep the contract');
    expect(code).toBe(1);
  });

  test('is caught where its module keeps what it must know again', async () => {
    const file = written('knowing.mjs', (code) =>
      code
        .replace('const made = await', 'known.add(id);\n        const made = await')
        .replace(
          'look: ({ ref }) =>',
          "look: ({ ref }) => !known.has(ref) ? notDone('unregistered', '', 'never') :",
        )
        .replace('const unknown =', 'const known = new Set();\nconst unknown ='),
    );
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  sees a bill open, then paid, with a driver made anew');
    expect(code).toBe(1);
  });

  test('is caught where a busy bank makes it forget the call before', async () => {
    const file = written('forgetful.mjs', (code) => code.replace('lastSentAt === null', 'true'));
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  does not say no of a lost refund');
    expect(code).toBe(1);
  });
});

describe('the way of delivery of docs/drivers.md', () => {
  test('keeps the contract', async () => {
    const file = written('line.mjs', undefined, 'line.mjs');
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).not.toContain('FAIL');
    expect(stdout).toContain('13 passed');
    expect(code).toBe(0);
  });

  test('is caught where it takes a lost answer for a yes', async () => {
    const file = written(
      'hopeful.mjs',
      (code) =>
        code.replace("end('the line was cut')", "end(words.join(' ').replace('EVENT', 'OK'))"),
      'line.mjs',
    );
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  says “again” when a delivery is disturbed');
    expect(code).toBe(1);
  });
});

describe('the format of docs/drivers.md', () => {
  test('keeps the contract', async () => {
    const file = written('format.mjs', undefined, 'format.mjs');
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).not.toContain('FAIL');
    expect(stdout).toContain('8 passed');
    expect(code).toBe(0);
  });

  test('is refused by a name of the switch’s own', async () => {
    const file = written(
      'taken.mjs',
      (code) => code.replace("name: 'meadow'", "name: 'url'"),
      'format.mjs',
    );
    const { code, stderr } = await qrswitch('driver', 'check', file);

    expect(stderr).toContain('url is a name of the switch’s own');
    expect(code).toBe(1);
  });

  test('is caught where its tag leaves out what it says', async () => {
    const file = written(
      'careless.mjs',
      (code) =>
        code.replaceAll('tag(said, 10)', 'tag(prefix, 10)').replace('text.slice(0, at)', 'prefix'),
      'format.mjs',
    );
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  takes no code in which one character has been changed');
    expect(code).toBe(1);
  });
});

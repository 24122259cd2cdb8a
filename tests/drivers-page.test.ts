// docs/drivers.md writes a driver from nothing. This is that driver, from the page alone, tried against the contract.

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

function written(name: string, change: (code: string) => string = (code) => code): string {
  const blocks = [...page.matchAll(/^```js file=driver\.mjs\n([\s\S]*?)^```$/gm)];
  const code = blocks.map((block) => block[1]).join('\n');
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
});

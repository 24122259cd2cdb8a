import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Outcome, qrswitch } from '../../tests/support/command-line.ts';

describe('an import that cannot begin', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'qrswitch-import-'));
    vi.stubEnv('QRSWITCH_KEY', 'qrs_term_key');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  const refused = async (what: 'bills' | 'terminal', file: string): Promise<Outcome> => {
    // No switch is there: nothing is to be asked of one.
    const args = what === 'bills' ? ['--out', join(folder, 'codes')] : [];
    const outcome = await qrswitch(what, 'import', file, '--url', 'http://127.0.0.1:1', ...args);
    expect(existsSync(`${file.replace('.csv', '')}.results.csv`)).toBe(false);
    return outcome;
  };

  test('names a file that is not there, or that is a folder', async () => {
    const missing = join(folder, 'missing.csv');
    for (const file of [missing, folder]) {
      expect(await refused('bills', file)).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(`^qrswitch: ${file} cannot be read: E[^\n]*\n$`),
      });
    }
  });

  test.each(['', '\n\n', 'orderId,amount,currency\n', 'orderId,amount,currency\n,,\n'])(
    'says that there is no row in %j',
    async (content) => {
      const file = join(folder, 'empty.csv');
      writeFileSync(file, content);
      expect(await refused('bills', file)).toEqual({
        code: 1,
        stdout: '',
        stderr: `qrswitch: ${file}: there is no row in it below the names of the columns.\n`,
      });
    },
  );

  test('of terminals says it as well', async () => {
    const file = join(folder, 'tills.csv');
    writeFileSync(file, 'merchantId,name\n');
    expect(await refused('terminal', file)).toMatchObject({
      code: 1,
      stderr: `qrswitch: ${file}: there is no row in it below the names of the columns.\n`,
    });
  });
});

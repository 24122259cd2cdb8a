import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { qrswitch } from '../../tests/support/command-line.ts';

describe('the qrswitch command', () => {
  test('tells its subcommands when asked for help', async () => {
    const { code, stdout, stderr } = await qrswitch('--help');

    expect(code).toBe(0);
    expect(stdout).toContain('Usage: qrswitch');
    expect(stdout).toContain('serve');
    expect(stderr).toBe('');
  });

  test('refuses a subcommand that there is not, and tells those that there are', async () => {
    const { code, stdout, stderr } = await qrswitch('dance');

    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/unknown command 'dance'[\s\S]*Usage: qrswitch/);
  });

  test('tells its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await qrswitch('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test.each([
    [['bills', 'import', 'bills.csv'], /give --out, --pdf or both/],
    [['bills', 'import', 'bills.csv', '--out', 'codes', '--url', 'ftp://a'], /--url: ftp/],
    [['terminal', 'list', '--url', 'nowhere'], /--url: nowhere/],
    [['terminal', 'add'], /'--merchant <merchant>' not specified/],
    [['terminal', 'limits', 'ter_1', '--rate'], /argument missing/],
  ])('is misused by %j', async (argv, said) => {
    const { code, stderr } = await qrswitch(...argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(said);
  });

  test('refuses to do nothing: without a subcommand it tells them', async () => {
    const { code, stderr } = await qrswitch();

    expect(code).toBe(2);
    expect(stderr).toContain('Usage: qrswitch');
  });
});

// The command as it is installed: a process of its own, with its exit codes and streams.

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';

function built(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['dist/cli/main.js', ...argv], { encoding: 'utf8' });
}

describe('the built qrswitch', () => {
  test('tells what it can do, and succeeds', () => {
    expect(built('--help')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('tariff'),
      stderr: '',
    });
  });

  test('fails with a code of its own for each way to fail', () => {
    const stay = ['--from', '2026-05-04T10:00:00Z', '--to', '2026-05-04T11:00:00Z'];

    expect(built('dance').status).toBe(2);
    expect(built('tariff', 'explain', 'there-is-no-such-file.json', ...stay)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('cannot be read'),
    });
  });

  test('serves: it hands what follows to the switch', () => {
    expect(built('serve', '--help')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('qrswitch, a payment switch for QR bills'),
    });
  });
});

// The line that ends ./test is what CI believes: it must not say that all is well when nothing was tested.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'qrswitch-count-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the line that ends ./test', () => {
  test('counts what passed, failed and was left out', () => {
    expect(counted([file('passed', ['passed', 'passed', 'pending'])])).toEqual({
      line: '2 passed, 0 failed, 1 skipped',
      exitCode: 0,
    });
    expect(counted([file('failed', ['passed', 'failed'])], 1)).toEqual({
      line: '1 passed, 1 failed',
      exitCode: 1,
    });
  });

  test('counts a file that did not load, and checks that failed before', () => {
    const files = [file('passed', ['passed']), file('failed', [])];

    expect(counted(files, 1).line).toBe('1 passed, 1 failed');
    expect(counted(files, 1, 2)).toEqual({ line: '1 passed, 3 failed', exitCode: 1 });
    expect(counted([file('passed', ['passed'])], 0, 1).exitCode).toBe(1);
  });

  test('is a failure when no test ran, or there is no report', () => {
    expect(counted([])).toEqual({ line: '0 passed, 1 failed', exitCode: 1 });
    expect(counted([file('passed', ['pending'])]).exitCode).toBe(1);
    expect(counted(null, 1)).toEqual({ line: '0 passed, 1 failed', exitCode: 1 });
  });

  test('is a failure when Vitest failed outside any test', () => {
    expect(counted([file('passed', ['passed'])], 1)).toEqual({
      line: '1 passed, 1 failed',
      exitCode: 1,
    });
  });
});

function file(status: string, statuses: string[]): object {
  return { status, assertionResults: statuses.map((one) => ({ status: one })) };
}

function counted(testResults: object[] | null, exitCode = 0, failedBefore = 0) {
  const path = join(folder, 'report.json');
  writeFileSync(path, testResults === null ? 'cut off' : JSON.stringify({ testResults }));
  const args = ['scripts/count-tests.mjs', String(exitCode), String(failedBefore), path];
  const run = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { line: run.stdout.trimEnd().split('\n').at(-1), exitCode: run.status };
}

// A machine whose /proc does not show the processes of others: hidden (hidepid), or there and not to be read.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { formatHolder, isGone, makeHolder } from './lease-holder.ts';

let code: 'ENOENT' | 'EACCES' | null = null;

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const readFileSync = (path: string, encoding: 'utf8'): string => {
    if (code !== null && /^\/proc\/\d+\/stat$/.test(path))
      throw Object.assign(new Error(code), { code });
    return fs.readFileSync(path, encoding);
  };
  return { ...fs, readFileSync };
});

afterEach(() => {
  code = null;
});

describe.each(['ENOENT', 'EACCES'] as const)('a holder whom /proc does not show (%s)', (answer) => {
  const self = makeHolder({ node: 'a', process: 'p', worker: 1, life: 2 });

  test('is not gone while it runs, whatever cannot be seen of it', async () => {
    const child = spawn('sleep', ['60']);
    try {
      await once(child, 'spawn');
      code = answer;
      const holder = { ...self, process: 'another', pid: child.pid ?? 0, begun: '12' };
      expect(isGone(formatHolder(holder), self)).toBe(false);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('is gone once no process has its pid', async () => {
    const child = spawn('true');
    const { pid } = child;
    await once(child, 'exit');
    code = answer;
    const holder = { ...self, process: 'another', pid: pid ?? 0, begun: '12' };
    expect(isGone(formatHolder(holder), self)).toBe(true);
  });

  test('that could not see itself either is never known to be gone', () => {
    code = answer;
    const blind = makeHolder({ node: 'a', process: 'another', worker: 1, life: 1 });
    expect(blind.begun).toBe('unknown');
    expect(isGone(formatHolder({ ...blind, pid: 2 ** 22 + 1 }), self)).toBe(false);
  });
});

// Where a run took place: what a figure means nothing without.

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import type { Settings } from './settings.ts';

const SYNC_MS = 1_000;
const SYNC_BYTES = 512;

function describeMachine(): Record<string, string> {
  return {
    processor: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    node: process.version,
    'redis-server':
      /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1] ?? '',
    commit: commit(),
  };
}

/** What stands at the head of every report: the machine, its load, its disk, and how the run was set. */
export function describeRun(settings: Settings): Record<string, string> {
  const { p50Ms, p99Ms } = measureSync();
  const given = Object.entries(settings.env).map(([name, value]) => `${name}=${value}`);
  return {
    ...describeMachine(),
    'load average before': loadBefore(),
    'fdatasync of a 512 B append': `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
    'options of the switch': given.join(' ') || 'as it ships',
    'flags of its node': settings.nodeFlags.join(' ') || 'none',
  };
}

function loadBefore(): string {
  return loadavg()
    .map((load) => load.toFixed(1))
    .join(' ');
}

/** What one fdatasync of a 512-byte append costs here: every durable system's floor. */
function measureSync(): { p50Ms: number; p99Ms: number } {
  const dir = mkdtempSync(join(tmpdir(), 'qrswitch-sync-'));
  const file = openSync(join(dir, 'log'), 'a');
  const bytes = Buffer.alloc(SYNC_BYTES, 1);
  const took: number[] = [];
  const until = performance.now() + SYNC_MS;
  while (performance.now() < until) {
    writeSync(file, bytes);
    const begun = performance.now();
    fdatasyncSync(file);
    took.push(performance.now() - begun);
  }
  closeSync(file);
  rmSync(dir, { recursive: true });
  took.sort((left, right) => left - right);
  const at = (share: number): number => took[Math.floor(took.length * share)] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

function commit(): string {
  try {
    return readFileSync(new URL('../../../.git/HEAD', import.meta.url), 'utf8').startsWith('ref')
      ? execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
          encoding: 'utf8',
          cwd: new URL('../../../', import.meta.url),
          stdio: ['ignore', 'pipe', 'ignore'],
        }).trim()
      : '';
  } catch {
    return 'not committed';
  }
}

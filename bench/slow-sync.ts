// A disk whose syncs take longer: a library that stores load at their start, compiled for the run (slow-sync.c).

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPostgresPrograms } from '../src/persistence/postgres-programs.ts';

const SOURCE = fileURLToPath(new URL('../../slow-sync.c', import.meta.url));

export interface SlowSync {
  /** Runs `start` so that a program which takes over our environment has slow syncs. */
  around<Result>(start: () => Promise<Result>): Promise<Result>;
  /** A program to start in place of `postgres`, which hides our environment from it. */
  readonly postgres: string;
  remove(): void;
}

export function makeSlowSync(delayMs: number): SlowSync {
  const dir = mkdtempSync(join(tmpdir(), 'qrswitch-slow-sync-'));
  const library = join(dir, 'slow-sync.so');
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-Wall', '-o', library, SOURCE, '-ldl']);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw new Error('--fsync-delay-ms needs gcc on the PATH (Debian: apt-get install gcc)', {
      cause: error,
    });
  }
  const env = { LD_PRELOAD: library, SLOW_SYNC_US: String(Math.round(delayMs * 1000)) };
  const wrapper = join(dir, 'postgres');
  const settings = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`);
  const run = `exec '${findPostgresPrograms().postgres}' "$@"`;
  writeFileSync(wrapper, ['#!/bin/sh', ...settings, run, ''].join('\n'));
  // Postgres runs as somebody else where we are root.
  for (const path of [dir, library, wrapper]) chmodSync(path, 0o755);
  return {
    postgres: wrapper,
    async around(start) {
      Object.assign(process.env, env);
      try {
        return await start();
      } finally {
        for (const name of Object.keys(env)) delete process.env[name];
      }
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

// What happens to stores: their log's file loses its tail, they stop in the midst of their work, they are brought back
// from a backup.

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import type { RunningStores, SetUp } from './set-ups.ts';
import { createDatabase, type RedisServer, startPostgres, type TestPostgres } from './stores.ts';

/** Redis and Postgres whose faults are the test's own: nobody else uses them. */
export function onOwn(stores: { redis: RedisServer | null; postgres?: TestPostgres }): SetUp {
  const start = async (): Promise<RunningStores> => ({
    databaseUrl: await createDatabase(stores.postgres?.url ?? inject('postgresUrl'), {
      migrated: true,
    }),
    redisUrl: stores.redis?.url ?? null,
    stop: async () => {
      await stores.redis?.stop();
      await stores.postgres?.stop();
    },
  });
  return { name: 'stores of its own', start };
}

/** How long the append-only file of a Redis is. Cut there, it ends with what was done by now. */
export async function logLength(redis: RedisServer): Promise<number> {
  return (await stat(await logFile(redis))).size;
}

/** Cuts the append-only file of a Redis that does not run. */
export async function cutLog(redis: RedisServer, length: number): Promise<void> {
  await truncate(await logFile(redis), length);
}

/** Leaves a Redis that does not run with nothing, as after a mount that went wrong. */
export async function emptyFolder(redis: RedisServer): Promise<void> {
  for (const name of await readdir(redis.dir)) {
    await rm(join(redis.dir, name), { recursive: true, force: true });
  }
}

async function logFile(redis: RedisServer): Promise<string> {
  const folder = join(redis.dir, 'appendonlydir');
  const name = (await readdir(folder)).find((each) => each.endsWith('.incr.aof'));
  if (name === undefined) throw new Error(`no append-only file in ${folder}`);
  return join(folder, name);
}

/** Sends a signal to every process of a Postgres: its server alone would let its backends work on. */
export function signalPostgres({ pid }: TestPostgres, signal: NodeJS.Signals): void {
  for (const each of [pid, ...childrenOf(pid)]) {
    try {
      process.kill(each, signal);
    } catch {
      // A backend may have ended by itself.
    }
  }
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
}

function parentOf(pid: string): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** Where a Postgres keeps what it has; a copy of it, made while it does not run, is a backup. */
function clusterOf({ dir }: TestPostgres): string {
  return join(dir, 'cluster');
}

/** Copies a Postgres as it stands; it is stopped for the copy. Returns the server that runs then. */
export async function backUp(running: TestPostgres, name: string): Promise<TestPostgres> {
  const { dir, port } = running;
  await running.stop({ keep: true });
  await copy(clusterOf(running), join(dir, name));
  return startPostgres({ dir, port });
}

/** Puts a backup in the place of what the server has, which is kept as another. Returns the server that runs then. */
export async function restore(
  running: TestPostgres,
  names: { from: string; keepAs: string },
): Promise<TestPostgres> {
  const { dir, port } = running;
  await running.kill();
  await rename(clusterOf(running), join(dir, names.keepAs));
  await copy(join(dir, names.from), clusterOf(running));
  return startPostgres({ dir, port });
}

/** With owners and rights as they are: the server runs as another user where the tests run as root. */
async function copy(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', from, to]);
}

// Who owns a folder: one process at a time (E1 in embedded-postgres.ts). A dead owner's claim counts for nothing.

import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../telemetry/log.ts';
import { isAlive, seeProcess } from './processes.ts';

const POLL_MS = 100;

/** A process, so that another one of the same number is not taken for it. */
export interface Process {
  readonly pid: number;
  /** When it began, as the system counts: a number that a later process of the same pid does not have. */
  readonly began: string | null;
}

/**
 * Makes this process the owner of a folder (`owner.json`), waiting while another live process is; `onWaiting` hears
 * whom, `signal` gives up.
 */
export async function takeOwnership(
  folder: string,
  options: { logger: Logger; onWaiting?: (ownerPid: number) => void; signal?: AbortSignal },
): Promise<void> {
  const path = join(folder, 'owner.json');
  const draft = join(folder, `owner.${process.pid}.json`);
  const self: Process = { pid: process.pid, began: beganAt(process.pid) };
  await writeFile(draft, JSON.stringify(self));
  try {
    let told = 0;
    while (!(await linked(draft, path))) {
      options.signal?.throwIfAborted();
      const owner = await readProcess(path);
      if (owner === null || !isSameProcess(owner)) {
        await removeStale(path, owner);
        continue;
      }
      if (owner.pid === process.pid) {
        throw new Error(`this process already runs the Postgres in ${folder}`);
      }
      if (owner.pid !== told) {
        told = owner.pid;
        options.logger.warn(
          { owner: told, folder },
          `waiting for process ${told}, which owns ${folder}`,
        );
        options.onWaiting?.(told);
      }
      await pause(
        POLL_MS,
        undefined,
        options.signal === undefined ? {} : { signal: options.signal },
      );
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Takes a dead owner's file away; puts it back where another has become owner in between. */
async function removeStale(path: string, seen: Process | null): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const moved = await readProcess(aside);
  if (moved !== null && moved.pid !== seen?.pid && isSameProcess(moved)) await linked(aside, path);
  await rm(aside, { force: true });
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readProcess(path: string): Promise<Process | null> {
  try {
    const found = JSON.parse(await readFile(path, 'utf8')) as Partial<Process>;
    return typeof found.pid === 'number' ? { pid: found.pid, began: found.began ?? null } : null;
  } catch {
    return null;
  }
}

function isSameProcess({ pid, began }: Process): boolean {
  return isAlive(pid) && (began === null || began === beganAt(pid));
}

/** Null where the system does not tell. */
export function beganAt(pid: number): string | null {
  return seeProcess(pid)?.began ?? null;
}

/** Gives the folder up. */
export async function releaseOwnership(folder: string): Promise<void> {
  await rm(join(folder, 'owner.json'), { force: true });
}

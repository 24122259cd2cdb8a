// What a store with the log must be able to do, for its power to be cut.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { FaultyDisk } from '../support/faulty-disk.ts';

/** When the store syncs what it acknowledges. Of Postgres: `always` is fsync=on, everything else fsync=off. */
export type Policy = 'always' | 'everysec' | 'no';

/** What the cut took, in bytes. */
export interface Torn {
  /** Written, and not synced. */
  readonly unsynced: number;
  /** Of that, what had reached the disk all the same. */
  readonly kept: number;
}

export interface Power {
  readonly disk: FaultyDisk;
  readonly redisUrl?: string;
  readonly postgresUrl?: string;
  /** Starts at which a person had to repair the log. */
  readonly repairs: number;
  /** Takes what is there now as being on the disk. */
  settle?(): Promise<void>;
  /** Makes the store tidy up its log. */
  disturb(): Promise<void>;
  /** Stops all that the store does, children included, at one instant. */
  freeze(): Promise<void>;
  /** The power goes. Call `freeze` before. */
  cut(random: Random): Promise<Torn>;
  /** The power comes back. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const STOPPED_MS = 5_000;

/** SIGSTOP; resolves once every thread stands still. */
export async function stopped(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const deadline = performance.now() + STOPPED_MS;
  while (!isStopped(pid)) {
    if (performance.now() > deadline) throw new Error(`process ${pid} does not stop`);
    await pause(1);
  }
}

export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  );
}

/** True of a process that is gone as well. */
function isStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((task) => {
      const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
      return /^[TZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
    });
  } catch {
    return true;
  }
}

// Processes of this machine, as the system shows them.

import { readFileSync } from 'node:fs';

export interface SeenProcess {
  /** When it began, in clock ticks since boot: a number that a later process of the same pid does not have. */
  readonly began: string;
  /** It has ended, and its parent has not asked after it yet. */
  readonly isZombie: boolean;
}

/** Undefined where /proc does not show the process, or not to us. */
export function seeProcess(pid: number): SeenProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold anything; the fields after the last bracket are plain, the 20th of them the time.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const began = fields[19];
    return began === undefined ? undefined : { began, isZombie: fields[0] === 'Z' };
  } catch {
    return undefined;
  }
}

/** Whether a process of this pid exists, our own or another's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

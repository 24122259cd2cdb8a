// Who holds a lease: the node's name for people, and enough to know for certain that a holder on this machine is dead,
// so that nobody waits for it.

import { readFileSync, readlinkSync } from 'node:fs';
import { isAlive, seeProcess } from './persistence/processes.ts';

/** A worker of a process of a node. */
export interface LeaseHolder {
  readonly node: string;
  readonly pid: number;
  readonly worker: number;
  /** Drawn by the process at its start. */
  readonly process: string;
  /** How often the process has begun this worker. */
  readonly life: number;
  /** Boot of the machine and name space of the pid; a pid means nothing beyond them. */
  readonly machine: string;
  /** When the process began, in clock ticks since boot. */
  readonly begun: string;
}

const UNKNOWN = 'unknown';
const ENDED = 'ended';

/** What only this process is. */
export function makeHolder(of: {
  node: string;
  process: string;
  worker: number;
  life: number;
}): LeaseHolder {
  const { pid } = process;
  return { ...of, pid, machine: machine(), begun: begun(pid) ?? UNKNOWN };
}

export function formatHolder(holder: LeaseHolder): string {
  return JSON.stringify(holder);
}

/** How a person reads it. */
export function describeHolder(text: string): string {
  const holder = readHolder(text);
  if (holder === undefined) return text;
  return `${holder.node} (pid ${holder.pid}, worker ${holder.worker})`;
}

/**
 * Whether a holder is dead for certain, seen from `self`: an earlier life of the same worker, or a process of this very
 * machine that runs no more. False wherever it cannot be known.
 */
export function isGone(text: string, self: LeaseHolder): boolean {
  const holder = readHolder(text);
  if (holder === undefined) return false;
  if (holder.process === self.process)
    return holder.worker === self.worker && holder.life < self.life;
  if (holder.machine !== self.machine || holder.machine.includes(UNKNOWN)) return false;
  if (holder.begun === UNKNOWN) return false;
  const now = begun(holder.pid);
  // What /proc does not show may run all the same, hidden from us.
  return now === undefined ? !isAlive(holder.pid) : now !== holder.begun;
}

/** Whether a holder is a worker of this very process, in whichever life. */
export function isOfProcess(text: string, self: LeaseHolder): boolean {
  return readHolder(text)?.process === self.process;
}

function readHolder(text: string): LeaseHolder | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return isHolder(read) ? read : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(read: unknown): read is LeaseHolder {
  if (typeof read !== 'object' || read === null) return false;
  const {
    node,
    pid,
    worker,
    process: drawn,
    life,
    machine: where,
    begun: when,
  } = read as LeaseHolder;
  return (
    typeof node === 'string' &&
    typeof pid === 'number' &&
    typeof worker === 'number' &&
    typeof drawn === 'string' &&
    typeof life === 'number' &&
    typeof where === 'string' &&
    typeof when === 'string'
  );
}

function machine(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return UNKNOWN;
  }
}

/** When a process began; ENDED for a zombie. */
function begun(pid: number): string | undefined {
  const seen = seeProcess(pid);
  return seen?.isZombie === true ? ENDED : seen?.began;
}

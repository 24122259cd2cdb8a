// Processor time by process and thread, from /proc. Linux alone; elsewhere every figure is zero.

import { readdirSync, readFileSync } from 'node:fs';

/** Nanoseconds used so far, by the name under which they are shown. */
export type CpuUse = ReadonlyMap<string, number>;

const TICK_NS = 10_000_000;

/** All threads of a process together. */
export function processUse(pid: number, name: string): CpuUse {
  let total = 0;
  for (const [, ns] of threadsOf(pid)) total += ns;
  return new Map([[name, total]]);
}

/** Each thread of a process by itself, named by `nameOf` its number and place; what returns '' goes under `rest`. */
export function threadUse(pid: number, nameOf: (tid: number) => string, rest: string): CpuUse {
  const use = new Map<string, number>();
  for (const [tid, ns] of threadsOf(pid)) addTo(use, nameOf(tid) || rest, ns);
  return use;
}

/**
 * A Postgres with all its children: those that have ended count by what the server has inherited from them, so that the
 * difference of two readings holds what every child used in between.
 */
export function postgresUse(pid: number): CpuUse {
  const use = new Map<string, number>();
  for (const child of childrenOf(pid)) {
    for (const [, ns] of threadsOf(child)) addTo(use, roleOf(child), ns);
  }
  addTo(use, 'postgres: backends', inheritedNs(pid));
  return use;
}

/** What children of this very process used that have ended and been waited for. */
export function endedChildrenUse(name: string): CpuUse {
  return new Map([[name, inheritedNs(process.pid)]]);
}

export function difference(before: CpuUse, after: CpuUse): Map<string, number> {
  const used = new Map<string, number>();
  for (const [name, ns] of after) {
    const spent = ns - (before.get(name) ?? 0);
    if (spent > 0) used.set(name, spent);
  }
  return used;
}

export function joined(...all: readonly CpuUse[]): CpuUse {
  const use = new Map<string, number>();
  for (const one of all) for (const [name, ns] of one) addTo(use, name, ns);
  return use;
}

/** Thread numbers of a process, oldest first. */
export function threadIds(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map(Number)
      .sort((left, right) => left - right);
  } catch {
    return [];
  }
}

function threadsOf(pid: number): [tid: number, ns: number][] {
  return threadIds(pid).flatMap((tid): [number, number][] => {
    const [ns] = readText(`/proc/${pid}/task/${tid}/schedstat`).split(' ');
    return ns === undefined || ns === '' ? [] : [[tid, Number(ns)]];
  });
}

function childrenOf(pid: number): number[] {
  return readText(`/proc/${pid}/task/${pid}/children`)
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
}

function roleOf(pid: number): string {
  const title = readText(`/proc/${pid}/cmdline`);
  const role = /^postgres: (checkpointer|background writer|walwriter|autovacuum|io worker)/.exec(
    title,
  );
  return role === null ? 'postgres: backends' : `postgres: ${role[1]}`;
}

/** cutime and cstime of proc(5); the command's name before them may hold spaces. */
function inheritedNs(pid: number): number {
  const text = readText(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * TICK_NS;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function addTo(use: Map<string, number>, name: string, ns: number): void {
  use.set(name, (use.get(name) ?? 0) + ns);
}

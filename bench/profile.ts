// `profile`: where each thread of the switch spends its time under the lifecycle load. V8 samples every thread and writes
// a profile at its end; here they are summed by function and by file. Sampling costs: these are shares, not speeds.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { table } from './report.ts';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const TOP = 30;

/** A folder for the profiles of one run. */
export function profileFolder(given: string | null): string {
  const folder = given === null ? mkdtempSync(join(tmpdir(), 'qrswitch-profile-')) : resolve(given);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** What the profiles in a folder say, one section a thread, the busiest first. */
export function describeProfiles(folder: string): string {
  const threads = readdirSync(folder)
    .filter((file) => file.endsWith('.cpuprofile'))
    .map((file) => ({
      file,
      ...selfTimes(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile),
    }))
    .sort((left, right) => right.busyUs - left.busyUs);
  return threads
    .map(({ file, busyUs, byFunction, byFile }) =>
      [
        `## ${file}: ${threadName(byFile)}, busy for ${(busyUs / 1e6).toFixed(1)} s`,
        sharesTable('function', byFunction, busyUs),
        sharesTable('file or library', byFile, busyUs),
      ].join('\n\n'),
    )
    .join('\n\n');
}

export function selfTimes(profile: CpuProfile): {
  busyUs: number;
  byFunction: Map<string, number>;
  byFile: Map<string, number>;
} {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byFunction = new Map<string, number>();
  const byFile = new Map<string, number>();
  let busyUs = 0;
  profile.samples.forEach((id, index) => {
    const frame = frames.get(id);
    const us = profile.timeDeltas[index] ?? 0;
    if (frame === undefined || frame.functionName === '(idle)') return;
    busyUs += us;
    const place = placeOf(frame);
    addTo(byFile, place, us);
    addTo(byFunction, `${frame.functionName || '(anonymous)'} ${place}:${frame.lineNumber + 1}`, us);
  });
  return { busyUs, byFunction, byFile };
}

/** The module below `dist`, the library, or what V8 does itself. */
function placeOf({ url, functionName }: CallFrame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const library = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (library !== undefined) return library;
  return url.replace(/^.*\/dist\//, '');
}

function threadName(byFile: ReadonlyMap<string, number>): string {
  const has = (part: string): boolean => [...byFile.keys()].some((file) => file.includes(part));
  if (has('switch/shard.js')) return 'a worker';
  return has('protocols/gateway/') ? 'a gateway' : 'the main thread';
}

function sharesTable(
  head: string,
  times: ReadonlyMap<string, number>,
  busyUs: number,
): string {
  const rows = [...times]
    .sort(([, left], [, right]) => right - left)
    .slice(0, TOP)
    .map(([name, us]) => [`${((us / busyUs) * 100).toFixed(1)} %`, name]);
  return table(['self', head], rows);
}

function addTo(times: Map<string, number>, name: string, us: number): void {
  times.set(name, (times.get(name) ?? 0) + us);
}

// `profile`: where each thread of the switch spends its time under the lifecycle load. V8 samples every thread and writes
// a profile at its end; here they are summed by function and by file, and drawn as flame graphs. Sampling costs: these
// are shares, not speeds.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { drawFlames, type Frame, type Stack } from './flame.ts';
import { describeRun } from './machine.ts';
import { measureSwitch, sayMeasured } from './measure.ts';
import { table } from './report.ts';
import { publishResults } from './results.ts';
import { readSettings } from './settings.ts';
import { type CallFrame, readMap, sourcedBy, threadName } from './sourced.ts';
import { say, withSwitch } from './under-test.ts';

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const TOP = 30;
const MODULE_LOADER = 'node:internal/modules';

/** Runs the lifecycle load once under V8's profiler, and says where the time went. */
export async function profile(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const folder = profileFolder(settings.cpuProf);
  const nodeFlags = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  await withSwitch(settings, nodeFlags, async (stores, under) => {
    for (const protocol of settings.protocols) {
      const concurrency = Math.max(...settings.concurrency);
      const measured = await measureSwitch({ settings, stores, under }, protocol, concurrency);
      say(`${protocol} with ${concurrency} in flight, profiled: ${sayMeasured(measured)}`);
    }
  });
  const threads = readProfiles(folder);
  const plots = threads.map(({ name, busyUs, profile: each }, i) => ({
    name: `${i + 1}-${name.replaceAll(' ', '-')}`,
    svg: drawFlames(`${name}: ${(busyUs / 1e6).toFixed(1)} s busy`, stacksOf(each)),
  }));
  const text = [
    `# Where the threads of the switch spend their time (${new Date().toISOString()})`,
    'V8’s sampling profiler under the lifecycle load; idle time is left out. Sampling costs: these are shares, not speeds.',
    table(['where', ''], Object.entries(describeRun(settings))),
    describeProfiles(threads),
    `The profiles themselves are in ${folder}.`,
  ].join('\n\n');
  publishResults('profile', { text, json: { settings, folder }, plots });
}

interface Thread {
  readonly file: string;
  readonly name: string;
  readonly busyUs: number;
  readonly profile: CpuProfile;
  readonly times: ReturnType<typeof selfTimes>;
}

/** The profiles of a folder, the busiest first. */
function readProfiles(folder: string): Thread[] {
  const sourced = sourcedBy(readMap);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.cpuprofile'))
    .map((file) => {
      const read = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
      const name = threadName(read.nodes.map(({ callFrame }) => callFrame.url));
      const nodes = read.nodes.map((node) => ({ ...node, callFrame: sourced(node.callFrame) }));
      const each = { ...read, nodes };
      const times = selfTimes(each);
      return { file, name, busyUs: times.busyUs, profile: each, times };
    })
    .sort((left, right) => right.busyUs - left.busyUs);
}

/** A folder for the profiles of one run. */
function profileFolder(given: string | null): string {
  const folder = given === null ? mkdtempSync(join(tmpdir(), 'qrswitch-profile-')) : resolve(given);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** What profiles say, one section a thread. */
function describeProfiles(threads: readonly Thread[]): string {
  return threads
    .map(({ file, name, busyUs, times: { byFunction, byCaller, byFile } }) =>
      [
        `## ${file}: ${name}, busy for ${(busyUs / 1e6).toFixed(1)} s`,
        sharesTable('self', 'function', byFunction, busyUs),
        sharesTable('with callees', 'function of ours', byCaller, busyUs),
        sharesTable('self', 'file or library', byFile, busyUs),
      ].join('\n\n'),
    )
    .join('\n\n');
}

/** The stacks of a profile's samples, outermost first, without what was idle or loaded the program. */
export function stacksOf(profile: CpuProfile): Stack[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const { id, children } of profile.nodes) {
    for (const child of children ?? []) parents.set(child, id);
  }
  const known = new Map<number, Frame[]>();
  const stackOf = (id: number): Frame[] => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const frame = nodes.get(id)?.callFrame;
    const parent = parents.get(id);
    const isRoot = frame === undefined || frame.functionName === '(root)';
    const below = parent === undefined ? [] : stackOf(parent);
    const stack = isRoot ? below : [...below, flameOf(frame)];
    known.set(id, stack);
    return stack;
  };
  const usByNode = new Map<number, number>();
  profile.samples.forEach((id, index) => {
    if (nodes.get(id)?.callFrame.functionName === '(idle)') return;
    usByNode.set(id, (usByNode.get(id) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  return [...usByNode]
    .map(([id, us]) => ({ frames: stackOf(id), us }))
    .filter(({ frames }) => !frames.some(({ name }) => name.includes(MODULE_LOADER)));
}

function flameOf(frame: CallFrame): Frame {
  const kind = isOurs(frame) ? 'ours' : frame.url.includes('node_modules') ? 'library' : 'native';
  return { name: `${frame.functionName || '(anonymous)'} ${placeOf(frame)}`, kind };
}

export function selfTimes(profile: CpuProfile): {
  busyUs: number;
  byFunction: Map<string, number>;
  /** With all that it called. */
  byCaller: Map<string, number>;
  byFile: Map<string, number>;
} {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const callersOf = callers(profile, frames);
  const byCaller = new Map<string, number>();
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
    addTo(byFunction, nameOf(frame), us);
    for (const name of callersOf(id)) addTo(byCaller, name, us);
  });
  return { busyUs, byFunction, byCaller, byFile };
}

/** The functions of ours on the stack of each node, each once however deep it recurs. */
function callers(
  profile: CpuProfile,
  frames: ReadonlyMap<number, CallFrame>,
): (id: number) => ReadonlySet<string> {
  const parents = new Map<number, number>();
  for (const { id, children } of profile.nodes) {
    for (const child of children ?? []) parents.set(child, id);
  }
  const known = new Map<number, ReadonlySet<string>>();
  const find = (id: number): ReadonlySet<string> => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const parent = parents.get(id);
    const names = new Set(parent === undefined ? [] : find(parent));
    const frame = frames.get(id);
    if (frame !== undefined && isOurs(frame)) names.add(nameOf(frame));
    known.set(id, names);
    return names;
  };
  return find;
}

function nameOf(frame: CallFrame): string {
  return `${frame.functionName || '(anonymous)'} ${placeOf(frame)}:${frame.lineNumber + 1}`;
}

function isOurs({ url }: CallFrame): boolean {
  return url.startsWith('file:') && !url.includes('node_modules');
}

/** The module below `src`, the library, or what V8 does itself. */
function placeOf({ url, functionName }: CallFrame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const library = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (library !== undefined) return library;
  return url.replace(/^.*\/(src|dist)\//, '');
}

function sharesTable(
  share: string,
  head: string,
  times: ReadonlyMap<string, number>,
  busyUs: number,
): string {
  const rows = [...times]
    .sort(([, left], [, right]) => right - left)
    .slice(0, TOP)
    .map(([name, us]) => [`${((us / busyUs) * 100).toFixed(1)} %`, name]);
  return table([share, head], rows);
}

function addTo(times: Map<string, number>, name: string, us: number): void {
  times.set(name, (times.get(name) ?? 0) + us);
}

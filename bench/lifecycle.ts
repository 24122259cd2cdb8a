// `lifecycle`: how many durable bill lifecycles a second, beside the same lifecycle as plain SQL in the same run.
//
// First each protocol is tried at rising concurrency; then its best one runs in rounds with its peers, each round in the
// opposite order of the one before, so that what changes on the machine meanwhile meets all of them alike. A lifecycle
// counts if its last answer came within the window; every lifecycle of a run must be in Postgres at its end.

import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkBooks } from './books.ts';
import {
  type CpuUse,
  difference,
  endedChildrenUse,
  joined,
  postgresUse,
  processUse,
} from './cpu.ts';
import type { LoadOutcome, Protocol } from './load/messages.ts';
import { runLoad } from './load-process.ts';
import { describeMachine, loadBefore, measureSync } from './machine.ts';
import { pgbenchVersion, runPgbench, type SqlStyle } from './pgbench.ts';
import { describeProfiles, profileFolder } from './profile.ts';
import { ratioOf, shown, spreadOf, table } from './report.ts';
import { type Stores, startStores } from './stores.ts';
import { type SwitchProcess, startSwitch } from './switch-process.ts';

const PROTOCOLS: readonly Protocol[] = ['ws-msgpack', 'ws-json', 'http'];
const SQL_PEERS: readonly { style: SqlStyle; clients: number }[] = [
  { style: 'interactive', clients: 8 },
  { style: 'single', clients: 8 },
  { style: 'interactive', clients: 32 },
  { style: 'single', clients: 32 },
];
const BEHIND_MAX_MS = 1_000;
const RESULTS = new URL('../../results/', import.meta.url);

const METHOD = [
  'Closed loop: each lifecycle in flight begins the next when it is confirmed; each step waits for the answer before it.',
  'The load generator runs on the same cores, as a process of its own. A lifecycle is 5 requests and 1 event pushed to',
  'the terminal (over HTTP the calls go by HTTP, the event still comes by WebSocket). Redis `appendfsync always`; Postgres',
  'with fsync, full_page_writes and synchronous_commit on. Every lifecycle of a run was found in Postgres at its end, whole',
  'and balanced. `behind`: how long after the last answer Postgres had it all. pgbench writes the same rows in the same',
  'tables, and looks up one key a request, which the switch caches.',
].join('\n');

interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly concurrency: readonly number[];
  readonly protocols: readonly Protocol[];
  readonly terminals: number;
  readonly wallets: number;
  readonly main: string;
  readonly cpuProf: string | null;
  /** For the switch: options, by variable. */
  readonly env: Readonly<Record<string, string>>;
  /** For the switch's node. */
  readonly nodeFlags: readonly string[];
}

/** One contestant's run in one round. */
interface Measured {
  readonly contestant: string;
  readonly perSecond: number;
  readonly lifecycles: number;
  readonly latencyMs?: LoadOutcome['lifecycleMs'];
  readonly payToEventMs?: LoadOutcome['payToEventMs'];
  readonly eventsRepeated?: number;
  readonly behindMs?: number;
  /** Microseconds of processor time a lifecycle, by process and thread. */
  readonly cpuUs: Readonly<Record<string, number>>;
}

type Contestant = { readonly name: string; run(): Promise<Measured> };

export async function lifecycle(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const about = {
    ...describeMachine(),
    pgbench: pgbenchVersion(),
    'load average before': loadBefore(),
    ...syncFigures(),
  };
  await withSwitch(settings, [], async (stores, under) => {
    const tried = await sweep(settings, stores, under);
    const rounds = await alternate(settings, stores, under, tried);
    publish(settings, { ...about, ...stores.described }, tried, rounds);
  });
}

/** Runs the lifecycle load alone, round after round: for trying a change of the switch or of its options. */
export async function load(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  await withSwitch(settings, [], async (stores, under) => {
    const rounds = new Map<string, Measured[]>();
    for (let round = 1; round <= settings.rounds; round++) {
      for (const protocol of settings.protocols) {
        for (const concurrency of settings.concurrency) {
          await stores.settle();
          const measured = await measureSwitch(settings, stores, under, protocol, concurrency);
          const name = measured.contestant;
          say(`round ${round} of ${settings.rounds}, ${name}: ${sayMeasured(measured)}`);
          rounds.set(name, [...(rounds.get(name) ?? []), measured]);
        }
      }
    }
    process.stdout.write(`${roundsTable(rounds)}\n\n${cpuTable(rounds)}\n`);
  });
}

/** Runs the lifecycle load once under V8's profiler, and says where the time went. */
export async function profile(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const folder = profileFolder(settings.cpuProf);
  const nodeFlags = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  await withSwitch(settings, nodeFlags, async (stores, under) => {
    for (const protocol of settings.protocols) {
      const concurrency = Math.max(...settings.concurrency);
      const measured = await measureSwitch(settings, stores, under, protocol, concurrency);
      say(`${protocol} with ${concurrency} in flight, profiled: ${sayMeasured(measured)}`);
    }
  });
  process.stdout.write(`${describeProfiles(folder)}\n\nThe profiles are in ${folder}\n`);
}

/** Brings up stores and switch, and takes them down whatever happens; a failure comes with the switch's last words. */
async function withSwitch(
  settings: Settings,
  nodeFlags: readonly string[],
  use: (stores: Stores, under: SwitchProcess) => Promise<void>,
): Promise<void> {
  say('starting Redis, Postgres and the switch');
  const stores = await startStores();
  try {
    const flags = [...settings.nodeFlags, ...nodeFlags];
    const under = await startSwitch({ ...settings, stores, nodeFlags: flags });
    try {
      await use(stores, under);
    } catch (error) {
      say(`the switch's log ends so:\n${await under.logTail()}`);
      throw error;
    } finally {
      say('stopping');
      await under.stop();
    }
  } finally {
    await stores.stop();
  }
}

/** Each protocol at each concurrency, once. */
async function sweep(
  settings: Settings,
  stores: Stores,
  under: SwitchProcess,
): Promise<Map<Protocol, { concurrency: number; measured: Measured }[]>> {
  const tried = new Map<Protocol, { concurrency: number; measured: Measured }[]>();
  for (const protocol of settings.protocols) {
    const steps: { concurrency: number; measured: Measured }[] = [];
    for (const concurrency of settings.concurrency) {
      await stores.settle();
      const measured = await measureSwitch(settings, stores, under, protocol, concurrency);
      say(`${protocol} with ${concurrency} in flight: ${sayMeasured(measured)}`);
      steps.push({ concurrency, measured });
    }
    tried.set(protocol, steps);
  }
  return tried;
}

async function alternate(
  settings: Settings,
  stores: Stores,
  under: SwitchProcess,
  tried: ReadonlyMap<Protocol, readonly { concurrency: number; measured: Measured }[]>,
): Promise<Map<string, Measured[]>> {
  const ours: Contestant[] = settings.protocols.map((protocol) => {
    const best = [...(tried.get(protocol) ?? [])].sort(
      (left, right) => right.measured.perSecond - left.measured.perSecond,
    )[0];
    const concurrency = best?.concurrency ?? 64;
    return {
      name: protocol,
      run: () => measureSwitch(settings, stores, under, protocol, concurrency),
    };
  });
  const peers: Contestant[] = SQL_PEERS.map(({ style, clients }) => ({
    name: `pgbench ${style} c=${clients}`,
    run: () => measureSql(settings, stores, style, clients),
  }));
  const all = interleaved(ours, peers);
  const rounds = new Map<string, Measured[]>(all.map(({ name }) => [name, []]));
  for (let round = 1; round <= settings.rounds; round++) {
    for (const { name, run } of round % 2 === 1 ? all : [...all].reverse()) {
      await stores.settle();
      const measured = await run();
      say(`round ${round} of ${settings.rounds}, ${name}: ${sayMeasured(measured)}`);
      rounds.get(name)?.push(measured);
    }
  }
  return rounds;
}

/** Peers between ours, so that both see the same of the machine. */
function interleaved(ours: readonly Contestant[], peers: readonly Contestant[]): Contestant[] {
  const all: Contestant[] = [];
  for (let i = 0; i < Math.max(ours.length, peers.length); i++) {
    all.push(...peers.slice(i, i + 1), ...ours.slice(i, i + 1));
  }
  return all;
}

let runs = 0;

async function measureSwitch(
  settings: Settings,
  stores: Stores,
  under: SwitchProcess,
  protocol: Protocol,
  concurrency: number,
): Promise<Measured> {
  runs++;
  const run = `r${runs}-${Date.now().toString(36)}`;
  const terminals = under.terminals.slice(0, Math.min(settings.terminals, concurrency));
  const readUse = (): CpuUse =>
    joined(
      under.use(),
      processUse(stores.redis.pid, 'redis'),
      postgresUse(stores.postgres.pid),
      processUse(process.pid, 'benchmark'),
    );
  const task = {
    protocol,
    port: under.port,
    terminals,
    wallet: under.wallet,
    walletConnections: Math.min(settings.wallets, concurrency),
    concurrency,
    warmUpMs: settings.warmUp * 1000,
    measureMs: settings.seconds * 1000,
    run,
  };
  const { outcome, used } = await runLoad(task, readUse);
  const behindMs = await checkBooks({
    url: stores.switchUrl,
    run,
    terminals: terminals.map(({ id }) => id),
    outcome,
  });
  return {
    contestant: `${protocol} c=${concurrency}`,
    perSecond: outcome.measured / (outcome.windowMs / 1000),
    lifecycles: outcome.completed,
    latencyMs: outcome.lifecycleMs,
    payToEventMs: outcome.payToEventMs,
    eventsRepeated: outcome.eventsRepeated,
    behindMs,
    cpuUs: perLifecycle(used, outcome.measured),
  };
}

async function measureSql(
  settings: Settings,
  stores: Stores,
  style: SqlStyle,
  clients: number,
): Promise<Measured> {
  const readUse = (): CpuUse =>
    joined(postgresUse(stores.postgres.pid), endedChildrenUse('pgbench'));
  const before = readUse();
  const seconds = settings.seconds + settings.warmUp;
  const outcome = await runPgbench({ url: stores.peerUrl, style, clients, seconds });
  return {
    contestant: `pgbench ${style} c=${clients}`,
    perSecond: outcome.measured / (outcome.windowMs / 1000),
    lifecycles: outcome.measured,
    cpuUs: perLifecycle(difference(before, readUse()), outcome.measured),
  };
}

function perLifecycle(
  used: ReadonlyMap<string, number>,
  lifecycles: number,
): Record<string, number> {
  return Object.fromEntries([...used].map(([name, ns]) => [name, ns / 1000 / lifecycles]));
}

function publish(
  settings: Settings,
  about: Readonly<Record<string, string>>,
  tried: ReadonlyMap<Protocol, readonly { concurrency: number; measured: Measured }[]>,
  rounds: ReadonlyMap<string, readonly Measured[]>,
): void {
  const text = [
    `# Durable bill lifecycles a second (${new Date().toISOString()})`,
    METHOD,
    table(['where', ''], Object.entries(about)),
    '## Rising concurrency, one run each',
    sweepTable(tried),
    `## ${settings.rounds} alternating rounds of ${settings.seconds} s, after ${settings.warmUp} s of warm-up: median (min-max)`,
    roundsTable(rounds),
    '## Lifecycles to those of pgbench in the same round, the better of 8 and 32 clients: median (min-max)',
    ratioTable(settings, rounds),
    '## Processor time, µs a lifecycle (median)',
    cpuTable(rounds),
  ].join('\n\n');
  mkdirSync(RESULTS, { recursive: true });
  const stamp = new Date().toISOString().replace(/[:.]/g, '-');
  const json = {
    settings,
    about,
    tried: Object.fromEntries(tried),
    rounds: Object.fromEntries(rounds),
  };
  writeFileSync(new URL(`lifecycle-${stamp}.json`, RESULTS), `${JSON.stringify(json, null, 2)}\n`);
  writeFileSync(new URL(`lifecycle-${stamp}.md`, RESULTS), `${text}\n`);
  process.stdout.write(`\n${text}\n\nbench/results/lifecycle-${stamp}.json, .md\n`);
}

function sweepTable(
  tried: ReadonlyMap<Protocol, readonly { concurrency: number; measured: Measured }[]>,
): string {
  const rows = [...tried].flatMap(([protocol, steps]) =>
    steps.map(({ concurrency, measured }) => [
      protocol,
      String(concurrency),
      measured.perSecond.toFixed(0),
      ...latencies(measured),
    ]),
  );
  return table(
    [
      'protocol',
      'in flight',
      'lifecycles/s',
      'lifecycle p50, p99 ms',
      'pay → event p50, p99 ms',
      'behind',
    ],
    rows,
  );
}

function latencies({ latencyMs, payToEventMs, behindMs }: Measured): string[] {
  const pair = (of: LoadOutcome['lifecycleMs'] | undefined): string =>
    of === undefined ? '' : `${of.p50.toFixed(1)}, ${of.p99.toFixed(1)}`;
  const behind =
    behindMs === undefined ? '' : `${behindMs} ms${behindMs > BEHIND_MAX_MS ? ' (!)' : ''}`;
  return [pair(latencyMs), pair(payToEventMs), behind];
}

function roundsTable(rounds: ReadonlyMap<string, readonly Measured[]>): string {
  const rows = [...rounds.values()].map((all) => {
    const behind = all.flatMap(({ behindMs }) => behindMs ?? []);
    return [
      all[0]?.contestant ?? '',
      shown(spreadOf(all.map(({ perSecond }) => perSecond))),
      all.map(({ perSecond }) => perSecond.toFixed(0)).join(' '),
      behind.length === 0
        ? ''
        : `${Math.max(...behind)} ms${Math.max(...behind) > BEHIND_MAX_MS ? ' (!)' : ''}`,
    ];
  });
  return table(['contestant', 'lifecycles/s', 'each round', 'behind at most'], rows);
}

function ratioTable(settings: Settings, rounds: ReadonlyMap<string, readonly Measured[]>): string {
  const values = (name: string, of: (measured: Measured) => number): number[] =>
    (rounds.get(name) ?? []).map(of);
  /** Of a style's peers the better one of each round. */
  const best = (style: SqlStyle, of: (measured: Measured) => number): number[] => {
    const all = SQL_PEERS.filter((peer) => peer.style === style).map(({ clients }) =>
      values(`pgbench ${style} c=${clients}`, of),
    );
    return (all[0] ?? []).map((_, round) => Math.max(...all.map((each) => each[round] ?? 0)));
  };
  const perSecond = (measured: Measured): number => measured.perSecond;
  const perCpuSecond = (measured: Measured): number => 1e6 / cpuOf(measured);
  const rows = settings.protocols.map((protocol) => [
    protocol,
    ...[perSecond, perCpuSecond].flatMap((of) => [
      shown(ratioOf(values(protocol, of), best('interactive', of)), 2),
      shown(ratioOf(values(protocol, of), best('single', of)), 2),
    ]),
  ]);
  return table(
    [
      'protocol',
      'a second: interactive',
      'a second: single',
      'a second of processor: interactive',
      'a second of processor: single',
    ],
    rows,
  );
}

/** All processes together, the load's own included. */
function cpuOf({ cpuUs }: Measured): number {
  return Object.values(cpuUs).reduce((sum, us) => sum + us, 0);
}

function cpuTable(rounds: ReadonlyMap<string, readonly Measured[]>): string {
  const names = new Set([...rounds.values()].flat().flatMap(({ cpuUs }) => Object.keys(cpuUs)));
  const rows = [...names].map((name) => [
    name,
    ...[...rounds.values()].map((all) => {
      const values = all.map(({ cpuUs }) => cpuUs[name] ?? 0);
      const { median } = spreadOf(values);
      return median === 0 ? '' : median.toFixed(0);
    }),
  ]);
  const total = [...rounds.values()].map((all) => spreadOf(all.map(cpuOf)).median.toFixed(0));
  rows.sort((left, right) => (left[0] ?? '').localeCompare(right[0] ?? ''));
  return table(['', ...rounds.keys()], [...rows, ['all', ...total]]);
}

function sayMeasured(measured: Measured): string {
  const { perSecond, behindMs, payToEventMs } = measured;
  const rest =
    payToEventMs === undefined
      ? ''
      : `, pay → event p99 ${payToEventMs.p99.toFixed(1)} ms, ${behindMs} ms behind`;
  return `${perSecond.toFixed(0)} lifecycles/s${rest}`;
}

function syncFigures(): Record<string, string> {
  const { p50Ms, p99Ms } = measureSync();
  return {
    'fdatasync of a 512 B append': `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
  };
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
}

function readSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '6' },
      'warm-up': { type: 'string', default: '2' },
      concurrency: { type: 'string', default: '8,32,128,256' },
      protocols: { type: 'string', default: PROTOCOLS.join(',') },
      terminals: { type: 'string', default: '64' },
      wallets: { type: 'string', default: '4' },
      main: { type: 'string', default: 'dist/main.js' },
      'cpu-prof': { type: 'string' },
      env: { type: 'string', multiple: true, default: [] },
      node: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
    },
  });
  const protocols = values.protocols.split(',').map((name) => {
    const known = PROTOCOLS.find((protocol) => protocol === name);
    if (known === undefined)
      throw new Error(`--protocols: ${name} is none of ${PROTOCOLS.join(', ')}`);
    return known;
  });
  return {
    rounds: values.quick ? 1 : positive('rounds', values.rounds),
    seconds: values.quick ? 2 : positive('seconds', values.seconds),
    warmUp: values.quick ? 1 : positive('warm-up', values['warm-up']),
    concurrency: values.concurrency.split(',').map((text) => positive('concurrency', text)),
    protocols,
    terminals: positive('terminals', values.terminals),
    wallets: positive('wallets', values.wallets),
    main: values.main,
    cpuProf: values['cpu-prof'] ?? null,
    env: Object.fromEntries(
      values.env.map((pair) => [pair.replace(/=.*/s, ''), pair.replace(/^[^=]*=?/, '')]),
    ),
    nodeFlags: values.node,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name}: ${text} is not a number above 0`);
  return value;
}

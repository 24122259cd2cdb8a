// What the lifecycle benchmark tells: tables for people, JSON for programs.

import { mkdirSync, writeFileSync } from 'node:fs';
import type { LoadOutcome, Protocol } from './load/messages.ts';
import type { SqlStyle } from './pgbench.ts';
import { ratioOf, shown, spreadOf, table } from './report.ts';
import type { Settings } from './settings.ts';

export const SQL_PEERS: readonly { style: SqlStyle; clients: number }[] = [
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

/** One contestant's run in one round. */
export interface Measured {
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

export function publish(
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

export function roundsTable(rounds: ReadonlyMap<string, readonly Measured[]>): string {
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

export function cpuTable(rounds: ReadonlyMap<string, readonly Measured[]>): string {
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

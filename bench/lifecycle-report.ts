// What the lifecycle benchmark tells: tables for people, JSON for programs, plots.

import { lineChart, spreadChart } from './charts.ts';
import type { Tried } from './lifecycle.ts';
import type { LoadOutcome } from './load/messages.ts';
import { BEHIND_MAX_MS, type Measured } from './measure.ts';
import { allRatios, cpuOf, isVerified, type Ratio } from './ratios.ts';
import { shown, spreadOf, table } from './report.ts';
import { type Plot, publishResults } from './results.ts';
import type { Settings } from './settings.ts';

/** A peer that did so much better in its best round than in its worst says that the machine was not steady. */
const DRIFT_MAX = 0.15;

const METHOD = [
  'Closed loop: each lifecycle in flight begins the next when it is confirmed; each step waits for the answer before it.',
  'The load generator runs on the same cores, as a process of its own. A lifecycle is 5 requests and 1 event pushed to',
  'the terminal (over HTTP the calls go by HTTP, the event still comes by WebSocket), and 4 durable transitions. Redis',
  '`appendfsync always`; Postgres with fsync, full_page_writes and synchronous_commit on. Every lifecycle of a run was found',
  'in Postgres at its end, whole and balanced. `behind`: how long after the last answer Postgres had it all; a run that was',
  `more than ${BEHIND_MAX_MS} ms behind is refused.`,
  '',
  '- pgbench writes the same rows in the same tables, and looks up one key a request, which the switch caches. No network',
  '  protocol of its own, no JSON, no event delivered.',
  '- fastify and uws are stateless services of one process each (bench/peers), over HTTP, driven by the same generator:',
  '  keys by their hash (cached), bodies validated, the same rows, 10 connections to Postgres, prepared statements; the event',
  '  goes down the terminal’s WebSocket from the process that committed it. fastify: transactions with row locks; uws: each',
  '  request one statement.',
  '- echo is uWebSockets.js that answers each of the five requests of a lifecycle with itself: messages, not lifecycles.',
  '- redis appends: Redis alone, a stream a shard and one append under way in each, by the switch’s script, in entries as',
  '  long as the switch wrote on average in this run; told in the transitions that such entries carried.',
  '- hot: 32 payers of one bill, each paying a part of 1 when the part before is answered (a bill takes 500 parts; then all',
  '  go on to the next). In SQL 32 clients pay parts of one row.',
].join('\n');

export function publish(
  settings: Settings,
  about: Readonly<Record<string, string>>,
  tried: Tried,
  rounds: ReadonlyMap<string, readonly Measured[]>,
): void {
  const ratios = allRatios(settings, rounds);
  const text = [
    `# Durable bill lifecycles a second (${new Date().toISOString()})`,
    METHOD,
    table(['where', ''], Object.entries(about)),
    '## Rising concurrency, one run each',
    sweepTable(tried),
    `## ${settings.rounds} alternating rounds of ${settings.seconds} s, after ${settings.warmUp} s of warm-up: median (min-max)`,
    roundsTable(rounds),
    drift(rounds),
    '## Ratios within a round: median (min-max)',
    'Of pgbench the better of 8 and 32 clients in each round.',
    table(
      ['what', 'ratio'],
      ratios.map(({ name, spread }) => [name, spread === null ? 'refused' : shown(spread, 2)]),
    ),
    '## What the switch did for a thousand lifecycles (median)',
    countsTable(rounds),
    '## Processor time, µs each (median)',
    cpuTable(rounds),
  ].join('\n\n');
  const json = {
    settings,
    about,
    tried: Object.fromEntries(tried),
    rounds: Object.fromEntries(rounds),
    ratios: Object.fromEntries(ratios.map(({ name, spread }) => [name, spread])),
  };
  publishResults('lifecycle', { text, json, plots: plots(tried, ratios) });
}

function plots(tried: Tried, ratios: readonly Ratio[]): Plot[] {
  const lines = [...tried]
    .filter(([, steps]) => steps[0]?.measured.unit === 'lifecycles')
    .map(([name, steps]) => ({
      name,
      points: steps.map((step): [number, number] => [step.concurrency, step.measured.perSecond]),
    }));
  const bars = ratios.flatMap(({ name, spread }) => (spread === null ? [] : [{ name, ...spread }]));
  const title = 'Durable bill lifecycles a second, closed loop';
  const y = { name: 'lifecycles a second' };
  return [
    {
      name: 'concurrency',
      svg: lineChart(title, { name: 'lifecycles in flight', kind: 'log' }, y, lines),
    },
    ...(bars.length === 0
      ? []
      : [
          {
            name: 'ratios',
            svg: spreadChart('Ratios within a round: median, min to max', 'times', bars),
          },
        ]),
  ];
}

function sweepTable(tried: Tried): string {
  const rows = [...tried].flatMap(([name, steps]) =>
    steps.map(({ concurrency, measured }) => [
      name,
      String(concurrency),
      `${measured.perSecond.toFixed(0)}${measured.unit === 'lifecycles' ? '' : ` ${measured.unit}`}`,
      ...latencies(measured),
    ]),
  );
  return table(
    ['who', 'in flight', 'lifecycles/s', 'each p50, p99 ms', 'pay → event p50, p99 ms', 'behind'],
    rows,
  );
}

function latencies({ latencyMs, payToEventMs, behindMs }: Measured): string[] {
  const pair = (of: LoadOutcome['lifecycleMs'] | undefined): string =>
    of === undefined || of.count === 0 ? '' : `${of.p50.toFixed(1)}, ${of.p99.toFixed(1)}`;
  const behind =
    behindMs === undefined ? '' : `${behindMs} ms${behindMs > BEHIND_MAX_MS ? ' (!)' : ''}`;
  return [pair(latencyMs), pair(payToEventMs), behind];
}

export function roundsTable(rounds: ReadonlyMap<string, readonly Measured[]>): string {
  const rows = [...rounds.values()].map((all) => {
    const unit = all[0]?.unit ?? '';
    const who = all[0]?.contestant ?? '';
    const behind = all.flatMap(({ behindMs }) => behindMs ?? []);
    const worst = Math.max(...behind);
    if (!isVerified(all)) return [who, `refused: history was ${worst} ms behind`, unit];
    const transitions = all.flatMap(({ transitionsPerSecond }) => transitionsPerSecond ?? []);
    return [
      who,
      shown(spreadOf(all.map(({ perSecond }) => perSecond))),
      unit,
      transitions.length === 0 ? '' : spreadOf(transitions).median.toFixed(0),
      all.map(({ perSecond }) => perSecond.toFixed(0)).join(' '),
      behind.length === 0 ? '' : `${worst} ms`,
    ];
  });
  return table(
    ['contestant', 'a second', 'of', 'transitions/s', 'each round', 'behind at most'],
    rows,
  );
}

function drift(rounds: ReadonlyMap<string, readonly Measured[]>): string {
  const drifts = [...rounds].flatMap(([name, all]) => {
    if (!name.startsWith('pgbench') || all.length < 2) return [];
    const { min, max } = spreadOf(all.map(({ perSecond }) => perSecond));
    return [max / min - 1];
  });
  if (drifts.length === 0) return '';
  const worst = Math.max(...drifts);
  const percent = (worst * 100).toFixed(0);
  return worst > DRIFT_MAX
    ? `**The machine was not steady: one of pgbench’s rounds was ${percent} % better than another of the same. Repeat the run.**`
    : `pgbench’s rounds differ by ${percent} % at most.`;
}

// ------------------------------------------------------------------------------------------------ what it costs --

function countsTable(rounds: ReadonlyMap<string, readonly Measured[]>): string {
  const rows = [...rounds].flatMap(([name, all]) => {
    const each = all.flatMap(({ counts, completed }) =>
      counts === undefined ? [] : [{ counts, thousands: completed / 1000 }],
    );
    if (each.length === 0) return [];
    const median = (of: (counts: NonNullable<Measured['counts']>) => number): string =>
      spreadOf(each.map(({ counts, thousands }) => of(counts) / thousands)).median.toFixed(0);
    return [
      [
        name,
        median(({ appends }) => appends),
        median(({ transitions }) => transitions),
        median(({ logBytes }) => logBytes / 1000),
        median(({ statements }) => statements),
        median(({ rows }) => rows),
      ],
    ];
  });
  return table(['who', 'appends', 'transitions', 'log kB', 'statements', 'rows'], rows);
}

export function cpuTable(rounds: ReadonlyMap<string, readonly Measured[]>): string {
  const names = new Set([...rounds.values()].flat().flatMap(({ cpuUs }) => Object.keys(cpuUs)));
  const rows = [...names].map((name) => [
    name,
    ...[...rounds.values()].map((all) => {
      const values = all.map(({ cpuUs }) => cpuUs[name] ?? 0);
      const { median } = spreadOf(values);
      return median === 0 ? '' : median.toFixed(median < 10 ? 1 : 0);
    }),
  ]);
  const total = [...rounds.values()].map((all) => spreadOf(all.map(cpuOf)).median.toFixed(0));
  rows.sort((left, right) => (left[0] ?? '').localeCompare(right[0] ?? ''));
  return table(['', ...rounds.keys()], [...rows, ['all', ...total]]);
}

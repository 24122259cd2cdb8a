// `latency`: how long calls take while lifecycles arrive at a fixed rate, whatever the switch does (load/open-loop.ts).
// First the closed-loop peak is measured on the same switch; the rates are parts of it.

import { checkBooks } from './books.ts';
import { lineChart } from './charts.ts';
import { type Syncs, watchDisk } from './disk-watch.ts';
import {
  type LoadOutcome,
  type OpenOutcome,
  type Percentiles,
  type Protocol,
  TIMED,
} from './load/messages.ts';
import { runLoad } from './load-process.ts';
import { describeRun } from './machine.ts';
import { BEHIND_MAX_MS, type Bench, measureSwitch, sayMeasured, switchUse } from './measure.ts';
import { table } from './report.ts';
import { type Plot, publishResults } from './results.ts';
import { loopDelays, scrape } from './scrape.ts';
import { readSettings } from './settings.ts';
import { say, withSwitch } from './under-test.ts';

/** Lifecycles under way at most: over HTTP each needs two connections. */
const SLOTS: Readonly<Record<Protocol, number>> = {
  'ws-msgpack': 8_192,
  'ws-json': 8_192,
  http: 512,
};
const ACHIEVED_MIN = 0.98;
const LAG_P99_MAX_MS = 10;

const METHOD = [
  'Open loop: lifecycles begin by a schedule drawn before the run (a Poisson process), whatever the switch does. View, pay and',
  'confirm are due 100, 200 and 300 ms after the create; every latency counts from when its call was due, not from when it',
  'was sent, so what waits for a stall counts as late (no coordinated omission). `pay → event`: from when the payment was',
  'due to the event in the terminal’s hands. The generator looks at its schedule every millisecond and runs on the same',
  'cores; how late it sent stands beside, and is part of every figure. A run is void where fewer than 98 % of the offered',
  `lifecycles were achieved, the generator’s p99 lag exceeds ${LAG_P99_MAX_MS} ms, it ran out of slots, the books do not balance, or`,
  `history was more than ${BEHIND_MAX_MS} ms behind at the end. Loop delays: the worst of each thread of the switch within the run.`,
  'Disk: an append of 512 bytes with its fdatasync, fifty a second, beside the stores’ own, while the run took place.',
].join('\n');

interface LatencyRun {
  readonly protocol: Protocol;
  readonly rate: string;
  readonly open: OpenOutcome;
  readonly behindMs: number;
  readonly loopDelaysMs: Readonly<Record<string, number>>;
  readonly syncs: Syncs;
  /** Why the figures mean nothing; null where they do. */
  readonly void: string | null;
}

export async function latency(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const about = describeRun(settings);
  await withSwitch(settings, [], async (stores, under) => {
    const bench = { settings, stores, under };
    const found: LatencyRun[] = [];
    const peaks: Record<string, number> = {};
    for (const protocol of settings.protocols) {
      const peak = await findPeak(bench, protocol);
      peaks[protocol] = peak;
      for (const rate of settings.rates) {
        await stores.settle();
        const perSecond = rate.endsWith('%')
          ? (peak * Number.parseFloat(rate)) / 100
          : Number(rate);
        const run = await measureOpen(bench, protocol, rate, perSecond);
        say(`${protocol} at ${rate}: ${sayRun(run)}`);
        found.push(run);
      }
    }
    const text = [
      `# Latency at fixed rates (${new Date().toISOString()})`,
      METHOD,
      table(['where', ''], Object.entries({ ...about, ...stores.described })),
      `## ${settings.seconds} s at each rate, after ${settings.warmUp} s of warm-up; ms`,
      latencyTable(found),
      '## Offered and achieved',
      validityTable(found, peaks),
    ].join('\n\n');
    publishResults('latency', {
      text,
      json: { settings, about, peaks, found },
      plots: plots(found),
    });
  });
}

/** The best of the closed loop at the concurrencies given. */
async function findPeak(bench: Bench, protocol: Protocol): Promise<number> {
  let peak = 0;
  for (const concurrency of bench.settings.concurrency) {
    const measured = await measureSwitch(bench, protocol, concurrency);
    say(`peak of ${protocol} with ${concurrency} in flight: ${sayMeasured(measured)}`);
    peak = Math.max(peak, measured.perSecond);
  }
  return peak;
}

let runs = 0;

async function measureOpen(
  { settings, stores, under }: Bench,
  protocol: Protocol,
  rate: string,
  perSecond: number,
): Promise<LatencyRun> {
  runs++;
  const run = `o${runs}-${Date.now().toString(36)}`;
  const terminals = under.terminals.slice(0, settings.terminals);
  // A reading begins a new period of the loops' delays.
  await scrape(under.port);
  const load = (): Promise<{ outcome: LoadOutcome }> =>
    runLoad(
      {
        kind: 'open',
        protocol,
        port: under.port,
        terminals,
        wallet: under.wallet,
        walletConnections: settings.wallets,
        concurrency: SLOTS[protocol],
        rate: perSecond,
        warmUpMs: settings.warmUp * 1000,
        measureMs: settings.seconds * 1000,
        run,
      },
      switchUse(stores, under),
    );
  const { result, syncs } = await watchDisk(load);
  const { outcome } = result;
  const loopDelaysMs = loopDelays(await scrape(under.port));
  const behindMs = await checkBooks({
    url: stores.switchUrl,
    run,
    terminals: terminals.map(({ id }) => id),
    outcome,
  });
  const open = openOf(outcome);
  return { protocol, rate, open, behindMs, loopDelaysMs, syncs, void: whyVoid(open, behindMs) };
}

function openOf({ open }: LoadOutcome): OpenOutcome {
  if (open === undefined) throw new Error('an open loop without its outcome');
  return open;
}

/** Null where the run holds. */
export function whyVoid(open: OpenOutcome, behindMs: number): string | null {
  const { offeredPerSecond, achievedPerSecond, lagMs, starved } = open;
  const share = achievedPerSecond / offeredPerSecond;
  if (starved > 0) return 'the generator ran out of slots';
  if (!(share >= ACHIEVED_MIN)) {
    return `${(share * 100).toFixed(1)} % of the offered lifecycles achieved`;
  }
  if (lagMs.p99 > LAG_P99_MAX_MS) return `the generator’s p99 lag was ${lagMs.p99.toFixed(1)} ms`;
  if (behindMs > BEHIND_MAX_MS) return `history was ${behindMs} ms behind`;
  return null;
}

function sayRun({ open, void: why }: LatencyRun): string {
  if (why !== null) return `void: ${why}`;
  const event = open.latencyMs['pay → event'];
  return `${open.achievedPerSecond.toFixed(0)} lifecycles/s, pay → event p50 ${event.p50.toFixed(1)}, p99 ${event.p99.toFixed(1)} ms`;
}

function latencyTable(found: readonly LatencyRun[]): string {
  const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
  // A percentile beyond which there is no value is the maximum by another name.
  const enough = (of: Percentiles, share: number, value: number): string =>
    of.count * (1 - share) >= 1 ? ms(value) : '';
  const rows = found.flatMap(({ protocol, rate, open, void: why }) =>
    why !== null
      ? [[protocol, rate, '', `void: ${why}`]]
      : TIMED.map((name) => {
          const of = open.latencyMs[name];
          const tails = [enough(of, 0.999, of.p999), enough(of, 0.9999, of.p9999)];
          const each = [ms(of.p50), ms(of.p90), ms(of.p99), ...tails, ms(of.max)];
          return [protocol, rate, open.achievedPerSecond.toFixed(0), name, ...each];
        }),
  );
  const head = ['protocol', 'rate', 'lifecycles/s', 'what', 'p50', 'p90', 'p99', 'p99.9', 'p99.99'];
  return table([...head, 'max'], rows);
}

function validityTable(
  found: readonly LatencyRun[],
  peaks: Readonly<Record<string, number>>,
): string {
  const rows = found.map(({ protocol, rate, open, behindMs, loopDelaysMs, syncs }) => [
    protocol,
    (peaks[protocol] ?? 0).toFixed(0),
    rate,
    open.offeredPerSecond.toFixed(0),
    open.achievedPerSecond.toFixed(0),
    `${open.lagMs.p50.toFixed(1)}, ${open.lagMs.p99.toFixed(1)}, ${open.lagMs.max.toFixed(1)}`,
    `${behindMs} ms`,
    [syncs.p50Ms, syncs.p99Ms, syncs.maxMs].map((ms) => ms.toFixed(1)).join(', '),
    Object.entries(loopDelaysMs)
      .map(([thread, delay]) => `${thread} ${delay.toFixed(0)}`)
      .join(', '),
  ]);
  const head = ['protocol', 'peak', 'rate', 'offered/s', 'achieved/s', 'lag p50, p99, max ms'];
  return table([...head, 'behind', 'disk p50, p99, max ms', 'loops’ worst delay ms'], rows);
}

function plots(found: readonly LatencyRun[]): Plot[] {
  const held = found.filter((run) => run.void === null);
  return TIMED.flatMap((name) => {
    const lines = held.map(({ protocol, rate, open }) => ({
      name: `${protocol} at ${rate}`,
      // Each nine takes as much room as the one before.
      points: open.curves[name].map(([percent, ms]): [number, number] => [
        1 / (1 - percent / 100),
        Math.max(ms, 0.01),
      ]),
    }));
    if (lines.length === 0) return [];
    const x = { name: 'percentile', kind: 'log' as const, label: percentileLabel };
    const y = { name: 'ms', kind: 'log' as const };
    const file = name.replace(' → ', '-to-');
    return [{ name: file, svg: lineChart(`${name}: latency from the intended time`, x, y, lines) }];
  });
}

/** 10 is 90 %, 100 is 99 %, and so on. */
function percentileLabel(value: number): string {
  return `${Number((100 * (1 - 1 / value)).toFixed(3))} %`;
}

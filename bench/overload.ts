// `overload`: lifecycles arrive at three times the closed-loop peak, whatever the switch does, for `--seconds`; before and
// after it, at half the peak. What it refuses is given up, as by a till that shows its customer another way to pay.

import { checkBooks } from './books.ts';
import type { LoadOutcome, OpenOutcome, Timed } from './load/messages.ts';
import { runLoad } from './load-process.ts';
import { describeRun } from './machine.ts';
import { type Bench, measureSwitch, sayMeasured, switchUse } from './measure.ts';
import { table } from './report.ts';
import { publishResults } from './results.ts';
import { readSettings } from './settings.ts';
import { say, withSwitch } from './under-test.ts';

const PROTOCOL = 'ws-msgpack';
const TIMES = 3;
const CALM = 0.5;
const CALM_S = 20;
/** After which it must be as it was. */
const RECOVERY_S = 10;
/** Lifecycles under way at most. */
const SLOTS = 65_536;
/** So that no connection has more under way than one may. */
const WALLETS = 64;
const SHOWN: readonly Timed[] = ['create', 'pay', 'pay → event', 'confirm'];

const METHOD = [
  `Open loop, ${PROTOCOL}: lifecycles begin by a schedule drawn before the run, at half the closed-loop peak for ${CALM_S} s, at ${TIMES} times`,
  `the peak for \`--seconds\`, and at half of it again, measured from ${RECOVERY_S} s after. A create that gets 503 is given up; any other`,
  'call is sent again after its Retry-After, and counts from when it was first due. Latencies are of what was accepted, in ms.',
  'Goodput: lifecycles that ended in time, of the peak. The generator runs on the cores of the switch, and offering three',
  'times the peak takes it longer than offering the peak; how late it sent stands beside. The books of each part balance:',
  'of what was refused nothing is there, and of what was accepted all.',
].join('\n');

interface Part {
  readonly name: string;
  readonly open: OpenOutcome;
  readonly refusedPerSecond: number;
  readonly behindMs: number;
}

export async function overload(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const about = describeRun(settings);
  await withSwitch(settings, [], async (stores, under) => {
    const bench = { settings, stores, under };
    let peak = 0;
    for (const concurrency of settings.concurrency) {
      const measured = await measureSwitch(bench, PROTOCOL, concurrency);
      say(`peak with ${concurrency} in flight: ${sayMeasured(measured)}`);
      peak = Math.max(peak, measured.perSecond);
    }
    await stores.settle();
    const calm = { perSecond: CALM * peak, seconds: CALM_S };
    const parts: Part[] = [];
    for (const [name, load] of [
      ['before', { ...calm, warmUp: settings.warmUp }],
      [
        `${TIMES} times the peak`,
        { perSecond: TIMES * peak, seconds: settings.seconds, warmUp: settings.warmUp },
      ],
      ['after', { ...calm, warmUp: RECOVERY_S }],
    ] as const) {
      const part = await measurePart(bench, name, load);
      say(`${name}: ${sayPart(part)}`);
      parts.push(part);
    }
    const text = [
      `# Overload (${new Date().toISOString()})`,
      METHOD,
      table(['where', ''], Object.entries({ ...about, ...stores.described })),
      `## Peak ${peak.toFixed(0)} lifecycles/s; ${settings.seconds} s at ${TIMES} times that`,
      report(parts, peak),
    ].join('\n\n');
    publishResults('overload', { text, json: { settings, about, peak, parts }, plots: [] });
  });
}

let runs = 0;

async function measurePart(
  { settings, stores, under }: Bench,
  name: string,
  load: { readonly perSecond: number; readonly seconds: number; readonly warmUp: number },
): Promise<Part> {
  runs++;
  const run = `v${runs}-${Date.now().toString(36)}`;
  const terminals = under.terminals.slice(0, settings.terminals);
  const { outcome } = await runLoad(
    {
      kind: 'open',
      protocol: PROTOCOL,
      port: under.port,
      terminals,
      wallet: under.wallet,
      walletConnections: WALLETS,
      concurrency: SLOTS,
      rate: load.perSecond,
      comesAgain: true,
      warmUpMs: load.warmUp * 1000,
      measureMs: load.seconds * 1000,
      run,
    },
    switchUse(stores, under),
  );
  const behindMs = await checkBooks({
    url: stores.switchUrl,
    run,
    terminals: terminals.map(({ id }) => id),
    outcome,
  });
  return partOf(name, outcome, behindMs);
}

function partOf(name: string, outcome: LoadOutcome, behindMs: number): Part {
  const { open, refused = 0, windowMs } = outcome;
  if (open === undefined) throw new Error('an open loop without its outcome');
  if (open.starved > 0) throw new Error('the generator ran out of slots');
  return { name, open, refusedPerSecond: refused / (windowMs / 1000), behindMs };
}

function sayPart({ open, refusedPerSecond }: Part): string {
  const event = open.latencyMs['pay → event'];
  return `${open.achievedPerSecond.toFixed(0)} of ${open.offeredPerSecond.toFixed(0)} lifecycles/s, ${refusedPerSecond.toFixed(0)} refused, pay → event p50 ${event.p50.toFixed(1)}, p99 ${event.p99.toFixed(1)} ms`;
}

function report(parts: readonly Part[], peak: number): string {
  const rows = parts.map(({ name, open, refusedPerSecond, behindMs }) => [
    name,
    open.offeredPerSecond.toFixed(0),
    open.achievedPerSecond.toFixed(0),
    (open.achievedPerSecond / peak).toFixed(2),
    refusedPerSecond.toFixed(0),
    ...SHOWN.map((timed) => {
      const { p50, p99 } = open.latencyMs[timed];
      return `${p50.toFixed(1)}, ${p99.toFixed(1)}`;
    }),
    `${open.lagMs.p50.toFixed(1)}, ${open.lagMs.p99.toFixed(1)}`,
    `${behindMs} ms`,
  ]);
  const head = ['', 'offered/s', 'achieved/s', ': peak', 'refused/s'];
  return table(
    [...head, ...SHOWN.map((timed) => `${timed} p50, p99`), 'lag p50, p99', 'behind'],
    rows,
  );
}

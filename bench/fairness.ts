// `fairness`: how long the calls of a quiet institution take by itself, beside another that fills the switch with what it
// has in flight, and beside the same one with ten times as much, in alternating rounds.

import postgres from 'postgres';
import {
  addInstitution,
  addKey,
  addMerchant,
  addPaychannel,
  addTerminal,
} from '../src/persistence/onboarding.ts';
import { checkBooks } from './books.ts';
import { type LoadOutcome, type LoadTask, TIMED, type Timed } from './load/messages.ts';
import { runLoad } from './load-process.ts';
import { describeRun } from './machine.ts';
import type { Bench } from './measure.ts';
import { ratioOf, type Spread, shown, spreadOf, table } from './report.ts';
import { publishResults } from './results.ts';
import { readSettings } from './settings.ts';
import { say, withSwitch } from './under-test.ts';

/** Enough to fill the switch. */
const SHARE_IN_FLIGHT = 205;
/** Ten times that, and many times what a gateway gives a worker ahead. */
const LOUD_IN_FLIGHT = 2_050;
const QUIET_PER_SECOND = 50;
const SLOTS = 4_096;
/** The loud one begins before the quiet one is measured, and goes on after it. */
const LOUD_LONGER_MS = 4_000;

const METHOD = [
  `The quiet institution’s lifecycles begin by a schedule, ${QUIET_PER_SECOND} a second (\`--rate=N\` for another), on one till’s and one wallet’s`,
  'WebSocket with msgpack; every latency counts from when its call was due. In turns it is alone, beside another institution',
  `that keeps ${SHARE_IN_FLIGHT} lifecycles in flight over all terminals, which fills the switch, and beside the same one with ${LOUD_IN_FLIGHT} in flight:`,
  'ten times as much. The first ratio is what a full machine does, the second what the loud one takes from others by being loud.',
  'Both generators run on the cores of the switch: what they take from it is in the figures too, and `lag` is how late the quiet',
  'one itself sent. The books of both balance after each round. What the loud one is refused (503) it sends again 1 to 1.5 s',
  'later; a refusal of the quiet one ends the run. With `--env=QRSWITCH_DELAY_TARGET_MS=0` nobody is refused for being late, with',
  '`--env=QRSWITCH_AHEAD_MAX=100000` nobody takes turns: the same without.',
].join('\n');

interface Party {
  readonly id: string;
  readonly key: string;
}

/** One round of the quiet institution. */
interface Heard {
  readonly p50: Readonly<Record<Timed, number>>;
  readonly p99: Readonly<Record<Timed, number>>;
  readonly lagP99: number;
  /** Lifecycles a second of the loud one beside; null where there was none. */
  readonly loudPerSecond: number | null;
  /** Of its creates and views, refused a second. */
  readonly refusedPerSecond: number | null;
}

/** The rounds of each case. */
type Cases = Readonly<Record<'alone' | 'full' | 'loud', Heard[]>>;

/** With what the other has in flight beside. */
const CASES = [
  ['alone', 0],
  ['full', SHARE_IN_FLIGHT],
  ['loud', LOUD_IN_FLIGHT],
] as const;

export async function fairness(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const about = describeRun(settings);
  const rate = settings.rates.map(Number).find((each) => each > 0) ?? QUIET_PER_SECOND;
  await withSwitch(settings, [], async (stores, under) => {
    const bench = { settings, stores, under };
    const quiet = await onboardQuiet(stores.switchUrl);
    const cases: Cases = { alone: [], full: [], loud: [] };
    for (let round = 1; round <= settings.rounds; round++) {
      for (const [name, inFlight] of CASES) {
        const heard = await measure(bench, quiet, rate, inFlight);
        cases[name].push(heard);
        say(`round ${round}, beside ${inFlight} in flight: ${sayHeard(heard)}`);
      }
    }
    const text = [
      `# Fairness (${new Date().toISOString()})`,
      METHOD,
      table(['where', ''], Object.entries({ ...about, ...stores.described })),
      `## The quiet institution, ms; ${settings.rounds} round(s) of ${settings.seconds} s`,
      report(cases),
      reportOther(cases),
    ].join('\n\n');
    publishResults('fairness', { text, json: { settings, about, rate, ...cases }, plots: [] });
  });
}

function sayHeard({ p50, p99 }: Heard): string {
  return `pay p50 ${p50.pay.toFixed(1)}, p99 ${p99.pay.toFixed(1)} ms`;
}

/** An institution beside the demo's, with a till and a wallet. */
async function onboardQuiet(url: string): Promise<{ till: Party; wallet: Party }> {
  const sql = postgres(url, { max: 1 });
  try {
    const institutionId = await addInstitution(sql, { name: 'Quiet Bank', mode: 'test' });
    const merchantId = await addMerchant(sql, {
      institutionId,
      name: 'Quiet Shop',
      city: 'Springfield',
    });
    const till = await addTerminal(sql, { merchantId, name: 'Till' });
    const wallet = await addPaychannel(sql, { institutionId, name: 'Wallet' });
    return {
      till: { id: till, key: await addKey(sql, { kind: 'terminal', id: till }) },
      wallet: { id: wallet, key: await addKey(sql, { kind: 'paychannel', id: wallet }) },
    };
  } finally {
    await sql.end();
  }
}

let runs = 0;

async function measure(
  { settings, stores, under }: Bench,
  quiet: { till: Party; wallet: Party },
  rate: number,
  loudInFlight: number,
): Promise<Heard> {
  await stores.settle();
  runs += 1;
  const times = { warmUpMs: settings.warmUp * 1000, measureMs: settings.seconds * 1000 };
  const common = { protocol: 'ws-msgpack', port: under.port, ...times } as const;
  const run = `q${runs}-${Date.now().toString(36)}`;
  const loudTask: LoadTask = {
    ...common,
    kind: 'lifecycles',
    terminals: under.terminals,
    wallet: under.wallet,
    walletConnections: settings.wallets,
    concurrency: loudInFlight,
    comesAgain: true,
    measureMs: times.measureMs + LOUD_LONGER_MS,
    run: `l${run}`,
  };
  const quietTask: LoadTask = {
    ...common,
    kind: 'open',
    terminals: [quiet.till],
    wallet: quiet.wallet,
    walletConnections: 1,
    concurrency: SLOTS,
    rate,
    // The loud one is at full voice by then.
    warmUpMs: times.warmUpMs + LOUD_LONGER_MS / 2,
    run,
  };
  const [heard, loud] = await Promise.all([
    runLoad(quietTask, () => new Map()),
    loudInFlight > 0 ? runLoad(loudTask, () => new Map()) : null,
  ]);
  const url = stores.switchUrl;
  await checkBooks({ url, run, terminals: [quiet.till.id], outcome: heard.outcome });
  if (loud !== null) {
    const terminals = under.terminals.map(({ id }) => id);
    await checkBooks({ url, run: loudTask.run, terminals, outcome: loud.outcome });
  }
  return heardOf(heard.outcome, loud?.outcome ?? null);
}

function heardOf({ open }: LoadOutcome, loud: LoadOutcome | null): Heard {
  if (open === undefined) throw new Error('an open loop without its outcome');
  if (open.starved > 0) throw new Error('the generator ran out of slots');
  const of = (part: 'p50' | 'p99') =>
    Object.fromEntries(TIMED.map((name) => [name, open.latencyMs[name][part]])) as Heard['p50'];
  return {
    p50: of('p50'),
    p99: of('p99'),
    lagP99: open.lagMs.p99,
    loudPerSecond: loud === null ? null : loud.measured / (loud.windowMs / 1000),
    refusedPerSecond: loud === null ? null : (loud.refused ?? 0) / (loud.windowMs / 1000),
  };
}

function report({ alone, full, loud }: Cases): string {
  const spread = (all: readonly Heard[], part: 'p50' | 'p99', name: Timed): Spread =>
    spreadOf(all.map((heard) => heard[part][name]));
  const ratio = (one: readonly Heard[], other: readonly Heard[], name: Timed): Spread =>
    ratioOf(
      one.map(({ p99 }) => p99[name]),
      other.map(({ p99 }) => p99[name]),
    );
  const cases = [alone, full, loud];
  const rows = TIMED.map((name) => [
    name,
    ...cases.flatMap((all) => [
      shown(spread(all, 'p50', name), 1),
      shown(spread(all, 'p99', name), 1),
    ]),
    shown(ratio(full, alone, name), 1),
    shown(ratio(loud, full, name), 1),
  ]);
  const lags = cases.flatMap((all) => ['', shown(spreadOf(all.map(({ lagP99 }) => lagP99)), 1)]);
  const head = ['alone', `beside ${SHARE_IN_FLIGHT}`, `beside ${LOUD_IN_FLIGHT}`];
  return table(
    [
      'what',
      ...head.flatMap((name) => [`${name}: p50`, 'p99']),
      'p99, full : alone',
      'loud : full',
    ],
    [...rows, ['lag of the generator', ...lags, '', '']],
  );
}

function reportOther({ full, loud }: Cases): string {
  const rows = [full, loud].map((all, index) => [
    String([SHARE_IN_FLIGHT, LOUD_IN_FLIGHT][index]),
    shown(spreadOf(all.map(({ loudPerSecond }) => loudPerSecond ?? 0))),
    shown(spreadOf(all.map(({ refusedPerSecond }) => refusedPerSecond ?? 0))),
  ]);
  const head = ['the other has in flight', 'its lifecycles/s', 'its creates and views refused/s'];
  return table(head, rows);
}

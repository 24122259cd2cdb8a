// `lifecycle`: how many durable bill lifecycles a second, beside the same lifecycle as plain SQL in the same run.
//
// First each protocol is tried at rising concurrency; then its best one runs in rounds with its peers, each round in the
// opposite order of the one before, so that what changes on the machine meanwhile meets all of them alike. A lifecycle
// counts if its last answer came within the window; every lifecycle of a run must be in Postgres at its end.

import { checkBooks } from './books.ts';
import {
  type CpuUse,
  difference,
  endedChildrenUse,
  joined,
  postgresUse,
  processUse,
} from './cpu.ts';
import { cpuTable, type Measured, publish, roundsTable, SQL_PEERS } from './lifecycle-report.ts';
import type { Protocol } from './load/messages.ts';
import { runLoad } from './load-process.ts';
import { describeMachine, loadBefore, measureSync } from './machine.ts';
import { pgbenchVersion, runPgbench, type SqlStyle } from './pgbench.ts';
import { describeProfiles, profileFolder } from './profile.ts';
import { readSettings, type Settings } from './settings.ts';
import { type Stores, startStores } from './stores.ts';
import { type SwitchProcess, startSwitch } from './switch-process.ts';

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

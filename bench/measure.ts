// One run of one contestant: the load, the processor's readings around it, and the books afterwards. What cannot be
// verified is no figure: a run whose books do not balance throws.

import { fork } from 'node:child_process';
import { checkBooks, checkHotBooks } from './books.ts';
import {
  type CpuUse,
  difference,
  endedChildrenUse,
  joined,
  postgresUse,
  processUse,
} from './cpu.ts';
import type { LoadOutcome, LoadTask, Protocol } from './load/messages.ts';
import { runLoad } from './load-process.ts';
import type { PeerParties, RunningPeer } from './peers/peer.ts';
import type { AppendTask, FromAppender } from './peers/redis-appends/appender.ts';
import { runPgbench, type SqlStyle, type SqlWork } from './pgbench.ts';
import { type Counts, countsBetween, countsOf, logBytes, scrape } from './scrape.ts';
import type { Settings } from './settings.ts';
import type { Stores } from './stores.ts';
import type { SwitchProcess } from './switch-process.ts';

export const TRANSITIONS_A_LIFECYCLE = 4;
/** History later than this at the end of a run, and the run is void. */
export const BEHIND_MAX_MS = 1_000;

/** What `perSecond` counts. */
export type Unit = 'lifecycles' | 'messages' | 'transitions' | 'payments';

/** One contestant's run in one round. */
export interface Measured {
  readonly contestant: string;
  readonly unit: Unit;
  readonly perSecond: number;
  /** Durable transitions; null where nothing is durable. */
  readonly transitionsPerSecond: number | null;
  /** All that ended, those of the warm-up and of the end included. */
  readonly completed: number;
  readonly latencyMs?: LoadOutcome['lifecycleMs'];
  readonly payToEventMs?: LoadOutcome['payToEventMs'];
  readonly eventsRepeated?: number;
  readonly behindMs?: number;
  /** What the switch did for all that completed. */
  readonly counts?: Counts;
  /** Microseconds of processor time each, by process and thread. */
  readonly cpuUs: Readonly<Record<string, number>>;
}

export interface Bench {
  readonly settings: Settings;
  readonly stores: Stores;
  readonly under: SwitchProcess;
}

let runs = 0;

function nextRun(): string {
  runs++;
  return `r${runs}-${Date.now().toString(36)}`;
}

export async function measureSwitch(
  { settings, stores, under }: Bench,
  protocol: Protocol,
  concurrency: number,
): Promise<Measured> {
  const run = nextRun();
  const terminals = under.terminals.slice(0, Math.min(settings.terminals, concurrency));
  const task = taskOf(settings, 'lifecycles', protocol, concurrency, run, {
    port: under.port,
    terminals,
    wallet: under.wallet,
  });
  const before = await countsNow(stores, under);
  const { outcome, used } = await runLoad(task, switchUse(stores, under));
  const behindMs = await checkBooks({
    url: stores.switchUrl,
    run,
    terminals: terminals.map(({ id }) => id),
    outcome,
  });
  return {
    ...measuredOf(`${protocol} c=${concurrency}`, outcome, used),
    behindMs,
    counts: countsBetween(before, await countsNow(stores, under)),
  };
}

/** The same lifecycle over HTTP from a stateless peer. */
export async function measurePeer(
  { settings, stores }: Bench,
  peer: { name: string; running: RunningPeer; parties: PeerParties },
  concurrency: number,
): Promise<Measured> {
  const run = nextRun();
  const { name, running } = peer;
  const terminals = peer.parties.terminals.slice(0, Math.min(settings.terminals, concurrency));
  const task = taskOf(settings, 'lifecycles', 'http', concurrency, run, {
    port: running.port,
    terminals,
    wallet: peer.parties.wallet,
  });
  const readUse = (): CpuUse =>
    joined(
      processUse(running.pid, `peer: ${name}`),
      postgresUse(stores.postgres.pid),
      processUse(process.pid, 'benchmark'),
    );
  const { outcome, used } = await runLoad(task, readUse);
  await checkBooks({
    url: stores.peerUrl,
    run,
    terminals: terminals.map(({ id }) => id),
    outcome,
  });
  return measuredOf(`${name} c=${concurrency}`, outcome, used);
}

export async function measureEcho(
  { settings }: Bench,
  running: RunningPeer,
  protocol: Protocol,
  concurrency: number,
): Promise<Measured> {
  const keys = Array.from({ length: Math.min(settings.terminals, concurrency) }, (_, i) => ({
    key: `echo-${i}`,
  }));
  const task = taskOf(settings, 'echo', protocol, concurrency, 'echo', {
    port: running.port,
    terminals: keys,
    wallet: { key: 'echo' },
  });
  const { outcome, used } = await runLoad(task, () => processUse(running.pid, 'peer: echo'));
  return {
    ...measuredOf(`echo ${protocol} c=${concurrency}`, outcome, used),
    unit: 'messages',
    transitionsPerSecond: null,
  };
}

/** 32 payers, say, of one bill at a time, over WebSocket. */
export async function measureHotBill(bench: Bench, payers: number): Promise<Measured> {
  return await measurePayers(bench, `hot bill, ${payers} payers`, payers, nextRun(), {});
}

/** The same of one printed code that takes any number of payments, each confirmed at once. */
export async function measureBillboard(bench: Bench, payers: number): Promise<Measured> {
  const run = nextRun();
  const bill = await createBillboard(bench, `${run}-board`);
  return await measurePayers(bench, `billboard, ${payers} payers`, payers, run, { bill });
}

async function createBillboard({ under }: Bench, orderId: string): Promise<string> {
  const board = { type: 'static', usage: 'many', orderId, amount: 1, currency: 'EUR' };
  const response = await fetch(`http://127.0.0.1:${under.port}/v1/terminal/bills`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${under.terminals[0]?.key ?? ''}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(board),
  });
  const { id } = (await response.json()) as { readonly id?: string };
  if (response.status !== 201 || id === undefined) {
    throw new Error(`the billboard was answered ${response.status}`);
  }
  return id;
}

async function measurePayers(
  { settings, stores, under }: Bench,
  contestant: string,
  payers: number,
  run: string,
  on: Pick<LoadTask, 'bill'>,
): Promise<Measured> {
  const task = taskOf(settings, 'hot', 'ws-msgpack', payers, run, {
    port: under.port,
    terminals: under.terminals.slice(0, 1),
    wallet: under.wallet,
  });
  const { outcome, used } = await runLoad(
    { ...task, ...on, walletConnections: payers },
    switchUse(stores, under),
  );
  const behindMs = await checkHotBooks({ url: stores.switchUrl, run, outcome });
  const measured = measuredOf(contestant, outcome, used);
  return {
    ...measured,
    unit: 'payments',
    transitionsPerSecond: measured.perSecond,
    behindMs,
  };
}

export async function measureSql(
  { settings, stores }: Bench,
  work: SqlWork,
  style: SqlStyle,
  clients: number,
): Promise<Measured> {
  const readUse = (): CpuUse =>
    joined(postgresUse(stores.postgres.pid), endedChildrenUse('pgbench'));
  const before = readUse();
  const seconds = settings.seconds + settings.warmUp;
  const outcome = await runPgbench({ url: stores.peerUrl, work, style, clients, seconds });
  const perSecond = outcome.measured / (outcome.windowMs / 1000);
  const isHot = work === 'hot';
  return {
    contestant: `pgbench ${isHot ? 'hot row ' : ''}${style} c=${clients}`,
    unit: isHot ? 'payments' : 'lifecycles',
    perSecond,
    transitionsPerSecond: isHot ? perSecond : perSecond * TRANSITIONS_A_LIFECYCLE,
    completed: outcome.measured,
    cpuUs: perUnit(difference(before, readUse()), outcome.measured),
  };
}

/** Redis alone, with entries as long as those of the switch's latest run, and as many transitions in each. */
export async function measureAppends(
  { settings, stores }: Bench,
  like: Counts | undefined,
): Promise<Measured> {
  if (like === undefined || like.appends === 0) {
    throw new Error('the log alone is measured by what the switch appended, and that is not known');
  }
  const task: AppendTask = {
    redisUrl: stores.redis.url,
    shards: Number(settings.env.QRSWITCH_SHARDS ?? 8),
    entryBytes: Math.round(like.logBytes / like.appends),
    seconds: settings.seconds,
    warmUp: settings.warmUp,
  };
  const readUse = (): CpuUse => processUse(stores.redis.pid, 'redis');
  const before = readUse();
  const { appends, windowMs } = await runAppender(task);
  const transitions = appends * (like.transitions / like.appends);
  const perSecond = transitions / (windowMs / 1000);
  const each = (like.transitions / like.appends).toFixed(1);
  return {
    contestant: `redis appends, ${each} transitions in ${task.entryBytes} B`,
    unit: 'transitions',
    perSecond,
    transitionsPerSecond: perSecond,
    completed: Math.round(transitions),
    cpuUs: perUnit(difference(before, readUse()), transitions),
  };
}

function runAppender(task: AppendTask): Promise<{ appends: number; windowMs: number }> {
  return new Promise((done, fail) => {
    const child = fork(new URL('./peers/redis-appends/appender.js', import.meta.url), {
      execArgv: [],
    });
    child.once('message', (message: FromAppender) => {
      if (message.type === 'done') done(message);
      else fail(new Error(`the appender: ${message.reason}`));
    });
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`the appender ended with ${code}`)));
    child.send(task);
  });
}

function taskOf(
  settings: Settings,
  kind: LoadTask['kind'],
  protocol: Protocol,
  concurrency: number,
  run: string,
  where: Pick<LoadTask, 'port' | 'terminals' | 'wallet'>,
): LoadTask {
  return {
    ...where,
    kind,
    protocol,
    concurrency,
    run,
    walletConnections: Math.min(settings.wallets, concurrency),
    warmUpMs: settings.warmUp * 1000,
    measureMs: settings.seconds * 1000,
  };
}

export function switchUse(stores: Stores, under: SwitchProcess): () => CpuUse {
  return () =>
    joined(
      under.use(),
      processUse(stores.redis.pid, 'redis'),
      postgresUse(stores.postgres.pid),
      processUse(process.pid, 'benchmark'),
    );
}

async function countsNow(stores: Stores, under: SwitchProcess): Promise<Counts> {
  return countsOf(await scrape(under.port), await logBytes(stores.redis.url));
}

function measuredOf(
  contestant: string,
  outcome: LoadOutcome,
  used: ReadonlyMap<string, number>,
): Measured {
  const perSecond = outcome.measured / (outcome.windowMs / 1000);
  return {
    contestant,
    unit: 'lifecycles',
    perSecond,
    transitionsPerSecond: perSecond * TRANSITIONS_A_LIFECYCLE,
    completed: outcome.completed,
    latencyMs: outcome.lifecycleMs,
    payToEventMs: outcome.payToEventMs,
    eventsRepeated: outcome.eventsRepeated,
    cpuUs: perUnit(used, outcome.measured),
  };
}

function perUnit(used: ReadonlyMap<string, number>, count: number): Record<string, number> {
  return Object.fromEntries([...used].map(([name, ns]) => [name, ns / 1000 / count]));
}

export function sayMeasured(measured: Measured): string {
  const { perSecond, unit, behindMs, payToEventMs } = measured;
  const event =
    payToEventMs === undefined || payToEventMs.count === 0
      ? ''
      : `, pay → event p99 ${payToEventMs.p99.toFixed(1)} ms`;
  const behind = behindMs === undefined ? '' : `, ${behindMs} ms behind`;
  return `${perSecond.toFixed(0)} ${unit}/s${event}${behind}`;
}

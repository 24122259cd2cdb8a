// The cases of `scale`: each grows one thing step by step, and measures at every step.

import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { hashKey, readKeyHashes } from '../src/persistence/key-hashes.ts';
import { checkFilled } from './books.ts';
import { growDirectory } from './directory-case.ts';
import { growHistory } from './history-case.ts';
import type { FromIdle, IdleTask } from './load/idle.ts';
import { runLoad } from './load-process.ts';
import {
  type Bench,
  type Measured,
  measureBillboard,
  measureHotBill,
  measureSql,
} from './measure.ts';
import { scrape } from './scrape.ts';
import type { Settings } from './settings.ts';
import { type Case, lifecycles, measureStep, rssOf, type Step } from './steps.ts';
import { startSwitch } from './switch-process.ts';
import { say, withStores, withSwitch } from './under-test.ts';

/** Bills stay in memory. */
const RESIDENT = {
  QRSWITCH_RESIDENT_MAX: '10000000',
  QRSWITCH_IDLE_SECONDS: '86400',
  QRSWITCH_WORKER_HEAP_MB: '8192',
};
/** Shards, workers, gateways. */
const THREADS: readonly (readonly [number, number, number])[] = [
  [1, 1, 1],
  [8, 1, 1],
  [32, 1, 1],
  [8, 2, 1],
  [8, 1, 2],
  [8, 2, 2],
];
/** By then every bill that nobody asks for rests: 5 s after its last use, and a look at each takes 10. */
const REST_MS = 20_000;
/** Fewer things than this disappear in what the collector does. */
const EACH_MIN = 5_000;

export const cases: Readonly<Record<string, Case>> = {
  residents: {
    grows: 'open bills in memory',
    steps: [10_000, 100_000, 1_000_000],
    run: growResidents,
  },
  history: {
    grows: 'bills in Postgres',
    steps: [0, 1_000_000],
    run: (settings, steps) => onSwitch(settings, steps, growHistory),
  },
  terminals: {
    grows: 'connected terminals',
    steps: [100, 1_000, 10_000, 15_000],
    run: growTerminals,
  },
  directory: {
    grows: 'terminals in the directory',
    steps: [100, 10_000, 100_000],
    run: growDirectory,
  },
  threads: {
    grows: 'shards / workers / gateways',
    steps: THREADS.map((_, i) => i),
    run: varyThreads,
  },
  hot: { grows: 'payers of one bill', steps: [1, 8, 32, 128], run: growPayers },
  billboard: { grows: 'payers of one printed code', steps: [32], run: crowdBillboard },
};

async function growResidents(given: Settings, steps: readonly number[]): Promise<Step[]> {
  const settings = { ...given, env: { ...RESIDENT, ...given.env } };
  return onSwitch(settings, steps, async (bench, to, from) => {
    const { stores, under } = bench;
    const run = `f${Date.now().toString(36)}`;
    const count = to - from;
    await runLoad(
      {
        kind: 'fill',
        count,
        // More come than Postgres writes, for minutes.
        comesAgain: true,
        protocol: 'ws-msgpack',
        port: under.port,
        terminals: under.terminals,
        wallet: under.wallet,
        walletConnections: 1,
        concurrency: Math.min(count, 512),
        warmUpMs: 0,
        measureMs: 0,
        run,
      },
      () => new Map(),
    );
    await checkFilled(stores.switchUrl, run, count);
    const resident = (await scrape(under.port)).get('qrswitch_bills_resident') ?? 0;
    if (resident < to) throw new Error(`${resident} bills are resident, not ${to}`);
    await new Promise((done) => setTimeout(done, REST_MS));
  });
}

async function growTerminals(settings: Settings, steps: readonly number[]): Promise<Step[]> {
  const idle: ChildProcess[] = [];
  try {
    return await onSwitch(settings, steps, async (bench, to, from) => {
      const keys = await addTerminals(bench, to - from);
      idle.push(await connectIdle({ port: bench.under.port, keys }));
    });
  } finally {
    for (const child of idle) child.kill('SIGKILL');
  }
}

/** Each combination on stores of its own: the number of shards is for ever. */
async function varyThreads(settings: Settings, steps: readonly number[]): Promise<Step[]> {
  const found: Step[] = [];
  for (const step of steps) {
    const [shards, workers, gateways] = THREADS[step] ?? [8, 1, 1];
    const env = {
      ...settings.env,
      QRSWITCH_SHARDS: String(shards),
      QRSWITCH_WORKERS: String(workers),
      QRSWITCH_GATEWAYS: String(gateways),
    };
    await withSwitch({ ...settings, env }, [], async (stores, under) => {
      const at = `${shards} / ${workers} / ${gateways}`;
      found.push(await measureStep({ settings, stores, under }, at, lifecycles));
    });
  }
  return found;
}

async function growPayers(settings: Settings, steps: readonly number[]): Promise<Step[]> {
  const found: Step[] = [];
  await withSwitch(settings, [], async (stores, under) => {
    for (const payers of steps) {
      const bench = { settings, stores, under };
      found.push(await measureStep(bench, payers, (each) => measureHotBill(each, payers)));
    }
  });
  return found;
}

/** Beside as many clients of pgbench who pay parts of one row, in turns. */
async function crowdBillboard(settings: Settings, steps: readonly number[]): Promise<Step[]> {
  const found: Step[] = [];
  await withSwitch(settings, [], async (stores, under) => {
    const bench = { settings, stores, under };
    for (const payers of steps) {
      const contestants: Record<string, () => Promise<Measured>> = {
        [`${payers}, the switch`]: () => measureBillboard(bench, payers),
        [`${payers}, SQL in one statement`]: () => measureSql(bench, 'hot', 'single', payers),
        [`${payers}, SQL with row locks`]: () => measureSql(bench, 'hot', 'interactive', payers),
      };
      const own = { ...bench, settings: { ...settings, rounds: 1 } };
      const turns = new Map<string, Step[]>();
      for (let round = 1; round <= settings.rounds; round++) {
        for (const [at, measure] of Object.entries(contestants)) {
          turns.set(at, [...(turns.get(at) ?? []), await measureStep(own, at, measure)]);
        }
      }
      for (const all of turns.values()) found.push(...joined(all));
    }
  });
  return found;
}

/** One step of many, with the rounds of all, and memory as it was before the last of them. */
function joined(steps: readonly Step[]): Step[] {
  const last = steps.at(-1);
  return last === undefined ? [] : [{ ...last, rounds: steps.flatMap(({ rounds }) => rounds) }];
}

/** Grows one switch from step to step, and measures lifecycles at each. */
async function onSwitch(
  settings: Settings,
  steps: readonly number[],
  grow: (bench: Bench, to: number, from: number) => Promise<void>,
): Promise<Step[]> {
  const found: Step[] = [];
  await withStores(settings, async (stores) => {
    const under = await startSwitch({ ...settings, stores });
    const bench = { settings, stores, under };
    try {
      let before = 0;
      for (const to of steps) {
        say(`growing to ${to}`);
        const rssBefore = rssOf(under.pid);
        if (to > before) await grow(bench, to, before);
        const step = await measureStep(bench, to, lifecycles);
        const added = to - before;
        const eachBytes = added < EACH_MIN ? null : (step.rssBytes - rssBefore) / added;
        found.push({ ...step, eachBytes });
        before = to;
      }
    } catch (error) {
      say(`the switch's log ends so:\n${await under.logTail()}`);
      throw error;
    } finally {
      await under.stop();
    }
  });
  return found;
}

/** Terminals of the merchant whose terminals the load uses; their keys. */
async function addTerminals({ stores, under }: Bench, count: number): Promise<string[]> {
  const sql = postgres(stores.switchUrl, { max: 1 });
  try {
    const keys = Array.from(
      { length: count },
      () => `qrs_term_${randomBytes(24).toString('base64url')}`,
    );
    const ids = keys.map((_, i) => `ter_idle${Date.now().toString(36)}${i}`);
    const like = under.terminals[0]?.id ?? '';
    await sql`
      insert into terminals (id, merchant_id, name)
      select id, (select merchant_id from terminals where id = ${like}), 'Idle till'
      from unnest(${ids}::text[]) as id`;
    const known = await readKeyHashes(sql);
    const hashes = keys.map((key) => known.stored(hashKey(key)));
    await sql`
      insert into keys (key_hash, terminal_id, layers)
      select *, ${known.layers} from unnest(${hashes}::text[], ${ids}::text[])`;
    return keys;
  } finally {
    await sql.end();
  }
}

function connectIdle(task: IdleTask): Promise<ChildProcess> {
  return new Promise((done, fail) => {
    const child = fork(new URL('./load/idle.js', import.meta.url), { execArgv: [] });
    child.once('message', (message: FromIdle) => {
      if (message.type === 'open') done(child);
      else fail(new Error(`idle terminals: ${message.reason}`));
    });
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`the idle terminals ended with ${code}`)));
    child.send(task);
  });
}

// `recovery`: how long a switch that was killed takes until it serves again, by how much of its log history does not have.
//
// History is held back while the load runs: a transaction locks its tables against writing, and the switch goes on without
// it, as when Postgres is slow. Then the switch is killed, whoever of it still waits in Postgres is ended, the lock is
// given up, and the switch is started: what it takes from its start to /readyz is the figure. In it stand the start of
// Node.js and its threads, which the first step (no tail) shows by itself.

import postgres, { type Sql } from 'postgres';
import { checkBooks } from './books.ts';
import { lineChart } from './charts.ts';
import { runLoad } from './load-process.ts';
import { describeRun } from './machine.ts';
import { TRANSITIONS_A_LIFECYCLE } from './measure.ts';
import { table } from './report.ts';
import { publishResults } from './results.ts';
import { scrape } from './scrape.ts';
import { readSettings, type Settings } from './settings.ts';
import type { Stores } from './stores.ts';
import { type SwitchProcess, startSwitch } from './switch-process.ts';
import { say, withStores } from './under-test.ts';

const TAILS = [0, 10_000, 100_000, 1_000_000];
/** Nothing of the tail may leave memory or be refused before history has it. */
const ROOM = {
  QRSWITCH_LOG_ENTRIES_MAX: '10000000',
  QRSWITCH_RESIDENT_MAX: '10000000',
  QRSWITCH_WORKER_HEAP_MB: '8192',
};

interface Recovery {
  readonly asked: number;
  /** Transitions that history did not have when the switch was killed. */
  readonly tail: number;
  readonly readyMs: number;
}

export async function recovery(args: readonly string[]): Promise<void> {
  const given = readSettings(args);
  const settings = { ...given, env: { ...ROOM, ...given.env } };
  const about = describeRun(settings);
  await withStores(settings, async (stores) => {
    const found: Recovery[] = [];
    for (const asked of settings.steps.tails ?? TAILS) {
      const step = await recover(settings, stores, asked);
      const { tail, readyMs } = step;
      say(`${tail} transitions in the tail: ready after ${(readyMs / 1000).toFixed(2)} s`);
      found.push(step);
    }
    const text = [
      `# From start to ready, by the length of the log's tail (${new Date().toISOString()})`,
      METHOD,
      table(['where', ''], Object.entries({ ...about, ...stores.described })),
      table(
        ['transitions in the tail', 's to ready', 'transitions/s'],
        found.map(({ tail, readyMs }) => [
          String(tail),
          (readyMs / 1000).toFixed(2),
          tail === 0 ? '' : (tail / (readyMs / 1000)).toFixed(0),
        ]),
      ),
    ].join('\n\n');
    const points = found.map(({ tail, readyMs }): [number, number] => [tail, readyMs / 1000]);
    const svg = lineChart(
      'From start to ready',
      { name: 'transitions in the log’s tail' },
      { name: 's' },
      [{ name: 'ready', points }],
    );
    publishResults('recovery', {
      text,
      json: { settings, about, found },
      plots: [{ name: 'tail', svg }],
    });
  });
}

const METHOD = [
  'The tail is made by lifecycles while history’s tables are locked; the switch is then killed (SIGKILL) and started again on',
  'the same stores. Ready: /readyz answers 200, all shards serve. Afterwards every lifecycle was',
  'found in Postgres, whole and balanced. One run each. The process’s own start is part of each figure.',
].join('\n');

async function recover(settings: Settings, stores: Stores, asked: number): Promise<Recovery> {
  const { switchUrl } = stores;
  const under = await startSwitch({ ...settings, stores });
  const holding = postgres(switchUrl, { max: 1 });
  const admin = postgres(switchUrl, { max: 1, onnotice: () => undefined });
  try {
    const { tail, check } = await makeTail(settings, under, holding, asked);
    await under.kill();
    await endBackends(admin);
    await holding`rollback`;
    await stores.settle();
    const again = await startSwitch({ ...settings, stores, terminals: 0 });
    try {
      await check?.(switchUrl);
      return { asked, tail, readyMs: again.readyMs };
    } finally {
      await again.stop();
    }
  } finally {
    await holding.end({ timeout: 1 });
    await admin.end();
  }
}

interface Tail {
  readonly tail: number;
  /** Whether the books balance; null where there is nothing to check. */
  readonly check: ((url: string) => Promise<unknown>) | null;
}

async function makeTail(
  settings: Settings,
  under: SwitchProcess,
  holding: Sql,
  asked: number,
): Promise<Tail> {
  // A connection of its own, so that the transaction lasts.
  await holding`begin`;
  await holding`lock table bills, transitions in exclusive mode`;
  if (asked === 0) return { tail: 0, check: null };
  say(`making a tail of ${asked} transitions`);
  const run = `t${Date.now().toString(36)}`;
  const concurrency = Math.max(...settings.concurrency);
  const { outcome } = await runLoad(
    {
      kind: 'lifecycles',
      count: Math.ceil(asked / TRANSITIONS_A_LIFECYCLE),
      protocol: 'ws-msgpack',
      port: under.port,
      terminals: under.terminals,
      wallet: under.wallet,
      walletConnections: settings.wallets,
      concurrency,
      warmUpMs: 0,
      measureMs: 0,
      run,
    },
    () => new Map(),
  );
  const tail = (await scrape(under.port)).get('qrswitch_transitions_unwritten') ?? 0;
  if (tail < asked * 0.99) throw new Error(`the tail is ${tail}: history was not held back`);
  const terminals = under.terminals.map(({ id }) => id);
  return {
    tail,
    check: (url) =>
      checkBooks({ url, run, terminals, outcome: { ...outcome, endedAt: Date.now() } }),
  };
}

/** A statement that waits for the lock would still be carried out after its switch has died. */
async function endBackends(admin: Sql): Promise<void> {
  await admin`
    select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'qrswitch%'`;
}

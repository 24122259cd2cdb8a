// Postgres is away: with Redis beside it the switch serves on from its log and catches up, up to a bound; where Postgres
// carries the log too, everything waits for it. Nobody restarts anything (A4, A6, A11).
//
// The minute that an operator should have tried once: QRSWITCH_TEST_AWAY_MS=60000 npm run e2e -- postgres-away

import { setTimeout as pause } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { must } from '../../src/domain/assert.ts';
import { makeKey } from '../../src/persistence/onboarding.ts';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import { fresh, type HttpAnswer } from '../support/client.ts';
import { Customer } from '../support/customers.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { OperatorParty } from '../support/operator.ts';
import { onOwn, signalPostgres } from '../support/store-faults.ts';
import {
  type RedisServer,
  startPostgres,
  startRedis,
  type TestPostgres,
} from '../support/stores.ts';
import { metric, SwitchProcess } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const AWAY_MS = Number(process.env.QRSWITCH_TEST_AWAY_MS ?? 3_000);
const LOOK_MS = 10;
/** Twice as many as two workers take. */
const FAT_MAX = 640;
const SHARDS = 2;
const FEW_SHARDS = { QRSWITCH_SHARDS: `${SHARDS}` };

let server: TestPostgres;
let redis: RedisServer | null = null;
let world: World | undefined;
let sql: Sql | undefined;

beforeEach(async () => {
  showOutputOnFailure(() => world?.process);
  server = await startPostgres();
});
afterEach(async () => {
  signalPostgres(server, 'SIGCONT');
  await sql?.end({ timeout: 1 });
  await world?.process.remove();
  await redis?.stop();
  await server.stop();
  world = undefined;
  sql = undefined;
  redis = null;
});

async function start(kind: 'redis' | 'alone', env: Readonly<Record<string, string>> = {}) {
  redis = kind === 'redis' ? await startRedis() : null;
  const started = await World.start(onOwn({ redis, postgres: server }), { ...FEW_SHARDS, ...env });
  world = started;
  const client = postgres(started.stores.databaseUrl, { max: 1, onnotice: () => undefined });
  sql = client;
  return { world: started, sql: client };
}

type Running = Awaited<ReturnType<typeof start>>;

/** Ways to be away, and back. */
const WAYS = [
  {
    name: 'that hangs (SIGSTOP)',
    leave: async () => signalPostgres(server, 'SIGSTOP'),
    comeBack: async () => signalPostgres(server, 'SIGCONT'),
  },
  {
    name: 'that is killed (SIGKILL)',
    leave: () => server.kill(),
    comeBack: async () => {
      const { dir, port } = server;
      server = await startPostgres({ dir, port });
    },
  },
];

function crowd(how: { paceMs?: number } = {}): Customer[] {
  return Array.from({ length: 6 }, () => new Customer(how));
}

function toldBy(customers: readonly Customer[]): number {
  return customers.reduce((sum, { told }) => sum + told.length, 0);
}

/** Over streams, which have shown their keys: over HTTP a Postgres that hangs holds up the check of keys now and then. */
async function run(
  { world: { process }, world: on }: Running,
  customers: readonly Customer[],
  how: 'run' | 'insist' = 'run',
) {
  const [till, wallet] = [await on.stream('terminal'), await on.stream('paychannel')];
  const ended = Promise.all(customers.map((each) => each[how](till, wallet)));
  const reached = (goal: number) => process.until('under load', () => toldBy(customers) >= goal);
  const stop = async (): Promise<void> => {
    for (const each of customers) each.stop();
    await ended;
  };
  return { ended, reached, stop };
}

/** Nothing acknowledged is lost, nothing is doubled, history has all of it. */
async function isWhole({ world: on, sql: client }: Running, customers: readonly Customer[]) {
  const [till, wallet] = [on.http('terminal'), on.http('paychannel')];
  const all = await Promise.all(customers.map((each) => each.contradictions(till, wallet)));
  expect(all.flat()).toEqual([]);
  await historyIsWhole(on.process);
  expect(await faultsInBooks(client)).toEqual([]);
  const [row] = await client<{ n: number }[]>`select count(*)::int as n from transitions`;
  expect(row?.n).toBeGreaterThanOrEqual(toldBy(customers));
}

function order(): { orderId: string; amount: number; currency: string } {
  return { orderId: fresh('order'), amount: 100, currency: 'EUR' };
}

function isClearNo({ status, body, headers }: HttpAnswer, codes: readonly string[]): void {
  expect({ status, body }).toMatchObject({ status: 503, body: { retryable: true } });
  expect(codes).toContain((body as { code: string }).code);
  expect(headers.get('retry-after')).toBe('1');
}

describe('a switch on Redis and a Postgres', () => {
  test.each(WAYS)(
    '$name serves on, says how far history is behind, and catches up',
    async (way) => {
      const running = await start('redis');
      const { process } = running.world;
      // They buy for seconds on end: at full speed, most of the time would go into asking again for all that they bought.
      const customers = crowd({ paceMs: 15 });
      const load = await run(running, customers);
      await load.reached(60);
      await way.leave();
      const leftAt = performance.now();
      await process.until('serving without Postgres', () => performance.now() - leftAt > AWAY_MS);
      const told = toldBy(customers);
      await load.reached(told + 150);
      // It is ready, since it serves; the metrics tell that history waits.
      expect((await process.readiness())?.status).toBe(200);
      expect(await metric(process.baseUrl, 'qrswitch_transitions_unwritten')).toBeGreaterThan(100);
      expect(await metric(process.baseUrl, 'qrswitch_history_lagged_seconds')).toBeGreaterThan(
        AWAY_MS / 2_000,
      );
      await way.comeBack();
      await load.reached(toldBy(customers) + 60);
      await load.stop();
      expect(customers.map(({ lost }) => lost)).toEqual(customers.map(() => 0));
      await isWhole(running, customers);
    },
  );

  test('that is away for longer than its log is bounded for says no before anything is done', async () => {
    const bound = 100;
    const running = await start('redis', { QRSWITCH_LOG_ENTRIES_MAX: `${bound}` });
    const { world: on } = running;
    const customers = crowd();
    const load = await run(running, customers);
    await load.reached(30);
    await server.kill();
    await load.ended;
    const refused = order();
    await on.process.until('full', async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => on.http('terminal').ask('bill.create', order())),
      );
      return answers.every(({ status }) => status === 503);
    });
    const answer = await on.http('terminal').ask('bill.create', refused);
    isClearNo(answer, ['overloaded']);
    expect(answer.body).toMatchObject({ detail: 'The history is too far behind the log.' });
    // What is in memory is still told, and the log has not grown past its bound by more than what was under way.
    const paid = customers.flatMap((each) => each.paid)[0] ?? '';
    expect((await on.http('terminal').ask('bill.get', { billId: paid })).status).toBe(200);
    const unwritten = await metric(on.process.baseUrl, 'qrswitch_transitions_unwritten');
    expect(unwritten).toBeLessThan(SHARDS * (bound + 32));
    const { dir, port } = server;
    server = await startPostgres({ dir, port });
    // By itself; and of what was refused nothing is there.
    await on.process.until('taking bills again', async () => {
      return (await on.http('terminal').ask('bill.create', order())).status === 201;
    });
    await historyIsWhole(on.process);
    const [row] = await running.sql<{ n: number }[]>`
      select count(*)::int as n from orders where order_id = ${refused.orderId}`;
    expect(row).toEqual({ n: 0 });
    const again = await run(running, customers, 'insist');
    await again.reached(toldBy(customers) + 60);
    await again.stop();
    await isWhole(running, customers);
  });
});

describe('a switch whose Postgres hangs with its connections open', () => {
  test('refuses who needs it within seconds: keys that it has not seen, and operators', async () => {
    const { world: on } = await start('redis');
    const system = new OperatorParty(on, on.process.demo.operator.key);
    await system.done('operator.terminal.list');
    const unseen = () =>
      on.http('terminal', makeKey('terminal')).ask('bill.get', { billId: 'unknown' });
    expect((await unseen()).status).toBe(401);
    signalPostgres(server, 'SIGSTOP');
    // More than there are lines for: who waits behind them is refused as well.
    const refused = await Promise.all([
      ...Array.from({ length: 5 }, unseen),
      system.ask('operator.terminal.list'),
    ]);
    for (const no of refused) isClearNo(no, ['history.unavailable']);
    signalPostgres(server, 'SIGCONT');
    await on.process.until('known again', async () => (await unseen()).status === 401);
    await on.process.until('shown again', async () => {
      return (await system.ask('operator.terminal.list')).status === 200;
    });
  });
});

describe('a worker of little memory whose Postgres is away', () => {
  test('says no long before it holds as many fat bills as it may hold usual ones', async () => {
    // 6,400 transitions a worker, or 3.1 MiB of them: a bill of 20 KB counts as 40.
    const running = await start('redis', { QRSWITCH_WORKER_HEAP_MB: '64' });
    const { world: on } = running;
    expect((await on.http('terminal').ask('bill.create', order())).status).toBe(201);
    // Then each shard has long heard from Postgres which orders it knows.
    await historyIsWhole(on.process);
    await server.kill();
    const metadata = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`note-${i}`, 'ж'.repeat(500)]),
    );
    const make = () => on.http('terminal').ask('bill.create', { ...order(), metadata });
    let made = 1;
    let refused: HttpAnswer | undefined;
    while (refused === undefined && made < FAT_MAX) {
      const answers = await Promise.all(Array.from({ length: 8 }, make));
      refused = answers.find(({ status }) => status !== 201);
      made += answers.filter(({ status }) => status === 201).length;
    }
    const no = must(refused, 'a refusal');
    isClearNo(no, ['overloaded']);
    expect(no.body).toMatchObject({ detail: 'The history is too far behind the log.' });
    const { dir, port } = server;
    server = await startPostgres({ dir, port });
    await historyIsWhole(on.process);
    const [row] = await running.sql<{ n: number }[]>`select count(*)::int as n from bills`;
    expect(row).toEqual({ n: made });
  });
});

describe.each(['redis', 'alone'] as const)('a switch with its log on %s', (kind) => {
  test('whose Postgres sessions are killed in the midst of statements has written each thing once', async () => {
    const running = await start(kind);
    const customers = crowd();
    let isOver = false;
    const [till, wallet] = [running.world.http('terminal'), running.world.http('paychannel')];
    // Where Postgres carries the log, a killed session is a short 503: asked again with the same references.
    const buying = customers.map(async (each) => {
      while (!isOver) await each.run(till, wallet);
    });
    // Few statements take long, so it is looked often; whoever is never seen in the midst of one runs into the time-out.
    for (let killed = 0; killed < 10 || toldBy(customers) < 100; ) {
      const rows = await running.sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state = 'active'`;
      killed += rows.length;
      await pause(LOOK_MS);
    }
    isOver = true;
    for (const each of customers) each.stop();
    await Promise.all(buying);
    await running.world.process.ready();
    await isWhole(running, customers);
  });

  test('that starts without its stores waits for them, says so, and serves once they are there', async () => {
    const { world: on, sql: client } = await start(kind);
    const customers = crowd();
    const load = await run({ world: on, sql: client }, customers);
    await load.reached(30);
    await load.stop();
    await on.process.kill();
    await server.kill();
    await redis?.kill();
    const { port, dataDir } = on.process;
    on.process = await SwitchProcess.launch({ stores: on.stores, env: FEW_SHARDS, port, dataDir });
    const { process } = on;
    const said = (what: string) => process.until(what, () => process.logged(what).length > 0);
    await said('postgres.unreachable');
    expect(process.logged('postgres.unreachable')).toMatchObject([
      { level: 'warn', reason: expect.stringContaining('ECONNREFUSED') },
    ]);
    const cluster = { dir: server.dir, port: server.port };
    server = await startPostgres(cluster);
    if (redis !== null) {
      await said('log.unreachable');
      await redis.restart();
    }
    await process.ready();
    await isWhole({ world: on, sql: client }, customers);
  });
});

describe('a switch on Postgres alone', () => {
  test.each(WAYS)('$name says so to everybody, and goes on unaided', async (way) => {
    const running = await start('alone');
    const { world: on } = running;
    const customers = crowd();
    const load = await run(running, customers);
    await load.reached(60);
    await load.stop();
    await way.leave();
    await on.process.until('without its lease', async () => {
      return (await on.process.readiness())?.status === 503;
    });
    isClearNo(await on.http('terminal').ask('bill.create', order()), [
      'shard.unavailable',
      'log.refused',
    ]);
    // Each shard finds out by itself.
    await on.process.until('recovering', async () => {
      const { ready, shards } = (await on.process.readiness())?.body ?? {};
      return ready === false && (shards as Record<string, number>)?.recovering === SHARDS;
    });
    await on.process.until('telling why', () => {
      return on.process.logged('lease.storeUnreachable').length > 0;
    });
    await way.comeBack();
    await on.process.ready();
    const again = await run(running, customers, 'insist');
    await again.reached(toldBy(customers) + 60);
    await again.stop();
    await isWhole(running, customers);
  });
});

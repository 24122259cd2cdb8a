// The log has lost entries that it had acknowledged: what the switch says, what it does not do any more, and the
// documented way out, walked to its end (A4, A6, A7).

import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import postgres, { type PendingQuery, type Row, type Sql } from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import { fresh, type HttpAnswer } from '../support/client.ts';
import { Customer } from '../support/customers.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { backUp, cutLog, emptyFolder, logLength, onOwn, restore } from '../support/store-faults.ts';
import {
  type RedisServer,
  startPostgres,
  startRedis,
  type TestPostgres,
} from '../support/stores.ts';
import { metric, SwitchProcess } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const SHARDS = 4;
const FEW_SHARDS = { QRSWITCH_SHARDS: `${SHARDS}` };
const EVERY_SHARD = Array.from({ length: SHARDS }, (_, shard) => shard);

let redis: RedisServer;
let world: World;
let sql: Sql;

beforeEach(async () => {
  showOutputOnFailure(() => world?.process);
  redis = await startRedis();
});
afterEach(async () => {
  await sql?.end({ timeout: 1 });
  await world?.stop();
  await redis.stop();
});

async function start(setUp = onOwn({ redis })): Promise<void> {
  world = await World.start(setUp, FEW_SHARDS);
  sql = postgres(world.stores.databaseUrl, { max: 2, onnotice: () => undefined });
}

/** The same switch with other settings, whether or not it comes to serve. */
async function again(env: Readonly<Record<string, string>> = {}): Promise<SwitchProcess> {
  const { port, dataDir } = world.process;
  if (!world.process.hasEnded) await world.process.stop();
  const { stores } = world;
  const launched = { stores, port, dataDir, env: { ...FEW_SHARDS, ...env } };
  world.process = await SwitchProcess.launch(launched);
  return world.process;
}

/** What a start says that is refused. */
async function refusal(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const refused = await again(env);
  expect((await refused.ended()).code).toBe(1);
  return refused.output.split('\n').find((line) => line.startsWith('qrswitch cannot')) ?? '';
}

/** Buys until so many answers have come. */
async function buy(customers: readonly Customer[], answers: number): Promise<void> {
  const running = customers.map((each) =>
    each.insist(world.http('terminal'), world.http('paychannel')),
  );
  const goal = toldBy(customers) + answers;
  await world.process.until('under load', () => toldBy(customers) >= goal);
  for (const each of customers) each.stop();
  await Promise.all(running);
}

function toldBy(customers: readonly Customer[]): number {
  return customers.reduce((sum, { told }) => sum + told.length, 0);
}

/** Asks everybody's question once: none of them may be answered from what cannot be trusted. */
async function everybodyAsks(billId: string): Promise<HttpAnswer[]> {
  const till = world.http('terminal');
  const wallet = world.http('paychannel');
  const orders = Array.from({ length: 16 }, () => ({
    orderId: fresh('order'),
    amount: 100,
    currency: 'EUR',
  }));
  return Promise.all([
    ...orders.map((order) => till.ask('bill.create', order)),
    till.ask('bill.get', { billId }),
    wallet.ask('bill.view', { billId }),
    wallet.ask('payment.create', { billId, paymentRef: 'late', amount: 1, currency: 'EUR' }),
  ]);
}

/** The shards have stopped, and say so to whoever looks: in the log, in /readyz, in the metric, to every caller. */
async function stoppedLoudly(
  shards: readonly number[],
  reason: RegExp,
  billId: string,
): Promise<void> {
  const { process } = world;
  await process.until('stopped', () => process.logged('shard.stopped').length >= shards.length);
  const lines = process.logged('shard.stopped');
  expect(lines.map(({ shard }) => shard).sort()).toEqual(shards);
  for (const line of lines) {
    expect(line).toMatchObject({ level: 'error', reason: expect.stringMatching(reason) });
    expect(line.runbook).toBe('docs/runbooks/shards-stopped.md');
  }
  const says = shards.map((shard) => `shard ${shard} is stopped: see the log`);
  await process.until('unready', async () => (await process.readiness())?.status === 503);
  await process.until('telling which', async () => {
    const waitsFor = (await process.readiness())?.body.waitsFor ?? [];
    return says.every((each) => JSON.stringify(waitsFor).includes(each));
  });
  expect((await process.readiness())?.body).toMatchObject({
    ready: false,
    shards: { stopped: shards.length },
  });
  expect(await metric(process.baseUrl, 'qrswitch_shards_owned{state="stopped"}')).toBe(
    shards.length,
  );
  if (shards.length < SHARDS) return;
  for (const { status, body, headers } of await everybodyAsks(billId)) {
    expect({ status, body }).toMatchObject({
      status: 503,
      body: { code: 'shard.stopped', retryable: true, type: '/problems/shard.stopped' },
    });
    expect(headers.get('retry-after')).toBe('1');
  }
}

/** Where history ends: the last entry of each shard, and how many transitions it has. */
interface End {
  readonly entries: ReadonlyMap<number, string>;
  readonly count: number;
}

async function historyEnd(): Promise<End> {
  const rows = await sql<{ shard: number; entry: string }[]>`select shard, entry from watermarks`;
  return {
    entries: new Map(rows.map(({ shard, entry }) => [shard, entry])),
    count: await count(sql`true`),
  };
}

async function count(where: PendingQuery<Row[]>): Promise<number> {
  const [row] = await sql<
    { n: number }[]
  >`select count(*)::int as n from transitions where ${where}`;
  return row?.n ?? 0;
}

async function contradictions(customers: readonly Customer[]): Promise<string[]> {
  const [till, wallet] = [world.http('terminal'), world.http('paychannel')];
  return (await Promise.all(customers.map((each) => each.contradictions(till, wallet)))).flat();
}

/** Nothing acknowledged is lost, nothing is doubled, and every entry written since is above all that were before. */
async function wentOn(customers: readonly Customer[], end: End): Promise<void> {
  expect(await contradictions(customers)).toEqual([]);
  await buy(customers, 200);
  expect(await contradictions(customers)).toEqual([]);
  await historyIsWhole(world.process);
  expect(await faultsInBooks(sql)).toEqual([]);
  let above = 0;
  for (const [shard, entry] of end.entries) {
    above += await count(sql`shard = ${shard} and entry > ${entry}`);
  }
  expect(above).toBe((await count(sql`true`)) - end.count);
  expect(above).toBeGreaterThanOrEqual(200);
}

/** A Postgres that cannot write history, and answers everything else, for the time of some work. */
async function withoutHistory(work: () => Promise<void>): Promise<void> {
  const lock = await sql.reserve();
  try {
    await lock`begin`;
    await lock`lock table watermarks in share mode`;
    await work();
    // A statement that waits for the lock would be done after its client has gone.
    await lock`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'qrswitch%'`;
    await lock`commit`;
  } finally {
    lock.release();
  }
}

/** What Redis has from now on is lost with its next start. */
async function loseTail(length: number): Promise<void> {
  await redis.kill();
  await cutLog(redis, length);
  await redis.restart();
}

async function flush(): Promise<void> {
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
}

/** The documented way out where Redis still has its name: the log is emptied, and abandoned by its id. */
async function walkOut(customers: readonly Customer[], end: End): Promise<void> {
  const [row] = await sql<{ log_id: string }[]>`select log_id from meta`;
  const id = row?.log_id ?? '';
  const inPlace = await refusal({ QRSWITCH_ABANDON_LOG: id });
  expect(inPlace).toContain('FLUSHALL');
  await flush();
  expect(await refusal()).toContain(`QRSWITCH_ABANDON_LOG=${id}`);
  await (await again({ QRSWITCH_ABANDON_LOG: id })).ready();
  expect(world.process.logged('log.moved')).toHaveLength(1);
  await wentOn(customers, end);
}

function crowd(): Customer[] {
  return Array.from({ length: 8 }, () => new Customer());
}

function anyBill(customers: readonly Customer[]): string {
  const [first] = customers.flatMap(({ told }) => told);
  return first === undefined ? '' : (first.answer as { id: string }).id;
}

describe('a log that is lost under a running owner', () => {
  const emptied = { name: 'emptied by FLUSHALL', lose: flush };
  const remounted = {
    name: 'back on an empty folder',
    lose: async () => {
      await redis.kill();
      await emptyFolder(redis);
      await redis.restart();
    },
  };
  test.each([emptied, remounted])(
    '$name stops its shards loudly, and its way out loses nothing',
    async (loss) => {
      await start();
      const customers = crowd();
      await buy(customers, 200);
      const running = customers.map((each) =>
        each.run(world.http('terminal'), world.http('paychannel')),
      );
      const goal = toldBy(customers) + 100;
      await world.process.until('under load', () => toldBy(customers) >= goal);
      await loss.lose();
      await Promise.all(running);
      const reason = /has lost entries|is empty, and history ends at/;
      await stoppedLoudly(EVERY_SHARD, reason, anyBill(customers));
      await historyIsWhole(world.process);
      const end = await historyEnd();

      // Without a word from the operator it does not start.
      const said = await refusal();
      expect(said).toContain('what only it held is lost');
      const id = /QRSWITCH_ABANDON_LOG=([\w-]+)/.exec(said)?.[1] ?? '';
      await (await again({ QRSWITCH_ABANDON_LOG: id })).ready();
      await wentOn(customers, end);
      // The word may stay in a settings file: it does nothing any more.
      await (await again({ QRSWITCH_ABANDON_LOG: id })).ready();
      expect(world.process.logged('log.moving')).toEqual([]);
      await wentOn(customers, end);
    },
  );
});

describe('a log whose tail is cut under a running owner', () => {
  const parts = [
    { name: 'above what history has', isStalled: true },
    { name: 'below what history has', isStalled: false },
  ];
  test.each(parts)(
    '$name stops its shards loudly, and its way out loses nothing',
    async ({ isStalled }) => {
      await start();
      const customers = crowd();
      await buy(customers, 100);
      await historyIsWhole(world.process);
      const before = await historyEnd();
      const lose = async (): Promise<void> => {
        const length = await logLength(redis);
        await buy(customers, 200);
        if (!isStalled) await historyIsWhole(world.process);
        const { entries } = await historyEnd();
        expect(isDeepStrictEqual(entries, before.entries)).toBe(isStalled);
        await loseTail(length);
        // A shard finds out as it appends.
        await world.process.until('stopped', async () => {
          await everybodyAsks(anyBill(customers));
          return world.process.logged('shard.stopped').length === SHARDS;
        });
      };
      await (isStalled ? withoutHistory(lose) : lose());
      await stoppedLoudly(
        EVERY_SHARD,
        /had acknowledged .* and ends at .*: it has lost entries/,
        anyBill(customers),
      );
      // The owner still had what the log has lost.
      await historyIsWhole(world.process);
      const end = await historyEnd();
      expect(end.count).toBeGreaterThanOrEqual(before.count + 200);

      // Another start finds it too, though nobody is left who remembers.
      await again();
      await stoppedLoudly(
        EVERY_SHARD,
        /and history at .*: the log has lost entries/,
        anyBill(customers),
      );
      await walkOut(customers, end);
    },
  );
});

describe('a log whose tail is cut while no owner runs', () => {
  test('below what history has stops every shard at its start, and its way out loses nothing', async () => {
    await start();
    const customers = crowd();
    await buy(customers, 100);
    const length = await logLength(redis);
    await buy(customers, 200);
    await world.process.stop();
    const end = await historyEnd();
    await loseTail(length);
    await again();
    await stoppedLoudly(
      EVERY_SHARD,
      /and history at .*: the log has lost entries/,
      anyBill(customers),
    );
    await walkOut(customers, end);
  });

  test('above what history has cannot be seen: that part is gone, the rest is whole', async () => {
    await start();
    const kept = crowd();
    await buy(kept, 100);
    await historyIsWhole(world.process);
    const gone = crowd();
    await withoutHistory(async () => {
      const length = await logLength(redis);
      await buy(gone, 100);
      await world.process.kill();
      await loseTail(length);
    });
    await (await again()).ready();
    expect(await contradictions(kept)).toEqual([]);
    // docs/guarantees.md says so: this is what an operator must know to have happened.
    const lost = gone.reduce((sum, { told }) => sum + told.length, 0);
    expect(await contradictions(gone)).toHaveLength(lost);
    await historyIsWhole(world.process);
    expect(await faultsInBooks(sql)).toEqual([]);
  });
});

describe('a Postgres that is put back to an older backup under a running owner', () => {
  let server: TestPostgres;

  test('stops its shards loudly, and the newer one brings all of it back', async () => {
    server = await startPostgres();
    const stop = async (): Promise<void> => server.stop();
    await start(onOwn({ redis, postgres: { ...server, stop } }));
    const customers = crowd();
    await buy(customers, 100);
    server = await backUp(server, 'older');
    await buy(customers, 200);
    await historyIsWhole(world.process);
    const end = await historyEnd();
    server = await restore(server, { from: 'older', keepAs: 'newest' });
    await world.process.until('stopped', async () => {
      await everybodyAsks(anyBill(customers));
      return world.process.logged('shard.stopped').length === SHARDS;
    });
    const reason = /the watermark of shard \d is .*, which this owner did not write/;
    await stoppedLoudly(EVERY_SHARD, reason, anyBill(customers));
    // A start does not take it either.
    await again();
    const missing = /begins at .*, and history ends at .*: entries between are missing/;
    await stoppedLoudly(EVERY_SHARD, missing, anyBill(customers));

    server = await restore(server, { from: 'newest', keepAs: 'mistake' });
    await (await again()).ready();
    await wentOn(customers, end);
  });
});

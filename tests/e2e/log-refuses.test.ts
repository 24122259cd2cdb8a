// Redis is there and takes no writes, or not from us: a clear 503, one probe a second, and the switch goes on by itself
// once it is over (A4).

import { Redis } from 'ioredis';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import { done, fresh, type HttpAnswer } from '../support/client.ts';
import { Customer } from '../support/customers.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { onOwn } from '../support/store-faults.ts';
import { type RedisServer, startRedis } from '../support/stores.ts';
import { metric, SwitchProcess } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const SHARDS = 2;
const EVERY_SHARD = [0, 1];

let redis: RedisServer;
let admin: Redis;
let world: World;

beforeAll(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url, { maxRetriesPerRequest: 0, retryStrategy: () => 100 });
  admin.on('error', () => undefined);
  world = await World.start(onOwn({ redis }), { QRSWITCH_SHARDS: `${SHARDS}` });
});
afterAll(async () => {
  admin?.disconnect();
  await world?.stop();
  await redis?.stop();
});
beforeEach(() => showOutputOnFailure(() => world.process));

interface Trouble {
  readonly name: string;
  readonly spoil: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
  /** What Redis says. */
  readonly says: string;
}

const TROUBLES: readonly Trouble[] = [
  {
    name: 'is full',
    spoil: () => admin.config('SET', 'maxmemory', '1'),
    mend: () => admin.config('SET', 'maxmemory', '0'),
    says: 'OOM',
  },
  {
    name: 'has become a replica',
    spoil: () => admin.replicaof('127.0.0.1', 1),
    mend: () => admin.replicaof('NO', 'ONE'),
    says: 'READONLY',
  },
  {
    name: 'lacks the replicas that it is to have',
    spoil: () => admin.config('SET', 'min-replicas-to-write', '1'),
    mend: () => admin.config('SET', 'min-replicas-to-write', '0'),
    says: 'NOREPLICAS',
  },
  {
    name: 'has something else in the place of the log',
    spoil: () =>
      eachShard(async (key) => {
        await admin.multi().rename(key, `aside:${key}`).set(key, 'x').exec();
      }),
    mend: () => eachShard((key) => admin.rename(`aside:${key}`, key)),
    says: 'WRONGTYPE',
  },
];

function eachShard(work: (key: string) => Promise<unknown>): Promise<unknown> {
  return Promise.all(Array.from({ length: SHARDS }, (_, shard) => work(`wal:{${shard}}`)));
}

function crowd(): Customer[] {
  return Array.from({ length: 6 }, () => new Customer());
}

/** Buys until so many more answers have come; whoever is told no asks again with the same references. */
async function buy(customers: readonly Customer[], answers: number): Promise<void> {
  const [till, wallet] = [world.http('terminal'), world.http('paychannel')];
  const goal = toldBy(customers) + answers;
  const buying = customers.map(async (each) => {
    while (toldBy(customers) < goal) await each.run(till, wallet);
  });
  await world.process.until('under load', () => toldBy(customers) >= goal);
  for (const each of customers) each.stop();
  await Promise.all(buying);
}

function run(customers: readonly Customer[]): Promise<unknown> {
  const [till, wallet] = [world.http('terminal'), world.http('paychannel')];
  return Promise.all(customers.map((each) => each.run(till, wallet)));
}

function toldBy(customers: readonly Customer[]): number {
  return customers.reduce((sum, { told }) => sum + told.length, 0);
}

/** Nothing acknowledged is lost, nothing is doubled, and it goes on. */
async function wentOn(customers: readonly Customer[]): Promise<void> {
  await buy(customers, 60);
  const [till, wallet] = [world.http('terminal'), world.http('paychannel')];
  const all = await Promise.all(customers.map((each) => each.contradictions(till, wallet)));
  expect(all.flat()).toEqual([]);
  await historyIsWhole(world.process);
  const sql = postgres(world.stores.databaseUrl, { max: 1 });
  expect(await faultsInBooks(sql)).toEqual([]);
  await sql.end();
}

function order(): { orderId: string; amount: number; currency: string } {
  return { orderId: fresh('order'), amount: 100, currency: 'EUR' };
}

/** Asks for changes until every shard has met the trouble. What is under way then is answered when it is over. */
async function everyShardMeetsIt(linesBefore: number): Promise<Promise<HttpAnswer>[]> {
  const till = world.http('terminal');
  const asked: Promise<HttpAnswer>[] = [];
  await world.process.until('refused by its log', async () => {
    asked.push(till.ask('bill.create', order()));
    const met = world.process.logged('shard.appendFailed').slice(linesBefore);
    return (
      new Set(met.map(({ shard }) => shard)).size === SHARDS && (await recovering()) === SHARDS
    );
  });
  return asked;
}

async function recovering(): Promise<number> {
  const shards = (await world.process.readiness())?.body.shards as Record<string, number>;
  return shards?.recovering ?? 0;
}

function isClearNo({ status, body, headers }: HttpAnswer): void {
  expect({ status, body }).toMatchObject({ status: 503, body: { retryable: true } });
  expect(['log.refused', 'shard.unavailable']).toContain((body as { code: string }).code);
  expect(headers.get('retry-after')).toBe('1');
}

describe('a switch whose Redis', () => {
  test.each(TROUBLES)(
    '$name says so, probes once a second, and goes on unaided',
    async (trouble) => {
      const customers = crowd();
      await buy(customers, 60);
      const { id: billId } = await done(world.http('terminal'), 'bill.create', order());
      const shown = await done(world.http('terminal'), 'bill.get', { billId });
      const failed = 'qrswitch_appends_failed_total{outcome="refused"}';
      const before = await metric(world.process.baseUrl, failed);
      const probesBefore = world.process.logged('shard.reopenFailed').length;
      const linesBefore = world.process.logged('shard.appendFailed').length;
      const running = run(customers);
      await trouble.spoil();
      let asked: Promise<HttpAnswer>[] = [];
      try {
        asked = await everyShardMeetsIt(linesBefore);
        const lines = world.process.logged('shard.appendFailed').slice(linesBefore);
        for (const line of lines) {
          expect(line).toMatchObject({
            level: 'warn',
            reason: expect.stringContaining(trouble.says),
          });
        }
        expect(await metric(world.process.baseUrl, failed)).toBeGreaterThanOrEqual(before + SHARDS);
        expect(await world.process.readiness()).toMatchObject({
          status: 503,
          body: { ready: false, shards: { recovering: SHARDS } },
        });
        await probesOnceASecond(probesBefore);
        isClearNo(await world.http('terminal').ask('bill.get', { billId }));
        for (let i = 0; i < 8; i++)
          isClearNo(await world.http('terminal').ask('bill.create', order()));
      } finally {
        await trouble.mend();
      }
      await world.process.ready();
      // Those who were in the midst of it hear that nothing was done, and find all else as it was.
      for (const answer of await Promise.all(asked)) isClearNo(answer);
      await running;
      expect(await done(world.http('terminal'), 'bill.get', { billId })).toEqual(shown);
      await wentOn(customers);
    },
  );
});

describe('a switch whose Redis has cut it off', () => {
  test('and wants a password says so, and goes on once it is let in', async () => {
    const customers = crowd();
    await buy(customers, 60);
    const linesBefore = world.process.logged('shard.appendFailed').length;
    await admin.config('SET', 'requirepass', 'secret');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    const asked = await everyShardMeetsIt(linesBefore);
    // The lines of a connection have no shard; the operator reads what Redis said.
    await world.process.until('telling why', () => world.process.output.includes('NOAUTH'));
    expect(await world.process.readiness()).toMatchObject({ status: 503, body: { ready: false } });
    isClearNo(await world.http('terminal').ask('bill.create', order()));
    await admin.config('SET', 'requirepass', '');
    await world.process.ready();
    await Promise.all(asked);
    await wentOn(customers);
  });
});

describe('a start on a full Redis', () => {
  test('brings its log into history, says what it waits for, and serves once there is room', async () => {
    const customers = crowd();
    const running = run(customers);
    await world.process.until('under load', () => toldBy(customers) >= 60);
    await world.process.kill();
    await running;
    await admin.config('SET', 'maxmemory', '1');
    const { stores } = world;
    const { port, dataDir } = world.process;
    const env = { QRSWITCH_SHARDS: `${SHARDS}` };
    world.process = await SwitchProcess.launch({ stores, port, dataDir, env });
    await world.process.until('refused by its log', () => {
      const lines = world.process.logged('shard.startFailed');
      return EVERY_SHARD.every((shard) => lines.some((line) => line.shard === shard));
    });
    for (const { reason } of world.process.logged('shard.startFailed')) {
      expect(reason).toContain('OOM');
    }
    await world.process.until('heard', async () => {
      return (await world.process.readiness())?.body.ready === false;
    });
    isClearNo(await world.http('terminal').ask('bill.create', order()));
    await admin.config('SET', 'maxmemory', '0');
    await world.process.ready();
    await wentOn(customers);
  });
});

/** Each shard by itself, three times: never two within a second, however many ask meanwhile. */
async function probesOnceASecond(linesBefore: number): Promise<void> {
  const ask = world.http('terminal');
  const times = (shard: number): number[] =>
    world.process
      .logged('shard.reopenFailed')
      .slice(linesBefore)
      .filter((line) => line.shard === shard)
      .map((line) => Date.parse(String(line.time)));
  await world.process.until('probing', async () => {
    await Promise.all(Array.from({ length: 4 }, () => ask.ask('bill.create', order())));
    return EVERY_SHARD.every((shard) => times(shard).length >= 3);
  });
  for (const shard of EVERY_SHARD) {
    const probes = times(shard);
    for (const [i, at] of probes.slice(1).entries()) {
      expect(at - (probes[i] ?? 0)).toBeGreaterThan(900);
    }
  }
}

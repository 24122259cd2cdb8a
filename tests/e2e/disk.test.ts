// Disks that fail under a store with the log: full, with an error from fsync, slow. Whatever was answered 2xx is there,
// whatever was answered 503 is not done, and the switch goes on by itself once the store does.

import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { Answers } from '../support/answers.ts';
import { fresh, HttpParty } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { FaultyDisk } from '../support/faulty-disk.ts';
import {
  createDatabase,
  type RedisServer,
  startPostgres,
  startRedis,
  type TestPostgres,
} from '../support/stores.ts';
import { SwitchProcess } from '../support/switch-process.ts';

const REDIS_FILES = 'qrswitch-redis-';
const POSTGRES_FILES = '/cluster/pg_wal/';
const CALLS = 24;

let disk: FaultyDisk;
let running: SwitchProcess | undefined;
let till: HttpParty;

beforeEach(() => showOutputOnFailure(() => running));

async function startSwitch(databaseUrl: string, redisUrl: string | null): Promise<SwitchProcess> {
  running = await SwitchProcess.start({ stores: { databaseUrl, redisUrl } });
  const answers = await Answers.of(running.baseUrl);
  till = new HttpParty(running.baseUrl, 'terminal', running.demo.terminal.key, answers);
  return running;
}

/** Creates bills at once; resolves with what each order was answered. */
async function sell(count: number): Promise<Map<string, number>> {
  const answered = new Map<string, number>();
  await Promise.all(
    Array.from({ length: count }, async () => {
      const orderId = fresh('disk');
      const { status } = await till.ask('bill.create', { orderId, amount: 100, currency: 'EUR' });
      answered.set(orderId, status);
    }),
  );
  return answered;
}

/** What an order's answer and its bill contradict each other in. */
async function contradictions(answered: ReadonlyMap<string, number>): Promise<string[]> {
  const found: string[] = [];
  for (const [orderId, status] of answered) {
    const { status: now } = await till.ask('order.resolve', { orderId });
    const { body } = await till.ask('order.resolve', { orderId });
    const isThere = 'id' in (body as object);
    if (now >= 300) found.push(`${orderId} cannot be asked for: ${now}`);
    if (status === 201 && !isThere) found.push(`${orderId} was acknowledged and is gone`);
    if (status === 503 && isThere) found.push(`${orderId} was refused and is there`);
  }
  return found;
}

function statuses(answered: ReadonlyMap<string, number>): number[] {
  return [...new Set(answered.values())].sort();
}

/** Sells until somebody is answered so. */
async function sellUntil(status: number, answered: Map<string, number>): Promise<void> {
  await (running as SwitchProcess).until(`answering ${status}`, async () => {
    const more = await sell(CALLS);
    for (const [orderId, each] of more) answered.set(orderId, each);
    return [...more.values()].every((each) => each === status);
  });
}

describe('a disk under Redis', () => {
  let redis: RedisServer;

  beforeEach(async () => {
    disk = FaultyDisk.make(REDIS_FILES);
    redis = await startRedis({}, disk.env);
    await startSwitch(await createDatabase(inject('postgresUrl'), { migrated: true }), redis.url);
  });
  afterEach(async () => {
    await running?.remove();
    await redis.stop();
    disk.remove();
  });

  test.each([
    ['that is full', () => disk.failWrites('ENOSPC'), () => disk.failedWrites],
    ['whose fsync fails', () => disk.failSyncs('EIO'), () => disk.failedSyncs],
  ] as const)(
    '%s ends Redis: 503 until it is started again, and nothing lost',
    async (_what, fail, failed) => {
      const answered = await sell(CALLS);
      expect(statuses(answered)).toEqual([201]);

      fail();
      await sellUntil(503, answered);
      expect(failed()).toBeGreaterThan(0);
      await running?.until('without a Redis', () => redis.hasEnded);
      await running?.until('unready', async () => (await running?.readiness())?.status === 503);

      disk.failWrites('ENOSPC');
      disk.failWrites('none');
      disk.failSyncs('none');
      await redis.restart();
      await running?.ready();
      await sellUntil(201, answered);
      expect(await contradictions(answered)).toEqual([]);
      // The process is the one of before: nobody had to touch it.
      expect(running?.hasEnded).toBe(false);
    },
  );

  test('that takes 200 ms for every fsync is waited for, and nothing is refused', async () => {
    const syncs = disk.syncs;
    disk.delaySyncs(200);
    const answered = await sell(CALLS);
    const after = disk.syncs;
    disk.delaySyncs(0);

    expect(statuses(answered)).toEqual([201]);
    expect(after).toBeGreaterThan(syncs);
    expect(await contradictions(answered)).toEqual([]);
  });

  test('has synced before anybody hears that it is done', async () => {
    await sell(1);
    // A sync that does not end: nobody may hear anything until it has.
    disk.delaySyncs(1_500);
    let heard = 0;
    const asked = sell(CALLS).then((answered) => {
      heard = answered.size;
      return answered;
    });
    await running?.until('waiting for the disk', () => disk.isSyncing);
    const before = disk.syncs;
    while (disk.isSyncing && disk.syncs === before) {
      if (disk.syncs === before) expect(heard).toBe(0);
      await pause(10);
    }
    disk.delaySyncs(0);

    expect(statuses(await asked)).toEqual([201]);
  });
});

describe('a disk under Postgres alone', () => {
  let postgres: TestPostgres;

  beforeEach(async () => {
    disk = FaultyDisk.make(POSTGRES_FILES);
    postgres = await startPostgres({ env: disk.env, settings: { wal_sync_method: 'fdatasync' } });
    await startSwitch(await createDatabase(postgres.url, { migrated: true }), null);
  });
  afterEach(async () => {
    await running?.remove();
    await postgres.stop();
    disk.remove();
  });

  test('that takes 200 ms for every fsync is waited for, and nothing is refused', async () => {
    disk.delaySyncs(200);
    const answered = await sell(CALLS);
    disk.delaySyncs(0);

    expect(statuses(answered)).toEqual([201]);
    expect(await contradictions(answered)).toEqual([]);
  });
});

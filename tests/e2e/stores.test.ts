// Which stores the switch starts on, and how it moves from one log to another (A7).

import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Answers } from '../support/answers.ts';
import { done, fresh, HttpParty } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import {
  postgresAlone,
  type RunningStores,
  redisAndPostgres,
  type Stores,
} from '../support/set-ups.ts';
import { type RedisServer, startRedis } from '../support/stores.ts';
import { SwitchProcess } from '../support/switch-process.ts';

type Env = Readonly<Record<string, string>>;

describe('a start', () => {
  const open: RunningStores[] = [];
  const redises: RedisServer[] = [];
  let last: SwitchProcess | undefined;

  beforeEach(() => showOutputOnFailure(() => last));
  afterEach(async () => {
    await last?.remove();
    last = undefined;
    for (const redis of redises.splice(0)) await redis.stop();
    for (const stores of open.splice(0)) await stores.stop();
  });

  /** Starts the switch of before on these stores, or a first one. */
  const start = async (stores: Stores, env: Env = {}): Promise<SwitchProcess> => {
    const started = await launch(stores, env);
    await started.ready();
    return started;
  };
  const launch = async (stores: Stores, env: Env): Promise<SwitchProcess> => {
    const before = last;
    if (before !== undefined && !before.hasEnded) await before.stop();
    const place = before === undefined ? {} : { dataDir: before.dataDir, port: before.port };
    last = await SwitchProcess.launch({ stores, env, ...place });
    return last;
  };
  /** How a start ends that must not come to serve. */
  const refusal = async (stores: Stores, env: Env = {}): Promise<string> => {
    const refused = await launch(stores, env);
    expect((await refused.ended()).code).toBe(1);
    return (
      refused.output.split('\n').find((line) => line.startsWith('qrswitch cannot start')) ?? ''
    );
  };
  const parties = async () => {
    const running = last as SwitchProcess;
    const answers = await Answers.of(running.baseUrl);
    const { terminal, paychannel } = running.demo;
    return {
      till: new HttpParty(running.baseUrl, 'terminal', terminal.key, answers),
      wallet: new HttpParty(running.baseUrl, 'paychannel', paychannel.key, answers),
    };
  };
  const redis = async (): Promise<RedisServer> => {
    const server = await startRedis();
    redises.push(server);
    return server;
  };

  test('ends for good a switch that still serves on the log that another moves away from', async () => {
    const alone = await postgresAlone.start();
    open.push(alone);
    const old = await start(alone);
    const { till } = await parties();
    const order = () => ({ orderId: fresh('order'), amount: 100, currency: 'EUR' });
    const { id: billId } = await done(till, 'bill.create', order());
    const { url } = await redis();
    const next = await SwitchProcess.start({ stores: { ...alone, redisUrl: url }, env: {} });
    try {
      // From here on nothing that the old one says is in history: it must not say that anything was done.
      const statuses = new Set<number>();
      await old.until('told that its log is closed', async () => {
        const asked = Array.from({ length: 32 }, () => till.ask('bill.create', order()));
        for (const { status } of await Promise.all(asked)) statuses.add(status);
        return old.logged('shard.stopped').length === 8;
      });
      expect([...statuses].filter((status) => status < 500)).toEqual([]);
      const answers = await Answers.of(next.baseUrl);
      const moved = new HttpParty(next.baseUrl, 'terminal', old.demo.terminal.key, answers);
      expect(await done(moved, 'bill.get', { billId })).toMatchObject({ id: billId });
      expect(await done(moved, 'bill.create', order())).toMatchObject({ status: 'open' });
    } finally {
      await next.remove();
    }
  });

  test('ends a switch that only reads, once another has moved its log away', async () => {
    const alone = await postgresAlone.start();
    open.push(alone);
    const old = await start(alone);
    const { till } = await parties();
    const order = { orderId: fresh('order'), amount: 100, currency: 'EUR' };
    const { id: billId } = await done(till, 'bill.create', order);
    const { url } = await redis();
    const next = await SwitchProcess.start({ stores: { ...alone, redisUrl: url }, env: {} });
    try {
      const answers = await Answers.of(next.baseUrl);
      const moved = new HttpParty(next.baseUrl, 'terminal', old.demo.terminal.key, answers);
      await done(moved, 'bill.cancel', { billId });
      // The log cannot judge who only reads: its lease has to be gone before another writes.
      expect((await till.ask('bill.get', { billId })).status).toBe(503);
    } finally {
      await next.remove();
    }
  });

  test('moves the log from Postgres to Redis and back, and loses nothing', async () => {
    const alone = await postgresAlone.start();
    open.push(alone);
    await start(alone);
    const first = await parties();
    const order = { orderId: fresh('order'), amount: 1000, currency: 'EUR' };
    const { id: billId } = await done(first.till, 'bill.create', order);
    const payment = { billId, paymentRef: 'p-1', amount: 400, currency: 'EUR' };
    const answer = await done(first.wallet, 'payment.create', payment);
    const shown = await done(first.till, 'bill.get', { billId });
    const { events } = await done(first.till, 'terminal.events', {});

    const { url } = await redis();
    await start({ ...alone, redisUrl: url });
    expect(last?.logged('log.moved')).toHaveLength(1);
    const second = await parties();
    expect(await done(second.till, 'bill.get', { billId })).toEqual(shown);
    expect(await done(second.wallet, 'payment.create', payment)).toEqual(answer);
    expect(await done(second.till, 'terminal.events', {})).toEqual({ events });
    await done(second.wallet, 'payment.create', { ...payment, paymentRef: 'p-2', amount: 600 });
    const paid = await done(second.till, 'bill.get', { billId });

    const said = await refusal(alone);
    const id = /QRSWITCH_ABANDON_LOG=([\w-]+)/.exec(said)?.[1];
    expect(id).toBeDefined();
    expect(said).toContain(`history belongs to the log ${id} (redis)`);
    expect(said).toContain('QRSWITCH_PREVIOUS_LOG_URL');
    await start(alone, { QRSWITCH_PREVIOUS_LOG_URL: url });
    expect(last?.logged('log.moved')).toHaveLength(1);
    const third = await parties();
    expect(await done(third.till, 'bill.get', { billId })).toEqual(paid);
    expect(await done(third.wallet, 'payment.create', payment)).toEqual(answer);
    expect(await done(third.till, 'bill.confirm', { billId })).toMatchObject({
      status: 'confirmed',
      version: 4,
    });
    // From now on it needs no word about the old one, which may take over once more.
    await start(alone);
    expect(await done((await parties()).till, 'bill.get', { billId })).toMatchObject({
      status: 'confirmed',
    });
    await start({ ...alone, redisUrl: url });
    const { till } = await parties();
    const refund = { billId, idempotencyKey: 'k' };
    expect(await done(till, 'bill.refund', refund)).toMatchObject({
      status: 'refunded',
      version: 5,
    });
    await last?.kill();
    await start({ ...alone, redisUrl: url });
    expect(await done((await parties()).till, 'bill.refund', refund)).toMatchObject({
      status: 'refunded',
      version: 5,
    });
  });

  test('moves what a killed switch had not yet written to history', async () => {
    const alone = await postgresAlone.start();
    open.push(alone);
    const { url } = await redis();
    const onRedis = { ...alone, redisUrl: url };
    await start(onRedis);
    const { till, wallet } = await parties();
    const paid = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const { id: billId } = await done(till, 'bill.create', {
          orderId: fresh('order'),
          amount: 10,
          currency: 'EUR',
        });
        await done(wallet, 'payment.create', {
          billId,
          paymentRef: 'p',
          amount: 10,
          currency: 'EUR',
        });
        return billId;
      }),
    );
    await last?.kill();
    await start(alone, { QRSWITCH_PREVIOUS_LOG_URL: url });
    const moved = await parties();
    for (const billId of paid)
      expect(await done(moved.till, 'bill.get', { billId })).toMatchObject({
        status: 'paid',
        version: 2,
      });
  });

  test('without its old log is refused with its id, and goes on where that is abandoned by it', async () => {
    const alone = await postgresAlone.start();
    open.push(alone);
    const old = await redis();
    await start({ ...alone, redisUrl: old.url });
    const { till } = await parties();
    const bill = await done(till, 'bill.create', {
      orderId: fresh('order'),
      amount: 10,
      currency: 'EUR',
    });
    await last?.stop();
    await old.kill();
    const said = await refusal(alone, { QRSWITCH_PREVIOUS_LOG_URL: old.url });
    expect(said).toContain('out of reach');
    const id = /QRSWITCH_ABANDON_LOG=([\w-]+)/.exec(said)?.[1] ?? '';
    expect(await refusal(alone, { QRSWITCH_ABANDON_LOG: 'another' })).toContain(id);
    const other = await redis();
    expect(await refusal({ ...alone, redisUrl: other.url })).toContain(id);
    await start(alone, { QRSWITCH_ABANDON_LOG: id });
    expect(await done((await parties()).till, 'bill.get', { billId: bill.id })).toEqual(bill);
  });

  test('with another number of shards is refused', async () => {
    const stores = await redisAndPostgres.start();
    open.push(stores);
    await start(stores);
    expect(await refusal(stores, { QRSWITCH_SHARDS: '4' })).toContain(
      'set QRSWITCH_SHARDS=8, not 4',
    );
  });

  test('on a Redis that would lose acknowledged writes is refused, unless that is accepted by name', async () => {
    const alone = await postgresAlone.start();
    open.push(alone);
    const server = await startRedis({ appendfsync: 'everysec' });
    redises.push(server);
    const stores = { ...alone, redisUrl: server.url };
    const said = await refusal(stores);
    expect(said).toContain('appendfsync');
    expect(said).toContain('always');
    expect(said).toContain('redis.appendfsync');
    await start(stores, { QRSWITCH_ACCEPT_UNSAFE: 'redis.appendfsync' });
    const { till } = await parties();
    expect(
      (await till.ask('bill.create', { orderId: fresh('order'), amount: 10, currency: 'EUR' }))
        .status,
    ).toBe(201);
  });

  test('on a full Redis takes its leases, and serves as soon as there is room', async () => {
    const alone = await postgresAlone.start();
    open.push(alone);
    const server = await redis();
    const stores = { ...alone, redisUrl: server.url };
    await start(stores);
    const { till } = await parties();
    const order = { orderId: fresh('order'), amount: 10, currency: 'EUR' };
    const { id: billId } = await done(till, 'bill.create', order);
    const admin = new Redis(server.url);
    await admin.config('SET', 'maxmemory', '1');
    await last?.kill();
    const again = await launch(stores, {});
    await again.until(
      'refused by the full log',
      () => again.logged('shard.startFailed').length > 0,
    );
    await admin.config('SET', 'maxmemory', '0');
    admin.disconnect();
    await again.ready();
    expect(await done((await parties()).till, 'bill.cancel', { billId })).toMatchObject({
      status: 'cancelled',
    });
  });

  test('on a Redis that has lost its log is refused', async () => {
    const alone = await postgresAlone.start();
    open.push(alone);
    const server = await redis();
    await start({ ...alone, redisUrl: server.url });
    const { till } = await parties();
    await done(till, 'bill.create', { orderId: fresh('order'), amount: 10, currency: 'EUR' });
    await last?.stop();
    const empty = await redis();
    const said = await refusal({ ...alone, redisUrl: empty.url });
    expect(said).toContain('QRSWITCH_ABANDON_LOG');
  });

  test('with wrong options names every one of them', async () => {
    const alone = await postgresAlone.start();
    open.push(alone);
    const wrong = await launch(alone, {
      QRSWITCH_SHARD: '8',
      QRSWITCH_GATEWAYS: 'two',
      QRSWITCH_IDLE_SECONDS: '-1',
    });
    expect((await wrong.ended()).code).toBe(1);
    for (const name of [
      'QRSWITCH_SHARD is no option',
      'QRSWITCH_GATEWAYS',
      'QRSWITCH_IDLE_SECONDS',
    ]) {
      expect(wrong.output).toContain(name);
    }
  });
});

// Keys and parties that are withdrawn while they are in use: on every thread, on open sockets and on calls that wait.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addKey } from '../../src/persistence/onboarding.ts';
import { done, fresh } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { revokeKey } from '../support/onboarding.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

/** More than any key should live on; a machine with other work to do is slow. */
const WITHIN = { timeout: 30_000, interval: 20 };

describe('a key', () => {
  let world: World;
  let sql: Sql;

  beforeAll(async () => {
    world = await World.start(redisAndPostgres, { QRSWITCH_GATEWAYS: '2' });
    sql = postgres(world.stores.databaseUrl, { max: 1 });
  });
  afterAll(async () => {
    await sql?.end();
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const newKey = (kind: 'terminal' | 'paychannel'): Promise<string> =>
    addKey(sql, { kind, id: world.process.demo[kind].id });

  test('that is withdrawn ends its sockets on every thread, its waiting calls and its calls', async () => {
    const key = await newKey('terminal');
    const other = await newKey('terminal');
    // With eight connections both gateway threads have some.
    const streams = await Promise.all(
      Array.from({ length: 8 }, () => world.stream('terminal', 'json', key)),
    );
    await Promise.all(streams.map((stream) => done(stream, 'ping', {})));
    const staying = await world.stream('terminal', 'json', other);
    const waiting = world.http('terminal', key).ask('terminal.events', { wait: 30 });
    await done(world.http('terminal', key), 'bill.list', {});

    expect(await revokeKey(sql, key)).toBe(true);
    for (const stream of streams) {
      expect(await stream.closed).toEqual({ code: 4401, reason: 'the key was withdrawn' });
    }
    expect((await waiting).status).toBe(401);
    // A gateway that had none of the sockets may hear of it last.
    await expect
      .poll(async () => (await world.http('terminal', key).ask('bill.list', {})).status, WITHIN)
      .toBe(401);
    expect(await done(staying, 'ping', {})).toMatchObject({ now: expect.any(String) });
    await done(world.http('terminal', other), 'bill.list', {});
  });

  test('that comes to its end ends its sockets, with nobody told', async () => {
    const key = await newKey('terminal');
    await sql`
      update keys set expires_at = now() + interval '4 s'
      where id = (select id from keys order by created_at desc limit 1)`;
    const stream = await world.stream('terminal', 'json', key);
    await done(stream, 'ping', {});
    expect(await stream.closed).toEqual({ code: 4401, reason: 'the key was withdrawn' });
    await expect
      .poll(async () => (await world.http('terminal', key).ask('bill.list', {})).status, WITHIN)
      .toBe(401);
  });

  test('of a suspended terminal creates nothing new, and ends what it has begun', async () => {
    const { terminal } = world.process.demo;
    const till = world.http('terminal');
    const stream = await world.stream('terminal');
    const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
    const bill = await done(till, 'bill.create', order);
    await done(world.http('paychannel'), 'payment.create', {
      billId: bill.id,
      paymentRef: 'p',
      amount: 500,
      currency: 'EUR',
    });

    await sql`update terminals set suspended_at = now() where id = ${terminal.id}`;
    const create = () => ({ orderId: fresh('order'), amount: 1, currency: 'EUR' });
    for (const party of [till, stream]) {
      await expect
        .poll(() => party.ask('bill.create', create()), WITHIN)
        .toMatchObject({ status: 403, body: { code: 'request.suspended' } });
    }
    expect(await done(till, 'bill.create', order)).toMatchObject({ id: bill.id });
    expect(await done(stream, 'bill.get', { billId: bill.id })).toMatchObject({ status: 'paid' });
    expect(await done(stream, 'bill.confirm', { billId: bill.id })).toMatchObject({
      status: 'confirmed',
    });
    const refund = { billId: bill.id, amount: 100, idempotencyKey: 'k' };
    expect(await done(till, 'bill.refund', refund)).toMatchObject({ refunded: 100 });
    await stream.event(({ type, billId }) => type === 'bill.paid' && billId === bill.id);

    await sql`update terminals set suspended_at = null where id = ${terminal.id}`;
    await expect
      .poll(async () => (await till.ask('bill.create', create())).status, WITHIN)
      .toBe(201);
  });

  test('of a suspended paychannel pays what it has reserved, and begins nothing', async () => {
    const { paychannel } = world.process.demo;
    const wallet = world.http('paychannel');
    const stream = await world.stream('paychannel');
    const others = await Promise.all(
      Array.from({ length: 8 }, () => world.stream('paychannel', 'json')),
    );
    const order = () => ({ orderId: fresh('order'), amount: 500, currency: 'EUR' });
    const [reserved, free] = [
      await done(world.http('terminal'), 'bill.create', order()),
      await done(world.http('terminal'), 'bill.create', order()),
    ];
    const hold = { billId: reserved.id, reservationRef: 'r' };
    const reservation = await done(wallet, 'bill.reserve', hold);
    const early = { billId: free.id, paymentRef: 'early', amount: 200, currency: 'EUR' };
    const first = await done(wallet, 'payment.create', early);

    await sql`update paychannels set suspended_at = now() where id = ${paychannel.id}`;
    const refusal = { status: 403, body: { code: 'request.suspended' } };
    // Calls may come to either gateway thread, and each learns of it by itself.
    for (const other of others) {
      await expect
        .poll(() => other.ask('bill.view', { billId: free.id }), WITHIN)
        .toMatchObject(refusal);
    }
    for (const party of [wallet, stream]) {
      expect(await party.ask('bill.view', { billId: free.id })).toMatchObject(refusal);
      expect(await party.ask('bill.resolve', { qr: free.qr.payload })).toMatchObject(refusal);
      expect(
        await party.ask('bill.reserve', { billId: free.id, reservationRef: fresh('r') }),
      ).toMatchObject(refusal);
      const late = { ...early, paymentRef: fresh('late') };
      expect(await party.ask('payment.create', late)).toMatchObject(refusal);
      // It is not a payment, and the wallet can make sure that it never will be.
      expect(
        await done(party, 'payment.void', { billId: free.id, paymentRef: late.paymentRef }),
      ).toMatchObject({ status: 'refused' });
    }
    expect(await done(wallet, 'bill.reserve', hold)).toMatchObject({ id: reservation.id });
    expect(await done(wallet, 'payment.create', early)).toEqual(first);
    const paid = await done(stream, 'payment.create', {
      billId: reserved.id,
      paymentRef: 'p',
      amount: 500,
      currency: 'EUR',
      reservationId: reservation.id,
    });
    expect(paid.bill).toMatchObject({ status: 'paid' });
    const { credits } = await done(world.http('terminal'), 'bill.confirm', {
      billId: reserved.id,
      amount: 400,
    });
    await stream.event(({ type, billId }) => type === 'credit.requested' && billId === reserved.id);
    const settle = { creditId: credits[0]?.id, status: 'settled' };
    expect(await done(stream, 'credit.settle', settle)).toMatchObject({ status: 'settled' });
    await sql`update paychannels set suspended_at = null where id = ${paychannel.id}`;
  });

  test('is known by when it was last used, once the switch has stopped', async () => {
    const key = await newKey('terminal');
    await done(world.http('terminal', key), 'bill.list', {});
    await world.process.stop();
    const [row] = await sql`
      select last_used_at > now() - interval '5 min' as "isUsed" from keys order by created_at desc limit 1`;
    expect(row).toEqual({ isUsed: true });
  });
});

// Who may see what: what is another's cannot be told from what is not there. The walk along every route and operation is
// in isolation.test.ts.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done, fresh, HttpParty } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import {
  type Institution,
  type Keyed,
  onboardInstitution,
  onboardMerchant,
  onboardTerminal,
} from '../support/onboarding.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

describe('a stranger', () => {
  let world: World;
  let abroad: Institution;
  let neighbour: Keyed;
  let billId: string;
  let orderId: string;

  beforeAll(async () => {
    world = await World.start(redisAndPostgres);
    const { databaseUrl } = world.stores;
    abroad = await onboardInstitution(databaseUrl);
    neighbour = await onboardMerchant(databaseUrl, world.process.demo.institution.id);
    const [till, wallet] = [world.http('terminal'), world.http('paychannel')];
    orderId = fresh('order');
    ({ id: billId } = await done(till, 'bill.create', { orderId, amount: 1000, currency: 'EUR' }));
    await done(wallet, 'payment.create', {
      billId,
      paymentRef: 'p-1',
      amount: 1000,
      currency: 'EUR',
    });
    await done(till, 'bill.confirm', { billId, amount: 900 });
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('finds nothing in its lists, orders and events', async () => {
    for (const key of [neighbour.key, abroad.terminal.key]) {
      const till = world.http('terminal', key);
      expect((await done(till, 'bill.list', {})).items).toEqual([]);
      expect((await till.ask('bill.list', { orderId })).status).toBe(404);
      expect((await done(till, 'terminal.events', {})).events).toEqual([]);
      // The same order of another terminal is another order.
      expect(await done(till, 'order.resolve', { orderId })).toMatchObject({ status: 'void' });
    }
    const wallet = world.http('paychannel', abroad.paychannel.key);
    expect((await done(wallet, 'paychannel.payments', {})).items).toEqual([]);
    expect((await done(wallet, 'paychannel.credits', {})).items).toEqual([]);
    expect((await done(wallet, 'paychannel.events', {})).events).toEqual([]);
    // Their events stay pending, whoever says to have heard of them.
    const { events } = await done(world.http('paychannel'), 'paychannel.events', {});
    const ids = events.map(({ id }) => id);
    expect(ids).not.toEqual([]);
    expect(await done(wallet, 'event.ack', { ids })).toEqual({ acknowledged: 0 });
    const after = await done(world.http('paychannel'), 'paychannel.events', {});
    expect(after.events.map(({ id }) => id)).toEqual(ids);
  });

  test('of the same merchant is none, unless it is restricted', async () => {
    const { databaseUrl } = world.stores;
    const merchantId = world.process.demo.merchant.id;
    const second = world.http('terminal', (await onboardTerminal(databaseUrl, { merchantId })).key);
    const restricted = world.http(
      'terminal',
      (await onboardTerminal(databaseUrl, { merchantId, restricted: true })).key,
    );
    expect(await done(second, 'bill.get', { billId })).toMatchObject({ id: billId });
    expect((await restricted.ask('bill.get', { billId })).status).toBe(404);
    expect((await restricted.ask('bill.list', { orderId })).status).toBe(404);
    const order = { orderId: fresh('order'), amount: 700, currency: 'EUR' };
    const { id: sold } = await done(world.http('terminal'), 'bill.create', order);
    await done(world.http('paychannel'), 'payment.create', {
      billId: sold,
      paymentRef: 'p',
      amount: 700,
      currency: 'EUR',
    });
    await done(world.http('terminal'), 'bill.confirm', { billId: sold });
    const refund = { billId: sold, amount: 200, idempotencyKey: 'k' };
    expect(await done(second, 'bill.refund', refund)).toMatchObject({ refunded: 200 });
    // The bill's own terminal is told of what another till did.
    const { events } = await done(world.http('terminal'), 'terminal.events', {});
    expect(events.filter((event) => event.billId === sold).map(({ type }) => type)).toContain(
      'credit.requested',
    );
    expect((await done(second, 'terminal.events', {})).events).toEqual([]);
    // An order of another till is found in history, which follows.
    await world.process.until('known by its order to all tills', async () => {
      return (await second.ask('bill.list', { orderId: order.orderId })).status === 200;
    });
    expect(await done(second, 'bill.list', { orderId: order.orderId })).toMatchObject({ id: sold });
    expect((await restricted.ask('bill.refund', refund)).status).toBe(404);
  });

  test('with a key of another kind is told that the call is not its own', async () => {
    const { terminal, paychannel, operator } = world.process.demo;
    const till = new HttpParty(world.process.baseUrl, 'terminal', paychannel.key, world.answers);
    const wallet = new HttpParty(world.process.baseUrl, 'paychannel', terminal.key, world.answers);
    const order = { orderId: fresh('order'), amount: 1, currency: 'EUR' };
    expect(await till.ask('bill.create', order)).toMatchObject({
      status: 403,
      body: { code: 'request.forbidden' },
    });
    expect(await wallet.ask('bill.view', { billId })).toMatchObject({ status: 403 });
    const asOperator = world.http('terminal', operator.key);
    expect(await done(asOperator, 'bill.get', { billId })).toMatchObject({ id: billId });
    expect((await asOperator.ask('bill.create', order)).status).toBe(403);
    expect((await asOperator.ask('terminal.events', {})).status).toBe(403);
    expect(
      (await world.http('terminal', abroad.operator.key).ask('bill.get', { billId })).status,
    ).toBe(404);
    expect(
      (await world.http('terminal', abroad.merchant.key).ask('bill.get', { billId })).status,
    ).toBe(404);
    const nobody = await world.http('terminal', 'qrs_term_nobody').ask('bill.get', { billId });
    expect(nobody).toMatchObject({ status: 401, body: { code: 'request.unauthenticated' } });
  });

  test('is told by the operator that it has been', async () => {
    const order = { orderId: fresh('order'), amount: 700, currency: 'EUR' };
    const { id } = await done(world.http('terminal'), 'bill.create', order);
    const operator = world.http('terminal', world.process.demo.operator.key);
    expect(await done(operator, 'bill.cancel', { billId: id })).toMatchObject({
      status: 'cancelled',
      cause: 'operator',
    });
    const { events } = await done(world.http('terminal'), 'terminal.events', {});
    const event = events.find((each) => each.billId === id);
    expect(event).toMatchObject({ type: 'bill.cancelled', data: { cause: 'operator' } });
  });
});

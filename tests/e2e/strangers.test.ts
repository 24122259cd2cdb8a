// Who may see what: what is another's cannot be told from what is not there.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../src/protocols/gateway/stream-protocol.ts';
import { type Body, done, fresh, HttpParty, type Op, type Party } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import {
  type Institution,
  type Keyed,
  onboardInstitution,
  onboardMerchant,
  onboardTerminal,
} from '../support/onboarding.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { TRANSPORTS, World } from '../support/world.ts';

describe('a stranger', () => {
  let world: World;
  let abroad: Institution;
  let neighbour: Keyed;
  let billId: string;
  let creditId: string;
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
    const { credits } = await done(till, 'bill.confirm', { billId, amount: 900 });
    creditId = credits[0]?.id ?? '';
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const UNKNOWN = `01${'Z'.repeat(9)}00${'7'.repeat(13)}`.slice(0, 26);

  /** The answers about this bill and about none, but for what names the request. */
  const bothAnswers = async (party: Party, op: Op, body: Body): Promise<unknown[]> => {
    const about = async (id: string): Promise<unknown> => {
      const named = Object.fromEntries(
        Object.entries({ ...body }).map(([name, value]) => [
          name,
          typeof value === 'string' ? value.replace(billId, id) : value,
        ]),
      );
      const { status, body: answer } = await party.ask(op, named);
      const { requestId: _own, ...rest } = answer as { requestId: string };
      return { status, ...rest };
    };
    return [await about(billId), await about(UNKNOWN)];
  };

  /** The payment that a call names beside its bill. */
  const partOf = (op: Op): Body => (op.startsWith('payment.') ? { paymentId: `${billId}-p1` } : {});

  test.each(TRANSPORTS)(
    'of another merchant or institution sees no bill, over %s',
    async (transport) => {
      const calls = TERMINAL_WALK.filter(([op]) => transport === 'HTTP' || isStreamed(op));
      for (const key of [neighbour.key, abroad.terminal.key]) {
        const party = await world.party('terminal', transport, key);
        for (const [op, body] of calls) {
          const [known, unknown] = await bothAnswers(party, op, { billId, ...body, ...partOf(op) });
          expect(known, op).toEqual(unknown);
          expect(known).toMatchObject({ status: 404, code: 'bill.notFound' });
        }
      }
      const wallet = await world.party('paychannel', transport, abroad.paychannel.key);
      const asked = { billId, creditId, qr: `${world.process.baseUrl}/q/${billId}` };
      for (const [op, names, rest] of PAYCHANNEL_WALK) {
        if (transport !== 'HTTP' && !isStreamed(op)) continue;
        const named = Object.fromEntries(names.map((name) => [name, asked[name]]));
        const ofBill = op === 'bill.release' ? { reservationId: `${billId}-r1` } : {};
        const body = { ...named, ...ofBill, ...rest };
        const [known, unknown] = await bothAnswers(wallet, op, body);
        expect(known, op).toEqual(unknown);
        expect(known).toMatchObject({ status: 404 });
      }
      expect(await done(world.http('terminal'), 'bill.get', { billId })).toMatchObject({
        confirmed: 900,
        refunded: 0,
        version: 3,
      });
    },
  );

  test('is met at every call and operation that names a bill, a credit or what is theirs', () => {
    const walked = new Set([...TERMINAL_WALK, ...PAYCHANNEL_WALK].map(([op]) => String(op)));
    const met = (id: string): boolean => walked.has(id) || NAMING_NOTHING.has(id);
    const calls = [...world.answers.operations].flatMap(({ operationId, path }) =>
      /^\/v1\/(terminal|paychannel)\//.test(path) ? [operationId] : [],
    );
    const operations = [...OPERATIONS.terminal, ...OPERATIONS.paychannel];
    expect([...calls, ...operations].filter((id) => !met(id))).toEqual([]);
  });

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

/** Calls about a bill, as terminals make them. */
const TERMINAL_WALK: readonly [Op, Body][] = [
  ['payment.confirm', {}],
  ['payment.cancel', {}],
  ['payment.refund', { idempotencyKey: 'k' }],
  ['bill.get', {}],
  ['bill.confirm', {}],
  ['bill.confirm', { amount: 900 }],
  ['bill.cancel', {}],
  ['bill.cancel', { amount: 1, idempotencyKey: 'k' }],
  ['bill.refund', { amount: 1, idempotencyKey: 'k' }],
  ['bill.receipt', { receipt: {} }],
  ['bill.arm', { orderId: 'sale-1', amount: 100, ttl: 60 }],
  ['bill.payments', {}],
  ['bill.credits', {}],
  ['bill.qr.svg' as Op, {}],
  ['bill.qr.png' as Op, {}],
  ['bill.qr.txt' as Op, {}],
];

/** Calls about a bill or a credit, as paychannels make them: what they name of it, and the rest. */
const PAYCHANNEL_WALK: readonly [Op, readonly ('billId' | 'creditId' | 'qr')[], Body][] = [
  ['bill.view', ['billId'], {}],
  ['bill.resolve', ['qr'], {}],
  ['bill.reserve', ['billId'], { reservationRef: 'r' }],
  ['bill.release', ['billId'], {}],
  ['payment.create', ['billId'], { paymentRef: 'p-1', amount: 1000, currency: 'EUR' }],
  ['payment.get', ['billId'], { paymentRef: 'p-1' }],
  ['payment.void', ['billId'], { paymentRef: 'p-1' }],
  ['credit.get', ['creditId'], {}],
  ['credit.settle', ['creditId'], { status: 'settled' }],
];

/** They name nothing but what is the caller's own: orders, lists and events, each with a test below. */
const NAMING_NOTHING = new Set([
  'bill.create',
  'bill.batch',
  'bill.list',
  'order.resolve',
  'terminal.events',
  'terminal.event.ack',
  'terminal.stream',
  'paychannel.payments',
  'paychannel.credits',
  'paychannel.events',
  'paychannel.event.ack',
  'paychannel.stream',
]);

function isStreamed(op: Op): boolean {
  return OPERATIONS.terminal.has(op) || OPERATIONS.paychannel.has(op);
}

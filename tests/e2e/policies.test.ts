// Policies of bills, set by an operator or asked for at the till, on the real switch; and what is told of them later, by
// a switch that was stopped and started again.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import {
  type Bill,
  type Body,
  type Party as Client,
  done,
  type Event,
  fresh,
  refused,
} from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type House, OperatorParty, onboardHouse, type Party } from '../support/operator.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const WITHIN = { timeout: 10_000, interval: 20 };
const USUAL = { late: 'refuse', excess: 'refuse', part: 'allow', unconfirmed: 'confirm' };

describe('policies', () => {
  let world: World;
  let sql: Sql;
  let system: OperatorParty;
  let house: House;
  let till: Client;
  let wallet: Client;

  beforeAll(async () => {
    world = await World.start(redisAndPostgres);
    sql = postgres(world.stores.databaseUrl, { max: 1 });
    system = new OperatorParty(world, world.process.demo.operator.key);
    house = await onboardHouse(system, 'Policy');
    till = world.http('terminal', house.terminal.key ?? '');
    wallet = world.http('paychannel', house.paychannel.key ?? '');
  });
  afterAll(async () => {
    await sql?.end();
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const create = (more: Body = {}): Promise<Bill> =>
    done(till, 'bill.create', { orderId: fresh('order'), amount: 1000, currency: 'EUR', ...more });
  const payment = (billId: string, paymentRef: string, amount: number): Body => ({
    billId,
    paymentRef,
    amount,
    currency: 'EUR',
  });
  const set = (kind: 'institution' | 'merchant', policies: Body): Promise<Party> =>
    system.done(`operator.${kind}.change`, { partyId: house[kind].id, policies });

  test('are set by the institution, the merchant and the request, each before the one above', async () => {
    expect((await create()).policies).toEqual(USUAL);
    const before = await create({ policies: { unconfirmed: 'reverse' } });
    expect(await set('institution', { excess: 'reverse', part: 'forbid' })).toMatchObject({
      policies: { excess: 'reverse', part: 'forbid' },
    });
    const policiesNow = async () => (await create()).policies;
    const ofInstitution = { ...USUAL, excess: 'reverse', part: 'forbid' };
    await expect.poll(policiesNow, WITHIN).toEqual(ofInstitution);
    await set('merchant', { part: 'allow', unconfirmed: 'reverse' });
    const ofMerchant = { ...USUAL, excess: 'reverse', unconfirmed: 'reverse' };
    await expect.poll(policiesNow, WITHIN).toEqual(ofMerchant);
    const asked = await create({ policies: { excess: 'refuse', part: 'forbid' } });
    expect(asked.policies).toEqual({ ...USUAL, part: 'forbid', unconfirmed: 'reverse' });
    // A bill keeps those that it was created with.
    const now = await done(till, 'bill.get', { billId: before.id });
    expect(now.policies).toEqual({ ...USUAL, unconfirmed: 'reverse' });
    await set('merchant', {});
    await set('institution', {});
    await expect.poll(policiesNow, WITHIN).toEqual(USUAL);
  });

  test('part: a bill that forbids parts says so to the wallet, and takes all or nothing', async () => {
    const { id: billId } = await create({ policies: { part: 'forbid' } });
    expect(await done(wallet, 'bill.view', { billId })).toMatchObject({
      part: 'forbid',
      due: 1000,
    });
    const part = payment(billId, 'part', 400);
    const refusal = { status: 422, code: 'payment.partForbidden', due: 1000 };
    expect(await refused(wallet, 'payment.create', part)).toMatchObject(refusal);
    const hold = { billId, reservationRef: 'r', amount: 400 };
    expect(await refused(wallet, 'bill.reserve', hold)).toMatchObject(refusal);
    const whole = await done(wallet, 'payment.create', payment(billId, 'whole', 1000));
    expect(whole.bill).toMatchObject({ status: 'paid' });
    // The refusal is final.
    expect(await refused(wallet, 'payment.create', part)).toMatchObject(refusal);
  });

  test('late: a utility bill is paid after its end, and never after its cancel', async () => {
    const validUntil = new Date(Date.now() + 1_000).toISOString();
    const printed = { type: 'static', validUntil };
    const policies = { late: 'accept' };
    const accepts = await create({ ...printed, policies });
    const cancelled = await create({ ...printed, policies });
    const refuses = await create(printed);
    await done(till, 'bill.cancel', { billId: cancelled.id });
    const over = await done(till, 'bill.get', { billId: refuses.id, wait: 10, afterVersion: 1 });
    expect(over).toMatchObject({ status: 'expired' });
    expect(await done(wallet, 'bill.view', { billId: accepts.id })).toMatchObject({
      status: 'open',
      payable: true,
      due: 1000,
      expiresAt: validUntil,
    });
    const paid = await done(wallet, 'payment.create', payment(accepts.id, 'late', 1000));
    expect(paid.bill).toMatchObject({ status: 'confirmed', due: 0 });
    for (const [{ id }, reason] of [
      [cancelled, 'cancelled'],
      [refuses, 'expired'],
    ] as const) {
      const late = payment(id, 'late', 1000);
      expect(await refused(wallet, 'payment.create', late)).toMatchObject({ reason });
    }
  });

  test('excess: what is above what is due is taken, and asked back at once', async () => {
    const { id: billId } = await create({ policies: { excess: 'reverse' } });
    await done(wallet, 'payment.create', payment(billId, 'first', 300));
    const answer = await done(wallet, 'payment.create', payment(billId, 'second', 900));
    expect(answer).toMatchObject({
      payment: { amount: 900, credited: 200, status: 'accepted' },
      bill: { status: 'paid', paid: 1200, due: 0 },
    });
    const of = (party: Client, op: 'terminal.events' | 'paychannel.events') =>
      done(party, op, {}).then(({ events }) => events.filter((each) => each.billId === billId));
    const asked = await of(wallet, 'paychannel.events');
    expect(asked.map(told)).toEqual([['credit.requested', 200, 'excess']]);
    const heard = await of(till, 'terminal.events');
    expect(heard.map(({ type }) => type)).toEqual([
      'payment.received',
      'bill.paid',
      'credit.requested',
    ]);
    for (const { data } of [...asked, ...heard]) {
      expect(data.bill).toMatchObject({ policies: { ...USUAL, excess: 'reverse' } });
    }
    expect(await done(till, 'bill.confirm', { billId })).toMatchObject({
      confirmed: 1000,
      reversed: 200,
      paid: 1200,
    });
  });

  test('excess: an overpaid billboard keeps its amount of each payment', async () => {
    const board = { type: 'static', usage: 'many', maxTotal: 2000, capture: 'manual' };
    const { id: billId } = await create({ ...board, policies: { excess: 'reverse' } });
    const first = await done(wallet, 'payment.create', payment(billId, 'p-1', 1500));
    expect(first.payment).toMatchObject({ amount: 1500, credited: 500 });
    await done(wallet, 'payment.create', payment(billId, 'p-2', 1000));
    const full = payment(billId, 'p-3', 1000);
    expect(await refused(wallet, 'payment.create', full)).toMatchObject({ reason: 'limit' });
    const paymentId = String(first.payment.id);
    const confirmed = await done(till, 'payment.confirm', { billId, paymentId });
    expect(confirmed.bill).toMatchObject({ paid: 2500, confirmed: 1000, reversed: 500 });
  });

  test('are told alike by bill, events and list after a restart, and the books balance', async () => {
    const own = { excess: 'reverse', part: 'forbid', unconfirmed: 'reverse' };
    const { id: billId } = await create({ policies: own });
    await done(wallet, 'payment.create', payment(billId, 'much', 1001));
    const policies = { ...USUAL, ...own };
    await world.runWith({ QRSWITCH_IDLE_SECONDS: '0' });
    till = world.http('terminal', house.terminal.key ?? '');
    wallet = world.http('paychannel', house.paychannel.key ?? '');
    expect(await done(till, 'bill.get', { billId })).toMatchObject({ policies, reversed: 1 });
    await historyIsWhole(world.process);
    const list = await done(till, 'bill.list', {});
    const listed = 'items' in list ? list.items.find(({ id }) => id === billId) : undefined;
    expect(listed).toMatchObject({ policies });
    const { events } = await done(till, 'terminal.events', {});
    const paid = events.find((event) => event.billId === billId && event.type === 'bill.paid');
    expect(paid?.data.bill).toMatchObject({ policies, paid: 1001 });
    const [row] = await sql<{ policies: string; excess: string }[]>`
      select b.policies, p.excess from bills b join payments p on p.bill_id = b.id
      where b.id = ${billId}`;
    expect(JSON.parse(row?.policies ?? '')).toEqual(policies);
    expect(row?.excess).toBe('1');
    expect(await faultsInBooks(sql)).toEqual([]);
  });
});

function told({ type, data }: Event): unknown[] {
  return [type, data.credit?.amount, data.credit?.reason];
}

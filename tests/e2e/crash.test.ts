// `kill -9` and a start again: what was acknowledged stands, what was not is there whole or not at all.

import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import {
  type Bill,
  done,
  fresh,
  type Op,
  type Party,
  refused,
  type StreamParty,
} from '../support/client.ts';
import { Customer } from '../support/customers.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { onboardTerminal } from '../support/onboarding.ts';
import { setUps } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

/** The least that is taken, in seconds. */
const CONFIRM_WITHIN = 60;

/** A switch for each set-up, all started first: what waits for the clock waits while the others are tested. */
const trials = setUps.map((setUp) => ({ ...setUp, setUp, world: null as World | null }));
/** By set-up; sold at a till of their own, whose events nobody else acknowledges. */
const unconfirmed = new Map<string, { key: string; bills: Bill[] }>();

beforeAll(async () => {
  for (const trial of trials) {
    trial.world = await World.start(trial.setUp);
    const { databaseUrl } = trial.world.stores;
    const { key } = await onboardTerminal(databaseUrl, {
      merchantId: trial.world.process.demo.merchant.id,
    });
    unconfirmed.set(trial.name, { key, bills: await sellUnconfirmed(trial.world, key) });
  }
});
afterAll(() => Promise.all(trials.map(({ world }) => world?.stop())));

describe.each(trials)('a killed switch on $name', (trial) => {
  let world: World;

  beforeAll(() => {
    world = trial.world as World;
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('shows every acknowledged answer after a kill between any two steps', async () => {
    const till = (): Party => world.http('terminal');
    const wallet = (): Party => world.http('paychannel');
    const orderId = fresh('order');
    const order = { orderId, amount: 1000, currency: 'EUR' };
    let shown = await done(till(), 'bill.create', order);
    const billId = shown.id;
    // After each step: the bill is exactly as it was last shown, and the step's repeat answers what it answered.
    const crash = async (): Promise<void> => {
      await world.crash();
      expect(await done(till(), 'bill.get', { billId })).toEqual(shown);
    };
    const step = async (op: Op, body: object): Promise<unknown> => {
      const party = op.startsWith('bill.') && op !== 'bill.reserve' ? till() : wallet();
      const first = await done(party, op, { billId, ...body });
      shown = await done(till(), 'bill.get', { billId });
      await crash();
      const again = await done(party, op, { billId, ...body });
      expect(again).toEqual(first);
      expect(await done(till(), 'bill.get', { billId })).toEqual(shown);
      return first;
    };

    await crash();
    expect(await done(till(), 'bill.create', order)).toEqual(shown);
    const held = (await step('bill.reserve', { reservationRef: 'r-1', amount: 600 })) as {
      id: string;
    };
    const part = { paymentRef: 'p-1', amount: 600, currency: 'EUR', reservationId: held.id };
    await step('payment.create', part);
    const over = { billId, paymentRef: 'p-over', amount: 401, currency: 'EUR' };
    const refusal = await refused(wallet(), 'payment.create', over);
    await crash();
    expect((await refused(wallet(), 'payment.create', over)).code).toBe(refusal.code);
    await step('payment.void', { paymentRef: 'p-void' });
    await step('payment.create', { paymentRef: 'p-2', amount: 400, currency: 'EUR' });
    const { events } = await done(till(), 'terminal.events', {});
    const mine = events.filter((event) => event.billId === billId);
    expect(mine.map(({ type }) => type)).toEqual(['payment.received', 'bill.paid']);
    expect(await done(till(), 'event.ack', { ids: [mine[0]?.id] })).toEqual({ acknowledged: 1 });
    shown = await done(till(), 'bill.get', { billId });
    await crash();
    const pending = (await done(till(), 'terminal.events', {})).events.filter(
      (event) => event.billId === billId,
    );
    expect(pending).toEqual([mine[1]]);
    await step('bill.confirm', { amount: 700 });
    await step('bill.receipt', { receipt: { fiscal: 'F-1' } });
    const [reversal] = shown.credits;
    const settled = { creditId: reversal?.id, status: 'settled' };
    const first = await done(wallet(), 'credit.settle', settled);
    shown = await done(till(), 'bill.get', { billId });
    await crash();
    expect(await done(wallet(), 'credit.settle', settled)).toEqual(first);
    await step('bill.refund', { amount: 200, idempotencyKey: 'k-1' });
    expect(shown).toMatchObject({
      status: 'confirmed',
      paid: 1000,
      reversed: 300,
      confirmed: 700,
      refunded: 200,
    });
    const voided = fresh('order');
    await done(till(), 'order.resolve', { orderId: voided });
    await crash();
    expect((await refused(till(), 'bill.create', { ...order, orderId: voided })).code).toBe(
      'order.void',
    );
  }, 180_000);

  test('keeps all of it and doubles none of it under load', async () => {
    const customers = Array.from({ length: 30 }, () => new Customer());
    const told = (): number => customers.reduce((sum, customer) => sum + customer.told.length, 0);
    const heard = new Set<string>();
    for (let kill = 0; kill < 2; kill++) {
      const { tills, wallets } = await connect(world, heard);
      const running = customers.map((customer, index) =>
        customer.run(pick(tills, index), pick(wallets, index)),
      );
      // Wherever everybody is then: a random number of answers from here.
      const goal = told() + 500 + Math.floor(Math.random() * 500);
      await world.process.until('under load', () => told() >= goal);
      await world.process.kill();
      await Promise.all(running);
      world.process = await world.process.restart();
      const again = await connect(world, heard);
      const contradictions = await Promise.all(
        customers.map((customer, index) =>
          customer.contradictions(pick(again.tills, index), pick(again.wallets, index)),
        ),
      );
      expect(contradictions.flat()).toEqual([]);
      for (const stream of [...again.tills, ...again.wallets]) stream.cut();
    }
    expect(customers.reduce((sum, { lost }) => sum + lost, 0)).toBeGreaterThan(30);
    const { tills, wallets } = await connect(world, heard);
    const poll = world.http('terminal');
    await world.process.until('through with its events', async () => {
      return (await done(poll, 'terminal.events', {})).events.length === 0;
    });
    for (const stream of [...tills, ...wallets]) await stream.close();
    await historyIsWhole(world.process);
    const sql = postgres(world.stores.databaseUrl, { max: 1 });
    try {
      expect(await faultsInBooks(sql)).toEqual([]);
      const { id } = world.process.demo.terminal;
      const raised = await sql<{ id: string }[]>`
        select bill_id || '-e' || no as id from events where recipient = ${`terminal:${id}`}`;
      const missed = raised.filter((event) => !heard.has(event.id));
      // The first test of this file heard its own.
      const bills = new Set(customers.flatMap(({ paid }) => paid));
      expect(missed.filter((event) => bills.has(event.id.slice(0, 26)))).toEqual([]);
      expect(bills.size).toBeGreaterThan(100);
    } finally {
      await sql.end();
    }
  }, 120_000);
});

// Last in its file: whatever was done to the switches above, time has gone on for these bills.
describe.each(trials)('a killed switch on $name', (trial) => {
  let world: World;

  beforeAll(() => {
    world = trial.world as World;
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('ends what nobody confirms by its policy, as if it had never been away', async () => {
    const { key, bills } = unconfirmed.get(trial.name) ?? { key: '', bills: [] };
    const till = world.http('terminal', key);
    const [waited, alone] = bills;
    // One is waited for; the other is out of memory, where only the clock can find it.
    let confirmed: Bill;
    do {
      const wait = { billId: waited?.id, wait: 30, afterVersion: 2 };
      confirmed = await done(till, 'bill.get', wait);
    } while (confirmed.version === 2);
    await world.process.until('through with its timers', async () => {
      const { events } = await done(till, 'terminal.events', {});
      return events.some(({ type, billId }) => type === 'bill.cancelled' && billId === alone?.id);
    });
    const ended = [confirmed, await done(till, 'bill.get', { billId: alone?.id })];
    const common = { version: 3, cause: 'timeout', paid: 100 };
    expect(ended).toMatchObject([
      { ...common, status: 'confirmed', confirmed: 100, reversed: 0 },
      { ...common, status: 'cancelled', confirmed: 0, reversed: 100 },
    ]);
    for (const { closedAt, confirmedAt, paidAt } of ended) {
      const took = Date.parse(confirmedAt ?? closedAt ?? '') - Date.parse(paidAt ?? '');
      expect(took).toBeGreaterThanOrEqual(CONFIRM_WITHIN * 1000);
    }
    const { events } = await done(till, 'terminal.events', {});
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'bill.confirmed', billId: waited?.id }),
    );
  });
});

/** Two paid bills that nobody will confirm: one to be confirmed by the clock, one to be reversed. */
async function sellUnconfirmed(world: World, key: string): Promise<Bill[]> {
  const [till, wallet] = [world.http('terminal', key), world.http('paychannel')];
  const sell = async (unconfirmed: 'confirm' | 'reverse'): Promise<Bill> => {
    const policies = { unconfirmed };
    const terms = { amount: 100, currency: 'EUR', confirmWithin: CONFIRM_WITHIN, policies };
    const { id: billId } = await done(till, 'bill.create', { orderId: fresh('order'), ...terms });
    const payment = { billId, paymentRef: 'p', amount: 100, currency: 'EUR' };
    await done(wallet, 'payment.create', payment);
    return done(till, 'bill.get', { billId });
  };
  return [await sell('confirm'), await sell('reverse')];
}

/** Five tills and five wallets, who acknowledge each event as they hear it. */
async function connect(
  world: World,
  heard: Set<string>,
): Promise<{ tills: StreamParty[]; wallets: StreamParty[] }> {
  const tills: StreamParty[] = [];
  const wallets: StreamParty[] = [];
  for (let i = 0; i < 5; i++) {
    const till = await world.stream('terminal', i % 2 === 0 ? 'json' : 'msgpack');
    const hear = (id: string): void => {
      heard.add(id);
      till.acknowledge([id]);
    };
    for (const { id } of till.events) hear(id);
    till.onEvent = ({ id }) => hear(id);
    tills.push(till);
    wallets.push(await world.stream('paychannel', i % 2 === 0 ? 'msgpack' : 'json'));
  }
  return { tills, wallets };
}

function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}

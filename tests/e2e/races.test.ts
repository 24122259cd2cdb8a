// Many at once: the last cent goes to one of two, and a reference has one effect however often it is sent.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Answer,
  type Body,
  done,
  fresh,
  type Op,
  type Party,
  refused,
} from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { onboardPaychannel } from '../support/onboarding.ts';
import { setUps } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const RACES = 1000;
const AT_ONCE = 50;
const TIMES = 10;
const PLAIN = { QRSWITCH_GATEWAYS: '2' };
/** Bills leave memory as soon as they are written. */
const FORGETFUL = { ...PLAIN, QRSWITCH_IDLE_SECONDS: '0' };

describe.each(setUps)('a race on $name', (setUp) => {
  let world: World;
  let otherKey: string;

  beforeAll(async () => {
    world = await World.start(setUp, PLAIN);
    const { institution } = world.process.demo;
    otherKey = (await onboardPaychannel(world.stores.databaseUrl, institution.id)).key;
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test(`for the last cent has exactly one winner, ${RACES} times over`, async () => {
    const till = await world.stream('terminal', 'msgpack');
    const one = await world.stream('paychannel', 'json');
    const other = await world.stream('paychannel', 'msgpack', otherKey);
    let wonByFirst = 0;
    const race = async (index: number): Promise<void> => {
      const order = { orderId: fresh('race'), amount: 2, currency: 'EUR' };
      const { id: billId } = await done(till, 'bill.create', order);
      await done(one, 'payment.create', { billId, paymentRef: 'p-0', amount: 1, currency: 'EUR' });
      const last = { billId, paymentRef: 'p-1', amount: 1, currency: 'EUR' };
      const racers = index % 2 === 0 ? [one, other] : [other, one];
      const answers = await Promise.all(racers.map((racer) => racer.ask('payment.create', last)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
      const loser = answers.find(({ status }) => status === 409)?.body;
      expect(loser).toMatchObject({ code: 'bill.notPayable', reason: 'paid' });
      if (answers[0]?.status === 201) wonByFirst += 1;
      expect(await done(till, 'bill.get', { billId })).toMatchObject({
        status: 'paid',
        paid: 2,
        due: 0,
        version: 3,
      });
    };
    let next = 0;
    const runner = async (): Promise<void> => {
      while (next < RACES) {
        next += 1;
        await race(next);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, runner));
    expect(next).toBe(RACES);
    expect(wonByFirst).toBeGreaterThan(0);
    for (const stream of [till, one, other]) await stream.close();
  });

  test('of equal requests has one effect and equal outcomes, whenever they are sent', async () => {
    const till = await parties(world, 'terminal');
    const wallet = await parties(world, 'paychannel');
    const order = {
      orderId: fresh('order'),
      amount: 1000,
      currency: 'EUR',
      metadata: { b: '2', a: '1' },
    };
    const { id: billId } = (await atOnce(till, 'bill.create', order, [201, 200])) as { id: string };
    const reservation = { billId, reservationRef: 'r-1', amount: 600 };
    const held = (await atOnce(wallet, 'bill.reserve', reservation, [201, 200])) as { id: string };
    const payment = {
      billId,
      paymentRef: 'p-1',
      amount: 600,
      currency: 'EUR',
      reservationId: held.id,
    };
    const first = await atOnce(wallet, 'payment.create', payment, [201, 200]);
    await atOnce(wallet, 'payment.void', { billId, paymentRef: 'p-void' }, [200]);
    await atOnce(
      wallet,
      'payment.create',
      { billId, paymentRef: 'p-over', amount: 401, currency: 'EUR' },
      [422],
    );
    await done(till[0] as Party, 'bill.confirm', { billId, amount: 500 });
    const refund = { billId, amount: 100, idempotencyKey: 'k-1' };
    await atOnce(till, 'bill.refund', refund, [200]);
    const cancel = { billId, amount: 50, idempotencyKey: 'k-2' };
    const last = await atOnce(till, 'bill.cancel', cancel, [200]);
    expect(last).toMatchObject({
      status: 'confirmed',
      paid: 600,
      reversed: 100,
      confirmed: 500,
      refunded: 150,
    });

    const repeatAll = async (): Promise<void> => {
      const tills = await parties(world, 'terminal');
      const wallets = await parties(world, 'paychannel');
      expect(await atOnce(tills, 'bill.create', order, [200])).toEqual(last);
      expect(await atOnce(wallets, 'bill.reserve', reservation, [200])).toEqual(held);
      expect(await atOnce(wallets, 'payment.create', payment, [200])).toEqual(first);
      await atOnce(
        wallets,
        'payment.create',
        { billId, paymentRef: 'p-over', amount: 401, currency: 'EUR' },
        [422],
      );
      await atOnce(wallets, 'payment.create', { ...payment, paymentRef: 'p-void' }, [409]);
      expect(await atOnce(tills, 'bill.refund', refund, [200])).toEqual(last);
      expect(await atOnce(tills, 'bill.cancel', cancel, [200])).toEqual(last);

      const [t, w] = [tills[0] as Party, wallets[0] as Party];
      expect(await refused(t, 'bill.create', { ...order, amount: 1001 })).toMatchObject({
        status: 409,
        code: 'order.reused',
        billId,
      });
      expect(await refused(w, 'bill.reserve', { ...reservation, amount: 601 })).toMatchObject({
        status: 409,
        code: 'reservation.refReused',
      });
      expect(await refused(w, 'payment.create', { ...payment, amount: 601 })).toMatchObject({
        status: 409,
        code: 'payment.refReused',
      });
      expect(await refused(t, 'bill.refund', { ...refund, amount: 101 })).toMatchObject({
        status: 409,
        code: 'idempotency.reused',
      });
      expect(await refused(t, 'bill.cancel', { ...cancel, amount: 51 })).toMatchObject({
        status: 409,
        code: 'idempotency.reused',
      });
      // The order of members is no other body.
      const { metadata: _metadata, ...plain } = order;
      expect(await done(t, 'bill.create', { metadata: { a: '1', b: '2' }, ...plain })).toEqual(
        last,
      );
      expect(await done(t, 'bill.get', { billId })).toEqual(last);
    };
    await repeatAll();
    await world.crash();
    await repeatAll();
    await world.runWith(FORGETFUL);
    await emptied(world);
    await repeatAll();
    await emptied(world);
    await repeatAll();
  });

  test('over more references than a bill keeps finds every one of them again', async () => {
    await world.runWith(FORGETFUL);
    const till = world.http('terminal');
    const wallet = await world.stream('paychannel');
    const { id: billId } = await done(till, 'bill.create', {
      orderId: fresh('order'),
      amount: 150,
      currency: 'EUR',
    });
    const payments = Array.from({ length: 150 }, (_, index) => ({
      billId,
      paymentRef: `p-${index}`,
      amount: 1,
      currency: 'EUR',
    }));
    const answers = await Promise.all(
      payments.map((payment) => done(wallet, 'payment.create', payment)),
    );
    expect(await done(till, 'bill.get', { billId })).toMatchObject({
      status: 'paid',
      paid: 150,
      version: 151,
    });
    expect(
      await Promise.all(payments.map((payment) => done(wallet, 'payment.create', payment))),
    ).toEqual(answers);
    expect((await refused(wallet, 'payment.create', { ...payments[0], amount: 2 })).code).toBe(
      'payment.refReused',
    );
    await emptied(world);
    expect(
      await Promise.all(payments.map((payment) => done(wallet, 'payment.create', payment))),
    ).toEqual(answers);
    expect((await refused(wallet, 'payment.create', { ...payments[0], amount: 2 })).code).toBe(
      'payment.refReused',
    );
    expect(await done(wallet, 'payment.get', { billId, paymentRef: 'p-0' })).toMatchObject({
      status: 'accepted',
      amount: 1,
    });
  });

  test('that was lost stays lost, even when the reason has gone', async () => {
    await world.runWith(FORGETFUL);
    const till = world.http('terminal');
    const wallet = world.http('paychannel');
    const other = world.http('paychannel', otherKey);
    const { id: billId } = await done(till, 'bill.create', {
      orderId: fresh('order'),
      amount: 500,
      currency: 'EUR',
    });
    const held = await done(other, 'bill.reserve', { billId, reservationRef: 'r' });
    expect(held.amount).toBe(500);
    const payment = { billId, paymentRef: 'p-1', amount: 500, currency: 'EUR' };
    const refusal = { status: 409, code: 'bill.notPayable', reason: 'reserved' };
    expect(await refused(wallet, 'payment.create', payment)).toMatchObject(refusal);
    await done(other, 'bill.release', { billId, reservationId: held.id });
    expect((await done(wallet, 'bill.view', { billId })).payable).toBe(true);
    expect(await refused(wallet, 'payment.create', payment)).toMatchObject(refusal);
    await emptied(world);
    expect(await refused(wallet, 'payment.create', payment)).toMatchObject(refusal);
    await world.crash();
    expect(await refused(wallet, 'payment.create', payment)).toMatchObject(refusal);
    expect(await done(wallet, 'payment.get', { billId, paymentRef: 'p-1' })).toMatchObject({
      status: 'refused',
      code: 'bill.notPayable',
    });
    expect(
      (await done(wallet, 'payment.create', { ...payment, paymentRef: 'p-2' })).bill.status,
    ).toBe('paid');
    expect((await done(till, 'bill.get', { billId })).paid).toBe(500);
  });
});

/** The same party in each way that there is. */
async function parties(world: World, api: 'terminal' | 'paychannel'): Promise<Party[]> {
  return [world.http(api), await world.stream(api, 'json'), await world.stream(api, 'msgpack')];
}

/** Sends a request ten times at once; all must come to the same, the first of `statuses` at most once where there are two. */
async function atOnce(
  of: readonly Party[],
  op: Op,
  body: Body,
  statuses: readonly number[],
): Promise<unknown> {
  const answers: Answer[] = await Promise.all(
    Array.from({ length: TIMES }, (_, index) => (of[index % of.length] as Party).ask(op, body)),
  );
  const found = answers.map(({ status }) => status).sort((left, right) => right - left);
  const expected = Array.from(
    { length: TIMES },
    (_, index) => statuses[Math.min(index, statuses.length - 1)],
  );
  expect(found, op).toEqual(expected);
  const bodies = answers.map(({ body: answer }) => {
    const { requestId: _own, ...rest } = answer as { requestId?: string };
    return rest;
  });
  for (const each of bodies) expect(each, op).toEqual(bodies[0]);
  return bodies[0];
}

/** Resolves once no bill is in memory any more. */
async function emptied(world: World): Promise<void> {
  await world.process.until('empty', async () => {
    return (await metric(world.process.baseUrl, 'qrswitch_bills_resident')) === 0;
  });
}

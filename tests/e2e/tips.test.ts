// Tips on the real switch: outside of what is owed, kept by a confirm, given back by a cancel or where a refund asks for
// it; told apart wherever money is told of, by a switch that was stopped and started again, too.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import { type Bill, type Body, done, fresh, type Party, refused } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { setUps } from '../support/set-ups.ts';
import { TRANSPORTS, World } from '../support/world.ts';

const tip = { allowed: true, max: 300 };

describe.each(setUps)('tips on $name', (setUp) => {
  let world: World;
  let sql: Sql;
  let till: Party;
  let wallet: Party;

  beforeAll(async () => {
    world = await World.start(setUp);
    sql = postgres(world.stores.databaseUrl, { max: 1 });
    connect();
  });
  afterAll(async () => {
    await sql?.end();
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  function connect(): void {
    till = world.http('terminal');
    wallet = world.http('paychannel');
  }
  const create = (more: Body = {}): Promise<Bill> =>
    done(till, 'bill.create', { orderId: fresh('order'), currency: 'EUR', tip, ...more });
  const payment = (billId: string, amount: number, more: Body = {}): Body => ({
    billId,
    paymentRef: fresh('pay'),
    amount,
    currency: 'EUR',
    ...more,
  });

  test.each(TRANSPORTS)('are paid, kept and given back by %s', async (transport) => {
    const [seller, payer] = [
      await world.party('terminal', transport),
      await world.party('paychannel', transport),
    ];
    const body = { orderId: fresh('order'), amount: 1000, currency: 'EUR', tip };
    const made = await done(seller, 'bill.create', body);
    expect(made).toMatchObject({ tip, tips: { paid: 0, returned: 0, unreturned: 0 } });
    const { id: billId } = made;
    expect(await done(payer, 'bill.view', { billId })).toMatchObject({ tip, due: 1000 });
    const much = payment(billId, 1000, { tip: 301 });
    const refusal = { status: 422, code: 'payment.tipExceedsMax', max: 300 };
    expect(await refused(payer, 'payment.create', much)).toMatchObject(refusal);
    expect(await refused(payer, 'payment.create', much)).toMatchObject(refusal);

    const tipped = payment(billId, 1000, { tip: 250 });
    const answer = await done(payer, 'payment.create', tipped);
    expect(answer.payment).toMatchObject({ amount: 1000, tip: 250, tipReturned: false });
    expect(answer.bill).toMatchObject({ status: 'paid', paid: 1000, due: 0 });
    expect(await done(payer, 'payment.create', tipped)).toEqual(answer);
    const other = await refused(payer, 'payment.create', { ...tipped, tip: 200 });
    expect(other.code).toBe('payment.refReused');

    expect(await done(seller, 'bill.confirm', { billId, amount: 800 })).toMatchObject({
      paid: 1000,
      confirmed: 800,
      reversed: 200,
      tips: { paid: 250, returned: 0, unreturned: 0 },
    });
    const part = { billId, amount: 100, idempotencyKey: fresh('key') };
    expect((await done(seller, 'bill.refund', part)).tips).toMatchObject({ returned: 0 });
    const nothing = { billId, amount: 0, idempotencyKey: fresh('key') };
    expect(await refused(seller, 'bill.refund', nothing)).toMatchObject({
      status: 400,
      errors: [{ path: 'amount' }],
    });
    const alone = { ...nothing, tip: true };
    const returned = await done(seller, 'bill.refund', alone);
    expect(returned).toMatchObject({
      status: 'confirmed',
      refunded: 100,
      tips: { paid: 250, returned: 250, unreturned: 0 },
      payments: [{ tip: 250, tipReturned: true, credited: 300 }],
    });
    expect(await done(seller, 'bill.refund', alone)).toMatchObject({ tips: returned.tips });
    const shown = returned.credits.map(({ amount, tip: isTip = false }) => [amount, isTip]);
    expect(shown).toEqual([
      [200, false],
      [100, false],
      [250, true],
    ]);
    const creditId = returned.credits[2]?.id;
    const settled = await done(payer, 'credit.settle', { creditId, status: 'rejected' });
    expect(settled).toMatchObject({ amount: 250, tip: true });
    expect(await done(seller, 'bill.get', { billId })).toMatchObject({
      unreturned: 0,
      tips: { unreturned: 250 },
    });
  });

  test('are refused where a bill allows none, and what contradicts itself is told', async () => {
    const { id: billId } = await create({ amount: 1000, tip: { allowed: false } });
    const seen = await done(till, 'bill.get', { billId });
    expect(seen).not.toHaveProperty('tip');
    expect(seen).not.toHaveProperty('tips');
    const tipped = payment(billId, 1000, { tip: 1 });
    expect(await refused(wallet, 'payment.create', tipped)).toMatchObject({
      status: 422,
      code: 'payment.tipForbidden',
    });
    const plain = payment(billId, 1000, { tip: 0 });
    expect((await done(wallet, 'payment.create', plain)).payment).not.toHaveProperty('tip');
    for (const [given, path] of [
      [{ allowed: 'yes' }, 'tip.allowed'],
      [{ allowed: true, max: 0 }, 'tip.max'],
      [{ allowed: false, max: 5 }, 'tip.max'],
      [{ max: 5 }, 'tip.allowed'],
    ] as const) {
      const body = { orderId: fresh('order'), amount: 1, currency: 'EUR', tip: given };
      expect(await refused(till, 'bill.create', body)).toMatchObject({
        status: 400,
        errors: [{ path }],
      });
    }
  });

  test('go back with a cancel, and are told of apart in every event', async () => {
    const { id: billId } = await create({ amount: 1000, tip: { allowed: true } });
    expect(await done(wallet, 'bill.view', { billId })).toMatchObject({ tip: { max: null } });
    await done(wallet, 'payment.create', payment(billId, 400, { tip: 50 }));
    await done(wallet, 'payment.create', payment(billId, 600, { tip: 5 }));
    const cancelled = await done(till, 'bill.cancel', { billId });
    expect(cancelled).toMatchObject({ reversed: 1000, tips: { paid: 55, returned: 55 } });
    const told = await done(till, 'terminal.events', {});
    const own = told.events.filter((event) => event.billId === billId);
    expect(own.map(({ type, data }) => [type, data.bill.paid, data.bill.tips?.paid])).toEqual([
      ['payment.received', 400, 50],
      ['bill.paid', 1000, 55],
    ]);
    const asked = await done(wallet, 'paychannel.events', {});
    const credits = asked.events.filter((event) => event.billId === billId);
    expect(credits.map(({ data: { credit } }) => [credit?.amount, credit?.tip ?? false])).toEqual([
      [600, false],
      [400, false],
      [5, true],
      [50, true],
    ]);
    await done(till, 'event.ack', { ids: own.map(({ id }) => id) });
    await done(wallet, 'event.ack', { ids: credits.map(({ id }) => id) });
  });

  test('are kept or given back payment by payment on a code for many', async () => {
    const code = { type: 'static', usage: 'many', amount: 100, capture: 'manual' };
    const { id: billId } = await create(code);
    const paid = [];
    for (const amount of [10, 20, 30]) {
      paid.push(await done(wallet, 'payment.create', payment(billId, 100, { tip: amount })));
    }
    const [first, second, third] = paid.map(({ payment: { id } }) => id);
    const kept = await done(till, 'payment.confirm', { billId, paymentId: first, amount: 60 });
    expect(kept).toMatchObject({
      payment: { tip: 10, tipReturned: false, credited: 40 },
      bill: { confirmed: 60, tips: { paid: 60, returned: 0 } },
    });
    const gone = await done(till, 'payment.cancel', { billId, paymentId: second });
    expect(gone).toMatchObject({
      payment: { tip: 20, tipReturned: true, status: 'reversed' },
      credits: [{ amount: 100 }, { amount: 20, tip: true }],
    });
    await done(till, 'payment.confirm', { billId, paymentId: third });
    const order = { billId, paymentId: third, tip: true, idempotencyKey: fresh('key') };
    expect(await done(till, 'payment.refund', order)).toMatchObject({
      payment: { status: 'refunded', tipReturned: true },
      bill: { refunded: 100, tips: { paid: 60, returned: 50 } },
    });
  });

  test('may be given for a stay, and for the sale of a sticker that allows them', async () => {
    const tariff = {
      currency: 'EUR',
      timeZone: 'Europe/Riga',
      versions: [
        {
          effectiveFrom: '2026-01-01T00:00:00Z',
          graceSeconds: 60,
          quoteSeconds: 60,
          rules: [{ name: 'Always', phases: [{ amount: 500 }] }],
        },
      ],
    };
    const { id: stay } = await create({ type: 'timer', tariff });
    const answer = await done(wallet, 'payment.create', payment(stay, 500, { tip: 100 }));
    expect(answer).toMatchObject({ payment: { tip: 100 }, bill: { status: 'paid', paid: 500 } });
    const { id: billId } = await create({ type: 'static', usage: 'many', amount: 1 });
    const sale = await done(till, 'bill.arm', { billId, orderId: fresh('sale'), amount: 700 });
    expect(sale).toMatchObject({ amount: 700, tip, tips: { paid: 0 } });
    const page = await fetch(`${world.process.baseUrl}/q/${billId}`);
    expect(await page.text()).toContain('You may add a tip of up to');
  });

  test('are told alike after a restart, by reports and lists, and the books balance', async () => {
    const { id: billId } = await create({ amount: 1000 });
    await done(wallet, 'payment.create', payment(billId, 400, { tip: 20 }));
    await refused(wallet, 'payment.create', payment(billId, 600, { tip: 400 }));
    const { payment: last } = await done(
      wallet,
      'payment.create',
      payment(billId, 600, { tip: 30 }),
    );
    await done(till, 'bill.confirm', { billId });
    const order = {
      billId,
      amount: 0,
      paymentId: last.id,
      tip: true,
      idempotencyKey: fresh('key'),
    };
    const before = await done(till, 'bill.refund', order);
    await historyIsWhole(world.process);
    await world.runWith({ QRSWITCH_IDLE_SECONDS: '0' });
    connect();
    const after = await done(till, 'bill.get', { billId });
    expect(after).toEqual(before);
    const payments = await done(till, 'bill.payments', { billId });
    expect(payments.items.map((item) => [item.status, item.tip, item.tipReturned])).toEqual([
      ['confirmed', 30, true],
      ['refused', 400, false],
      ['confirmed', 20, false],
    ]);
    const credits = await done(wallet, 'paychannel.credits', {});
    expect(credits.items.find((item) => item.billId === billId)).toMatchObject({
      amount: 30,
      tip: true,
    });
    const rows = await sql`
      select payment_no, paid::int, returned::int, unreturned::int from tips
      where bill_id = ${billId} order by 1`;
    expect([...rows]).toEqual([
      { payment_no: 1, paid: 20, returned: 0, unreturned: 0 },
      { payment_no: 3, paid: 30, returned: 30, unreturned: 0 },
    ]);
    expect(await faultsInBooks(sql)).toEqual([]);
  });
});

// A sticker at a till, on the real switch: one sale at a time, whoever races and whatever crashes.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Answer,
  type Bill,
  done,
  fresh,
  Lost,
  type Party,
  refused,
} from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { onboardTerminal } from '../support/onboarding.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { TRANSPORTS, World } from '../support/world.ts';

const RACES = 5;
/** Of eight stickers that are armed while the switch dies. */
const ASKED_AGAIN = 4;

describe('a sticker', () => {
  let world: World;
  let till: Party;
  let wallet: Party;

  beforeAll(async () => {
    world = await World.start(redisAndPostgres);
    till = world.http('terminal');
    wallet = world.http('paychannel');
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const print = (): Promise<Bill> => {
    const range = { minAmount: 1, maxAmount: 1_000_000, usage: 'many', description: 'Till 3' };
    const order = { orderId: fresh('sticker'), type: 'static', currency: 'EUR', ...range };
    return done(till, 'bill.create', order);
  };
  const sale = (amount: number, ttl = 600) => ({ orderId: fresh('sale'), amount, ttl });
  const view = (billId: string) => done(wallet, 'bill.view', { billId });

  test.each(TRANSPORTS)('carries one sale after another, over %s', async (transport) => {
    const own = await world.party('terminal', transport);
    const payer = await world.party('paychannel', transport);
    const { id: billId, qr } = await print();
    expect(await view(billId)).toMatchObject({ id: billId, type: 'static', payable: true });

    const order = { billId, ...sale(500) };
    const first = await own.ask('bill.arm', order);
    const shown = { type: 'dynamic', status: 'open', amount: 500, relatedBillId: billId };
    const { id: firstId } = first.body as Bill;
    expect(first).toMatchObject({ status: 201, body: { ...shown, orderId: order.orderId } });
    expect(await own.ask('bill.arm', order)).toMatchObject({ status: 200, body: first.body });
    const reused = await refused(own, 'bill.arm', { ...order, amount: 501 });
    expect(reused).toMatchObject({ code: 'order.reused', billId: firstId });
    expect(await done(own, 'bill.get', { billId })).toMatchObject({ saleId: firstId });

    const seen = { id: firstId, type: 'dynamic', due: 500, payable: true, description: 'Till 3' };
    expect(await done(payer, 'bill.view', { billId })).toMatchObject(seen);
    expect(await done(payer, 'bill.resolve', { qr: qr.payload })).toMatchObject(seen);
    // Who has looked before pays what was seen, or nothing: never the sticker, never another's sale.
    expect(await refused(payer, 'payment.create', pay(billId, 500))).toMatchObject({
      status: 409,
      code: 'bill.notPayable',
      reason: 'armed',
    });

    const second = await done(own, 'bill.arm', { billId, ...sale(700) });
    expect(await refused(payer, 'payment.create', pay(firstId, 500))).toMatchObject({
      reason: 'cancelled',
    });
    expect(await done(payer, 'bill.view', { billId })).toMatchObject({ id: second.id, due: 700 });
    await done(payer, 'payment.create', pay(second.id, 700));
    const third = { billId, ...sale(900) };
    expect(await refused(own, 'bill.arm', third)).toMatchObject({
      status: 409,
      code: 'bill.notArmable',
      reason: 'paid',
      saleId: second.id,
    });
    const paid = { id: second.id, status: 'paid', payable: false, reason: 'paid' };
    expect(await done(payer, 'bill.view', { billId })).toMatchObject(paid);
    await done(own, 'bill.confirm', { billId: second.id });
    const armed = await done(own, 'bill.arm', third);
    expect(await done(payer, 'bill.view', { billId })).toMatchObject({ id: armed.id, due: 900 });

    // A repeat that comes late changes nothing of what has come since.
    expect(await own.ask('bill.arm', order)).toMatchObject({
      status: 200,
      body: { id: firstId, status: 'cancelled' },
    });
    expect(await view(billId)).toMatchObject({ id: armed.id, payable: true });
  });

  test('shows its sale to a plain camera', async () => {
    const { id: billId } = await print();
    await done(till, 'bill.arm', { billId, ...sale(123_45) });
    const page = await (await fetch(`${world.process.baseUrl}/q/${billId}`)).text();
    expect(page).toContain('123.45');
  });

  test('cannot be armed once it is withdrawn; nor can what is no sticker', async () => {
    const { id: billId } = await print();
    const order = { billId, ...sale(100) };
    const { id } = await done(till, 'bill.arm', order);
    await done(till, 'bill.cancel', { billId });
    expect(await view(billId)).toMatchObject({ id: billId, reason: 'withdrawn' });
    expect(await refused(till, 'bill.arm', { billId, ...sale(100) })).toMatchObject({
      code: 'bill.notArmable',
      reason: 'withdrawn',
    });
    expect(await done(till, 'bill.arm', order)).toMatchObject({ id });
    expect(await refused(till, 'bill.arm', { billId: id, ...sale(100) })).toMatchObject({
      code: 'bill.notArmable',
      reason: 'notStatic',
    });
    const taken = { orderId: fresh('order'), amount: 100, currency: 'EUR' };
    const { id: other } = await done(till, 'bill.create', taken);
    const { id: fine } = await print();
    const reuse = { billId: fine, orderId: taken.orderId, amount: 100, ttl: 60 };
    expect(await refused(till, 'bill.arm', reuse)).toMatchObject({
      code: 'order.reused',
      billId: other,
    });
    expect(await view(fine)).toMatchObject({ id: fine, payable: true });
  });

  test('that two tills arm at once carries one of their sales, and the other is void', async () => {
    const merchantId = world.process.demo.merchant.id;
    const { key } = await onboardTerminal(world.stores.databaseUrl, { merchantId });
    const second = world.http('terminal', key);
    for (let i = 0; i < RACES; i++) {
      const { id: billId } = await print();
      const orders = [sale(100), sale(200), sale(300), sale(400)];
      const answers = await Promise.all(
        orders.map((order, no) => insist(no % 2 === 0 ? till : second, { billId, ...order })),
      );
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
      const ids = answers.map(({ body }) => (body as Bill).id);
      const bills = await Promise.all(ids.map((id) => done(till, 'bill.get', { billId: id })));
      const open = bills.filter(({ status }) => status === 'open');
      expect(open).toHaveLength(1);
      expect(bills.filter(({ status }) => status === 'cancelled')).toHaveLength(3);
      expect(await view(billId)).toMatchObject({ id: open[0]?.id, payable: true });
    }
  });

  test('is either paid or armed anew where both are tried at once, never both', async () => {
    const wins = { paid: 0, armed: 0 };
    for (let i = 0; i < RACES; i++) {
      const { id: billId } = await print();
      const first = await done(till, 'bill.arm', { billId, ...sale(100) });
      const [payment, arm] = await Promise.all([
        wallet.ask('payment.create', pay(first.id, 100)),
        insist(till, { billId, ...sale(200) }),
      ]);
      const isPaid = payment.status === 201;
      wins[isPaid ? 'paid' : 'armed'] += 1;
      expect(arm.status).toBe(isPaid ? 409 : 201);
      const shown = isPaid ? first.id : (arm.body as Bill).id;
      const reason = isPaid ? 'paid' : null;
      expect(await view(billId)).toMatchObject({ id: shown, reason, payable: !isPaid });
    }
    expect(wins.paid + wins.armed).toBe(RACES);
  });

  test('armed again after a crash in the middle has the same sale, and the earlier one is void', async () => {
    const stickers = await Promise.all(Array.from({ length: 8 }, () => print()));
    const earlier = await Promise.all(
      stickers.map(({ id: billId }) => done(till, 'bill.arm', { billId, ...sale(50) })),
    );
    const orders = stickers.map(({ id: billId }) => ({ billId, ...sale(60) }));
    const heard = orders.map((order) => insist(till, order).catch(orLost));
    await Promise.race(heard);
    await world.crash();
    await Promise.all(heard);
    till = world.http('terminal');
    wallet = world.http('paychannel');
    // What nobody asks for again comes to its end by itself: the earlier sale if the arm had not begun, the new one if it had.
    for (const { billId } of orders.slice(ASKED_AGAIN)) {
      await world.process.until('done with the arm', async () => (await view(billId)).payable);
    }
    for (const [no, order] of orders.slice(0, ASKED_AGAIN).entries()) {
      const { body } = await insist(till, order);
      expect(body).toMatchObject({ status: 'open', orderId: order.orderId });
      const { id } = body as Bill;
      expect(await view(order.billId)).toMatchObject({ id, payable: true });
      const before = await done(till, 'bill.get', { billId: earlier[no]?.id });
      expect(before.status).toBe('cancelled');
    }
  });
});

let payments = 0;

function pay(billId: string, amount: number) {
  payments += 1;
  return { billId, paymentRef: `p-${payments}`, amount, currency: 'EUR' };
}

/** Asks again while the switch cannot say, as an honest till does. */
async function insist(party: Party, body: object): Promise<Answer> {
  for (;;) {
    const answer = await party.ask('bill.arm', { ...body });
    if (answer.status !== 503 && answer.status !== 504) return answer;
  }
}

function orLost(error: unknown): null {
  if (!(error instanceof Lost)) throw error;
  return null;
}

// Printed codes on the real switch: a crowd before one of them, and one payment after another by itself.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Answer,
  type Bill,
  done,
  fresh,
  type Party,
  type Payment,
  refused,
} from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { postgresAlone, redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const WALLETS = 1_000;
const LEFT = 100;
const EARLIER = 60;
const STREAMS = 4;
/** Bills leave memory as soon as they are written. */
const FORGETFUL = { QRSWITCH_IDLE_SECONDS: '0' };

describe('a billboard before a crowd', () => {
  let world: World;
  let till: Party;
  let wallet: Party;
  let billId = '';
  const taken: Payment[] = [];

  beforeAll(async () => {
    world = await World.start(redisAndPostgres);
    till = world.http('terminal');
    wallet = world.http('paychannel');
    const board = { type: 'static', usage: 'many', amount: 250, currency: 'EUR' };
    const order = { orderId: fresh('board'), maxPayments: EARLIER + LEFT, ...board };
    billId = (await done(till, 'bill.create', order)).id;
    for (let i = 0; i < EARLIER; i++) {
      const { payment } = await done(wallet, 'payment.create', pay(billId, `early-${i}`, 250));
      taken.push(payment);
    }
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test(`takes exactly ${LEFT} of ${WALLETS} wallets that race for the last ${LEFT} places`, async () => {
    const streams = await Promise.all(
      Array.from({ length: STREAMS }, (_, i) =>
        world.stream('paychannel', i % 2 === 0 ? 'json' : 'msgpack'),
      ),
    );
    const answers = await Promise.all(
      Array.from({ length: WALLETS }, (_, i) => {
        const racer = streams[i % STREAMS] as Party;
        return insist(racer, pay(billId, `late-${i}`, 250));
      }),
    );
    const won = answers.filter(({ status }) => status === 201);
    const lost = answers.filter(({ status }) => status !== 201);
    expect(won).toHaveLength(LEFT);
    expect(new Set(lost.map(({ status, body }) => `${status} ${reasonIn(body)}`))).toEqual(
      new Set(['409 limit']),
    );
    expect(await done(till, 'bill.get', { billId })).toMatchObject({
      status: 'open',
      paymentCount: EARLIER + LEFT,
      paid: (EARLIER + LEFT) * 250,
      confirmed: (EARLIER + LEFT) * 250,
      reserved: 0,
    });
    expect(await done(wallet, 'bill.view', { billId })).toMatchObject({
      payable: false,
      reason: 'limit',
      due: 0,
    });
  });

  test('finds payments again that have left its memory: a repeat, a refund, its settlement', async () => {
    const [first, second] = taken as [Payment, Payment];
    const again = await wallet.ask('payment.create', pay(billId, 'early-0', 250));
    expect(again).toMatchObject({ status: 200, body: { payment: first } });
    const refund = { billId, paymentId: first.id, amount: 100, idempotencyKey: 'k-first' };
    const part = await done(till, 'payment.refund', refund);
    expect(part).toMatchObject({
      payment: { id: first.id, status: 'confirmed', credited: 100 },
      credits: [{ kind: 'refund', amount: 100, status: 'pending' }],
      bill: { refunded: 100 },
    });
    expect(await done(till, 'payment.refund', refund)).toMatchObject({ bill: { refunded: 100 } });
    const whole = { billId, paymentId: second.id, idempotencyKey: 'k-second' };
    await done(till, 'bill.refund', whole);
    const { credits } = await done(till, 'bill.get', { billId });
    expect(credits.map(({ paymentId, amount }) => [paymentId, amount])).toEqual([
      [first.id, 100],
      [second.id, 250],
    ]);
    const settled = { creditId: credits[0]?.id, status: 'settled' };
    expect(await done(wallet, 'credit.settle', settled)).toMatchObject({ status: 'settled' });
    const seen = await done(wallet, 'payment.get', { billId, paymentRef: 'early-1' });
    expect(seen).toMatchObject({ id: second.id, status: 'refunded', credited: 250 });
  });

  test('answers the same after a crash, with all of it in Postgres alone', async () => {
    await world.crash();
    till = world.http('terminal');
    wallet = world.http('paychannel');
    const [first] = taken as [Payment];
    const left = { billId, paymentId: first.id, idempotencyKey: 'k-left' };
    expect(await done(till, 'payment.cancel', left)).toMatchObject({
      payment: { status: 'refunded', credited: 250 },
      credits: [{ amount: 100, status: 'settled' }, { amount: 150 }],
      bill: { refunded: 500 },
    });
    const seen = await done(wallet, 'payment.get', { billId, paymentRef: 'early-0' });
    expect(seen).toMatchObject({ id: first.id, status: 'refunded' });
    expect(await refused(wallet, 'payment.create', pay(billId, 'late', 250))).toMatchObject({
      code: 'bill.notPayable',
      reason: 'limit',
    });
    // The lists read what Postgres has: the payments and, as the last to be written, what was just credited.
    await world.process.until('all in the lists', async () => {
      return sum(await listed(), ({ credited }) => credited) === 500;
    });
    const payments = await listed();
    expect(payments).toHaveLength(EARLIER + LEFT);
    expect(new Set(payments.map(({ id }) => id)).size).toBe(EARLIER + LEFT);
    expect(sum(payments, ({ amount }) => amount)).toBe((EARLIER + LEFT) * 250);
  });

  /** Accepted payments, page by page. */
  async function listed(cursor?: string): Promise<Payment[]> {
    const more = cursor === undefined ? {} : { cursor };
    const page = await done(till, 'bill.payments', { billId, limit: 100, ...more });
    const items = page.items.filter(({ status }) => status !== 'refused');
    return page.nextCursor === null ? items : [...items, ...(await listed(page.nextCursor))];
  }
});

describe('a static bill', () => {
  let world: World;
  let till: Party;
  let wallet: Party;

  beforeAll(async () => {
    world = await World.start(postgresAlone, FORGETFUL);
    till = await world.stream('terminal');
    wallet = await world.stream('paychannel');
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const create = (more: object): Promise<Bill> => {
    const order = { orderId: fresh('code'), type: 'static', currency: 'EUR', ...more };
    return done(till, 'bill.create', order);
  };

  test('for many with a range ends each payment by itself', async () => {
    const range = { minAmount: 100, maxAmount: 500 };
    const board = await create({ usage: 'many', capture: 'manual', ...range, maxTotal: 1_400 });
    expect(board).toMatchObject({ amount: null, ...range, expiresAt: null, usage: 'many' });
    const { id: billId } = board;
    const view = { amount: null, ...range, due: 100, part: 'forbid', payable: true };
    expect(await done(wallet, 'bill.view', { billId })).toMatchObject(view);
    for (const amount of [99, 501]) {
      const over = await refused(wallet, 'payment.create', pay(billId, `p-${amount}`, amount));
      expect(over).toMatchObject({ status: 422, code: 'payment.outOfRange', ...range });
    }

    const ids: (string | null)[] = [];
    for (const amount of [500, 400, 300]) {
      const { payment, bill } = await done(
        wallet,
        'payment.create',
        pay(billId, `${amount}`, amount),
      );
      expect(payment.status).toBe('accepted');
      expect(bill).toMatchObject({ status: 'open', amount: null });
      ids.push(payment.id);
    }
    const [first, second, third] = ids;
    expect(await done(wallet, 'bill.view', { billId })).toMatchObject({ maxAmount: 200 });
    expect(await refused(wallet, 'payment.create', pay(billId, 'over', 201))).toMatchObject({
      reason: 'limit',
    });

    const confirmed = { billId, paymentId: first, amount: 450 };
    for (let i = 0; i < 2; i++) {
      expect(await done(till, 'payment.confirm', confirmed)).toMatchObject({
        payment: { status: 'confirmed', credited: 50 },
        credits: [{ kind: 'reversal', amount: 50 }],
        bill: { paid: 1_200, confirmed: 450, reversed: 50, refunded: 0 },
      });
    }
    expect(await refused(till, 'payment.confirm', { billId, paymentId: first })).toMatchObject({
      status: 409,
      code: 'payment.notConfirmable',
      paymentStatus: 'confirmed',
    });
    expect(await done(till, 'payment.cancel', { billId, paymentId: second })).toMatchObject({
      payment: { status: 'reversed', credited: 400 },
    });
    const early = { billId, paymentId: third, idempotencyKey: fresh('k') };
    expect(await refused(till, 'payment.refund', early)).toMatchObject({
      code: 'payment.notRefundable',
      paymentStatus: 'accepted',
    });

    expect(await done(till, 'bill.cancel', { billId })).toMatchObject({
      status: 'cancelled',
      paid: 1_200,
      confirmed: 450,
      reversed: 450,
    });
    expect(await refused(wallet, 'payment.create', pay(billId, 'after', 100))).toMatchObject({
      code: 'bill.notPayable',
      reason: 'withdrawn',
    });
    await done(till, 'payment.confirm', { billId, paymentId: third });
    const key = fresh('k');
    expect(await refused(till, 'bill.refund', { billId, idempotencyKey: key })).toMatchObject({
      status: 422,
      code: 'refund.paymentRequired',
    });
    const whole = { billId, paymentId: third, idempotencyKey: key };
    expect(await done(till, 'payment.refund', whole)).toMatchObject({
      payment: { status: 'refunded' },
      bill: { status: 'cancelled', paid: 1_200, confirmed: 750, reversed: 450, refunded: 300 },
    });
  });

  test('for many tells its terminal of each payment, which notes when it was told', async () => {
    const { id: billId } = await create({ usage: 'many', amount: 300 });
    const { payment } = await done(wallet, 'payment.create', pay(billId, 'p-1', 300));
    expect(payment.status).toBe('confirmed');
    const http = world.http('terminal');
    const { events } = await done(http, 'terminal.events', { limit: 100 });
    const told = events.filter((event) => event.billId === billId);
    expect(told).toMatchObject([
      { type: 'payment.received', data: { bill: { amount: 300, paid: 300 }, payment } },
    ]);
    await done(till, 'event.ack', { ids: told.map(({ id }) => id) });
    const { payments } = await done(till, 'bill.get', { billId });
    expect(payments).toMatchObject([{ id: payment.id, merchantNotifiedAt: expect.any(String) }]);
  });

  test('for one payer is paid once and then goes the way of any bill', async () => {
    const { id: billId } = await create({ minAmount: 100, maxAmount: 500, capture: 'manual' });
    const held = await done(wallet, 'bill.reserve', { billId, reservationRef: 'r', amount: 200 });
    expect(await refused(wallet, 'payment.create', pay(billId, 'p-1', 200))).toMatchObject({
      reason: 'reserved',
    });
    const payment = { ...pay(billId, 'p-2', 200), reservationId: held.id };
    expect(await done(wallet, 'payment.create', payment)).toMatchObject({
      bill: { status: 'paid', paid: 200, due: 0 },
    });
    expect(await refused(wallet, 'payment.create', pay(billId, 'p-3', 200))).toMatchObject({
      reason: 'paid',
    });
    expect(await done(till, 'bill.confirm', { billId })).toMatchObject({
      status: 'confirmed',
      confirmed: 200,
    });
    const refund = { billId, idempotencyKey: fresh('k') };
    expect(await done(till, 'bill.refund', refund)).toMatchObject({ status: 'refunded' });
  });

  test('is not paid before its first day, nor after its last', async () => {
    const day = 86_400_000;
    const at = (days: number): string => new Date(Date.now() + days * day).toISOString();
    const from = at(1);
    const early = await create({
      amount: 300,
      usage: 'many',
      validFrom: from,
      validUntil: at(800),
    });
    expect(await done(wallet, 'bill.view', { billId: early.id })).toMatchObject({
      payable: false,
      reason: 'notYetValid',
      retryAt: from,
      expiresAt: early.validUntil,
    });
    const asked = pay(early.id, 'p-1', 300);
    expect(await refused(wallet, 'payment.create', asked)).toMatchObject({ reason: 'notYetValid' });
    const late = await create({ amount: 300, usage: 'many', validUntil: at(-1) });
    expect(await refused(wallet, 'payment.create', pay(late.id, 'p-1', 300))).toMatchObject({
      reason: 'expired',
    });
    expect(await done(till, 'bill.get', { billId: late.id })).toMatchObject({
      status: 'expired',
      cause: 'timeout',
    });
  });
});

function pay(billId: string, paymentRef: string, amount: number) {
  return { billId, paymentRef, amount, currency: 'EUR' };
}

/** Asks again while the switch is full, as an honest wallet does. */
async function insist(party: Party, body: ReturnType<typeof pay>): Promise<Answer> {
  for (;;) {
    const answer = await party.ask('payment.create', body);
    if (answer.status !== 503 && answer.status !== 429) return answer;
  }
}

function reasonIn(body: unknown): unknown {
  return (body as { readonly reason?: unknown }).reason;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number | null): number {
  return items.reduce((total, item) => total + (of(item) ?? 0), 0);
}

// What API.md says of bills, money, events and lists, as a client finds it.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Bill,
  type Body,
  done,
  type Event,
  fresh,
  type HttpParty,
  refused,
} from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { onboardMerchant, onboardPaychannel } from '../support/onboarding.ts';
import { setUps } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

describe.each(setUps)('a bill on $name', (setUp) => {
  let world: World;
  let till: HttpParty;
  let wallet: HttpParty;
  let other: HttpParty;

  beforeAll(async () => {
    world = await World.start(setUp);
    till = world.http('terminal');
    wallet = world.http('paychannel');
    const { institution } = world.process.demo;
    const second = await onboardPaychannel(world.stores.databaseUrl, institution.id);
    other = world.http('paychannel', second.key);
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const create = (more: Body = {}): Promise<Bill> =>
    done(till, 'bill.create', { orderId: fresh('order'), amount: 1000, currency: 'EUR', ...more });
  const pay = (billId: string, paymentRef: string, amount: number, more: Body = {}) =>
    done(wallet, 'payment.create', { billId, paymentRef, amount, currency: 'EUR', ...more });
  const get = (billId: string): Promise<Bill> => done(till, 'bill.get', { billId });
  const eventsOf = async (party: HttpParty, billId: string): Promise<Event[]> => {
    const op = party.api === 'terminal' ? 'terminal.events' : 'paychannel.events';
    const { events } = await done(party, op, {});
    await done(party, 'event.ack', { ids: events.map(({ id }) => id) });
    return events.filter((event) => event.billId === billId);
  };

  test('expires by the clock, and whoever waits for it hears of it', async () => {
    const { id: billId, createdAt, expiresAt } = await create({ expiresIn: 1 });
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(1000);
    const expired = await done(till, 'bill.get', { billId, wait: 30, afterVersion: 1 });
    expect(expired).toMatchObject({ status: 'expired', version: 2, cause: 'timeout', due: 0 });
    expect(Date.parse(expired.closedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    const payment = { billId, paymentRef: 'late', amount: 1000, currency: 'EUR' };
    expect(await refused(wallet, 'payment.create', payment)).toMatchObject({
      status: 409,
      code: 'bill.notPayable',
      reason: 'expired',
    });
    expect(await refused(till, 'bill.cancel', { billId })).toMatchObject({
      status: 409,
      code: 'bill.notCancellable',
      billStatus: 'expired',
    });
    expect(await refused(till, 'bill.confirm', { billId })).toMatchObject({
      code: 'bill.notConfirmable',
    });
    const [event] = await eventsOf(till, billId);
    expect(event).toMatchObject({
      type: 'bill.expired',
      billVersion: 2,
      data: { cause: 'timeout', bill: { status: 'expired' } },
    });
  });

  test('waits with its expiry for live reservations, and reverses its parts then', async () => {
    const { id: billId } = await create({ expiresIn: 4 });
    await pay(billId, 'p-1', 300);
    const used = await done(wallet, 'bill.reserve', { billId, reservationRef: 'r-1', amount: 400 });
    const kept = await done(other, 'bill.reserve', { billId, reservationRef: 'r-2', amount: 200 });
    await world.process.until('past the expiry', async () => {
      const { now, expiresAt } = await done(wallet, 'bill.view', { billId });
      return now >= expiresAt;
    });
    expect(await done(wallet, 'bill.view', { billId })).toMatchObject({ payable: true, due: 500 });
    expect(await get(billId)).toMatchObject({ status: 'partiallyPaid', reserved: 600 });
    expect(
      await refused(wallet, 'bill.reserve', { billId, reservationRef: 'r-3', amount: 1 }),
    ).toMatchObject({ code: 'bill.notPayable', reason: 'expired' });
    expect(
      await refused(wallet, 'payment.create', {
        billId,
        paymentRef: 'p-2',
        amount: 100,
        currency: 'EUR',
      }),
    ).toMatchObject({ reason: 'expired' });
    const within = await pay(billId, 'p-3', 400, { reservationId: used.id });
    expect(within.bill).toMatchObject({ status: 'partiallyPaid', paid: 700 });
    await done(other, 'bill.release', { billId, reservationId: kept.id });
    const expired = await get(billId);
    expect(expired).toMatchObject({
      status: 'expired',
      cause: 'timeout',
      paid: 700,
      reversed: 700,
      reserved: 0,
    });
    expect(
      expired.credits.map(({ paymentRef, amount, kind }) => [paymentRef, amount, kind]),
    ).toEqual([
      ['p-3', 400, 'reversal'],
      ['p-1', 300, 'reversal'],
    ]);
    expect((await eventsOf(wallet, billId)).map(({ type }) => type)).toEqual([
      'credit.requested',
      'credit.requested',
    ]);
    expect((await eventsOf(till, billId)).map(({ type }) => type)).toEqual([
      'payment.received',
      'payment.received',
      'bill.expired',
      'credit.requested',
      'credit.requested',
    ]);
  });

  test('is confirmed by its last payment where it is captured automatically', async () => {
    const { id: billId } = await create({ capture: 'auto' });
    await pay(billId, 'p-1', 400);
    expect((await get(billId)).status).toBe('partiallyPaid');
    const last = await pay(billId, 'p-2', 600);
    expect(last.bill).toMatchObject({ status: 'confirmed', paid: 1000, due: 0 });
    const bill = await get(billId);
    expect(bill).toMatchObject({
      status: 'confirmed',
      confirmed: 1000,
      reversed: 0,
      capture: 'auto',
    });
    expect(bill.paidAt).toBe(bill.confirmedAt);
    const types = (await eventsOf(till, billId)).map(({ type }) => type);
    expect(types).toContain('bill.paid');
    expect(types).toContain('bill.confirmed');
    expect((await eventsOf(wallet, billId)).map(({ type }) => type)).toEqual([
      'payment.confirmed',
      'payment.confirmed',
    ]);
  });

  test('gives back the newest payment first, splitting one where needed', async () => {
    const { id: billId } = await create();
    await pay(billId, 'p-1', 600);
    await pay(billId, 'p-2', 400);
    expect(await refused(till, 'bill.confirm', { billId, amount: 1001 })).toMatchObject({
      status: 422,
      code: 'confirm.exceedsPaid',
      paid: 1000,
    });
    expect(
      await refused(till, 'bill.cancel', { billId, amount: 1, idempotencyKey: 'k' }),
    ).toMatchObject({ status: 422, code: 'cancel.amountBeforeConfirm' });
    expect(
      await refused(till, 'bill.refund', { billId, amount: 1, idempotencyKey: 'k-0' }),
    ).toMatchObject({ status: 409, code: 'bill.notRefundable' });
    const confirmed = await done(till, 'bill.confirm', { billId, amount: 500, receipt: { no: 1 } });
    expect(confirmed.credits.map(({ paymentRef, amount }) => [paymentRef, amount])).toEqual([
      ['p-2', 400],
      ['p-1', 100],
    ]);
    expect(confirmed.payments).toMatchObject([
      { paymentRef: 'p-1', status: 'confirmed', credited: 100 },
      { paymentRef: 'p-2', status: 'reversed', credited: 400 },
    ]);
    expect(await done(till, 'bill.confirm', { billId, amount: 500, receipt: { no: 1 } })).toEqual(
      confirmed,
    );
    expect(await refused(till, 'bill.confirm', { billId, amount: 501 })).toMatchObject({
      status: 409,
      code: 'bill.notConfirmable',
      billStatus: 'confirmed',
    });

    const named = {
      billId,
      amount: 200,
      paymentId: confirmed.payments[0]?.id,
      idempotencyKey: 'k-1',
      reason: 'Broken',
    };
    const refunded = await done(till, 'bill.refund', named);
    expect(refunded.credits.at(-1)).toMatchObject({
      kind: 'refund',
      amount: 200,
      paymentRef: 'p-1',
      reason: 'Broken',
    });
    const over = { billId, amount: 301, idempotencyKey: 'k-2' };
    expect(await refused(till, 'bill.refund', over)).toMatchObject({
      status: 422,
      code: 'refund.exceedsConfirmed',
      left: 300,
    });
    expect(await done(till, 'bill.refund', { billId, idempotencyKey: 'k-3' })).toMatchObject({
      status: 'refunded',
      refunded: 500,
      confirmed: 500,
    });
    expect(await done(till, 'bill.refund', named)).toMatchObject({ refunded: 500 });
    expect(await refused(till, 'bill.refund', over)).toMatchObject({
      code: 'refund.exceedsConfirmed',
    });
  });

  test('that is confirmed with nothing is cancelled, and with a part closes', async () => {
    const { id: nothing } = await create();
    await pay(nothing, 'p', 100);
    expect(await done(till, 'bill.confirm', { billId: nothing, amount: 0 })).toMatchObject({
      status: 'cancelled',
      reversed: 100,
      cause: 'terminal',
    });
    expect(await refused(till, 'bill.confirm', { billId: nothing })).toMatchObject({
      code: 'bill.notConfirmable',
    });
    const { id: part } = await create();
    expect((await refused(till, 'bill.confirm', { billId: part })).code).toBe('bill.notPaid');
    await pay(part, 'p', 100);
    const held = await done(other, 'bill.reserve', {
      billId: part,
      reservationRef: 'r',
      amount: 900,
    });
    expect(await done(till, 'bill.confirm', { billId: part, amount: 100 })).toMatchObject({
      status: 'confirmed',
      confirmed: 100,
      reversed: 0,
      due: 0,
      reserved: 0,
    });
    const within = {
      billId: part,
      paymentRef: 'p',
      amount: 900,
      currency: 'EUR',
      reservationId: held.id,
    };
    expect(await refused(other, 'payment.create', within)).toMatchObject({
      code: 'bill.notPayable',
      reason: 'paid',
    });
  });

  test('tells the holder of a reservation that it was cancelled', async () => {
    const { id: billId } = await create();
    const held = await done(other, 'bill.reserve', { billId, reservationRef: 'r' });
    await done(till, 'bill.cancel', { billId });
    const [event] = await eventsOf(other, billId);
    expect(event).toMatchObject({
      type: 'bill.cancelled',
      data: { cause: 'terminal', bill: { status: 'cancelled' } },
    });
    const within = {
      billId,
      paymentRef: 'p',
      amount: 1000,
      currency: 'EUR',
      reservationId: held.id,
    };
    expect(await refused(other, 'payment.create', within)).toMatchObject({ reason: 'cancelled' });
    expect(await done(till, 'bill.cancel', { billId })).toMatchObject({
      status: 'cancelled',
      version: 3,
    });
  });

  test('carries a prepayment, its related sale, lines, metadata and receipts', async () => {
    const before = await create({
      purpose: 'prepayment',
      description: 'Deposit',
      metadata: { table: '7' },
    });
    expect(before).toMatchObject({
      purpose: 'prepayment',
      metadata: { table: '7' },
      description: 'Deposit',
    });
    await pay(before.id, 'p', 1000);
    const receipt = { fiscal: { no: 'F-1', items: [1, 2, 3] }, text: 'Grüße ☕' };
    await done(till, 'bill.confirm', { billId: before.id, receipt });
    expect((await get(before.id)).receipt).toEqual(receipt);
    const later = await done(till, 'bill.receipt', {
      billId: before.id,
      receipt: { fiscal: 'F-2' },
    });
    expect(later).toMatchObject({ receipt: { fiscal: 'F-2' }, version: 4 });
    const refund = { billId: before.id, idempotencyKey: 'k', receipt: { fiscal: 'R-1' } };
    const refunded = await done(till, 'bill.refund', refund);
    expect(refunded).toMatchObject({
      status: 'refunded',
      credits: [{ kind: 'refund', purpose: 'prepayment' }],
    });
    const lines = [{ name: 'Cake', quantity: 1.5, price: 400, amount: 600 }];
    const sale = await create({ relatedBillId: before.id, lines });
    expect(sale).toMatchObject({ purpose: 'sale', relatedBillId: before.id, lines });
    expect((await done(wallet, 'bill.view', { billId: sale.id })).lines).toEqual(lines);
    const tooLarge = await till.ask('bill.receipt', {
      billId: sale.id,
      receipt: { text: 'x'.repeat(9000) },
    });
    expect(tooLarge).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ path: 'receipt' }] },
    });
  });

  test('counts what a wallet could not give back', async () => {
    const { id: billId } = await create();
    await pay(billId, 'p', 1000);
    const { credits } = await done(till, 'bill.confirm', { billId, amount: 700 });
    const creditId = credits[0]?.id;
    expect(await done(wallet, 'credit.get', { creditId })).toMatchObject({
      status: 'pending',
      billId,
      amount: 300,
      overdue: false,
    });
    expect((await other.ask('credit.get', { creditId })).status).toBe(404);
    expect((await other.ask('credit.settle', { creditId, status: 'settled' })).status).toBe(404);
    const rejection = { creditId, status: 'rejected', reason: 'account closed' };
    const rejected = await done(wallet, 'credit.settle', rejection);
    expect(rejected).toMatchObject({ status: 'rejected', reason: 'account closed' });
    expect(await done(wallet, 'credit.settle', rejection)).toEqual(rejected);
    expect(await refused(wallet, 'credit.settle', { creditId, status: 'settled' })).toMatchObject({
      status: 409,
      code: 'credit.settledOtherwise',
      creditStatus: 'rejected',
    });
    expect(await get(billId)).toMatchObject({
      reversed: 300,
      unreturned: 300,
      confirmed: 700,
      paid: 1000,
    });
    const events = await eventsOf(till, billId);
    expect(events.at(-1)).toMatchObject({
      type: 'credit.rejected',
      data: { credit: { id: creditId, status: 'rejected' } },
    });
  });

  test('refuses what it cannot take, for good', async () => {
    const { id: billId } = await create();
    const payment = { billId, paymentRef: 'p-1', amount: 1000, currency: 'EUR' };
    expect(await refused(wallet, 'payment.create', { ...payment, currency: 'USD' })).toMatchObject({
      status: 422,
      code: 'payment.currencyMismatch',
      currency: 'EUR',
    });
    expect((await refused(wallet, 'payment.create', payment)).code).toBe('payment.refReused');
    expect(
      await refused(wallet, 'payment.create', { ...payment, paymentRef: 'p-2', amount: 1001 }),
    ).toMatchObject({ status: 422, code: 'payment.exceedsDue', due: 1000 });
    expect(
      await refused(wallet, 'payment.create', {
        ...payment,
        paymentRef: 'p-3',
        reservationId: `${billId}-r9`,
      }),
    ).toMatchObject({ status: 409, code: 'reservation.expired' });
    expect(
      await refused(wallet, 'bill.reserve', { billId, reservationRef: 'r', amount: 1001 }),
    ).toMatchObject({ status: 422, code: 'reservation.exceedsDue' });
    expect(await done(wallet, 'payment.get', { billId, paymentRef: 'p-1' })).toMatchObject({
      status: 'refused',
      code: 'payment.currencyMismatch',
      amount: 1000,
    });
    expect(await done(wallet, 'payment.void', { billId, paymentRef: 'p-1' })).toMatchObject({
      status: 'refused',
      code: 'payment.currencyMismatch',
    });
    // References are each channel's own.
    expect((await other.ask('payment.get', { billId, paymentRef: 'p-1' })).body).toMatchObject({
      code: 'payment.notFound',
    });
    expect((await done(other, 'payment.create', payment)).bill.status).toBe('paid');
    expect(
      await refused(wallet, 'payment.create', { ...payment, paymentRef: 'p-4' }),
    ).toMatchObject({ reason: 'paid' });
    await world.process.until('listing all payments', async () => {
      return (await done(till, 'bill.payments', { billId })).items.length === 5;
    });
    const { items } = await done(till, 'bill.payments', { billId });
    expect(items.map(({ status, code }) => [status, code])).toEqual([
      ['refused', 'bill.notPayable'],
      ['accepted', null],
      ['refused', 'reservation.expired'],
      ['refused', 'payment.exceedsDue'],
      ['refused', 'payment.currencyMismatch'],
    ]);
    // A bill shows what was taken.
    expect((await get(billId)).payments).toHaveLength(1);
  });

  test('answers whoever waits for its change as soon as it comes', async () => {
    const { id: billId, orderId } = await create();
    const waits = [
      done(till, 'bill.get', { billId, wait: 20, afterVersion: 1 }),
      done(till, 'bill.get', { billId, wait: 20, afterVersion: 1 }),
      done(till, 'bill.list', { orderId, wait: 20, afterVersion: 1 }) as Promise<unknown>,
    ];
    const startedAt = performance.now();
    expect(await done(till, 'bill.get', { billId, wait: 0.3, afterVersion: 1 })).toMatchObject({
      version: 1,
    });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
    await pay(billId, 'p', 1);
    for (const bill of await Promise.all(waits))
      expect(bill).toMatchObject({ version: 2, paid: 1 });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(await done(till, 'bill.get', { billId, wait: 20, afterVersion: 1 })).toMatchObject({
      version: 2,
    });
  });

  test('becomes known by long poll of events, which can be read again', async () => {
    await eventsOf(till, '');
    const waiting = done(till, 'terminal.events', { wait: 20 });
    const { id: billId } = await create();
    await pay(billId, 'p-1', 400);
    expect((await waiting).events).toMatchObject([{ type: 'payment.received', billId }]);
    await pay(billId, 'p-2', 600);
    const { events } = await done(till, 'terminal.events', { limit: 1 });
    expect(events).toHaveLength(1);
    const all = await eventsOf(till, billId);
    expect(all.map(({ type }) => type)).toEqual(['payment.received', 'bill.paid']);
    expect((await done(till, 'terminal.events', {})).events).toEqual([]);
    const after = { after: all[0]?.id, limit: 10 };
    await world.process.until('through with history', async () => {
      return (await done(till, 'terminal.events', after)).events.length > 0;
    });
    expect((await done(till, 'terminal.events', after)).events).toEqual([all[1]]);
    // An event may be known before history has it: nothing that can be told comes after it yet.
    const poller = await world.stream('terminal');
    for (let i = 0; i < 10; i++) {
      const { id } = await create();
      await pay(id, 'p', 1000);
      const paid = await poller.event((event) => event.billId === id);
      expect((await done(till, 'terminal.events', { after: paid.id })).events).toEqual([]);
      await done(poller, 'event.ack', { ids: [paid.id] });
    }
    await poller.close();
    const unknown = await till.ask('terminal.events', { after: `${billId}-e99` });
    expect(unknown).toMatchObject({ status: 400, body: { errors: [{ path: 'after' }] } });
    expect(await done(till, 'event.ack', { ids: ['nonsense', `${billId}-e99`] })).toEqual({
      acknowledged: 0,
    });
    // Another's event is none of mine.
    const { id: another } = await create();
    await pay(another, 'p', 1000);
    const [event] = (await done(till, 'terminal.events', {})).events;
    expect(await done(wallet, 'event.ack', { ids: [event?.id] })).toEqual({ acknowledged: 0 });
    expect(await done(till, 'event.ack', { ids: [event?.id] })).toEqual({ acknowledged: 1 });
  });

  test('is found by its order, and the order can be given up', async () => {
    const bill = await create();
    const { orderId } = bill;
    expect(await done(till, 'order.resolve', { orderId })).toEqual(bill);
    expect(await done(till, 'bill.list', { orderId })).toEqual(bill);
    expect(await done(till, 'order.resolve', { orderId, cancelIfUnpaid: true })).toMatchObject({
      status: 'cancelled',
    });
    expect(await done(till, 'order.resolve', { orderId, cancelIfUnpaid: true })).toMatchObject({
      status: 'cancelled',
      version: 2,
    });
    const partly = await create();
    await pay(partly.id, 'p', 1);
    expect(
      await done(till, 'order.resolve', { orderId: partly.orderId, cancelIfUnpaid: true }),
    ).toMatchObject({ status: 'partiallyPaid', version: 2 });
    const none = fresh('none');
    expect((await till.ask('bill.list', { orderId: none })).status).toBe(404);
    const tombstone = await done(till, 'order.resolve', { orderId: none });
    expect(tombstone).toMatchObject({ orderId: none, status: 'void' });
    expect(await done(till, 'order.resolve', { orderId: none, cancelIfUnpaid: true })).toEqual(
      tombstone,
    );
    const late = { orderId: none, amount: 1000, currency: 'EUR' };
    expect(await refused(till, 'bill.create', late)).toMatchObject({
      status: 409,
      code: 'order.void',
    });
    expect(await refused(till, 'bill.create', late)).toMatchObject({
      status: 409,
      code: 'order.void',
    });
  });

  test('stands in lists, each once, newest first, complete up to asOf', async () => {
    const { merchant } = world.process.demo;
    expect(merchant.id).toBeTruthy();
    const shop = await onboardMerchant(world.stores.databaseUrl, world.process.demo.institution.id);
    const own = world.http('terminal', shop.key);
    const bills: Bill[] = [];
    for (let i = 0; i < 7; i++) {
      bills.push(
        await done(own, 'bill.create', {
          orderId: fresh('list'),
          amount: 100 + i,
          currency: 'EUR',
        }),
      );
    }
    const paid = bills.slice(0, 3);
    for (const { id } of paid) await pay(id, 'p', 100 + bills.findIndex((bill) => bill.id === id));
    const last = await done(own, 'bill.confirm', { billId: paid[0]?.id, amount: 50 });
    // Each shard is written by itself: lists are complete up to `asOf`, which all of them have reached.
    await world.process.until('complete up to the last change', async () => {
      return (await done(own, 'bill.list', {})).asOf > String(last.confirmedAt);
    });

    const ids: string[] = [];
    const asOfs = new Set<string>();
    let cursor: string | null = null;
    do {
      const page: { items: readonly Bill[]; nextCursor: string | null; asOf: string } = await done(
        own,
        'bill.list',
        { limit: 3, ...(cursor && { cursor }) },
      );
      expect(page.items.length).toBeLessThanOrEqual(3);
      ids.push(...page.items.map(({ id }) => id));
      asOfs.add(page.asOf);
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(ids).toEqual(bills.map(({ id }) => id).reverse());
    expect(asOfs.size).toBe(1);
    expect((await done(own, 'bill.list', { status: 'paid' })).items.map(({ id }) => id)).toEqual([
      paid[2]?.id,
      paid[1]?.id,
    ]);
    const from = bills[2]?.createdAt;
    const to = bills[5]?.createdAt;
    const between = await done(own, 'bill.list', { from, to });
    const expected = bills.filter(
      ({ createdAt }) => createdAt >= String(from) && createdAt < String(to),
    );
    expect(between.items.map(({ id }) => id)).toEqual(expected.map(({ id }) => id).reverse());
    expect(between.items[0]).toEqual(await done(own, 'bill.get', { billId: between.items[0]?.id }));

    const [reversal] = (await done(own, 'bill.credits', { billId: paid[0]?.id })).items;
    expect(reversal).toMatchObject({ kind: 'reversal', amount: 50 });
    const credits = await done(wallet, 'paychannel.credits', { status: 'pending', limit: 1 });
    expect(credits.items).toMatchObject([
      { id: reversal?.id, billId: paid[0]?.id, currency: 'EUR' },
    ]);
    const payments = await done(wallet, 'paychannel.payments', { from: bills[0]?.createdAt });
    expect(payments.items.map(({ billId }) => billId)).toEqual(paid.map(({ id }) => id).reverse());
    expect((await done(other, 'paychannel.payments', { from: bills[0]?.createdAt })).items).toEqual(
      [],
    );
    for (const bad of [
      { cursor: 'x' },
      { limit: 0 },
      { limit: 101 },
      { from: 'yesterday' },
      { status: 'lost' },
      { nonsense: 1 },
    ]) {
      const { status, body } = await own.ask('bill.list', bad);
      expect({ status, path: (body as { errors: { path: string }[] }).errors[0]?.path }).toEqual({
        status: 400,
        path: Object.keys(bad)[0],
      });
    }
  });

  test('is drawn as a code, and has a page for a plain camera', async () => {
    const { id: billId, qr } = await create({ amount: 123_456 });
    expect(qr.payload.startsWith(`${world.process.baseUrl}/q/${billId}.`)).toBe(true);
    const svg = await till.ask('bill.qr.svg' as never, { billId, size: 300, margin: 2, ecc: 'H' });
    expect(svg.body).toContain('<svg');
    expect(svg.body).toContain('300');
    const txt = await till.ask('bill.qr.txt' as never, { billId });
    expect(txt.body).toMatch(/█|▀|▄/);
    const png = await fetch(`${world.process.baseUrl}/v1/terminal/bills/${billId}/qr.png`, {
      headers: { Authorization: `Bearer ${world.keys.terminal}` },
    });
    expect(png.headers.get('content-type')).toBe('image/png');
    expect(
      Buffer.from(await png.arrayBuffer())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    expect((await till.ask('bill.qr.svg' as never, { billId, size: 3 })).status).toBe(400);
    expect((await wallet.ask('bill.resolve', { qr: qr.payload.toLowerCase() })).status).toBe(200);
    expect((await wallet.ask('bill.resolve', { qr: 'https://elsewhere.example/q/1' })).status).toBe(
      404,
    );

    const page = await fetch(qr.payload);
    expect(page.status).toBe(200);
    const html = await page.text();
    expect(html).toContain('Corner Coffee');
    expect(html).toMatch(/1\s?234\.56/);
    const unknown = await fetch(qr.payload.replace(billId, '0'.repeat(26)));
    expect(unknown.status).toBe(404);
  });

  test('comes by the line, too', async () => {
    const orderId = fresh('order');
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const line = JSON.stringify({ orderId, amount: 1000, currency: 'EUR' });
    const path = '/v1/terminal/bills/batch';
    const { body } = await till.send('bill.batch', 'POST', path, line, headers);
    expect(JSON.parse(String(body))).toMatchObject({ line: 1, status: 201, bill: { orderId } });
  });

  test('for many payments ends each by itself; a dynamic one is ended as a whole', async () => {
    const { id: billId } = await create({ type: 'static', usage: 'many', capture: 'manual' });
    const [first, second] = [await pay(billId, 'p-1', 1000), await pay(billId, 'p-2', 1000)];
    const one = { billId, paymentId: first.payment.id };
    expect(await done(till, 'payment.confirm', one)).toMatchObject({ bill: { confirmed: 1000 } });
    const part = { ...one, amount: 300, idempotencyKey: 'k-1' };
    expect(await done(till, 'payment.refund', part)).toMatchObject({ bill: { refunded: 300 } });
    const two = { billId, paymentId: second.payment.id };
    expect(await done(till, 'payment.cancel', two)).toMatchObject({ bill: { reversed: 1000 } });
    expect(await refused(till, 'bill.confirm', { billId })).toMatchObject({
      code: 'bill.notConfirmable',
      billStatus: 'open',
    });

    const whole = await create();
    const { payment } = await pay(whole.id, 'p-1', 400);
    const partOfWhole = { billId: whole.id, paymentId: payment.id };
    for (const [op, code] of [
      ['payment.confirm', 'payment.notConfirmable'],
      ['payment.cancel', 'payment.notCancellable'],
    ] as const) {
      expect(await refused(till, op, partOfWhole)).toMatchObject({
        code,
        paymentStatus: 'accepted',
      });
    }
  });

  test('that is printed is armed for one sale at a time', async () => {
    const { id: billId } = await create({ type: 'static', usage: 'many' });
    const sale = { billId, orderId: fresh('sale'), amount: 700 };
    expect(await done(till, 'bill.arm', sale)).toMatchObject({ type: 'dynamic', amount: 700 });
  });

  test('can be asked for in every way that the document names', () => {
    const missing = [...world.answers.operations]
      .filter(
        ({ path }) =>
          /^\/v1\/(?!operator\/|acquirers\/)/.test(path) &&
          !path.endsWith('/stream') &&
          !path.endsWith('qr.png'),
      )
      .map(({ operationId }) => `HTTP ${operationId}`)
      .filter((call) => !world.answers.made.has(call));
    expect(missing).toEqual([]);
  });
});

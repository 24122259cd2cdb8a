// A bill's life from its creation to its last credit, by every call of both APIs, each way that there is to ask.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done, fresh, type Party, refused, StreamParty } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { setUps } from '../support/set-ups.ts';
import { TRANSPORTS, World } from '../support/world.ts';

describe.each(setUps)('a lifecycle on $name', (setUp) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start(setUp);
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  describe.each(TRANSPORTS)('over %s', (transport) => {
    let till: Party;
    let wallet: Party;

    beforeAll(async () => {
      till = await world.party('terminal', transport);
      wallet = await world.party('paychannel', transport);
    });

    test('goes from create over view, reservation, payments and confirm to refunds', async () => {
      const orderId = fresh('order');
      const order = { orderId, amount: 1000, currency: 'EUR', description: 'Two coffees' };
      const bill = await done(till, 'bill.create', order);
      expect(bill).toMatchObject({
        status: 'open',
        version: 1,
        amount: 1000,
        due: 1000,
        paid: 0,
        orderId,
      });
      expect(await done(till, 'bill.create', order)).toEqual(bill);

      const billId = bill.id;
      const view = await done(wallet, 'bill.resolve', { qr: bill.qr.payload });
      expect(view).toMatchObject({ id: billId, due: 1000, payable: true, reason: null });
      expect(await done(wallet, 'bill.view', { billId })).toMatchObject({ id: billId, due: 1000 });

      const held = await done(wallet, 'bill.reserve', {
        billId,
        reservationRef: 'r-1',
        amount: 400,
      });
      expect(held).toMatchObject({ amount: 400 });
      expect(
        await done(wallet, 'bill.reserve', { billId, reservationRef: 'r-1', amount: 400 }),
      ).toEqual(held);
      expect(await done(till, 'bill.get', { billId })).toMatchObject({ reserved: 400, version: 2 });
      await done(wallet, 'bill.release', { billId, reservationId: held.id });
      expect(await done(till, 'bill.get', { billId })).toMatchObject({ reserved: 0, version: 3 });

      const again = await done(wallet, 'bill.reserve', {
        billId,
        reservationRef: 'r-2',
        amount: 400,
      });
      const part = {
        billId,
        paymentRef: 'p-1',
        amount: 400,
        currency: 'EUR',
        reservationId: again.id,
      };
      const first = await done(wallet, 'payment.create', part);
      expect(first.bill).toMatchObject({ status: 'partiallyPaid', paid: 400, due: 600 });
      expect(await done(wallet, 'payment.create', part)).toEqual(first);
      expect(await done(wallet, 'payment.get', { billId, paymentRef: 'p-1' })).toMatchObject({
        status: 'accepted',
      });
      expect((await refused(wallet, 'payment.get', { billId, paymentRef: 'p-2' })).code).toBe(
        'payment.notFound',
      );
      expect((await refused(till, 'bill.confirm', { billId })).code).toBe('bill.stillDue');

      const last = {
        billId,
        paymentRef: 'p-2',
        amount: 600,
        currency: 'EUR',
        method: 'account',
        payer: '**** 1234',
      };
      expect((await done(wallet, 'payment.create', last)).bill).toMatchObject({
        status: 'paid',
        paid: 1000,
        due: 0,
      });
      expect(await done(wallet, 'payment.void', { billId, paymentRef: 'p-2' })).toMatchObject({
        status: 'accepted',
      });
      expect(await done(wallet, 'payment.void', { billId, paymentRef: 'p-3' })).toMatchObject({
        status: 'refused',
        code: 'payment.void',
      });
      const late = { billId, paymentRef: 'p-3', amount: 1, currency: 'EUR' };
      expect((await refused(wallet, 'payment.create', late)).code).toBe('payment.void');

      const confirmed = await done(till, 'bill.confirm', { billId, amount: 800 });
      expect(confirmed).toMatchObject({
        status: 'confirmed',
        paid: 1000,
        confirmed: 800,
        reversed: 200,
      });
      const [reversal] = confirmed.credits;
      expect(reversal).toMatchObject({
        kind: 'reversal',
        amount: 200,
        paymentRef: 'p-2',
        status: 'pending',
      });
      const settle = { creditId: reversal?.id, status: 'settled', reference: 'w-1' };
      expect(await done(wallet, 'credit.settle', settle)).toMatchObject({
        status: 'settled',
        reference: 'w-1',
      });

      const refund = { billId, amount: 300, reason: 'One was cold', idempotencyKey: fresh('key') };
      const refunded = await done(till, 'bill.refund', refund);
      expect(refunded).toMatchObject({ status: 'confirmed', refunded: 300, reversed: 200 });
      expect(await done(till, 'bill.refund', refund)).toMatchObject({
        refunded: 300,
        version: refunded.version,
      });
      const rest = await done(till, 'bill.cancel', { billId });
      expect(rest).toMatchObject({ status: 'refunded', refunded: 800, confirmed: 800, paid: 1000 });
      expect(await done(till, 'order.resolve', { orderId })).toMatchObject({
        id: billId,
        status: 'refunded',
      });
    });

    test('ends by cancelling', async () => {
      const order = { orderId: fresh('order'), amount: 500, currency: 'USD' };
      const { id: billId } = await done(till, 'bill.create', order);
      await done(wallet, 'payment.create', {
        billId,
        paymentRef: 'p',
        amount: 200,
        currency: 'USD',
      });
      const cancelled = await done(till, 'bill.cancel', { billId });
      expect(cancelled).toMatchObject({
        status: 'cancelled',
        cause: 'terminal',
        paid: 200,
        reversed: 200,
      });
      const pay = { billId, paymentRef: 'p-late', amount: 300, currency: 'USD' };
      expect(await refused(wallet, 'payment.create', pay)).toMatchObject({
        code: 'bill.notPayable',
        reason: 'cancelled',
      });
      expect(await done(wallet, 'payment.get', { billId, paymentRef: 'p-late' })).toMatchObject({
        status: 'refused',
        code: 'bill.notPayable',
      });
    });

    test('tells an order without a bill by a tombstone', async () => {
      const orderId = fresh('order');
      expect(await done(till, 'order.resolve', { orderId })).toMatchObject({
        orderId,
        status: 'void',
      });
      const order = { orderId, amount: 500, currency: 'EUR' };
      expect((await refused(till, 'bill.create', order)).code).toBe('order.void');
    });
  });

  test('is told by events, over both streams and long poll', async () => {
    const till = await world.stream('terminal', 'msgpack');
    const wallet = await world.stream('paychannel', 'json');
    const { id: billId } = await done(till, 'bill.create', {
      orderId: fresh('order'),
      amount: 1000,
      currency: 'EUR',
    });
    const of = (type: string) => (event: { type: string; billId: string }) =>
      event.type === type && event.billId === billId;
    await done(wallet, 'payment.create', {
      billId,
      paymentRef: 'p-1',
      amount: 300,
      currency: 'EUR',
    });
    expect((await till.event(of('payment.received'))).data).toMatchObject({
      payment: { paymentRef: 'p-1' },
      bill: { paid: 300, due: 700 },
    });
    await done(wallet, 'payment.create', {
      billId,
      paymentRef: 'p-2',
      amount: 700,
      currency: 'EUR',
    });
    const paid = await till.event(of('bill.paid'));
    expect(paid).toMatchObject({
      billVersion: 3,
      data: { bill: { status: 'paid' }, payment: { paymentRef: 'p-2' } },
    });
    const polled = await done(world.http('terminal'), 'terminal.events', {});
    expect(polled.events.find(({ id }) => id === paid.id)).toEqual(paid);
    expect(await done(till, 'event.ack', { ids: [paid.id] })).toEqual({ acknowledged: 1 });
    expect(await done(till, 'event.ack', { ids: [paid.id] })).toEqual({ acknowledged: 0 });
    const left = await done(world.http('terminal'), 'terminal.events', {});
    expect(left.events.map(({ id }) => id)).not.toContain(paid.id);
    expect(
      (await done(till, 'bill.get', { billId })).payments[1]?.merchantNotifiedAt,
    ).not.toBeNull();

    await done(till, 'bill.confirm', { billId, amount: 900 });
    const asked = await wallet.event(of('credit.requested'));
    expect(asked.data).toMatchObject({
      credit: { kind: 'reversal', amount: 100 },
      payment: { paymentRef: 'p-2' },
    });
    expect((await wallet.event(of('payment.confirmed'))).data).toMatchObject({
      payment: { status: 'confirmed' },
    });
    await done(wallet, 'credit.settle', { creditId: asked.data.credit?.id, status: 'settled' });
    await till.event(of('credit.settled'));
    // This connection's own call was the cause.
    expect(till.events.filter(of('bill.confirmed'))).toEqual([]);
    await Promise.all([till.close(), wallet.close()]);
  });

  test('takes a key in the first frame, and closes with 4401 without one', async () => {
    const { baseUrl } = world.process;
    const wrong = await StreamParty.connect(baseUrl, 'terminal', 'qrs_term_nobody', world.answers);
    expect(await wrong.closed).toMatchObject({ code: 4401 });
    const other = await StreamParty.connect(
      baseUrl,
      'terminal',
      world.keys.paychannel,
      world.answers,
    );
    expect(await other.closed).toMatchObject({ code: 4401 });
  });
});

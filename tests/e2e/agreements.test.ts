// Institutions that pay each other's bills: from when on, until when, and what of it each of them sees.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Bill, type Body, done, fresh, type Party } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type Agreement, type House, OperatorParty, onboardHouse } from '../support/operator.ts';
import { setUps } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const WITHIN = { timeout: 30_000, interval: 20 };
const UNKNOWN = { status: 404, body: { code: 'bill.notFound' } };
const ENDED = { status: 403, body: { code: 'agreement.ended' } };

describe.each(setUps)('an agreement, on $name,', (setUp) => {
  let world: World;
  let system: OperatorParty;
  let billing: House;
  let paying: House;
  let till: Party;
  let wallet: Party;

  beforeAll(async () => {
    world = await World.start(setUp);
    system = as(world.process.demo.operator.key);
    [billing, paying] = await Promise.all([
      onboardHouse(system, 'Billing'),
      onboardHouse(system, 'Paying'),
    ]);
    till = world.http('terminal', billing.terminal.key ?? '');
    wallet = world.http('paychannel', paying.paychannel.key ?? '');
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const as = (key: string | null): OperatorParty => new OperatorParty(world, key ?? '');
  const create = (amount = 1000): Promise<Bill> =>
    done(till, 'bill.create', { orderId: fresh('order'), amount, currency: 'EUR' });
  const agree = (more: Body = {}): Promise<Agreement> =>
    system.done('operator.agreement.add', {
      billingInstitutionId: billing.institution.id,
      payingInstitutionId: paying.institution.id,
      ...more,
    });
  const end = (agreement: Agreement): Promise<Agreement> =>
    system.done('operator.agreement.end', { agreementId: agreement.id });
  const seen = (billId: string) => () => wallet.ask('bill.view', { billId });
  const inForce = (billId: string) =>
    expect.poll(seen(billId), WITHIN).toMatchObject({ status: 200 });
  const payment = (billId: string, more: Body = {}): Body => ({
    billId,
    paymentRef: fresh('p'),
    amount: 1000,
    currency: 'EUR',
    ...more,
  });

  test('lets the paychannels of one institution pay the bills of another, and of no other, until it ends', async () => {
    const bill = await create();
    const { id: billId } = bill;
    expect(await seen(billId)()).toMatchObject(UNKNOWN);
    expect(await wallet.ask('payment.create', payment(billId))).toMatchObject(UNKNOWN);
    const agreement = await agree();
    expect(agreement).toMatchObject({ mode: 'live', endedAt: null });
    await inForce(billId);
    // Not the other way round, and not for third parties.
    const back = world.http('terminal', paying.terminal.key ?? '');
    const order = { orderId: fresh('order'), amount: 1, currency: 'EUR' };
    const theirs = await done(back, 'bill.create', order);
    const reverse = world.http('paychannel', billing.paychannel.key ?? '');
    expect(await reverse.ask('bill.view', { billId: theirs.id })).toMatchObject(UNKNOWN);
    expect(await world.http('paychannel').ask('bill.view', { billId })).toMatchObject(UNKNOWN);

    const body = payment(billId);
    const sides = {
      payingInstitutionId: paying.institution.id,
      billingInstitutionId: billing.institution.id,
    };
    const paid = await done(wallet, 'payment.create', body);
    expect(paid).toMatchObject({ payment: sides, bill: { status: 'paid' } });
    const terminal = await world.stream('terminal', 'json', billing.terminal.key ?? '');
    const event = await terminal.event(
      ({ type, billId: of }) => type === 'bill.paid' && of === billId,
    );
    expect(event.data).toMatchObject({ payment: sides, bill: { mode: 'live' } });
    const whole = await done(till, 'bill.confirm', { billId, amount: 900 });
    expect(whole).toMatchObject({ institutionId: billing.institution.id, payments: [sides] });
    const channel = await world.stream('paychannel', 'msgpack', paying.paychannel.key ?? '');
    const asked = await channel.event(
      ({ type, billId: of }) => type === 'credit.requested' && of === billId,
    );

    await end(agreement);
    await expect.poll(seen(billId), WITHIN).toMatchObject(ENDED);
    const settle = { creditId: asked.data.credit?.id, status: 'settled' };
    expect(await done(channel, 'credit.settle', settle)).toMatchObject({ status: 'settled' });
    expect(await done(wallet, 'payment.create', body)).toEqual(paid);
    await end(agreement);
    const kept = await system.done<{ items: Agreement[] }>('operator.agreement.list', {
      institutionId: paying.institution.id,
    });
    expect(kept.items).toMatchObject([{ id: agreement.id, endedAt: expect.any(String) }]);
  });

  test('shows each side its half of a payment, and no third party any', async () => {
    const agreement = await agree();
    const bill = await create();
    const { id: billId, orderId } = bill;
    await inForce(billId);
    const body = payment(billId);
    await done(wallet, 'payment.create', body);
    await done(till, 'bill.confirm', { billId, amount: 900 });
    type Page = { items: Record<string, unknown>[] };
    const listed = (key: string | null, id: string) => async () => {
      const { items } = await as(key).done<Page>(`operator.${id}`, { limit: 100 });
      return items.filter((item) => item.billId === billId);
    };
    const sides = {
      payingInstitutionId: paying.institution.id,
      billingInstitutionId: billing.institution.id,
    };
    for (const { key } of [paying.admin, paying.viewer]) {
      await expect
        .poll(listed(key, 'paying.payments'), WITHIN)
        .toMatchObject([{ ...sides, amount: 1000, bill: { id: billId, amount: 1000 } }]);
      await expect
        .poll(listed(key, 'paying.credits'), WITHIN)
        .toMatchObject([{ ...sides, amount: 100, paychannelId: paying.paychannel.id }]);
      const [half] = await listed(key, 'paying.payments')();
      const view = await done(wallet, 'bill.view', { billId });
      expect(Object.keys(view)).toEqual(expect.arrayContaining(Object.keys(half?.bill as object)));
      expect(JSON.stringify(half)).not.toContain(orderId);
      // The bill itself is not theirs, in any list or call.
      expect(await listed(key, 'payment.list')()).toEqual([]);
      expect(await as(key).ask('operator.bill.get', { billId })).toMatchObject(UNKNOWN);
    }
    const whole = listed(billing.admin.key, 'payment.list');
    await expect.poll(whole, WITHIN).toMatchObject([{ ...sides, orderId }]);
    expect(await listed(billing.admin.key, 'paying.payments')()).toEqual([]);
    expect(await as(paying.merchantAdmin.key).ask('operator.paying.credits')).toMatchObject({
      status: 403,
    });
    await end(agreement);
    expect(await listed(paying.admin.key, 'paying.payments')()).toHaveLength(1);
    await expect.poll(seen(billId), WITHIN).toMatchObject(ENDED);
  });

  test('that has ended begins nothing, and leaves nobody with an orphaned debit', async () => {
    const agreement = await agree();
    const [reserved, paid, untouched] = [await create(), await create(), await create()];
    await inForce(untouched.id);
    const hold = { billId: reserved.id, reservationRef: fresh('r') };
    const reservation = await done(wallet, 'bill.reserve', hold);
    const early = payment(paid.id);
    const first = await done(wallet, 'payment.create', early);
    await end(agreement);

    const party = await world.stream('paychannel', 'json', paying.paychannel.key ?? '');
    for (const each of [wallet, party]) {
      await expect
        .poll(() => each.ask('bill.view', { billId: untouched.id }), WITHIN)
        .toMatchObject(ENDED);
      const { id: billId } = untouched;
      expect(await each.ask('bill.resolve', { qr: untouched.qr.payload })).toMatchObject(ENDED);
      const anew = { billId, reservationRef: fresh('r') };
      expect(await each.ask('bill.reserve', anew)).toMatchObject(ENDED);
      const late = payment(billId);
      expect(await each.ask('payment.create', late)).toMatchObject(ENDED);
      // It is no payment, and the wallet can make sure that it never will be.
      const asked = { billId, paymentRef: late.paymentRef };
      expect(await each.ask('payment.get', asked)).toMatchObject({
        status: 404,
        body: { code: 'payment.notFound' },
      });
      expect(await done(each, 'payment.void', asked)).toMatchObject({
        status: 'refused',
        payingInstitutionId: paying.institution.id,
      });
    }
    expect((await done(till, 'bill.get', { billId: untouched.id })).version).toBe(1);
    // What has begun comes to its end.
    expect(await done(wallet, 'bill.reserve', hold)).toMatchObject({ id: reservation.id });
    const held = payment(reserved.id, { reservationId: reservation.id });
    expect((await done(party, 'payment.create', held)).bill).toMatchObject({ status: 'paid' });
    expect(await done(party, 'payment.create', early)).toEqual(first);
    const known = { billId: paid.id, paymentRef: early.paymentRef };
    expect(await done(wallet, 'payment.get', known)).toMatchObject({ status: 'accepted' });
    expect(await done(wallet, 'payment.void', known)).toMatchObject({ status: 'accepted' });
    await done(till, 'bill.confirm', { billId: paid.id });
    await done(till, 'bill.refund', { billId: paid.id, amount: 300, idempotencyKey: 'k' });
    await done(till, 'bill.cancel', { billId: reserved.id });
    const ofBill = (id: string) => (event: { type: string; billId: string }) =>
      event.type === 'credit.requested' && event.billId === id;
    const refund = await party.event(ofBill(paid.id));
    await party.event(ofBill(reserved.id));
    expect(refund.data.credit).toMatchObject({ kind: 'refund', amount: 300 });

    // A new key of the same paychannel sees all that is pending.
    const admin = as(paying.admin.key);
    const holder = { kind: 'paychannel', id: paying.paychannel.id };
    const { key } = await admin.done<{ key: string }>('operator.key.add', { holder });
    const anew = await world.stream('paychannel', 'msgpack', key);
    const again = await anew.event(ofBill(paid.id));
    expect(again.id).toBe(refund.id);
    await anew.event(ofBill(reserved.id));
    const settle = { creditId: again.data.credit?.id, status: 'settled' };
    expect(await done(anew, 'credit.settle', settle)).toMatchObject({ status: 'settled' });
    expect(await done(anew, 'event.ack', { ids: [again.id] })).toEqual({ acknowledged: 1 });
  });

  test.each(['institution', 'terminal'] as const)(
    'begins nothing with the bills of a suspended %s, and lets what has begun come to its end',
    async (kind) => {
      const agreement = await agree();
      const near = world.http('paychannel', billing.paychannel.key ?? '');
      const [reserved, paid, untouched] = [await create(), await create(), await create()];
      await inForce(untouched.id);
      const hold = { billId: reserved.id, reservationRef: fresh('r') };
      const reservation = await done(wallet, 'bill.reserve', hold);
      const early = payment(paid.id, { amount: 400 });
      const first = await done(wallet, 'payment.create', early);
      const partyId = billing[kind].id;
      await system.done(`operator.${kind}.suspend`, { partyId });

      const barred = { status: 403, body: { code: 'request.suspended' } };
      const { id: billId } = untouched;
      // Those of its own institution, too.
      for (const each of [wallet, near]) {
        await expect.poll(() => each.ask('bill.view', { billId }), WITHIN).toMatchObject(barred);
        const anew = { billId, reservationRef: fresh('r') };
        expect(await each.ask('bill.reserve', anew)).toMatchObject(barred);
        const late = payment(billId);
        expect(await each.ask('payment.create', late)).toMatchObject(barred);
        const asked = { billId, paymentRef: late.paymentRef };
        expect(await done(each, 'payment.void', asked)).toMatchObject({ status: 'refused' });
      }
      // What has begun comes to its end.
      expect(await done(wallet, 'bill.reserve', hold)).toMatchObject({ id: reservation.id });
      const held = payment(reserved.id, { reservationId: reservation.id });
      expect((await done(wallet, 'payment.create', held)).bill).toMatchObject({ status: 'paid' });
      expect(await done(wallet, 'payment.create', early)).toEqual(first);
      const known = { billId: paid.id, paymentRef: early.paymentRef };
      expect(await done(wallet, 'payment.get', known)).toMatchObject({ status: 'accepted' });
      const { credits } = await done(till, 'bill.cancel', { billId: paid.id });
      const settle = { creditId: credits[0]?.id, status: 'settled' };
      expect(await done(wallet, 'credit.settle', settle)).toMatchObject({ status: 'settled' });

      await system.done(`operator.${kind}.resume`, { partyId });
      await inForce(billId);
      await end(agreement);
    },
  );

  test('never joins test and live, and all that shows a bill says which it is', async () => {
    const tested = world.process.demo;
    expect(
      await system.ask('operator.agreement.add', {
        billingInstitutionId: tested.institution.id,
        payingInstitutionId: paying.institution.id,
      }),
    ).toMatchObject({ status: 422, body: { code: 'agreement.modesDiffer' } });
    const mode = 'test';
    const order = { orderId: fresh('order'), amount: 1000, currency: 'EUR' };
    const bill = await done(world.http('terminal'), 'bill.create', order);
    const { id: billId } = bill;
    expect(bill).toMatchObject({ mode });
    expect(await create()).toMatchObject({ mode: 'live' });
    expect(await wallet.ask('bill.view', { billId })).toMatchObject(UNKNOWN);
    expect(await done(world.http('paychannel'), 'bill.view', { billId })).toMatchObject({ mode });
    await done(world.http('paychannel'), 'payment.create', payment(billId));
    const stream = await world.stream('terminal', 'msgpack');
    const event = await stream.event((each) => each.billId === billId);
    expect(event.data.bill).toMatchObject({ mode });
    await expect
      .poll(
        async () => (await done(world.http('paychannel'), 'paychannel.payments', {})).items,
        WITHIN,
      )
      .toMatchObject([{ billId, mode }]);
    const pageOf = async (id: string): Promise<string> =>
      (await fetch(`${world.process.baseUrl}/q/${id}`)).text();
    expect(await pageOf(billId)).toContain('Test: this is no real bill');
    expect(await pageOf((await create()).id)).not.toContain('Test:');
    const parties = await system.done<{ items: Body[] }>('operator.institution.list', {});
    const modes = new Map(parties.items.map((each) => [each.id, each.mode]));
    expect(modes.get(tested.institution.id)).toBe(mode);
    expect(modes.get(billing.institution.id)).toBe('live');
    // What is re-read comes from history.
    const second = await done(world.http('terminal'), 'bill.create', {
      ...order,
      orderId: fresh('o'),
    });
    await done(world.http('paychannel'), 'payment.create', payment(second.id));
    await expect
      .poll(
        async () =>
          (await done(world.http('terminal'), 'terminal.events', { after: event.id })).events,
        WITHIN,
      )
      .toMatchObject([{ billId: second.id, data: { bill: { mode } } }]);
  });

  test('is made by who runs the switch alone, once, and seen by its two sides', async () => {
    const sides = {
      billingInstitutionId: paying.institution.id,
      payingInstitutionId: billing.institution.id,
    };
    const call = { ...sides, idempotencyKey: 'once' };
    const [made, again] = [
      await system.ask('operator.agreement.add', call),
      await system.ask('operator.agreement.add', call),
    ];
    expect([made.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(made.body);
    const agreementId = (made.body as Agreement).id;
    expect(await system.ask('operator.agreement.add', sides)).toMatchObject({
      status: 409,
      body: { code: 'agreement.exists', agreementId },
    });
    const { id: outsider } = await system.done<Agreement>('operator.institution.add', {
      name: 'x',
    });
    for (const [more, status, path] of [
      [{ payingInstitutionId: paying.institution.id }, 400, 'payingInstitutionId'],
      [{ payingInstitutionId: 'ins_none' }, 404, undefined],
      [{ payingInstitutionId: outsider, since: '2001-01-01T00:00:00Z' }, 400, 'since'],
      [{ payingInstitutionId: outsider, since: 'soon' }, 400, 'since'],
    ] as const) {
      const answer = await system.ask('operator.agreement.add', { ...sides, ...more });
      const problem = answer.body as { errors?: { path: string }[] };
      expect([answer.status, problem.errors?.[0]?.path]).toEqual([status, path]);
    }
    const theirs = await system.done<Agreement>('operator.agreement.add', {
      billingInstitutionId: outsider,
      payingInstitutionId: paying.institution.id,
    });
    for (const { key } of [billing.admin, billing.viewer]) {
      const operator = as(key);
      expect(await operator.done('operator.agreement.get', { agreementId })).toEqual(made.body);
      const strange = await operator.ask('operator.agreement.get', { agreementId: theirs.id });
      expect(strange).toMatchObject({ status: 404, body: { code: 'agreement.notFound' } });
      const { items } = await operator.done<{ items: Agreement[] }>('operator.agreement.list', {});
      expect(items.map(({ id }) => id)).not.toContain(theirs.id);
      for (const id of ['operator.agreement.add', 'operator.agreement.end']) {
        expect(await operator.ask(id, { ...sides, agreementId })).toMatchObject({ status: 403 });
      }
    }
    expect(await as(billing.merchantAdmin.key).ask('operator.agreement.list')).toMatchObject({
      status: 403,
    });
    // It is not in force yet.
    await system.done('operator.agreement.end', { agreementId });
    const later = await system.done<Agreement>('operator.agreement.add', {
      ...sides,
      since: '2999-01-01T00:00:00Z',
    });
    const back = world.http('terminal', paying.terminal.key ?? '');
    const order = { orderId: fresh('order'), amount: 1, currency: 'EUR' };
    const bill = await done(back, 'bill.create', order);
    const reverse = world.http('paychannel', billing.paychannel.key ?? '');
    await expect
      .poll(() => reverse.ask('bill.view', { billId: bill.id }), WITHIN)
      .toMatchObject({ status: 403 });
    await system.done('operator.agreement.end', { agreementId: later.id });
    const audit = await system.done<{ items: { entry: string }[] }>('operator.audit', {});
    const actions = audit.items.map(({ entry }) => JSON.parse(entry) as { action: string });
    expect(actions.map(({ action }) => action)).toContain('agreement.ended');
  });
});

// What an operator does with a merchant's complaint: finds the bill, reads what became of it, and brings it to its end.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { must } from '../../src/domain/assert.ts';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import {
  type Bill,
  type Body,
  type Party as Client,
  done,
  fresh,
  type HttpAnswer,
} from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type House, OperatorParty, onboardHouse, type Party } from '../support/operator.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const WITHIN = { timeout: 30_000, interval: 20 };

interface Page<Item = Record<string, unknown>> {
  readonly items: Item[];
  readonly nextCursor: string | null;
  readonly asOf: string;
}
interface Transition {
  readonly at: string;
  readonly call: string;
  readonly outcome: string;
  readonly actor: { kind: string; id: string };
  readonly requestId: string;
  readonly version: number;
}

let world: World;
let sql: Sql;
let system: OperatorParty;
let here: House;
let there: House;
let admin: OperatorParty;
let viewer: OperatorParty;
let till: Client;
let wallet: Client;

beforeAll(async () => {
  world = await World.start(redisAndPostgres, { QRSWITCH_GATEWAYS: '2' });
  sql = postgres(world.stores.databaseUrl, { max: 1 });
  system = as(world.process.demo.operator);
  [here, there] = [await onboardHouse(system, 'First'), await onboardHouse(system, 'Second')];
  admin = as(here.admin);
  viewer = as(here.viewer);
  till = world.http('terminal', here.terminal.key ?? '');
  wallet = world.http('paychannel', here.paychannel.key ?? '');
});
afterAll(async () => {
  await sql?.end();
  await world?.stop();
});
beforeEach(() => showOutputOnFailure(() => world?.process));

function as({ key }: { key?: string | null }): OperatorParty {
  return new OperatorParty(world, key ?? '');
}

function create(more: Body = {}): Promise<Bill> {
  return done(till, 'bill.create', { orderId: fresh('o'), amount: 700, currency: 'EUR', ...more });
}

async function pay(billId: string, amount = 700): Promise<string> {
  const paymentRef = fresh('p');
  await done(wallet, 'payment.create', { billId, paymentRef, amount, currency: 'EUR' });
  return paymentRef;
}

async function idsOf(operator: OperatorParty, call: string, query: Body): Promise<unknown[]> {
  const { items } = await operator.done<Page>(`operator.${call}`, query);
  return items.map(({ id }) => id);
}

describe('an operator who looks', () => {
  test('finds a bill by whatever the merchant or the payer knows of it', async () => {
    const { id: billId, orderId, createdAt } = await create({ amount: 731 });
    const paymentRef = await pay(billId, 731);
    await create({ amount: 731 });
    const ask = (query: Body): Promise<unknown[]> => idsOf(admin, 'bill.list', query);
    await expect.poll(() => ask({ paymentRef }), WITHIN).toEqual([billId]);
    expect(await ask({ orderId })).toEqual([billId]);
    expect(await ask({ orderId, terminalId: here.terminal.id, paymentRef })).toEqual([billId]);
    expect(await ask({ merchantId: here.merchant.id, status: 'paid', amount: 731 })).toEqual([
      billId,
    ]);
    expect(await ask({ amount: 731, from: createdAt })).toContain(billId);
    expect(await ask({ amount: 731, to: createdAt })).not.toContain(billId);
    expect(await ask({ type: 'static' })).not.toContain(billId);
    expect(await ask({ orderId, merchantId: there.merchant.id })).toEqual([]);
    expect(await idsOf(admin, 'payment.list', { paymentRef })).toEqual([`${billId}-p1`]);
    expect(await idsOf(admin, 'payment.list', { amount: 731 })).toEqual([`${billId}-p1`]);
    expect(await idsOf(admin, 'bill.payments', { billId })).toEqual([`${billId}-p1`]);
  });

  test('reads page by page all that there is, the newest first', async () => {
    const made = [await create(), await create(), await create()].map(({ id }) => id);
    await expect
      .poll(() => idsOf(admin, 'bill.list', { limit: 3 }), WITHIN)
      .toEqual(made.toReversed());
    const seen: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const of: Body = cursor === '' ? { limit: 2 } : { limit: 2, cursor };
      const page: Page = await admin.done('operator.bill.list', of);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(made));
  });

  test('sees the events of a bill, and whether they were heard', async () => {
    const { id: billId } = await create();
    await pay(billId);
    const { events } = await done(till, 'terminal.events', { wait: 10 });
    await done(till, 'event.ack', { ids: events.map(({ id }) => id) });
    const told = events.find((event) => event.billId === billId);
    await expect
      .poll(() => admin.done<Page>('operator.bill.events', { billId }), WITHIN)
      .toMatchObject({
        items: [
          {
            id: told?.id,
            status: 'acknowledged',
            recipient: { kind: 'terminal', id: here.terminal.id },
            event: told,
          },
        ],
      });
    expect(
      await idsOf(admin, 'event.list', { terminalId: here.terminal.id, status: 'acknowledged' }),
    ).toContain(told?.id);
    expect(await idsOf(admin, 'event.list', { status: 'dead' })).toEqual([]);
  });

  test('is told all that became of a bill, at once and page by page', async () => {
    const { id: billId } = await create();
    const storyOf = (query: Body = {}): Promise<Page<Transition>> =>
      admin.done('operator.bill.timeline', { billId, ...query });
    const paymentRef = await pay(billId);
    await wallet.ask('payment.create', { billId, paymentRef: 'late', amount: 1, currency: 'EUR' });
    await done(till, 'bill.confirm', { billId, amount: 600 });
    // Whether history has them or not, they are there as soon as they are answered.
    const { items } = await storyOf();
    expect(items.map(({ call, outcome }) => [call, outcome])).toEqual([
      ['bill.create', 'bill.created'],
      ['payment.create', 'payment.accepted'],
      ['payment.create', 'bill.notPayable'],
      ['bill.confirm', expect.any(String)],
    ]);
    expect(items.map(({ actor }) => actor.id)).toEqual([
      here.terminal.id,
      here.paychannel.id,
      here.paychannel.id,
      here.terminal.id,
    ]);
    const paged: Transition[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page<Transition> = await storyOf(
        cursor === '' ? { limit: 1 } : { limit: 1, cursor },
      );
      expect(page.items).toHaveLength(1);
      paged.push(...page.items);
      cursor = page.nextCursor;
    }
    expect(paged).toEqual(items);
    expect(await admin.ask('operator.bill.timeline', { billId, cursor: 'x' })).toMatchObject({
      status: 400,
    });
    expect(paymentRef).toBeDefined();
  });
});

describe('an operator who acts', () => {
  test('confirms, cancels and refunds in the place of the till, which hears of it', async () => {
    const [first, second] = [await create(), await create()];
    for (const { id } of [first, second]) await pay(id);
    const requestId = fresh('complaint');
    const confirm = { billId: first.id, amount: 650 };
    expect(await admin.done('operator.bill.confirm', confirm)).toMatchObject({
      status: 'confirmed',
      cause: 'operator',
      confirmed: 650,
    });
    expect((await admin.ask('operator.bill.confirm', confirm)).status).toBe(200);
    const refund = { billId: first.id, amount: 50, reason: 'cold', idempotencyKey: requestId };
    expect(await admin.done('operator.bill.refund', refund)).toMatchObject({ refunded: 50 });
    expect(await admin.done('operator.bill.refund', refund)).toMatchObject({ refunded: 50 });
    expect(await admin.ask('operator.bill.refund', { ...refund, amount: 51 })).toMatchObject({
      status: 409,
      body: { code: 'idempotency.reused' },
    });
    expect(await admin.ask('operator.bill.refund', { billId: first.id })).toMatchObject({
      status: 400,
      body: { code: 'request.keyMissing' },
    });
    expect(await admin.done('operator.bill.cancel', { billId: second.id })).toMatchObject({
      status: 'cancelled',
      cause: 'operator',
    });
    const heard = async (): Promise<unknown[]> => {
      const { events } = await done(till, 'terminal.events', { limit: 100 });
      return events.flatMap(({ billId, type }) => (billId === second.id ? [type] : []));
    };
    await expect.poll(heard, WITHIN).toEqual(['bill.paid', 'bill.cancelled', 'credit.requested']);
  });

  test('acts on single payments of a code that many pay', async () => {
    const { id: billId } = await create({ type: 'static', usage: 'many', capture: 'manual' });
    for (let i = 0; i < 3; i++) await pay(billId);
    const act = (
      verb: string,
      no: number,
      more: Body = {},
    ): Promise<{ payment: { status: string } }> =>
      admin.done(`operator.payment.${verb}`, { billId, paymentId: `${billId}-p${no}`, ...more });
    expect((await act('confirm', 1)).payment.status).toBe('confirmed');
    expect((await act('cancel', 2)).payment.status).toBe('reversed');
    expect((await act('refund', 1, { idempotencyKey: 'once' })).payment.status).toBe('refunded');
    expect(
      await admin.ask('operator.payment.refund', {
        billId,
        paymentId: `${billId}-p3`,
        idempotencyKey: 'early',
      }),
    ).toMatchObject({
      status: 409,
    });
    expect(await admin.done('operator.bill.cancel', { billId })).toMatchObject({
      status: 'cancelled',
    });
  });

  test('stands in the story of the bill and in the audit, with what was done', async () => {
    const { id: billId } = await create();
    await pay(billId);
    await admin.done('operator.bill.confirm', { billId });
    const { items } = await admin.done<Page<Transition>>('operator.bill.timeline', { billId });
    const last = items.at(-1);
    expect(last).toMatchObject({
      call: 'bill.confirm',
      actor: { kind: 'operator', id: here.admin.id },
    });
    const lines = async (): Promise<object[]> => {
      const found: object[] = [];
      for (let after = 0; ; ) {
        const page: { items: { no: number; entry: string }[] } = await system.done(
          'operator.audit',
          { after },
        );
        const top = page.items.at(-1);
        if (top === undefined) return found;
        after = top.no;
        const entries = page.items.map(({ entry }) => JSON.parse(entry) as { id: string });
        found.push(...entries.filter(({ id }) => id === billId));
      }
    };
    await expect.poll(lines, WITHIN).toMatchObject([
      {
        action: 'bill.command',
        operator: here.admin.id,
        role: 'institutionAdmin',
        institutionId: here.institution.id,
        requestId: last?.requestId,
        detail: { command: 'ConfirmBill', version: last?.version },
      },
    ]);
  });

  test('asks again for a rejected credit, or closes it, and the books follow', async () => {
    const { id: billId } = await create();
    await pay(billId);
    const { credits } = await admin.done<Bill>('operator.bill.cancel', { billId });
    const creditId = String(credits[0]?.id);
    const call = (verb: string, more: Body = {}, id = creditId): Promise<HttpAnswer> =>
      admin.ask(`operator.credit.${verb}`, { creditId: id, ...more });
    expect(await call('request')).toMatchObject({ status: 409, body: { creditStatus: 'pending' } });
    const settle = { creditId, status: 'rejected', reason: 'closed account' };
    await done(wallet, 'credit.settle', settle);
    const unreturned = async (): Promise<number> =>
      (await admin.done<Bill>('operator.bill.get', { billId })).unreturned;
    expect(await unreturned()).toBe(700);

    const again = await Promise.all([call('request'), call('request')]);
    const other = (must(again[0], 'an answer').body as { id: string }).id;
    for (const answer of again) {
      expect(answer).toMatchObject({
        status: 200,
        body: { id: other, status: 'pending', replaces: creditId, amount: 700, reason: null },
      });
    }
    expect(other).not.toBe(creditId);
    expect(await unreturned()).toBe(0);
    // The wallet may say once more what it said of the first, and is asked for the other.
    expect(await done(wallet, 'credit.settle', settle)).toMatchObject({ replacedBy: other });
    const { events } = await done(wallet, 'paychannel.events', { limit: 100 });
    const asked = events.filter(
      ({ type, data }) => type === 'credit.requested' && data.credit?.id === other,
    );
    expect(asked).toHaveLength(1);

    await done(wallet, 'credit.settle', { creditId: other, status: 'rejected' });
    expect(await unreturned()).toBe(700);
    const reference = { reference: 'SEPA 17' };
    for (let i = 0; i < 2; i++) {
      expect(await call('close', reference, other)).toMatchObject({
        status: 200,
        body: { status: 'returnedOtherwise', ...reference, settledAt: expect.any(String) },
      });
    }
    expect(await unreturned()).toBe(0);
    expect(await call('close', { reference: 'another' }, other)).toMatchObject({
      status: 409,
      body: { code: 'credit.notRejected', creditStatus: 'returnedOtherwise' },
    });
    expect((await call('close', {}, other)).status).toBe(400);
    const told = await done(till, 'terminal.events', { limit: 100 });
    expect(told.events.filter((event) => event.billId === billId).map(({ type }) => type)).toEqual([
      'bill.paid',
      'bill.cancelled',
      'credit.requested',
      'credit.rejected',
      'credit.requested',
      'credit.rejected',
      'credit.settled',
    ]);
    for (const stranger of [as(there.admin), viewer]) {
      const expected = stranger === viewer ? 403 : 404;
      const one = { creditId: other, ...reference };
      expect((await stranger.ask('operator.credit.close', one)).status).toBe(expected);
      expect((await stranger.ask('operator.credit.request', { creditId: other })).status).toBe(
        expected,
      );
    }
    // History tells the same.
    const listed = async (status: string): Promise<unknown[]> =>
      (await idsOf(admin, 'credit.list', { status })).filter((id) => String(id).startsWith(billId));
    await expect.poll(() => listed('returnedOtherwise'), WITHIN).toEqual([other]);
    expect(await listed('rejected')).toEqual([]);
    expect(await admin.done('operator.credit.get', { creditId })).toMatchObject({
      status: 'rejected',
      replacedBy: other,
    });
    expect(await admin.done('operator.bill.get', { billId })).toMatchObject({
      unreturned: 0,
      credits: [
        { id: creditId, status: 'rejected', replacedBy: other },
        { id: other, status: 'returnedOtherwise', ...reference, replaces: creditId },
      ],
    });
    await historyIsWhole(world.process);
    expect(await faultsInBooks(sql)).toEqual([]);
  });

  test('does what the role takes in, where it sees', async () => {
    const { id: billId } = await create();
    await pay(billId);
    const acts: [string, Body][] = [
      ['bill.confirm', { billId }],
      ['bill.cancel', { billId }],
      ['bill.refund', { billId, idempotencyKey: 'k' }],
      ['payment.confirm', { billId, paymentId: `${billId}-p1` }],
      ['payment.cancel', { billId, paymentId: `${billId}-p1` }],
      ['payment.refund', { billId, paymentId: `${billId}-p1`, idempotencyKey: 'k' }],
    ];
    const looks: [string, Body][] = ['get', 'payments', 'credits', 'events', 'timeline'].map(
      (what) => [`bill.${what}`, { billId }],
    );
    const second = await system.done<Party>('operator.merchant.add', {
      institutionId: here.institution.id,
      name: 'Other shop',
      city: 'x',
    });
    const neighbour = await system.done<Party>('operator.operator.add', {
      role: 'merchantAdmin',
      institutionId: here.institution.id,
      merchantId: second.id,
      name: 'x',
      withKey: true,
    });
    const statuses = (operator: OperatorParty, calls: [string, Body][]): Promise<number[]> =>
      Promise.all(calls.map(async ([id, of]) => (await operator.ask(`operator.${id}`, of)).status));
    for (const stranger of [as(there.admin), as(neighbour)]) {
      expect(new Set(await statuses(stranger, [...looks, ...acts]))).toEqual(new Set([404]));
    }
    expect(new Set(await statuses(viewer, acts))).toEqual(new Set([403]));
    expect(new Set(await statuses(viewer, looks))).toEqual(new Set([200]));
    expect(new Set(await statuses(as(here.merchantAdmin), looks))).toEqual(new Set([200]));
    // A viewer changes nothing by the Terminal API either.
    const asTill = world.http('terminal', here.viewer.key ?? '');
    for (const [id, of] of acts) {
      expect((await asTill.ask(id as 'bill.confirm', of)).status, id).toBe(403);
    }
    for (const stranger of [as(there.admin), as(neighbour)]) {
      for (const what of ['bill', 'payment', 'credit', 'event']) {
        expect(await idsOf(stranger, `${what}.list`, {}), what).toEqual([]);
      }
    }
    expect(await system.done('operator.bill.get', { billId })).toMatchObject({ status: 'paid' });
    await expect.poll(() => idsOf(system, 'bill.list', {}), WITHIN).toContain(billId);
  });
});

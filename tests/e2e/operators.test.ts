// What operators do: onboarding, keys, suspension, and the audit of it all; and who may do none of it.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Body, done, fresh } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import {
  type House,
  type Key,
  OperatorParty,
  onboardHouse,
  type Party,
} from '../support/operator.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const WITHIN = { timeout: 30_000, interval: 20 };

let world: World;
let sql: Sql;
let system: OperatorParty;
let here: House;
let there: House;

beforeAll(async () => {
  world = await World.start(postgresAlone, { QRSWITCH_GATEWAYS: '2' });
  sql = postgres(world.stores.databaseUrl, { max: 1 });
  system = as(world.process.demo.operator.key);
  here = await onboardHouse(system, 'First');
  there = await onboardHouse(system, 'Second');
});
afterAll(async () => {
  await sql?.end();
  await world?.stop();
});
beforeEach(() => showOutputOnFailure(() => world?.process));

function as(key: string | null): OperatorParty {
  return new OperatorParty(world, key ?? '');
}

describe('an operator', () => {
  test('onboards an institution to its first paid bill', async () => {
    const till = world.http('terminal', here.terminal.key ?? '');
    const wallet = world.http('paychannel', here.paychannel.key ?? '');
    const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
    const bill = await done(till, 'bill.create', order);
    const payment = { billId: bill.id, paymentRef: 'p', amount: 500, currency: 'EUR' };
    const paid = await done(wallet, 'payment.create', payment);
    expect(paid.bill).toMatchObject({ status: 'paid' });
    expect(bill).toMatchObject({
      institutionId: here.institution.id,
      merchantId: here.merchant.id,
      terminalId: here.terminal.id,
    });
  });

  test('may retry what it adds: the same call adds one, and shows its key once', async () => {
    const call = {
      merchantId: here.merchant.id,
      name: 'Once',
      withKey: true,
      idempotencyKey: 'i-1',
    };
    const answers = await Promise.all(
      [1, 2, 3].map(() => system.ask('operator.terminal.add', call)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    expect(new Set(answers.map(({ body }) => (body as Party).id)).size).toBe(1);
    expect(answers.filter(({ body }) => (body as Party).key !== null)).toHaveLength(1);
    expect(await system.ask('operator.terminal.add', { ...call, name: 'Other' })).toMatchObject({
      status: 409,
      body: { code: 'idempotency.reused' },
    });
  });

  test('finds, lists page by page, and changes', async () => {
    const admin = as(here.admin.key);
    for (let i = 0; i < 3; i++) {
      await admin.done('operator.terminal.add', { merchantId: here.merchant.id, name: `T ${i}` });
    }
    const of = { merchantId: here.merchant.id, limit: 2 };
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: Party[]; nextCursor: string | null } = await admin.done(
        'operator.terminal.list',
        cursor === '' ? of : { ...of, cursor },
      );
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(4);
    const change = { partyId: here.merchant.id, name: 'Renamed', city: 'Ogdenville' };
    expect(await admin.done('operator.merchant.change', change)).toMatchObject({
      name: 'Renamed',
      city: 'Ogdenville',
    });
    // Within a moment bills show the new name.
    const till = world.http('terminal', here.terminal.key ?? '');
    const wallet = world.http('paychannel', here.paychannel.key ?? '');
    await expect
      .poll(async () => {
        const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
        const { id } = await done(till, 'bill.create', order);
        return (await done(wallet, 'bill.view', { billId: id })).merchant;
      }, WITHIN)
      .toEqual({ name: 'Renamed', city: 'Ogdenville' });
  });

  test('makes keys, withdraws them, and is told when what it writes is wrong', async () => {
    const admin = as(here.admin.key);
    const holder = { kind: 'terminal', id: here.terminal.id };
    const key = await admin.done<Key>('operator.key.add', { holder, name: 'second' });
    const till = world.http('terminal', key.key ?? '');
    await done(till, 'bill.list', {});
    const { items } = await admin.done<{ items: Key[] }>('operator.key.list', {
      holderId: holder.id,
    });
    expect(items.map(({ id }) => id)).toContain(key.id);
    expect(JSON.stringify(items)).not.toContain(key.key);
    await admin.done('operator.key.revoke', { keyId: key.id });
    await expect.poll(async () => (await till.ask('bill.list', {})).status, WITHIN).toBe(401);
    expect(await admin.done('operator.key.get', { keyId: key.id })).toMatchObject({
      revokedAt: expect.any(String),
    });
    for (const [id, body, path] of [
      ['operator.key.add', { holder, expiresAt: '2001-01-01T00:00:00Z' }, 'expiresAt'],
      ['operator.key.add', { holder: { kind: 'bank', id: 'x' } }, 'holder.kind'],
      ['operator.terminal.add', { merchantId: here.merchant.id, name: '' }, 'name'],
      ['operator.terminal.add', { merchantId: here.merchant.id, name: 'x', city: 'y' }, 'city'],
      ['operator.merchant.change', { partyId: here.merchant.id }, ''],
      ['operator.operator.add', { role: 'merchantAdmin', name: 'x' }, 'institutionId'],
      ['operator.terminal.list', { cursor: 'nonsense' }, 'cursor'],
    ] as [string, Body, string][]) {
      const { status, body: problem } = await admin.ask(id, body);
      expect([status, (problem as { errors: { path: string }[] }).errors[0]?.path], id).toEqual([
        400,
        path,
      ]);
    }
  });

  test('suspends an institution, and all below it begin nothing new until it is resumed', async () => {
    const till = world.http('terminal', there.terminal.key ?? '');
    const create = () => {
      const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
      return till.ask('bill.create', order).then(({ status }) => status);
    };
    expect(await create()).toBe(201);
    const of = { partyId: there.institution.id };
    await system.done('operator.institution.suspend', of);
    await expect.poll(create, WITHIN).toBe(403);
    const name = { partyId: there.merchant.id, name: 'Changed' };
    await expect
      .poll(
        async () => (await as(there.admin.key).ask('operator.merchant.change', name)).body,
        WITHIN,
      )
      .toMatchObject({ code: 'request.suspended' });
    await system.done('operator.institution.resume', of);
    await expect.poll(create, WITHIN).toBe(201);
  });
});

describe('an operator of one house', () => {
  test('sees nothing of another, and does what its role takes in', async () => {
    const foreign = await foreignOf(there);
    const operators = { admin: here.admin, viewer: here.viewer, merchantAdmin: here.merchantAdmin };
    for (const [role, { key }] of Object.entries(operators) as [keyof typeof UNKNOWN, Party][]) {
      for (const [call, known, strange] of walkOf(foreign)) {
        const [one, other] = [
          await as(key).ask(`operator.${call}`, known),
          await as(key).ask(`operator.${call}`, strange),
        ];
        const expected = UNKNOWN[role].test(call) ? 404 : 403;
        expect([one.status, other.status], `${role}: ${call}`).toEqual([expected, expected]);
        expect(withoutId(one.body)).toEqual(withoutId(other.body));
      }
    }
  });

  test('lists its own alone, and cannot rise above itself', async () => {
    for (const key of [here.admin.key, here.viewer.key, here.merchantAdmin.key]) {
      const operator = as(key);
      for (const kind of ['institution', 'merchant', 'terminal', 'paychannel', 'operator']) {
        const { status, body } = await operator.ask(`operator.${kind}.list`, { limit: 100 });
        if (status === 403) continue;
        for (const item of (body as { items: Party[] }).items) {
          expect(item.institutionId).toBe(here.institution.id);
          expect(item.role).not.toBe('system');
        }
      }
      const keys = await operator.done<{ items: Key[] }>('operator.key.list', { limit: 100 });
      expect(JSON.stringify(keys)).not.toContain(there.terminal.id);
    }
    const admin = as(here.admin.key);
    expect(await admin.ask('operator.operator.add', { role: 'system', name: 'x' })).toMatchObject({
      status: 403,
    });
    // The demo's operator is the system's, though it belongs to an institution as well.
    const [row] = await sql`select id, institution_id from operators where role = 'system'`;
    const demoAdmin = await system.done<Party>('operator.operator.add', {
      role: 'institutionAdmin',
      institutionId: row?.institution_id,
      name: 'x',
      withKey: true,
    });
    const holder = { kind: 'operator', id: row?.id };
    expect(await as(demoAdmin.key).ask('operator.key.add', { holder })).toMatchObject({
      status: 404,
    });
  });

  test('of terminals and paychannels there is none: their keys are for other calls', async () => {
    for (const key of [here.terminal.key, here.paychannel.key]) {
      for (const { operationId, path } of world.answers.operations) {
        if (!path.startsWith('/v1/operator/')) continue;
        const answer = await as(key).ask(operationId, { partyId: 'x', keyId: 'x' });
        expect(answer, operationId).toMatchObject({ status: 403 });
      }
    }
  });

  test('sees the bills of its own part, and a viewer changes none', async () => {
    const till = world.http('terminal', here.terminal.key ?? '');
    const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
    const { id: billId } = await done(till, 'bill.create', order);
    const second = await system.done<Party>('operator.merchant.add', {
      institutionId: here.institution.id,
      name: 'Other shop',
      city: 'x',
    });
    const stranger = await system.done<Party>('operator.operator.add', {
      role: 'merchantAdmin',
      institutionId: here.institution.id,
      merchantId: second.id,
      name: 'x',
      withKey: true,
    });
    const get = async (key: string | null) =>
      (await world.http('terminal', key ?? '').ask('bill.get', { billId })).status;
    expect(await get(here.admin.key)).toBe(200);
    expect(await get(here.viewer.key)).toBe(200);
    expect(await get(here.merchantAdmin.key)).toBe(200);
    expect(await get(stranger.key)).toBe(404);
    expect(await get(there.admin.key)).toBe(404);
    const list = await done(world.http('terminal', stranger.key ?? ''), 'bill.list', {});
    expect(list.items).toEqual([]);
    const viewer = world.http('terminal', here.viewer.key ?? '');
    expect((await viewer.ask('bill.cancel', { billId })).status).toBe(403);
    for (const call of ['payment.confirm', 'payment.cancel', 'payment.refund'] as const) {
      const one = { billId, paymentId: `${billId}-p1`, idempotencyKey: 'k' };
      expect((await viewer.ask(call, one)).status, call).toBe(403);
    }
    const admin = world.http('terminal', here.admin.key ?? '');
    expect(await done(admin, 'bill.cancel', { billId })).toMatchObject({ status: 'cancelled' });
  });
});

/** Which of another's things a role is told that there are none of (404); all else is no call of its own (403). */
const UNKNOWN = {
  admin: /^(?!institution\.(add|change|suspend|resume|limit$)|audit)/,
  viewer: /\.(get|limits)$|^key\.revoke$/,
  merchantAdmin: /^(merchant\.get|terminal\.(?!limit$)|key\.)/,
};

/** Ids of another house, by kind; `key` is the id of one of its keys. */
async function foreignOf(house: House): Promise<Record<string, string>> {
  const of = { holderId: house.terminal.id };
  const { items } = await system.done<{ items: Key[] }>('operator.key.list', of);
  return {
    institution: house.institution.id,
    merchant: house.merchant.id,
    terminal: house.terminal.id,
    paychannel: house.paychannel.id,
    operator: house.viewer.id,
    key: items[0]?.id ?? '',
  };
}

/** Every call about one thing, with what it asks of another's and of nobody's. */
function walkOf(foreign: Readonly<Record<string, string>>): [string, Body, Body][] {
  const name = { name: 'x' };
  const { institution: institutionId, merchant: merchantId } = foreign;
  const added: Record<string, [Body, Body]> = {
    institution: [name, name],
    merchant: [
      { institutionId, city: 'y' },
      { institutionId: 'ins_none', city: 'y' },
    ],
    terminal: [{ merchantId }, { merchantId: 'mer_none' }],
    paychannel: [{ institutionId }, { institutionId: 'ins_none' }],
    operator: [
      { role: 'institutionViewer', institutionId },
      { role: 'institutionViewer', institutionId: 'ins_none' },
    ],
  };
  const partyId = 'xxx_none';
  const walk = Object.entries(added).flatMap(([kind, [known, strange]]): [string, Body, Body][] => [
    [`${kind}.get`, { partyId: foreign[kind] }, { partyId }],
    [`${kind}.suspend`, { partyId: foreign[kind] }, { partyId }],
    [`${kind}.resume`, { partyId: foreign[kind] }, { partyId }],
    [`${kind}.change`, { partyId: foreign[kind], ...name }, { partyId, ...name }],
    [`${kind}.add`, { ...known, ...name }, { ...strange, ...name }],
  ]);
  const holder = (id: string | undefined) => ({ holder: { kind: 'terminal', id } });
  for (const kind of ['institution', 'terminal', 'paychannel']) {
    walk.push([`${kind}.limits`, { partyId: foreign[kind] }, { partyId }]);
    walk.push([`${kind}.limit`, { partyId: foreign[kind] }, { partyId }]);
  }
  return [
    ...walk,
    ['key.get', { keyId: foreign.key }, { keyId: 'key_none' }],
    ['key.revoke', { keyId: foreign.key }, { keyId: 'key_none' }],
    ['key.add', holder(foreign.terminal), holder('ter_none')],
    ['audit', {}, {}],
  ];
}

function withoutId(body: unknown): object {
  const { requestId: _own, ...rest } = body as { requestId: string };
  return rest;
}

// A walk along every route and every WebSocket operation, with every kind of key that has no business there: what is
// another's answers as what is not there, and nothing of it is shown or changed.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OPERATIONS } from '../../src/protocols/gateway/stream-protocol.ts';
import {
  type Api,
  type Party as Asker,
  type Body,
  done,
  fresh,
  HttpParty,
  type Op,
} from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import {
  FREE_TARIFF,
  OPERATOR_ROUTES,
  PAYCHANNEL_ROUTES,
  type Row,
  SOCKET_ONLY,
  TERMINAL_ROUTES,
  type Things,
} from '../support/isolation-table.ts';
import {
  type Keyed,
  onboardMerchant,
  onboardPaychannel,
  onboardTerminal,
  revokeKey,
} from '../support/onboarding.ts';
import {
  type Agreement,
  type House,
  type Key,
  OperatorParty,
  onboardHouse,
  type Party,
} from '../support/operator.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const WITHIN = { timeout: 30_000, interval: 20 };
const NO_BILL = `01${'Z'.repeat(9)}00${'7'.repeat(13)}`.slice(0, 26);
/** By the same names, what is nobody's. */
const NOBODYS: Things = {
  billId: NO_BILL,
  paymentId: `${NO_BILL}-p1`,
  paymentRef: 'p-none',
  creditId: `${NO_BILL}-c1`,
  heldBillId: NO_BILL,
  reservationId: `${NO_BILL}-r1`,
  eventId: `${NO_BILL}-e1`,
  orderId: 'order-none',
  qr: `https://pay.example/q/${NO_BILL}`,
  institutionId: 'ins_none',
  merchantId: 'mer_none',
  terminalId: 'ter_none',
  paychannelId: 'pay_none',
  operatorId: 'opr_none',
  keyId: 'key_none',
  agreementId: 'agr_none',
  webhookId: 'whk_none',
  tariffName: 'none',
};
/** What a row asks of somebody's things; null where it names none. */
function bodyOf(row: Row): ((of: Things) => Body) | null {
  if ('names' in row) return row.names;
  if ('lists' in row) return row.lists;
  return 'ofSystem' in row ? row.ofSystem : null;
}

const ROUTES = { ...TERMINAL_ROUTES, ...PAYCHANNEL_ROUTES, ...OPERATOR_ROUTES };
/** No key comes with it and nothing is told: a bank’s reason for us to ask it (tests/e2e/acquirers.test.ts). */
const KEYLESS = ['acquirer.notify'];

const NAMING = Object.entries(ROUTES).flatMap(([id, row]) => {
  const body = bodyOf(row);
  return body === null ? [] : [[id, body] as const];
});

type KeyKind = 'terminal' | 'merchant' | 'paychannel' | 'operator';
interface Stranger {
  readonly kind: KeyKind;
  readonly key: string;
}

describe('a stranger', () => {
  let world: World;
  let sql: Sql;
  let system: OperatorParty;
  let house: House;
  let partner: House;
  let second: Keyed;
  let ours: Things;
  let strangers: Record<string, Stranger>;
  let withdrawn: Stranger[];

  beforeAll(async () => {
    world = await World.start(redisAndPostgres);
    const { databaseUrl } = world.stores;
    sql = postgres(databaseUrl, { max: 1 });
    system = new OperatorParty(world, world.process.demo.operator.key);
    const [here, there, past, suspended, near] = await Promise.all(
      ['Here', 'There', 'Past', 'Suspended', 'Near'].map((name) => onboardHouse(system, name)),
    );
    if (!here || !there || !past || !suspended || !near) throw new Error('five houses');
    [house, partner] = [here, near];
    ours = await thingsOf(house, partner);
    second = await onboardPaychannel(databaseUrl, house.institution.id);
    await system.done('operator.institution.suspend', { partyId: suspended.institution.id });
    await sql`
      insert into agreements (id, billing_institution_id, paying_institution_id, mode, since, ended_at)
      values (
        'agr_past', ${house.institution.id}, ${past.institution.id}, 'live', now() - interval '2 h',
        now() - interval '1 h'
      )`;
    await system.done('operator.agreement.add', {
      billingInstitutionId: there.institution.id,
      payingInstitutionId: house.institution.id,
    });
    strangers = await keysOf({ there, past, suspended });
    const admin = new OperatorParty(world, there.admin.key ?? '');
    const revoked = (kind: KeyKind, id: string): Promise<Stranger> =>
      admin.done<Key>('operator.key.add', { holder: { kind, id } }).then(async ({ key }) => {
        await revokeKey(sql, key ?? '');
        return { kind, key: key ?? '' };
      });
    withdrawn = [
      await revoked('terminal', there.terminal.id),
      await revoked('paychannel', there.paychannel.id),
      await revoked('operator', there.viewer.id),
    ];
    // What was told after the agreement that has ended is known: so is that one.
    const wallet = world.http('paychannel', partner.paychannel.key ?? '');
    await world.process.until('an agreement in force', async () => {
      return (await wallet.ask('bill.view', { billId: ours.billId })).status === 200;
    });
    const barred = as('paychannel', suspended.paychannel);
    await world.process.until('a paychannel suspended', async () => {
      return (await barred.ask('bill.view', { billId: NO_BILL })).status === 403;
    });
  });
  afterAll(async () => {
    await sql?.end();
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const as = (api: Api, { key }: { key: string | null }): HttpParty =>
    new HttpParty(world.process.baseUrl, api, key ?? '', world.answers);

  /** One of everything that a house has: a bill that was paid, and confirmed for less; another with a reservation. */
  async function thingsOf(of: House, near: House): Promise<Things> {
    const till = as('terminal', of.terminal);
    const wallet = as('paychannel', of.paychannel);
    const order = { orderId: fresh('ours'), amount: 1000, currency: 'EUR' };
    const bill = await done(till, 'bill.create', order);
    const { id: billId } = bill;
    const payment = { billId, paymentRef: fresh('ours'), amount: 1000, currency: 'EUR' };
    const { payment: paid } = await done(wallet, 'payment.create', payment);
    const { credits } = await done(till, 'bill.confirm', { billId, amount: 900 });
    const held = await done(till, 'bill.create', { ...order, orderId: fresh('ours') });
    const hold = { billId: held.id, reservationRef: 'r' };
    const { events } = await done(wallet, 'paychannel.events', {});
    const agreement = await system.done<Agreement>('operator.agreement.add', {
      billingInstitutionId: of.institution.id,
      payingInstitutionId: near.institution.id,
    });
    const keys = await system.done<{ items: Key[] }>('operator.key.list', {
      holderId: of.terminal.id,
    });
    const webhook = await system.done<{ id: string }>('operator.webhook.add', {
      holderId: of.terminal.id,
      url: 'https://receiver.invalid/',
    });
    // By this name it would show in a list.
    const tariffName = of.terminal.id;
    const kept = { merchantId: of.merchant.id, tariffName, ...FREE_TARIFF };
    await system.done('operator.tariff.put', kept);
    return {
      billId,
      paymentId: paid.id ?? '',
      paymentRef: payment.paymentRef,
      creditId: credits[0]?.id ?? '',
      heldBillId: held.id,
      reservationId: (await done(wallet, 'bill.reserve', hold)).id,
      eventId: events[0]?.id ?? '',
      orderId: order.orderId,
      qr: bill.qr.payload,
      institutionId: of.institution.id,
      merchantId: of.merchant.id,
      terminalId: of.terminal.id,
      paychannelId: of.paychannel.id,
      operatorId: of.viewer.id,
      keyId: keys.items[0]?.id ?? '',
      agreementId: agreement.id,
      webhookId: webhook.id,
      tariffName,
    };
  }

  async function keysOf(of: Record<'there' | 'past' | 'suspended', House>) {
    const { databaseUrl } = world.stores;
    const { demo } = world.process;
    const { there, past, suspended } = of;
    const { merchantId, institutionId } = ours;
    const shop = await onboardMerchant(databaseUrl, institutionId);
    const [row] = await sql`select merchant_id as id from terminals where id = ${shop.id}`;
    const restricted = await onboardTerminal(databaseUrl, { merchantId, restricted: true });
    const keyOf = async (kind: KeyKind, id: string): Promise<Stranger> => {
      const made = await system.done<Key>('operator.key.add', { holder: { kind, id } });
      return { kind, key: made.key ?? '' };
    };
    const is = (kind: KeyKind, party: { key: string | null }): Stranger => {
      return { kind, key: party.key ?? '' };
    };
    const shopAdmin = await system.done<Party>('operator.operator.add', {
      role: 'merchantAdmin',
      institutionId,
      merchantId: String(row?.id),
      name: 'x',
      withKey: true,
    });
    const keys: Record<string, Stranger> = {
      'a terminal of another institution': is('terminal', there.terminal),
      'a terminal of another merchant': is('terminal', shop),
      'a restricted terminal': is('terminal', restricted),
      'a terminal of a suspended institution': is('terminal', suspended.terminal),
      'a terminal for tests': is('terminal', demo.terminal),
      'a merchant of another institution': await keyOf('merchant', there.merchant.id),
      'another merchant': await keyOf('merchant', String(row?.id)),
      'a paychannel without agreement, but for one the other way round': is(
        'paychannel',
        there.paychannel,
      ),
      'a paychannel whose agreement had ended before': is('paychannel', past.paychannel),
      'a suspended paychannel': is('paychannel', suspended.paychannel),
      'a paychannel for tests': is('paychannel', demo.paychannel),
      'an administrator of another institution': is('operator', there.admin),
      'a viewer of another institution': is('operator', there.viewer),
      'a merchant’s administrator of another institution': is('operator', there.merchantAdmin),
      'another merchant’s administrator': is('operator', shopAdmin),
      'an administrator of a suspended institution': is('operator', suspended.admin),
      'an administrator of an institution whose agreement had ended': is('operator', past.admin),
    };
    return keys;
  }

  const routesOf = (kind: KeyKind): Readonly<Record<string, Row>> => {
    if (kind === 'paychannel') return PAYCHANNEL_ROUTES;
    return kind === 'operator' ? OPERATOR_ROUTES : TERMINAL_ROUTES;
  };

  const asked = async (party: Asker, id: string, body: Body) => {
    const { status, body: told } = await party.ask(id as Op, body);
    const { requestId: _own, ...rest } = { ...(told as { requestId?: string }) };
    return { status, body: told === null || typeof told !== 'object' ? told : rest };
  };

  /** The way of one key along the routes: what it was told where something was named. */
  async function walk(
    who: string,
    party: Asker,
    routes: Readonly<Record<string, Row>>,
  ): Promise<Map<string, number>> {
    const told = new Map<string, number>();
    for (const [id, row] of Object.entries(routes)) {
      if ('own' in row) continue;
      if ('lists' in row) {
        const { status, body } = await asked(party, id, row.lists(ours));
        expect([200, 400, 403], `${who}: ${id}`).toContain(status);
        const text = JSON.stringify(body);
        for (const thing of [ours.billId, ours.heldBillId, ours.terminalId, ours.keyId]) {
          expect(text, `${who}: ${id}`).not.toContain(thing);
        }
        continue;
      }
      const about = 'names' in row ? row.names : row.ofSystem;
      const [known, unknown] = [
        await asked(party, id, about(ours)),
        await asked(party, id, about(NOBODYS)),
      ];
      expect(known, `${who}: ${id}`).toEqual(unknown);
      expect([403, 404], `${who}: ${id}`).toContain(known.status);
      told.set(id, known.status);
    }
    return told;
  }

  test('has a row for every route of the document and every operation of the sockets', () => {
    const routes = [...world.answers.operations].flatMap(({ operationId, path }) =>
      path.startsWith('/v1/') ? [operationId] : [],
    );
    expect([...routes].sort()).toEqual([...Object.keys(ROUTES), ...KEYLESS].sort());
    const operations = [...OPERATIONS.terminal, ...OPERATIONS.paychannel];
    expect(operations.filter((op) => !(op in ROUTES) && !(op in SOCKET_ONLY))).toEqual([]);
  });

  test('is told the same of what is another’s and of what is not there, on every route', async () => {
    const walked = await Promise.all(
      Object.entries(strangers).map(([who, { kind, key }]) =>
        walk(who, as(kind === 'paychannel' ? 'paychannel' : 'terminal', { key }), routesOf(kind)),
      ),
    );
    // Operators may call what terminals do with bills, too.
    const abroad = strangers['an administrator of another institution'] as Stranger;
    await walk('an administrator as a terminal', as('terminal', abroad), TERMINAL_ROUTES);
    // No row is met with a 403 alone, but for those that are for who runs the switch.
    for (const [id, row] of Object.entries(ROUTES)) {
      const statuses = walked.flatMap((told) => told.get(id) ?? []);
      if ('names' in row) expect(statuses, id).toContain(404);
      if ('ofSystem' in row) expect(new Set(statuses), id).toEqual(new Set([403]));
    }
  });

  test('is told the same on every operation of a socket', async () => {
    await Promise.all(
      Object.entries(strangers).map(async ([who, { kind, key }]) => {
        if (kind !== 'terminal' && kind !== 'paychannel') return;
        const all = { ...routesOf(kind), ...SOCKET_ONLY };
        const operations = [...OPERATIONS[kind]].map((op) => [op, all[op] as Row] as const);
        const stream = await world.stream(kind, 'msgpack', key);
        await walk(who, stream, Object.fromEntries(operations));
      }),
    );
  });

  test('with a key of another kind is refused every call, whatever it names', async () => {
    const kinds = {
      terminal: house.terminal,
      paychannel: house.paychannel,
      operator: house.viewer,
    };
    await Promise.all(
      Object.entries(kinds).map(async ([kind, party]) => {
        const own = new Set(Object.keys(routesOf(kind as KeyKind)));
        if (kind === 'operator') for (const id of Object.keys(TERMINAL_ROUTES)) own.add(id);
        for (const [id, body] of NAMING) {
          if (own.has(id)) continue;
          expect(
            await asked(as('terminal', party), id, body(ours)),
            `${kind}: ${id}`,
          ).toMatchObject({
            status: 403,
            body: { code: 'request.forbidden' },
          });
        }
      }),
    );
  });

  test('with a key that was withdrawn is nobody anywhere', async () => {
    for (const { kind, key } of withdrawn) {
      const party = as('terminal', { key });
      await expect
        .poll(
          () => asked(party, kind === 'paychannel' ? 'bill.view' : 'bill.get', { ...NOBODYS }),
          WITHIN,
        )
        .toMatchObject({ status: 401 });
      const own = routesOf(kind);
      for (const [id, body] of NAMING) {
        if (!(id in own)) continue;
        expect(await asked(party, id, body(ours)), id).toMatchObject({ status: 401 });
      }
    }
  });

  test('that may pay the bill sees nothing of what other paychannels have to do with it', async () => {
    for (const { key } of [second, partner.paychannel]) {
      const wallet = as('paychannel', { key });
      expect(await done(wallet, 'bill.view', { billId: ours.billId })).toMatchObject({
        id: ours.billId,
      });
      const { billId, heldBillId, creditId, reservationId, paymentRef } = ours;
      for (const [id, known, unknown] of [
        ['credit.get', { creditId }, { creditId: `${billId}-c99` }],
        [
          'credit.settle',
          { creditId, status: 'settled' },
          { creditId: `${billId}-c99`, status: 'settled' },
        ],
        [
          'bill.release',
          { billId: heldBillId, reservationId },
          { billId: heldBillId, reservationId: `${heldBillId}-r99` },
        ],
        ['payment.get', { billId, paymentRef }, { billId, paymentRef: 'p-none' }],
      ] as const) {
        const [one, other] = [await asked(wallet, id, known), await asked(wallet, id, unknown)];
        expect(one, id).toEqual(other);
        expect(one.status, id).toBe(404);
      }
      const text = JSON.stringify([
        await done(wallet, 'paychannel.payments', {}),
        await done(wallet, 'paychannel.credits', {}),
        await done(wallet, 'paychannel.events', {}),
      ]);
      expect(text).not.toContain(billId);
      expect(await done(wallet, 'event.ack', { ids: [ours.eventId] })).toEqual({ acknowledged: 0 });
    }
  });

  test('has changed nothing', async () => {
    const till = as('terminal', house.terminal);
    const { billId, heldBillId } = ours;
    expect(await done(till, 'bill.get', { billId })).toMatchObject({
      version: 3,
      confirmed: 900,
      refunded: 0,
      credits: [{ status: 'pending' }],
    });
    expect(await done(till, 'bill.get', { billId: heldBillId })).toMatchObject({
      version: 2,
      reserved: 1000,
    });
    const { events } = await done(as('paychannel', house.paychannel), 'paychannel.events', {});
    expect(events.map(({ id }) => id)).toContain(ours.eventId);
    const audit = await system.done<{ items: { entry: string }[] }>('operator.audit', {
      limit: 100,
    });
    const operators = audit.items.map(({ entry }) => (JSON.parse(entry) as { role: string }).role);
    // Keys that were made to be withdrawn are all that others than who runs the switch have done.
    expect(operators.filter((role) => role !== 'system')).toHaveLength(withdrawn.length);
  });
});

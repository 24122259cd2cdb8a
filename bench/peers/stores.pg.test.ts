// The peers must do the work that they are compared by: what they leave in Postgres is checked by the run's books; that a
// call may be repeated is checked here.

import { readFileSync } from 'node:fs';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { migrate, readMigrations } from '../../src/persistence/migrate.ts';
import type { Principal } from '../../src/switch/principal.ts';
import { startPostgres, type TestPostgres } from '../../tests/support/postgres-server.ts';
import type { Answer, BillStore, PeerEvent } from './bills.ts';
import { interactiveStore } from './interactive-store.ts';
import { openPool } from './serving.ts';
import { singleStore } from './single-store.ts';

const shared = {
  institutionId: 'institution-1' as Principal['institutionId'],
  restricted: false,
  subscribed: false,
};
const terminal: Principal = {
  ...shared,
  kind: 'terminal',
  id: 'terminal-1' as Principal['id'],
  merchantId: 'merchant-1' as NonNullable<Principal['merchantId']>,
  merchant: { name: 'Bench Merchant', city: 'Valletta' },
};
const wallet: Principal = {
  ...shared,
  kind: 'paychannel',
  id: 'paychannel-1' as Principal['id'],
  merchantId: null,
  merchant: null,
};

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly code: string;
  readonly paid: number;
  readonly confirmed: number;
  readonly acknowledged: number;
}

const shownBy = ({ body }: Answer): Shown => body as Shown;

let server: TestPostgres;
let sql: Sql;

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  await migrate(
    server.url,
    readMigrations(new URL('../../src/persistence/migrations/', import.meta.url)),
  );
  sql = openPool({ databaseUrl: server.url, pool: 4 });
  await sql.unsafe(readFileSync(new URL('../sql/directory.sql', import.meta.url), 'utf8'));
});

afterAll(async () => {
  await sql.end();
  await server.stop();
});

describe.each([
  ['transactions', interactiveStore],
  ['single statements', singleStore],
])('a stateless peer on %s', (name, open) => {
  let store: BillStore;
  let events: PeerEvent[];
  let order: string;
  let orders = 0;

  beforeEach(() => {
    events = [];
    orders += 1;
    order = `${name.slice(0, 6)}-${orders}`;
    const onEvent = (event: PeerEvent) => void events.push(event);
    store = open({ sql, reads: sql, baseUrl: 'http://127.0.0.1', onEvent });
  });

  const body = () => ({ orderId: order, amount: 500, currency: 'EUR', description: 'Tea' });
  const payment = { paymentRef: 'pay-1', amount: 500, currency: 'EUR' };
  const make = async () => shownBy(await store.create(terminal, body(), 'r1')).id;

  test('makes one bill of one order, however often it is asked', async () => {
    const both = await Promise.all([
      store.create(terminal, body(), 'r1'),
      store.create(terminal, body(), 'r2'),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 201]);
    expect(new Set(both.map((answer) => shownBy(answer).id)).size).toBe(1);
    const other = await store.create(terminal, { ...body(), amount: 501 }, 'r3');
    expect([other.status, shownBy(other).code]).toEqual([409, 'order.reused']);
  });

  test('takes one payment of one reference, however often it comes', async () => {
    const id = await make();
    const both = await Promise.all([
      store.pay(wallet, id, payment, 'r2'),
      store.pay(wallet, id, payment, 'r3'),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 201]);
    expect(both[0]?.body).toEqual(both[1]?.body);
    expect(events).toHaveLength(1);
    const other = await store.pay(wallet, id, { ...payment, amount: 1 }, 'r4');
    expect([other.status, shownBy(other).code]).toEqual([409, 'payment.refReused']);
  });

  test('takes no more than is due', async () => {
    const id = await make();
    const refused = await store.pay(wallet, id, { ...payment, amount: 501 }, 'r2');
    expect([refused.status, shownBy(refused).code]).toEqual([422, 'payment.exceedsDue']);
    expect(events).toHaveLength(0);
  });

  test('acknowledges an event once, and confirms what is paid, as often as it is asked', async () => {
    const id = await make();
    expect((await store.confirm(terminal, id, 'r2')).status).toBe(409);
    await store.pay(wallet, id, payment, 'r3');
    const acknowledge = () => store.acknowledge(terminal, [`${id}-e1`, 'nothing'], 'r4');
    expect(shownBy(await acknowledge()).acknowledged).toBe(1);
    expect(shownBy(await acknowledge()).acknowledged).toBe(0);
    for (let i = 0; i < 2; i++) {
      const confirmed = await store.confirm(terminal, id, 'r5');
      expect(confirmed.status).toBe(200);
      expect(shownBy(confirmed)).toMatchObject({ status: 'confirmed', paid: 500, confirmed: 500 });
    }
  });

  test('keeps a bill from another merchant’s terminal', async () => {
    const id = await make();
    await store.pay(wallet, id, payment, 'r2');
    const stranger = { ...terminal, merchantId: 'merchant-2' as Principal['merchantId'] };
    expect((await store.confirm(stranger, id, 'r3')).status).toBe(404);
  });
});

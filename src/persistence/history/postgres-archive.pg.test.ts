// Searches among 100,000 bills: each finds what it is to find, and reads little else.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { billId, makeBill, makeEvent, NOON } from '../../../tests/support/bill-fixtures.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../../tests/support/silent-logger.ts';
import { millis, plus } from '../../domain/time.ts';
import type { ArchiveScope, BillSearch, EventSearch, PartSearch } from '../../switch/archive.ts';
import type { EntryId } from '../../switch/entry-id.ts';
import { migrate } from '../migrate.ts';
import { makeBillCodec } from './bill-codec.ts';
import { PostgresArchive } from './postgres-archive.ts';

const BILLS = 100_000;
const MERCHANTS = 40;
/** Index entries and rows that one search may read: a page from each of a house's terminals, twice over. */
const READ_MAX = 3_000;

const EVERYTHING = { status: null, from: null, to: null, after: null, limit: 21 };
const asOf = plus(NOON, BILLS);
const bills: BillSearch = {
  ...EVERYTHING,
  asOf,
  orderId: null,
  paymentRef: null,
  merchantId: null,
  terminalId: null,
  type: null,
  amount: null,
};
const parts: PartSearch = {
  ...EVERYTHING,
  asOf,
  paymentRef: null,
  paychannelId: null,
  merchantId: null,
  amount: null,
};
const events: EventSearch = {
  ...EVERYTHING,
  asOf,
  type: null,
  terminalId: null,
  paychannelId: null,
  deadBefore: plus(NOON, 1_000),
};
const all: ArchiveScope = { institutionId: null, merchantId: null };
const house: ArchiveScope = { institutionId: 'ins_1', merchantId: null };
const shop: ArchiveScope = { institutionId: 'ins_1', merchantId: 'mer_1' };
const after = { at: plus(NOON, 50_000), id: billId(50_000), no: 1 };

let server: TestPostgres;
let url: string;
let sql: Sql;

beforeAll(async () => {
  server = await startPostgres();
  url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 1, onnotice: () => undefined });
  await fill();
});
afterAll(async () => {
  await sql?.end({ timeout: 1 });
  await server?.stop();
});

/** Two institutions with 20 merchants each, these with a terminal each; a bill a millisecond, by turns. */
async function fill(): Promise<void> {
  const codec = makeBillCodec();
  const [state, body] = [codec.encodeBill(makeBill()), codec.encodeEvent(makeEvent())];
  // Nobody will ask whether they last.
  for (const table of ['bills', 'payments', 'credits', 'events', 'transitions']) {
    await sql.unsafe(`alter table ${table} set unlogged`);
  }
  await sql.unsafe(`
    insert into institutions (id, name) values ('ins_0', 'Zero'), ('ins_1', 'One');
    insert into merchants (id, institution_id, name, city)
      select 'mer_' || m, 'ins_' || m % 2, 'M', 'C' from generate_series(0, ${MERCHANTS - 1}) m;
    insert into terminals (id, merchant_id, name) select replace(id, 'mer', 'ter'), id, 'T' from merchants;
    insert into paychannels (id, institution_id, name) values ('pay_0', 'ins_0', 'P'), ('pay_1', 'ins_1', 'P');
    create table numbers as
      select n, lpad(n::text, 26, '0') as id, n % ${MERCHANTS} as m, ${NOON} + n as at
      from generate_series(1, ${BILLS}) n`);
  await sql`
    insert into bills
      (id, shard, entry, institution_id, merchant_id, terminal_id, order_id, type, status, version, currency, purpose,
      amount, paid, confirmed, reversed, refunded, unreturned, created_at, expires_at, spilled, state)
    select id, 0, n, 'ins_' || m % 2, 'mer_' || m, 'ter_' || m, 'order-' || n / 10, 'dynamic', 'paid', 1, 'EUR', 'sale',
      n % 1000, 0, 0, 0, 0, 0, at, at, false, ${state}
    from numbers`;
  await sql`
    insert into payments
      (bill_id, no, entry, paychannel_id, merchant_id, payment_ref, amount, credited, status, received_at, subscribed)
    select id, 1, n, 'pay_' || m % 2, 'mer_' || m, 'ref-' || n, 1 + n % 1000, 0, 'accepted', at, false from numbers
    where n % 4 in (1, 2)`;
  await sql`
    insert into credits
      (bill_id, no, entry, kind, payment_no, paychannel_id, merchant_id, payment_ref, amount, status, requested_at, repeats)
    select id, 1, n, 'refund', 1, 'pay_' || m % 2, 'mer_' || m, 'ref-' || n, 1, 'pending', at, 0
    from numbers where n % 10 = 1`;
  await sql`
    insert into events (bill_id, no, entry, recipient, type, occurred_at, pending, acknowledged_at, body)
    select id, 1, n, 'terminal:ter_' || m, 'bill.paid', at, n <= 2000, case when n > 2000 then at end, ${body}
    from numbers where n % 4 = 1`;
  await sql`
    insert into transitions (shard, entry, no, bill_id, version, type, at, actor, request_id, outcome)
    select 0, n, 0, lpad((1 + n % 1000)::text, 26, '0'), 1, 'PayBill', at, 'terminal:t', 'r', 'PaymentAccepted'
    from numbers where n % 4 = 2`;
  await sql`analyze`;
}

/** What a search found, and how much it read for it: entries of indices, and rows of tables read from end to end. */
async function read(
  search: (archive: PostgresArchive) => Promise<readonly unknown[]>,
): Promise<{ found: number; read: number; scanned: number }> {
  const counts = async (): Promise<{ read: number; scanned: number }> => {
    const [row] = await sql<{ read: string; scanned: string }[]>`
      select
        (select sum(idx_tup_read) from pg_stat_user_indexes) as read,
        (select sum(seq_tup_read) from pg_stat_user_tables where relname in ('bills', 'payments', 'credits', 'events', 'transitions')) as scanned`;
    return { read: Number(row?.read), scanned: Number(row?.scanned) };
  };
  const before = await counts();
  const archive = new PostgresArchive({ url, logger });
  const found = await search(archive);
  await archive.close();
  // A connection tells its counts as it goes.
  const open = sql`select from pg_stat_activity where application_name = 'qrswitch archive'`;
  await expect.poll(async () => (await open.execute()).length, { interval: 5 }).toBe(0);
  const now = await counts();
  return {
    found: found.length,
    read: now.read - before.read,
    scanned: now.scanned - before.scanned,
  };
}

const SEARCHES: [string, number, (archive: PostgresArchive) => Promise<readonly unknown[]>][] = [
  ['bills of a house', 21, (a) => a.bills(house, bills)],
  ['bills of a house, further on', 21, (a) => a.bills(house, { ...bills, after })],
  ['bills of everybody', 21, (a) => a.bills(all, bills)],
  ['bills of a shop', 21, (a) => a.bills(shop, bills)],
  ['bills of a terminal', 21, (a) => a.bills(house, { ...bills, terminalId: 'ter_3' })],
  ['bills of another’s terminal', 0, (a) => a.bills(house, { ...bills, terminalId: 'ter_2' })],
  ['bills of an order', 5, (a) => a.bills(house, { ...bills, orderId: 'order-500' })],
  ['bills of an order, of a shop', 1, (a) => a.bills(shop, { ...bills, orderId: 'order-404' })],
  ['bills of an order, everybody’s', 10, (a) => a.bills(all, { ...bills, orderId: 'order-500' })],
  ['the bill of a payment', 1, (a) => a.bills(house, { ...bills, paymentRef: 'ref-70001' })],
  ['another’s bill of a payment', 0, (a) => a.bills(house, { ...bills, paymentRef: 'ref-70002' })],
  [
    'bills of a time, by their amount',
    1,
    (a) => a.bills(house, { ...bills, amount: 7, from: plus(NOON, 7_000), to: plus(NOON, 7_500) }),
  ],
  ['payments of a house', 21, (a) => a.payments(house, parts)],
  ['payments of a shop, further on', 21, (a) => a.payments(shop, { ...parts, after })],
  ['a payment', 1, (a) => a.payments(house, { ...parts, paymentRef: 'ref-70001' })],
  ['another’s payment', 0, (a) => a.payments(house, { ...parts, paymentRef: 'ref-70002' })],
  ['credits of a house', 21, (a) => a.credits(house, parts)],
  ['a credit', 1, (a) => a.credits(house, { ...parts, paymentRef: 'ref-70001' })],
  ['events of a house', 21, (a) => a.events(house, events)],
  ['dead letters of a house', 21, (a) => a.events(house, { ...events, status: 'dead' })],
  ['events of a shop that wait', 21, (a) => a.events(shop, { ...events, status: 'pending' })],
  ['events of a bill', 1, (a) => a.events({ billId: billIdOf(70_001) }, events)],
  ['the story of a bill', 100, (a) => a.transitions(billIdOf(7), null, 200)],
  [
    'the end of the story of a bill',
    10,
    (a) => a.transitions(billIdOf(7), { entry: 90_005 as EntryId, no: 1 }, 200),
  ],
];

function billIdOf(n: number) {
  return String(n).padStart(26, '0') as ReturnType<typeof billId>;
}

describe('a search among 100,000 bills', () => {
  test.each(SEARCHES)('for %s reads little else', async (_what, found, search) => {
    const told = await read(search);
    expect(told).toMatchObject({ found, scanned: 0 });
    expect(told.read).toBeLessThan(READ_MAX);
  });

  test('shows nothing that is later than it may show', async () => {
    const archive = new PostgresArchive({ url, logger });
    const early = { ...parts, asOf: millis(NOON + 100), limit: 100 };
    const found = await archive.payments(house, early);
    expect(found.map(({ payment }) => payment.receivedAt).sort()).toEqual(
      Array.from({ length: 25 }, (_, i) => NOON + 4 * i + 1),
    );
    expect(new Set(found.map(({ bill }) => bill.institutionId))).toEqual(new Set(['ins_1']));
    await archive.close();
  });
});

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { billId, makeFullBill, NOON, shard } from '../../tests/support/bill-fixtures.ts';
import {
  batch,
  billRow,
  creditRow,
  eventRow,
  move,
  paymentRow,
  referenceRow,
  transitionRow,
} from '../../tests/support/history-batch.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../tests/support/silent-logger.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import type { InstitutionId, MerchantId, PaychannelId, TerminalId } from '../domain/ids.ts';
import { PostgresHistory } from './history/postgres-history.ts';
import { migrate } from './migrate.ts';
import { addInstitution, addMerchant, addPaychannel, addTerminal } from './onboarding.ts';
import {
  addReportingRole,
  listReportingRoles,
  type NewReportingRole,
  removeReportingRole,
} from './reporting.ts';

interface House {
  readonly institutionId: InstitutionId;
  readonly merchantId: MerchantId;
  readonly terminalId: TerminalId;
  readonly paychannelId: PaychannelId;
}

let server: TestPostgres;
let url: string;
let owner: Sql;
let here: House;
let there: House;
let bills: { here: PresentBill; there: PresentBill };
let made: NewReportingRole;
/** Signed in as the role of `here`. */
let report: Sql;

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  url = await createDatabase(server.url);
  await migrate(url);
  owner = postgres(url, { max: 1, onnotice: () => undefined });
  [here, there] = [await onboard('Here'), await onboard('There')];
  bills = { here: billOf(here, 1), there: billOf(there, 2) };
  await write([bills.here, bills.there]);
  made = await newRole(here);
  report = signIn(made);
});
afterAll(async () => {
  await report?.end({ timeout: 1 });
  await owner?.end({ timeout: 1 });
  await server?.stop();
});

async function onboard(name: string): Promise<House> {
  const institutionId = await addInstitution(owner, { name });
  const merchantId = await addMerchant(owner, { institutionId, name, city: 'Springfield' });
  return {
    institutionId,
    merchantId,
    terminalId: await addTerminal(owner, { merchantId, name }),
    paychannelId: await addPaychannel(owner, { institutionId, name }),
  };
}

/** Its first payment comes by its own institution's paychannel, its others by nobody's. */
function billOf(house: House, no: number): PresentBill {
  const { institutionId, merchantId, terminalId, paychannelId } = house;
  const bill = makeFullBill({ id: billId(no), institutionId, merchantId, terminalId });
  const [first, ...others] = bill.payments;
  if (first === undefined) throw new Error('a full bill has payments');
  return { ...bill, payments: [{ ...first, paychannelId }, ...others] };
}

async function write(all: readonly PresentBill[]): Promise<void> {
  const history = new PostgresHistory({ url, logger, trimsLog: false });
  await history.write(
    batch({
      moves: [move(shard(0), 0, 1)],
      bills: all.map((bill) => billRow(bill, 1)),
      payments: all.flatMap((bill) => bill.payments.map((one) => paymentRow(bill, 1, one))),
      credits: all.flatMap((bill) => bill.credits.map((one) => creditRow(bill, 1, one))),
      events: all.flatMap((bill) => bill.outbox.map((one) => eventRow(bill, 1, one))),
      references: all.flatMap((bill) => bill.references.map((one) => referenceRow(bill, 1, one))),
      transitions: all.map((bill, i) => transitionRow(bill, 1, i)),
    }),
  );
  await history.close();
}

async function newRole({ institutionId }: House): Promise<NewReportingRole> {
  const role = await addReportingRole(url, institutionId);
  if (role === null) throw new Error('there is no such institution');
  return role;
}

function signIn({ role, password }: NewReportingRole, max = 1): Sql {
  const address = new URL(url);
  address.username = role;
  address.password = password;
  return postgres(address.href, { max, onnotice: () => undefined });
}

describe('a reporting role', () => {
  test('reads its institution, and nothing of another', async () => {
    const { institutionId, merchantId, terminalId, paychannelId } = here;
    const ids = async (table: string, column = 'id'): Promise<unknown[]> => {
      const rows = await report`select distinct ${report(column)} as id from ${report(table)}`;
      return rows.map(({ id }) => id);
    };
    expect(await ids('institutions')).toEqual([institutionId]);
    expect(await ids('merchants')).toEqual([merchantId]);
    expect(await ids('terminals')).toEqual([terminalId]);
    expect(await ids('paychannels')).toEqual([paychannelId]);
    expect(await ids('bills')).toEqual([bills.here.terms.id]);
    for (const table of ['payments', 'credits', 'events', 'transitions']) {
      expect([table, await ids(table, 'bill_id')]).toEqual([table, [bills.here.terms.id]]);
    }
    const [sums] = await report`
      select b.order_id, utc(b.created_at) as at, count(*)::int as payments, sum(p.amount)::text as amount
      from bills b join payments p on p.bill_id = b.id group by 1, 2`;
    expect(sums).toEqual({
      order_id: 'order-1',
      at: new Date(NOON),
      payments: bills.here.payments.length,
      amount: String(bills.here.payments.reduce((sum, { amount }) => sum + amount, 0)),
    });
  });

  test('sees of another institution’s bill what its own paychannel has paid', async () => {
    const paid = billOf(there, 3);
    const [first, ...others] = paid.payments;
    if (first === undefined) throw new Error('a full bill has payments');
    const mixed = { ...paid, payments: [{ ...first, paychannelId: here.paychannelId }, ...others] };
    const history = new PostgresHistory({ url, logger, trimsLog: false });
    await history.write(
      batch({
        moves: [move(shard(0), 1, 2)],
        bills: [billRow(mixed, 2)],
        payments: mixed.payments.map((one) => paymentRow(mixed, 2, one)),
      }),
    );
    await history.close();
    const { id } = paid.terms;
    const seen = await report`select no from payments where bill_id = ${id}`;
    expect(seen.map(({ no }) => no)).toEqual([first.no]);
    expect(await report`select 1 from bills where id = ${id}`).toHaveLength(0);
    const theirs = signIn(await newRole(there));
    expect(await theirs`select no from payments where bill_id = ${id}`).toHaveLength(
      mixed.payments.length,
    );
    await theirs.end();
  });

  test('reads no secrets, no keys, no packed states, no labels of payers', async () => {
    const tables = await owner<{ name: string }[]>`
      select tablename as name from pg_tables where schemaname = 'public'`;
    const open = new Set([
      'institutions',
      'merchants',
      'terminals',
      'paychannels',
      'bills',
      'payments',
      'credits',
      'events',
      'transitions',
    ]);
    expect(tables.length).toBeGreaterThan(18);
    for (const { name } of tables) {
      // Every one has columns that are not granted, but for those that are granted whole.
      const reading = report`select * from ${report(name)}`;
      if (name !== 'transitions') await expect(reading, name).rejects.toThrow(/permission denied/);
      if (open.has(name)) continue;
      await expect(report`select count(*) from ${report(name)}`, name).rejects.toThrow(
        /permission denied/,
      );
    }
    for (const [table, column] of [
      ['bills', 'state'],
      ['payments', 'payer'],
      ['events', 'body'],
      ['paychannels', 'certificates'],
    ]) {
      await expect(
        report`select ${report(column ?? '')} from ${report(table ?? '')}`,
      ).rejects.toThrow(/permission denied/);
    }
    const views = await owner<{ name: string }[]>`
      select viewname as name from pg_views where schemaname = 'public'`;
    for (const { name } of views) {
      await expect(report`select * from ${report(name)}`, name).rejects.toThrow(
        /permission denied/,
      );
    }
  });

  test('writes nothing', async () => {
    const attempts = [
      `update bills set paid = 0`,
      `delete from payments`,
      `insert into reporting_roles (role_name, institution_id) values (session_user, '${there.institutionId}')`,
      `truncate bills`,
      `create table mine (id text)`,
      `alter table bills disable row level security`,
      `drop policy reporting on bills`,
      `select audit_append('{}', 'me', 'x', null, null)`,
      `select * from bills for update`,
    ];
    for (const text of attempts) await expect(report.unsafe(text), text).rejects.toThrow();
    // That its transactions are read-only is a setting, which it may change; what it may not write is not.
    await report.unsafe('set default_transaction_read_only = off');
    for (const text of attempts) {
      await expect(report.unsafe(text), text).rejects.toThrow(/permission denied|must be owner/);
    }
    await report.unsafe('reset default_transaction_read_only');
  });

  test('is not talked out of its rows by any setting, name or function of its own', async () => {
    const others = async (): Promise<number> => {
      const rows = await report`select 1 from bills where institution_id = ${there.institutionId}`;
      return rows.length;
    };
    const [me] = await owner`select current_user as name`;
    await report.unsafe('set default_transaction_read_only = off');
    for (const statement of [
      `set role ${String(me?.name)}`,
      `set session authorization ${String(me?.name)}`,
      `alter role ${made.role} bypassrls`,
      `alter role ${made.role} connection limit 100`,
    ]) {
      await expect(report.unsafe(statement), statement).rejects.toThrow(/permission denied/);
    }
    await report.unsafe('set row_security = off');
    await expect(others()).rejects.toThrow(/row-level security/);
    await report.unsafe('reset row_security');
    expect(await others()).toBe(0);

    // A table that comes before the real one, wherever a name is looked up anew.
    await report.unsafe(`
      create temp table reporting_roles (role_name name, institution_id text);
      insert into reporting_roles values (session_user, '${there.institutionId}');
      create temp table merchants as select 'x'::text as id;
      set search_path = pg_temp, public`);
    expect(await others()).toBe(0);
    expect(await report`select reporting_institution() as mine`).toEqual([
      { mine: here.institutionId },
    ]);
    await report.unsafe('reset search_path');
    await report.unsafe('reset default_transaction_read_only');

    // A cheap function that tells whatever rows it is asked about is asked about its own alone.
    const told: string[] = [];
    const spying = postgres(reportUrl(), {
      max: 1,
      onnotice: ({ message }) => told.push(message ?? ''),
    });
    await spying.unsafe('set default_transaction_read_only = off');
    await spying.unsafe(`
      create function pg_temp.spy(text) returns boolean language plpgsql cost 0.0000001 as
        $$ begin raise notice 'spied %', $1; return true; end $$`);
    await spying.unsafe('select id from bills where pg_temp.spy(institution_id)');
    await spying.end();
    expect(new Set(told)).toEqual(new Set([`spied ${here.institutionId}`]));
  });

  test('leaves the switch what it has: the owner sees and writes all', async () => {
    const rows = await owner`select distinct institution_id from bills`;
    expect(rows).toHaveLength(2);
  });

  test('is listed and taken away, with its sessions; all of it stands in the audit', async () => {
    const role = await newRole(there);
    const session = signIn(role);
    await session`select 1 from bills`;
    expect(await listReportingRoles(url)).toContainEqual({
      role: role.role,
      institutionId: there.institutionId,
    });
    expect(await removeReportingRole(url, role.role)).toBe(true);
    await expect(session`select 1 from bills`).rejects.toThrow();
    await session.end({ timeout: 1 });
    await expect(signIn(role)`select 1`).rejects.toThrow(/authentication failed|does not exist/);
    expect(await removeReportingRole(url, role.role)).toBe(false);
    expect(await removeReportingRole(url, 'postgres')).toBe(false);
    expect(await addReportingRole(url, 'ins_nobody')).toBe(null);
    const lines = await owner<{ entry: string }[]>`
      select entry from audit where subject_id = ${role.role} order by no`;
    expect(lines.map(({ entry }) => JSON.parse(entry).action)).toEqual([
      'reporting.added',
      'reporting.removed',
    ]);
  });
});

function reportUrl(): string {
  const address = new URL(url);
  address.username = made.role;
  address.password = made.password;
  return address.href;
}

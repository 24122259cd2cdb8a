// What only Postgres can show: lost connections, silence, durability, the log that is trimmed along.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { billId, makeBill, makeCredit, NOON, shard } from '../../../tests/support/bill-fixtures.ts';
import { batch, billRow, creditRow, entry, move } from '../../../tests/support/history-batch.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../../tests/support/silent-logger.ts';
import type { ShardId } from '../../domain/ids.ts';
import { Fault } from '../../switch/faults.ts';
import { HistoryRefusal } from '../../switch/ports.ts';
import { BY_INDEX } from '../by-index.ts';
import { migrate } from '../migrate.ts';
import { PostgresPool } from '../postgres-pool.ts';
import { makeBillCodec } from './bill-codec.ts';
import { claimMeta, readMeta, renameLog } from './meta.ts';
import { PostgresHistory } from './postgres-history.ts';
import { makeWriteStatement } from './write-statement.ts';

let server: TestPostgres;
let url: string;
let sql: Sql;
let shards = 0;
const freshShard = (): ShardId => shard(shards++);

beforeAll(async () => {
  server = await startPostgres();
  url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 4, onnotice: () => undefined });
});
afterAll(async () => {
  await sql.end({ timeout: 1 });
  await server.stop();
});

/** Holds a shard's watermark, so that a write of it waits, while `work` runs. */
async function whileHeld(of: ShardId, work: () => Promise<void>): Promise<void> {
  await sql.begin(async (held) => {
    await held`select 1 from watermarks where shard = ${of} for update`;
    await work();
  });
}

/** Resolves once the writer waits for a lock. */
async function untilWriterWaits(): Promise<number> {
  let pid = 0;
  await expect
    .poll(async () => {
      const [row] = await sql`
        select pid from pg_stat_activity
        where application_name = 'qrswitch history writer' and wait_event_type = 'Lock'`;
      pid = row?.pid ?? 0;
      return pid;
    })
    .not.toBe(0);
  return pid;
}

describe('a write to Postgres', () => {
  test('whose connection is lost is unknown, has left nothing, and can be tried again', async () => {
    const history = new PostgresHistory({ url, logger, trimsLog: false });
    const s = freshShard();
    await history.write(batch({ moves: [move(s, 0, 1)] }));
    const bill = makeBill({ id: billId(1, s) });
    const next = batch({ moves: [move(s, 1, 2)], bills: [billRow(bill, 2)] });
    await whileHeld(s, async () => {
      const lost = history.write(next).catch((error: unknown) => error);
      await sql`select pg_terminate_backend(${await untilWriterWaits()})`;
      const error = await lost;
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(HistoryRefusal);
    });
    expect((await history.watermarks([s]))[0]?.entry).toBe(entry(1));
    expect(await history.write(next)).toEqual(new Set([s]));
    expect((await history.fetchBills([bill.terms.id])).bills[0]?.bill).toStrictEqual(bill);
    await history.close();
  });

  test('that waits for too long is ended by Postgres itself; the writer goes on without it', async () => {
    const history = new PostgresHistory({ url, logger, trimsLog: false, writeTimeoutMs: 2_000 });
    const s = freshShard();
    const other = freshShard();
    await history.write(batch({ moves: [move(s, 0, 1)] }));
    await whileHeld(s, async () => {
      const late = history.write(batch({ moves: [move(s, 1, 2)] }));
      await expect(late).rejects.toThrow('canceling statement due to statement timeout');
      expect(await history.write(batch({ moves: [move(other, 0, 1)] }))).toEqual(new Set([other]));
    });
    expect(await history.write(batch({ moves: [move(s, 1, 3)] }))).toEqual(new Set([s]));
    await history.close();
  });

  test('takes a bank’s words with U+0000, as an older switch’s log may hold them', async () => {
    const history = new PostgresHistory({ url, logger, trimsLog: false });
    const s = freshShard();
    const bill = makeBill({ id: billId(1, s) });
    const credit = makeCredit({ reason: '7\0', settledReason: 'refused: 9 \0\0' });
    const credits = [creditRow(bill, 1, credit)];
    await history.write(batch({ moves: [move(s, 0, 1)], bills: [billRow(bill, 1)], credits }));

    const rows =
      await sql`select reason, settled_reason from credits where bill_id = ${bill.terms.id}`;
    expect([...rows]).toEqual([{ reason: '7\ufffd', settled_reason: 'refused: 9 \ufffd\ufffd' }]);
    await history.close();
  });

  test('waits for fsync even where the server does not by default', async () => {
    const database = new URL(url).pathname.slice(1);
    await sql.unsafe(`alter database ${database} set synchronous_commit = off`);
    const seen = await createProbe();
    const history = new PostgresHistory({ url, logger, trimsLog: false });
    const s = freshShard();
    await history.write(batch({ moves: [move(s, 0, 1)] }));
    expect(await seen(s)).toBe('on');
    await sql.unsafe(`alter database ${database} reset synchronous_commit`);
    await history.close();
  });

  test('deletes the log entries that it covers, the watermark’s own excepted, of moved shards only', async () => {
    const history = new PostgresHistory({ url, logger, trimsLog: true });
    const [moved, stuck] = [freshShard(), freshShard()];
    for (const s of [moved, stuck]) {
      for (const no of [1, 2, 3, 4, 5]) {
        await sql`insert into log_entries values (${s}, ${entry(no)}, ${Buffer.from('x')})`;
      }
    }
    await history.write(batch({ moves: [move(moved, 0, 2), move(stuck, 1, 4)] }));
    await history.write(batch({ moves: [move(moved, 2, 4)] }));
    const rows = await sql`
      select shard, (entry & 4294967295)::integer as no from log_entries
      where shard in (${moved}, ${stuck}) order by shard, entry`;
    const left = (s: ShardId): number[] =>
      rows.filter((row) => row.shard === s).map((row) => Number(row.no));
    expect(left(moved)).toEqual([4, 5]);
    expect(left(stuck)).toEqual([1, 2, 3, 4, 5]);
    await history.close();
  });

  test('is asked for bills while orders are read, however long that takes', async () => {
    const history = new PostgresHistory({ url, logger, trimsLog: false, fetchTimeoutMs: 2_000 });
    const shards = [1, 2, 3, 4].map(() => freshShard());
    for (const s of shards) await history.write(batch({ moves: [move(s, 0, 1)] }));
    let scans: Promise<void>[] = [];
    await sql.begin(async (held) => {
      await held`lock table orders`;
      scans = shards.map((s) => history.scanOrders(s, NOON, () => true));
      for (const s of shards) {
        const { bills } = await history.fetchBills([billId(1, s)]);
        expect(bills).toHaveLength(1);
      }
    });
    await Promise.all(scans);
    await history.close();
  });

  test('reads no table from end to end, over connections such as it has', async () => {
    const client = new PostgresPool({
      url,
      logger,
      connectionsMax: 1,
      timeoutMs: 60_000,
      name: 'plans',
      settings: BY_INDEX,
    });
    const { text } = makeWriteStatement(makeBillCodec(), true);
    const plan = await client.use((own) => own.unsafe(`explain (generic_plan) ${text}`));
    const lines = plan.map((row) => String(row['QUERY PLAN']));
    expect(lines.filter((line) => line.includes('Seq Scan'))).toEqual([]);
    expect(lines.length).toBeGreaterThan(20);
    await client.close();
  });
});

/** Notes what synchronous_commit is whenever a watermark is written. */
async function createProbe(): Promise<(of: ShardId) => Promise<unknown>> {
  await sql`create table if not exists probe (shard integer, setting text)`;
  await sql.unsafe(`
    create or replace function note() returns trigger language plpgsql as $$
    begin
      insert into probe values (new.shard, current_setting('synchronous_commit'));
      return null;
    end $$`);
  await sql.unsafe(
    'create or replace trigger note after insert or update on watermarks for each row execute function note()',
  );
  return async (of) => (await sql`select setting from probe where shard = ${of}`)[0]?.setting;
}

describe('a fetch', () => {
  test('while Postgres is away is a fault of the history, and works again once it is back', async () => {
    const own = await startPostgres();
    const database = await createDatabase(own.url);
    await migrate(database);
    const history = new PostgresHistory({ url: database, logger, trimsLog: false });
    const s = freshShard();
    await history.write(batch({ moves: [move(s, 0, 1)] }));
    await own.kill();
    const fault = await history.watermarks([s]).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(Fault);
    expect(fault).toMatchObject({ code: 'history.unavailable' });

    const again = await startPostgres({ dir: own.dir, port: own.port });
    await expect
      .poll(() => history.watermarks([s]).catch(() => null), { timeout: 20_000 })
      .toEqual([{ shard: s, entry: entry(1), at: NOON }]);
    await history.close();
    await again.stop();
  });
});

describe('the meta row', () => {
  test('is written by the first start; another number of shards is refused for ever', async () => {
    const fresh = await createDatabase(server.url);
    await migrate(fresh);
    const own = postgres(fresh, { max: 3 });
    const log = { kind: 'redis', id: 'one' } as const;
    expect(await readMeta(own)).toBe(null);
    const claims = await Promise.all(
      ['one', 'two', 'three'].map((id) => claimMeta(own, { shards: 8, log: { ...log, id } })),
    );
    expect(new Set(claims.map((claim) => JSON.stringify(claim))).size).toBe(1);
    await expect(claimMeta(own, { shards: 16, log })).rejects.toThrow(/8 shards.*16/);
    const standing = claims[0]?.log ?? log;
    const next = { kind: 'postgres', id: 'next' } as const;
    expect(await renameLog(own, { kind: 'redis', id: 'another' }, next)).toBe(false);
    expect(await renameLog(own, standing, next)).toBe(true);
    expect(await readMeta(own)).toEqual({ shards: 8, log: next });
    await own.end();
  });
});

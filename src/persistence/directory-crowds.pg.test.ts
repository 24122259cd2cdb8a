// The directory where there are many: asked for at once, and suspended.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revokeKey } from '../../tests/support/onboarding.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../tests/support/silent-logger.ts';
import type { MerchantId } from '../domain/ids.ts';
import { DirectoryFeed, fetchSuspensions, PostgresDirectory } from './directory.ts';
import { hashKey } from './key-hashes.ts';
import { migrate } from './migrate.ts';
import { addInstitution, addKey, addMerchant, addTerminal } from './onboarding.ts';

let server: TestPostgres;
let url: string;
let sql: Sql;
let merchantId: MerchantId;
const terminals: { id: string; key: string }[] = [];

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 1 });
  const institutionId = await addInstitution(sql, { name: 'A bank' });
  merchantId = await addMerchant(sql, { institutionId, name: 'M', city: 'C' });
  for (let i = 0; i < 20; i++) {
    const id = await addTerminal(sql, { merchantId, name: `Till ${i}` });
    terminals.push({ id, key: await addKey(sql, { kind: 'terminal', id }) });
  }
});
afterAll(async () => {
  await sql.end();
  await server.stop();
});

describe('the directory', () => {
  test('tells everybody their own, however many are asked for at once', async () => {
    const directory = new PostgresDirectory({ logger, url });
    const [revoked, ...good] = terminals;
    await revokeKey(sql, revoked?.key ?? '');
    const keys = terminals.map(({ key }) => key);
    const asked = [...keys, 'qrs_term_none', ...keys];
    const found = await Promise.all(asked.map((key) => directory.holderOfKey(hashKey(key))));
    const ids = good.map(({ id }) => id);
    const told = found.map((holder) => holder?.principal.id ?? null);
    expect(told).toEqual([null, ...ids, null, null, ...ids]);
    await directory.close();
  });

  test('tells who is suspended: all at first, then of those alone who have changed', async () => {
    const [one, two, three] = terminals.map(({ id }) => id);
    const suspend = (id: string | undefined, at: Date | null) =>
      sql`update terminals set suspended_at = ${at} where id = ${id ?? ''}`;
    await suspend(one, new Date());
    await sql`update merchants set suspended_at = now() where id = ${merchantId}`;
    const all = await fetchSuspensions({ url, logger });
    expect(all).toMatchObject({ isWhole: true, others: [] });
    expect([...all.suspended].sort()).toEqual([merchantId, one].sort());

    const feed = new DirectoryFeed({ logger, url });
    await feed.read();
    await suspend(one, null);
    await suspend(two, new Date());
    const changes = (await feed.read()) ?? [];
    expect(changes.map(({ id }) => id)).toEqual([one, two]);
    expect(await feed.suspensions([one ?? '', two ?? '', three ?? '', 'no id'])).toEqual({
      isWhole: false,
      suspended: [two],
      others: [one, three, 'no id'],
    });
    await feed.close();
  });

  test('reads no table from end to end, however few its rows are when it is first asked', async () => {
    await sql`
      insert into keys (key_hash, terminal_id)
      select md5(n::text), ${terminals[0]?.id ?? ''} from generate_series(1, 200) as n`;
    // A server tells what it has read when its connection ends.
    const scans = async (): Promise<{ whole: number; byIndex: number }> => {
      await sql`select pg_stat_force_next_flush()`;
      const [row] = await sql<{ whole: number; byIndex: number }[]>`
        select sum(seq_scan)::integer as whole, sum(idx_scan)::integer as "byIndex"
        from pg_stat_user_tables where relname in ('keys', 'terminals')`;
      return row ?? { whole: -1, byIndex: -1 };
    };
    const before = await scans();
    const directory = new PostgresDirectory({ logger, url });
    const [, ...good] = terminals;
    await Promise.all(good.map(({ key }) => directory.holderOfKey(hashKey(key))));
    await directory.close();
    await expect.poll(async () => (await scans()).byIndex).toBeGreaterThan(before.byIndex);
    expect((await scans()).whole).toBe(before.whole);
  });
});

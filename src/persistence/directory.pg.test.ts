import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { ensureDemo } from './demo-data.ts';
import {
  addInstitution,
  addKey,
  addMerchant,
  addOperator,
  addPaychannel,
  addTerminal,
  hashKey,
  PostgresDirectory,
  revokeKey,
} from './directory.ts';
import { migrate } from './migrate.ts';

let server: TestPostgres;
let url: string;
let sql: Sql;
let directory: PostgresDirectory;

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 1 });
  directory = new PostgresDirectory({ url });
});
afterAll(async () => {
  await directory.close();
  await sql.end();
  await server.stop();
});

describe('the directory', () => {
  test('knows whose key is whose, by its hash only', async () => {
    const institutionId = await addInstitution(sql, { name: 'A bank' });
    const merchant = { name: 'A shop', city: 'A town' };
    const merchantId = await addMerchant(sql, { institutionId, ...merchant });
    const terminal = await addTerminal(sql, { merchantId, name: 'A till', restricted: true });
    const paychannel = await addPaychannel(sql, { institutionId, name: 'W', subscribed: true });
    const operator = await addOperator(sql, { institutionId, name: 'O' });
    const nothing = { merchantId: null, merchant: null, restricted: false, subscribed: false };
    const expected = [
      { kind: 'terminal', id: terminal, merchantId, merchant, restricted: true },
      { kind: 'merchant', id: merchantId, merchantId, merchant },
      { kind: 'paychannel', id: paychannel, subscribed: true },
      { kind: 'operator', id: operator },
    ] as const;
    for (const principal of expected) {
      const key = await addKey(sql, principal);
      expect(key).toMatch(new RegExp(`^qrs_${principal.kind.slice(0, 4)}_[\\w-]{32}$`));
      const found = await directory.principalOfKey(hashKey(key));
      expect(found).toEqual({ ...nothing, institutionId, ...principal });
      const stored = JSON.stringify(await sql`select * from keys`);
      expect(stored).not.toContain(key);
    }
  });

  test('tells of a terminal what its codes are made of, where anything is set', async () => {
    const institutionId = await addInstitution(sql, {
      name: 'A bank',
      qrFormat: 'emvco',
      country: 'LV',
      sbpMember: '100000000999',
    });
    const merchantOf = (more: object) =>
      addMerchant(sql, { institutionId, name: 'A shop', city: 'A town', ...more });
    const settingsOf = async (kind: 'terminal' | 'merchant', id: string) => {
      const key = await addKey(sql, { kind, id });
      return (await directory.principalOfKey(hashKey(key)))?.qr;
    };
    const plain = await merchantOf({});
    const own = await merchantOf({ country: 'EE', category: '5814' });
    const till = { name: 'A till' };
    const ofInstitution = { country: 'LV', category: null, sbpMember: '100000000999' };
    expect(
      await settingsOf('terminal', await addTerminal(sql, { merchantId: plain, ...till })),
    ).toEqual({
      format: 'emvco',
      ...ofInstitution,
    });
    const other = await addTerminal(sql, { merchantId: own, ...till, qrFormat: 'sbp' });
    expect(await settingsOf('terminal', other)).toEqual({
      ...ofInstitution,
      format: 'sbp',
      country: 'EE',
      category: '5814',
    });
    expect(await settingsOf('merchant', own)).toBeUndefined();
  });

  test.each([
    ['a format that there is not', { qrFormat: 'pix' }],
    ['a country of small letters', { country: 'de' }],
    ['a member number of 11', { sbpMember: '10000000000' }],
  ])('takes no institution with %s', async (_name, wrong) => {
    await expect(addInstitution(sql, { name: 'A bank', ...(wrong as object) })).rejects.toThrow(
      'check constraint',
    );
  });

  test('knows nobody by an unknown or a revoked key', async () => {
    const institutionId = await addInstitution(sql, { name: 'A bank' });
    const id = await addOperator(sql, { institutionId, name: 'O' });
    const hash = hashKey(await addKey(sql, { kind: 'operator', id }));
    expect(await directory.principalOfKey(hash)).not.toBe(null);
    expect(await revokeKey(sql, hash)).toBe(true);
    expect(await directory.principalOfKey(hash)).toBe(null);
    expect(await directory.principalOfKey(hashKey('qrs_term_none'))).toBe(null);
  });
});

describe('the demo', () => {
  test('is made once, in a file for its owner alone, and made anew for another database', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'qrswitch-test-demo-'));
    const file = join(folder, 'demo.json');
    const demo = await ensureDemo({ databaseUrl: url, file, baseUrl: 'http://127.0.0.1:8080' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(demo);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const principal = await directory.principalOfKey(hashKey(demo.terminal.key));
    expect(principal).toMatchObject({
      kind: 'terminal',
      id: demo.terminal.id,
      merchantId: demo.merchant.id,
      institutionId: demo.institution.id,
    });

    const moved = await ensureDemo({ databaseUrl: url, file, baseUrl: 'http://127.0.0.1:9090' });
    expect(moved).toEqual({ ...demo, baseUrl: 'http://127.0.0.1:9090' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(moved);

    const other = await createDatabase(server.url);
    await migrate(other);
    const again = await ensureDemo({ databaseUrl: other, file, baseUrl: demo.baseUrl });
    expect(again.terminal.key).not.toBe(demo.terminal.key);
    await rm(folder, { recursive: true });
  });
});

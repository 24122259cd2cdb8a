import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revokeKey } from '../../tests/support/onboarding.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../tests/support/silent-logger.ts';
import { DataKeys } from './data-keys.ts';
import { ensureDemo } from './demo-data.ts';
import { DirectoryFeed, fetchAgreements, PostgresDirectory } from './directory.ts';
import { hashKey, settleKeyHashes } from './key-hashes.ts';
import { migrate } from './migrate.ts';
import {
  addInstitution,
  addKey,
  addMerchant,
  addOperator,
  addPaychannel,
  addTerminal,
} from './onboarding.ts';
import { settleSealedSecrets } from './sealed-secrets.ts';

let server: TestPostgres;
let url: string;
let sql: Sql;
let directory: PostgresDirectory;

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 1 });
  directory = new PostgresDirectory({ logger, url });
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
      { kind: 'operator', id: operator, role: 'institutionAdmin' },
    ] as const;
    for (const principal of expected) {
      const key = await addKey(sql, principal);
      expect(key).toMatch(new RegExp(`^qrs_${principal.kind.slice(0, 4)}_[\\w-]{32}$`));
      const found = await directory.holderOfKey(hashKey(key));
      expect(found).toEqual({
        keyId: expect.stringMatching(/^key_\w+$/),
        expiresAt: null,
        principal: { ...nothing, institutionId, ...principal },
      });
      const stored = JSON.stringify(await sql`select * from keys`);
      expect(stored).not.toContain(key);
      expect(stored).not.toContain(hashKey(key));
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
      return (await directory.holderOfKey(hashKey(key)))?.principal.qr;
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

  test('tells of a terminal the policies of its merchant, else of its institution, one by one', async () => {
    const policies = { late: 'accept', excess: 'reverse' } as const;
    const institutionId = await addInstitution(sql, { name: 'A bank', policies });
    const shop = { institutionId, name: 'A shop', city: 'A town' };
    const policiesOf = async (kind: 'terminal' | 'merchant', id: string) => {
      const key = await addKey(sql, { kind, id });
      return (await directory.holderOfKey(hashKey(key)))?.principal.policies;
    };
    const plain = await addMerchant(sql, shop);
    const of = { late: 'refuse', unconfirmed: 'reverse' } as const;
    const own = await addMerchant(sql, { ...shop, policies: of });
    const till = (merchantId: typeof own) => addTerminal(sql, { merchantId, name: 'A till' });
    expect(await policiesOf('terminal', await till(plain))).toEqual(policies);
    expect(await policiesOf('terminal', await till(own))).toEqual({ ...policies, ...of });
    expect(await policiesOf('merchant', own)).toBeUndefined();
  });

  test.each([
    ['a policy that there is not', { policies: { early: 'refuse' } }],
    ['a policy of another kind', { policies: { late: 'reverse' } }],
    ['policies that are a list', { policies: ['late'] }],
    ['a format that no driver could be named by', { qrFormat: 'Pix!' }],
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
    const key = await addKey(sql, { kind: 'operator', id });
    expect(await directory.holderOfKey(hashKey(key))).not.toBe(null);
    expect(await revokeKey(sql, key)).toBe(true);
    expect(await directory.holderOfKey(hashKey(key))).toBe(null);
    expect(await directory.holderOfKey(hashKey('qrs_term_none'))).toBe(null);
  });

  test('knows a key until it ends, and until when that is', async () => {
    const institutionId = await addInstitution(sql, { name: 'A bank' });
    const id = await addOperator(sql, { institutionId, name: 'O' });
    const key = await addKey(sql, { kind: 'operator', id });
    const at = new Date(Date.now() + 60_000);
    await sql`update keys set expires_at = ${at} where operator_id = ${id}`;
    expect(await directory.holderOfKey(hashKey(key))).toMatchObject({ expiresAt: at.getTime() });
    await sql`update keys set expires_at = now() where operator_id = ${id}`;
    expect(await directory.holderOfKey(hashKey(key))).toBe(null);
  });

  test('tells of everybody below what is suspended', async () => {
    const institutionId = await addInstitution(sql, { name: 'A bank' });
    const merchantId = await addMerchant(sql, { institutionId, name: 'M', city: 'C' });
    const terminal = await addTerminal(sql, { merchantId, name: 'T' });
    const key = await addKey(sql, { kind: 'terminal', id: terminal });
    const isSuspended = async () =>
      (await directory.holderOfKey(hashKey(key)))?.principal.suspended ?? false;
    expect(await isSuspended()).toBe(false);
    for (const [table, id] of [
      ['institutions', institutionId],
      ['merchants', merchantId],
      ['terminals', terminal],
    ] as const) {
      await sql`update ${sql(table)} set suspended_at = now() where id = ${id}`;
      expect(await isSuspended()).toBe(true);
      await sql`update ${sql(table)} set suspended_at = null where id = ${id}`;
    }
    expect(await isSuspended()).toBe(false);
  });

  test('remembers about when a key was used', async () => {
    const institutionId = await addInstitution(sql, { name: 'A bank' });
    const id = await addOperator(sql, { institutionId, name: 'O' });
    const key = await addKey(sql, { kind: 'operator', id });
    const { keyId } = (await directory.holderOfKey(hashKey(key))) ?? {};
    await directory.keysUsed([String(keyId)]);
    const [row] =
      await sql`select last_used_at > now() - interval '1 min' as used from keys where id = ${keyId ?? ''}`;
    expect(row?.used).toBe(true);
  });
});

describe('the feed of the directory', () => {
  test('tells what has changed, once; at first and after a gap that anything may have', async () => {
    const feed = new DirectoryFeed({ logger, url });
    expect(await feed.read()).toBe(null);
    expect(await feed.read()).toEqual([]);
    const institutionId = await addInstitution(sql, { name: 'A bank' });
    const id = await addOperator(sql, { institutionId, name: 'O' });
    const key = await addKey(sql, { kind: 'operator', id });
    await revokeKey(sql, key);
    await sql`update institutions set name = 'Another' where id = ${institutionId}`;
    const { keyId } = { keyId: (await sql`select id from keys where operator_id = ${id}`)[0]?.id };
    expect(await feed.read()).toEqual([
      { kind: 'key', id: keyId },
      { kind: 'institution', id: institutionId },
    ]);
    expect(await feed.read()).toEqual([]);
    await sql`delete from directory_changes`;
    await sql`update institutions set name = 'A third' where id = ${institutionId}`;
    await sql`delete from directory_changes where no < (select max(no) from directory_changes)`;
    await sql`select nextval('directory_changes_no_seq')`;
    await sql`update institutions set name = 'A fourth' where id = ${institutionId}`;
    expect(await feed.read()).toBe(null);
    await feed.close();
  });
});

describe('agreements', () => {
  const agree = (id: string, billing: string, paying: string, mode: string) => sql`
    insert into agreements (id, billing_institution_id, paying_institution_id, mode, since)
    values (${id}, ${billing}, ${paying}, ${mode}, now())`;

  test('are told of when they are made and when they end, and are kept', async () => {
    const [billing, paying] = [
      await addInstitution(sql, { name: 'Billing' }),
      await addInstitution(sql, { name: 'Paying' }),
    ];
    const feed = new DirectoryFeed({ logger, url });
    await feed.read();
    await agree('agr_1', billing, paying, 'live');
    expect(await feed.read()).toEqual([{ kind: 'agreement', id: 'agr_1' }]);
    const between = { billingInstitutionId: billing, payingInstitutionId: paying };
    expect(await feed.agreements()).toMatchObject([{ ...between, endedAt: null }]);
    // One at a time in each direction.
    await expect(agree('agr_2', billing, paying, 'live')).rejects.toThrow('agreements_open');
    await sql`update agreements set ended_at = now() where id = 'agr_1'`;
    expect(await feed.read()).toEqual([{ kind: 'agreement', id: 'agr_1' }]);
    await agree('agr_2', billing, paying, 'live');
    expect(await fetchAgreements({ url, logger })).toMatchObject([
      { ...between, endedAt: expect.any(Number) },
      { ...between, endedAt: null },
    ]);
    await feed.close();
  });

  test('never join test and live, and a mode never changes, whoever writes', async () => {
    const [live, tested] = [
      await addInstitution(sql, { name: 'Live' }),
      await addInstitution(sql, { name: 'Test', mode: 'test' }),
    ];
    for (const mode of ['test', 'live']) {
      await expect(agree('agr_3', live, tested, mode)).rejects.toThrow('foreign key');
    }
    const change = sql`update institutions set mode = 'live' where id = ${tested}`;
    await expect(change).rejects.toThrow('never changes');
  });
});

describe('peppers', () => {
  const first = 'the first pepper of an operator, long enough';
  const second = 'the second pepper of an operator, long enough';

  test('are laid over keys that are there, which go on opening what they did', async () => {
    const fresh = await createDatabase(server.url);
    await migrate(fresh);
    const direct = postgres(fresh, { max: 1 });
    const institutionId = await addInstitution(direct, { name: 'A bank' });
    const id = await addOperator(direct, { institutionId, name: 'O' });
    // As a key was stored before there were peppers.
    const old = 'qrs_oper_of-long-ago';
    await direct`insert into keys (key_hash, operator_id) values (${hashKey(old)}, ${id})`;
    expect(await settleKeyHashes(fresh, [])).toBe(null);
    const middle = await addKey(direct, { kind: 'operator', id });
    for (const peppers of [[], [first], [first, second], [first, second]]) {
      expect(await settleKeyHashes(fresh, peppers)).toBe(null);
      const knowing = new PostgresDirectory({ logger, url: fresh, peppers });
      for (const key of [old, middle, await addKey(direct, { kind: 'operator', id }, peppers)]) {
        expect(await knowing.holderOfKey(hashKey(key))).toMatchObject({ principal: { id } });
      }
      await knowing.close();
    }
    const ignorant = new PostgresDirectory({ logger, url: fresh });
    expect(await ignorant.holderOfKey(hashKey(old))).toBe(null);
    await ignorant.close();
    expect(await settleKeyHashes(fresh, [])).toMatch(/number 1 .* is missing/);
    expect(await settleKeyHashes(fresh, [second, first])).toMatch(/number 1 .* is not the one/);
    expect(await settleKeyHashes(fresh, [first])).toMatch(/number 2 .* is missing/);
    await direct.end();
  });
});

describe('signing secrets', () => {
  const old = 'the-first-key-of-an-operator';
  const next = 'the-key-that-follows-it';
  const other = 'a-key-of-somebody-else';
  const keysOf = (...configured: string[]): DataKeys =>
    new DataKeys(configured, 'drawn-by-the-database');

  test('are read again by who has a key of theirs, and follow the keys from start to start', async () => {
    const fresh = await createDatabase(server.url);
    await migrate(fresh);
    const direct = postgres(fresh, { max: 1 });
    const institutionId = await addInstitution(direct, { name: 'A bank' });
    const id = await addPaychannel(direct, { institutionId, name: 'A wallet' });
    await direct`update paychannels set signatures = 'required' where id = ${id}`;
    const key = await addKey(direct, { kind: 'paychannel', id });
    const secretOf = async (dataKeys: DataKeys): Promise<unknown> => {
      const knowing = new PostgresDirectory({ logger, url: fresh, dataKeys });
      const holder = await knowing.holderOfKey(hashKey(key));
      await knowing.close();
      expect(holder?.demands?.secrets).not.toBeNull();
      return holder?.demands?.secrets?.map(({ secret }) => secret);
    };
    expect(await secretOf(keysOf())).toEqual([]);
    const sealed = keysOf(old).seal('qrs_sign_x', 'key_x');
    await direct`
      insert into keys (id, key_hash, paychannel_id, sealed)
      values ('key_x', ${hashKey('qrs_sign_x')}, ${id}, ${sealed})`;

    expect(await secretOf(keysOf(old))).toEqual(['qrs_sign_x']);
    expect(await secretOf(keysOf(other))).toEqual([]);
    expect(await settleSealedSecrets(fresh, keysOf(next))).toEqual({
      misfit: expect.stringMatching(/key_x .*QRSWITCH_DATA_KEYS/),
    });
    const settled = await settleSealedSecrets(fresh, keysOf(next, old));
    expect(settled).toEqual({ payerDigestKey: expect.any(String) });
    expect(await settleSealedSecrets(fresh, keysOf(next))).toEqual(settled);
    expect(await secretOf(keysOf(next))).toEqual(['qrs_sign_x']);
    await direct`update keys set revoked_at = now() where id = 'key_x'`;
    expect(await secretOf(keysOf(next))).toEqual([]);
    expect(await settleSealedSecrets(fresh, keysOf(other))).toEqual({
      misfit: expect.stringMatching(/payer_digest/),
    });
    await direct.end();
  });

  test('are told of when they come and go, by their paychannel', async () => {
    const feed = new DirectoryFeed({ logger, url });
    const institutionId = await addInstitution(sql, { name: 'A bank' });
    const id = await addPaychannel(sql, { institutionId, name: 'A wallet' });
    await feed.read();
    await sql`
      insert into keys (id, key_hash, paychannel_id, sealed) values ('key_y', 'y', ${id}, 'sealed')`;
    expect(await feed.read()).toEqual([{ kind: 'paychannel', id }]);
    await sql`update keys set revoked_at = now() where id = 'key_y'`;
    expect(await feed.read()).toContainEqual({ kind: 'paychannel', id });
    await sql`update keys set last_used_at = now() where id = 'key_y'`;
    expect(await feed.read()).toEqual([]);
    await feed.close();
  });
});

describe('the demo', () => {
  test('is made once, in a file for its owner alone, and made anew for another database', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'qrswitch-test-demo-'));
    const file = join(folder, 'demo.json');
    const demo = await ensureDemo({ databaseUrl: url, file, baseUrl: 'http://127.0.0.1:8080' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(demo);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const holder = await directory.holderOfKey(hashKey(demo.terminal.key));
    expect(holder?.principal).toMatchObject({
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

import { createHash } from 'node:crypto';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../tests/support/silent-logger.ts';
import type { InstitutionId, MerchantId } from '../domain/ids.ts';
import { type Acting, type Scope, scopeOfOperator } from '../switch/operator-desk.ts';
import type { Principal } from '../switch/principal.ts';
import { DirectoryFeed, fetchTariffs } from './directory.ts';
import { migrate } from './migrate.ts';
import { addInstitution, addMerchant } from './onboarding.ts';
import { PostgresTariffDesk } from './tariff-desk.ts';

let server: TestPostgres;
let url: string;
let sql: Sql;
let desks: readonly PostgresTariffDesk[];
let desk: PostgresTariffDesk;
let institutionId: InstitutionId;
let merchantId: MerchantId;

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 1 });
  desks = [0, 1, 2].map(() => new PostgresTariffDesk({ logger, url }));
  [desk] = desks as [PostgresTariffDesk];
  institutionId = await addInstitution(sql, { name: 'A bank' });
  merchantId = await merchantOf(institutionId);
});
afterAll(async () => {
  await Promise.all(desks.map((each) => each.close()));
  await sql.end();
  await server.stop();
});

function merchantOf(of: InstitutionId): Promise<MerchantId> {
  return addMerchant(sql, { institutionId: of, name: 'A car park', city: 'A town' });
}

function operatorOf(more: Partial<Principal> = {}): Principal {
  const nothing = { merchantId: null, merchant: null, restricted: false, subscribed: false };
  return { kind: 'operator', id: 'opr_1', institutionId, ...nothing, role: 'system', ...more };
}

let calls = 0;
function acting(more: Partial<Acting> = {}, operator = operatorOf()): Acting {
  calls += 1;
  const scope = scopeOfOperator(operator);
  const call = { requestId: `r-${calls}`, idempotencyKey: null, digest: `d-${calls}` };
  return { operator, scope, ...call, ...more };
}

const everything: Scope = scopeOfOperator(operatorOf());
const named = (name: string) => ({ merchantId, name });
/** The desk takes any document: its reader stands before it. */
const saying = (price: number) => ({ zone: 'Z', price, a: [{ b: 1, a: 'Ünïcode ☕' }] });
const auditOf = (id: string) =>
  sql<{ entry: string }[]>`select entry from audit where subject_id = ${id} order by no`;

describe('a tariff', () => {
  test('is kept revision by revision, each as it was put', async () => {
    const of = named('town');
    expect(await desk.put(acting(), of, saying(1))).toMatchObject({
      is: 'done',
      shown: { ...of, revision: 1, endedAt: null },
    });
    const second = acting({}, operatorOf({ id: 'opr_2' }));
    expect(await desk.put(second, of, saying(2))).toMatchObject({ shown: { revision: 2 } });
    const newest = await desk.read(everything, of, null);
    expect(newest).toMatchObject({ revision: 2, shown: 2, document: saying(2) });
    expect(JSON.stringify(newest?.document)).toBe(JSON.stringify(saying(2)));
    expect(newest?.revisions).toMatchObject([
      { revision: 2, putBy: 'opr_2' },
      { revision: 1, putBy: 'opr_1' },
    ]);
    const first = await desk.read(everything, of, 1);
    expect(first).toMatchObject({ revision: 2, shown: 1, document: saying(1) });
    expect(await desk.read(everything, of, 3)).toBeNull();
  });

  test('stays as it is where it says so already, and by a call that was made before', async () => {
    const of = named('again');
    const call = acting({ idempotencyKey: 'k', digest: 'x' });
    await desk.put(call, of, saying(1));
    expect(await desk.put(acting(), of, saying(1))).toMatchObject({ shown: { revision: 1 } });
    await desk.put(acting(), of, saying(2));
    expect(await desk.put(call, of, saying(1))).toMatchObject({
      is: 'repeated',
      shown: { revision: 2 },
    });
    const reused = acting({ idempotencyKey: 'k', digest: 'y' });
    expect(await desk.put(reused, of, saying(3))).toEqual({ is: 'reused' });
    expect(await desk.read(everything, of, null)).toMatchObject({ document: saying(2) });
  });

  test('gets one revision of each of many puts at once, whoever is the first', async () => {
    const of = named('busy');
    const puts = Array.from({ length: 12 }, (_, i) => saying(i));
    const done = await Promise.all(
      puts.map((document, i) => (desks[i % 3] ?? desk).put(acting(), of, document)),
    );
    const revisions = Array.from(puts, (_, i) => i + 1);
    const kept = await Promise.all(revisions.map((no) => desk.read(everything, of, no)));
    const documents = kept.map((each) => JSON.stringify(each?.document));
    expect(documents.toSorted()).toEqual(puts.map((each) => JSON.stringify(each)).toSorted());
    const [id] = kept.map((each) => each?.id);
    expect(done).toEqual(done.map(() => expect.objectContaining({ is: 'done' })));
    const lines = await auditOf(id ?? '');
    const told = lines.map(({ entry }) => (JSON.parse(entry) as Told).detail.revision);
    expect(told.toSorted((a, b) => a - b)).toEqual(revisions);
  });

  test('ends, and begins again with the next revision', async () => {
    const of = named('season');
    await desk.put(acting(), of, saying(1));
    const ended = await desk.end(acting(), of);
    expect(ended).toMatchObject({
      is: 'done',
      shown: { revision: 1, endedAt: expect.any(Number) },
    });
    expect(await desk.end(acting(), of)).toEqual(ended);
    expect(await desk.put(acting(), of, saying(1))).toMatchObject({
      shown: { revision: 2, endedAt: null },
    });
    expect(await desk.end(acting(), named('none'))).toEqual({ is: 'unknown' });
  });

  interface Told {
    readonly action: string;
    readonly detail: { readonly revision: number; readonly sha256: string };
  }

  test('stands in the audit with the sum of what it says, and none of it can be changed', async () => {
    const of = named('audited');
    await desk.put(acting(), of, saying(1));
    await desk.put(acting(), of, saying(2));
    await desk.end(acting(), of);
    const { id = '' } = (await desk.read(everything, of, null)) ?? {};
    const lines = (await auditOf(id)).map(({ entry }) => JSON.parse(entry) as Told);
    const sha256 = createHash('sha256')
      .update(JSON.stringify(saying(2)))
      .digest('hex');
    expect(lines).toMatchObject([
      { action: 'tariff.put', kind: 'tariff', institutionId, detail: { ...of, revision: 1 } },
      { action: 'tariff.put', detail: { ...of, revision: 2, sha256 } },
      { action: 'tariff.ended', detail: { ...of, revision: 2 } },
    ]);
    const [stored] = await sql`
      select encode(sha256(convert_to(document::text, 'UTF8')), 'hex') as sum from tariff_revisions
      where tariff_id = ${id} and revision = 2`;
    expect(stored?.sum).toBe(sha256);
    const changes = [
      sql`update tariff_revisions set document = '{}' where tariff_id = ${id}`,
      sql`delete from tariff_revisions where tariff_id = ${id}`,
      sql`truncate tariff_revisions`,
    ];
    for (const change of changes) await expect(change).rejects.toThrow('only ever added');
  });

  test('is there for those alone who look after its merchant', async () => {
    const of = named('own');
    await desk.put(acting(), of, saying(1));
    const other = await addInstitution(sql, { name: 'Another bank' });
    const neighbour = await merchantOf(institutionId);
    const strangers = [
      operatorOf({ role: 'institutionAdmin', institutionId: other }),
      operatorOf({ role: 'merchantAdmin', merchantId: neighbour }),
    ];
    for (const stranger of strangers) {
      const by = acting({}, stranger);
      expect(await desk.read(by.scope, of, null)).toBeNull();
      expect(await desk.put(by, of, saying(2))).toEqual({ is: 'unknown' });
      expect(await desk.end(by, of)).toEqual({ is: 'unknown' });
      expect(await desk.list(by.scope, null, { after: null, limit: 10 })).toEqual([]);
    }
    const own = acting({}, operatorOf({ role: 'merchantAdmin', merchantId }));
    expect(await desk.put(own, of, saying(2))).toMatchObject({ shown: { revision: 2 } });
    const page = { after: null, limit: 2 };
    const first = await desk.list(own.scope, merchantId, page);
    const rest = await desk.list(own.scope, merchantId, { after: first[1]?.id ?? '', limit: 100 });
    const names = [...first, ...rest].map(({ name }) => name);
    expect(names).toHaveLength(new Set(names).size);
    expect(names).toEqual(expect.arrayContaining(['town', 'season', 'own']));
    expect(await desk.list(everything, neighbour, page)).toEqual([]);
  });

  test('is told of to the threads of every switch: whole at first, then each change', async () => {
    const feed = new DirectoryFeed({ logger, url });
    await feed.read();
    const of = named('told');
    await desk.put(acting(), of, saying(1));
    const { id = '' } = (await desk.read(everything, of, null)) ?? {};
    expect(await feed.read()).toEqual([{ kind: 'tariff', id }]);
    const told = { id, ...of, revision: 1, document: saying(1) };
    expect(await feed.tariffsOf([id])).toEqual([told]);
    expect(await fetchTariffs({ url, logger })).toContainEqual(told);
    await desk.end(acting(), of);
    expect(await feed.read()).toEqual([{ kind: 'tariff', id }]);
    expect(await feed.tariffsOf([id])).toEqual([{ ...told, document: null }]);
    const names = (await fetchTariffs({ url, logger })).map(({ name }) => name);
    expect(names).not.toContain('told');
    expect(names).toContain('town');
    await feed.close();
  });

  test('comes page by page where there are many', async () => {
    await sql`
      insert into tariffs (id, merchant_id, name, revision)
      select 'trf_many' || no, ${merchantId}, 'many-' || no, 1 from generate_series(1, 1100) no`;
    await sql`
      insert into tariff_revisions (tariff_id, revision, document, put_by)
      select id, 1, '{}', 'opr_1' from tariffs where name like 'many-%'`;
    const all = await fetchTariffs({ url, logger });
    const many = new Set(all.flatMap(({ name }) => (name.startsWith('many-') ? [name] : [])));
    expect(many.size).toBe(1100);
  });
});

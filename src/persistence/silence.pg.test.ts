// Lines to the directory's tables that go silent: whoever asks is refused in time, and answered once there is a line again.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Link } from '../../tests/chaos/proxy.ts';
import { startBadLine } from '../../tests/support/bad-line.ts';
import { billId } from '../../tests/support/bill-fixtures.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../tests/support/silent-logger.ts';
import type { InstitutionId } from '../domain/ids.ts';
import { Fault } from '../switch/faults.ts';
import type { Acting } from '../switch/operator-desk.ts';
import { DataKeys } from './data-keys.ts';
import { PostgresDirectory } from './directory.ts';
import type { DirectoryPlace } from './directory-pool.ts';
import { hashKey } from './key-hashes.ts';
import { migrate } from './migrate.ts';
import { addInstitution, addKey, addPaychannel } from './onboarding.ts';
import { PostgresOperatorDesk } from './operator-desk.ts';
import { PostgresPayerDesk } from './payer-desk.ts';
import { PostgresTariffDesk } from './tariff-desk.ts';
import { PostgresWebhookDesk } from './webhook-desk.ts';

const TIMEOUT_MS = 400;
/** Longer than a statement that waits is held up. */
const PATIENT_MS = 60_000;

let server: TestPostgres;
let sql: Sql;
let link: Link;
let place: DirectoryPlace;

beforeAll(async () => {
  server = await startPostgres();
  const url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 1 });
  link = await Link.start(server.port);
  const over = new URL(url);
  over.port = String(link.port);
  place = { url: over.href, logger, timeoutMs: TIMEOUT_MS };
});
afterAll(async () => {
  await link.close();
  await sql.end({ timeout: 1 });
  await server.stop();
});

function isAway(error: unknown): void {
  expect(error).toBeInstanceOf(Fault);
  expect(error).toMatchObject({ code: 'history.unavailable' });
}

describe('the directory', () => {
  test('refuses a key that it has not seen while its lines are silent, and knows it afterwards', async () => {
    const directory = new PostgresDirectory(place);
    const institutionId = await addInstitution(sql, { name: 'an institution' });
    const id = await addPaychannel(sql, { institutionId, name: 'a wallet' });
    const hash = hashKey(await addKey(sql, { kind: 'paychannel', id }));
    // One after the other: each is a question of its own, on a line of its own while there is one, or waits for its turn.
    const ask = async (count: number): Promise<unknown[]> => {
      const asked: Promise<unknown>[] = [];
      for (; asked.length < count; await Promise.resolve()) {
        asked.push(directory.holderOfKey(hash).catch((error: unknown) => error));
      }
      return Promise.all(asked);
    };
    await ask(4);
    expect(link.lines).toBe(2);
    link.weather = 'stalled';
    for (const refused of await ask(3)) isAway(refused);
    link.heal();
    await expect
      .poll(() => directory.holderOfKey(hash).catch(() => null))
      .toMatchObject({ principal: { id } });
    await directory.close();
  });
});

function acting(idempotencyKey: string | null): Acting {
  return {
    operator: {
      kind: 'operator',
      id: 'opr_1',
      institutionId: '' as InstitutionId,
      merchantId: null,
      merchant: null,
      restricted: false,
      subscribed: false,
      role: 'system',
    },
    scope: { institutionId: null, merchantId: null, seesSystem: true, holders: [] },
    requestId: 'r',
    idempotencyKey,
    digest: 'd',
  };
}

describe('an operator’s desk', () => {
  test('says in time that Postgres is away, like every other desk', async () => {
    const dataKeys = new DataKeys([], 'the key of this database');
    const { scope } = acting(null);
    const page = { after: null, limit: 1 };
    const desks = {
      operators: new PostgresOperatorDesk({ ...place, dataKeys }),
      webhooks: new PostgresWebhookDesk({ ...place, dataKeys, makeSecret: () => 'secret' }),
      tariffs: new PostgresTariffDesk(place),
      payers: new PostgresPayerDesk(place),
    };
    const ask = (): Promise<unknown>[] => [
      desks.operators.list(scope, 'merchant', { institutionId: null, merchantId: null }, page),
      desks.operators.agreements.list(scope, null, page),
      desks.webhooks.list(scope, null, page),
      desks.tariffs.list(scope, null, page),
      desks.payers.show(acting(null), billId(1)),
    ];
    await Promise.all(ask());
    link.weather = 'stalled';
    const refused = await Promise.all(ask().map((asked) => asked.catch((error: unknown) => error)));
    // Of Fault or with the code of a store's error: either is a 503.
    expect(refused.map((error) => (error as { code: string }).code)).toEqual([
      ...Array.from({ length: 4 }, () => 'ETIMEDOUT'),
      'history.unavailable',
    ]);
    link.heal();
    const areBack = (): Promise<boolean> =>
      Promise.all(ask()).then(
        () => true,
        () => false,
      );
    await expect.poll(areBack).toBe(true);
    for (const desk of Object.values(desks)) await desk.close();
  });

  test('does not say that nothing was done where what was done cannot be read back', async () => {
    const dataKeys = new DataKeys([], 'the key of this database');
    const desk = new PostgresOperatorDesk({ ...place, timeoutMs: PATIENT_MS, dataKeys });
    const add = () => desk.add(acting('back'), 'institution', { name: 'B', mode: 'live' }, false);
    await sql`alter view directory_parties rename to directory_parties_away`;
    try {
      await expect(add()).rejects.toMatchObject({ code: 'outcome.unknown' });
      await expect(add()).rejects.toMatchObject({ code: 'outcome.unknown' });
    } finally {
      await sql`alter view directory_parties_away rename to directory_parties`;
    }
    expect(await add()).toMatchObject({ is: 'repeated', shown: { name: 'B' } });
    await desk.close();
  });

  test('does not know what became of a change whose connection Postgres has ended', async () => {
    const dataKeys = new DataKeys([], 'the key of this database');
    const desk = new PostgresOperatorDesk({ ...place, timeoutMs: PATIENT_MS, dataKeys });
    await sql.begin(async (held) => {
      await held`lock table institutions in exclusive mode`;
      const adding = desk.add(acting(null), 'institution', { name: 'C', mode: 'live' }, false);
      const outcome = expect(adding).rejects.toMatchObject({ code: 'outcome.unknown' });
      const waiting = () => held`
        select pg_terminate_backend(pid) from pg_locks
        where not granted and relation = 'institutions'::regclass`;
      await expect.poll(async () => (await waiting()).length).toBe(1);
      await outcome;
    });
    await desk.close();
  });

  test('does not know what became of a change on a silent line, and does not make it again', async () => {
    const line = await startBadLine(server.port);
    const over = new URL(place.url);
    over.port = String(line.port);
    const dataKeys = new DataKeys([], 'the key of this database');
    const desk = new PostgresOperatorDesk({ ...place, url: over.href, dataKeys });
    const name = 'on a silent line';
    const add = (key: string | null) => {
      return desk.add(acting(key), 'institution', { name, mode: 'live' }, false);
    };
    const count = async (): Promise<number> => {
      return (await sql`select from institutions where name = ${name}`).length;
    };
    // Then the statement is known on its line, and the next goes there whole.
    await add(null);
    line.silenceNextAnswer();
    await expect(add(null)).rejects.toMatchObject({ code: 'outcome.unknown' });
    expect(await count()).toBe(2);
    // With a key it is asked first whether it has been made: nothing is done where that is not told.
    await add(null);
    line.silenceNextAnswer();
    await expect(add('k')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(await count()).toBe(3);
    expect(await add('k')).toMatchObject({ is: 'done' });
    expect(await add('k')).toMatchObject({ is: 'repeated' });
    expect(await count()).toBe(4);
    await desk.close();
    await line.close();
  });
});

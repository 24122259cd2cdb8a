// Lines to the directory's tables that go silent: whoever asks is refused in time, and answered once there is a line again.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Link } from '../../tests/chaos/proxy.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../tests/support/silent-logger.ts';
import { Fault } from '../switch/faults.ts';
import { PostgresDirectory } from './directory.ts';
import type { DirectoryPlace } from './directory-pool.ts';
import { hashKey } from './key-hashes.ts';
import { migrate } from './migrate.ts';
import { addInstitution, addKey, addPaychannel } from './onboarding.ts';

const TIMEOUT_MS = 400;

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

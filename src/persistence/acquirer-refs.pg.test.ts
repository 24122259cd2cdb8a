import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { silentLogger } from '../../tests/support/silent-logger.ts';
import type { BillId } from '../domain/ids.ts';
import { AcquirerRefs } from './acquirer-refs.ts';
import { migrate } from './migrate.ts';

let server: TestPostgres;
let refs: AcquirerRefs;

beforeAll(async () => {
  server = await startPostgres({ fsync: false });
  const url = await createDatabase(server.url);
  await migrate(url);
  refs = new AcquirerRefs({ url, logger: silentLogger });
});
afterAll(async () => {
  await refs.close();
  await server.stop();
});

describe('a reference of an acquirer', () => {
  const [one, other] = ['bill-1', 'bill-2'] as [BillId, BillId];

  test('is the first bill’s that has it, for ever, and another’s at another acquirer', async () => {
    expect(await refs.claim('tbank', 'r-1', one)).toBe(one);
    expect(await refs.claim('tbank', 'r-1', other)).toBe(one);
    expect(await refs.claim('tbank', 'r-1', one)).toBe(one);
    expect(await refs.claim('sber', 'r-1', other)).toBe(other);
    expect(await refs.claim('tbank', 'r-2', other)).toBe(other);
  });

  test('is one bill’s though two claim it at once', async () => {
    const owners = await Promise.all([
      refs.claim('tbank', 'r-3', one),
      refs.claim('tbank', 'r-3', other),
    ]);

    expect(new Set(owners).size).toBe(1);
  });
});

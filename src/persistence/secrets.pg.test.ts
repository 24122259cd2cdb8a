import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { migrate } from './migrate.ts';
import { ensureSecret } from './secrets.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres({ fsync: false });
});
afterAll(() => server.stop());

describe('a secret', () => {
  test('is drawn once, however many switches start together, and is another in another database', async () => {
    const [databaseUrl, other] = [
      await createDatabase(server.url),
      await createDatabase(server.url),
    ];
    await Promise.all([migrate(databaseUrl), migrate(other)]);
    const drawn = await Promise.all(
      Array.from({ length: 4 }, () => ensureSecret({ databaseUrl, name: 'qr' })),
    );
    drawn.push(await ensureSecret({ databaseUrl, name: 'qr' }));
    expect(new Set(drawn).size).toBe(1);
    expect(Buffer.from(drawn[0] ?? '', 'base64url')).toHaveLength(32);
    expect(await ensureSecret({ databaseUrl, name: 'another' })).not.toBe(drawn[0]);
    expect(await ensureSecret({ databaseUrl: other, name: 'qr' })).not.toBe(drawn[0]);
  });
});

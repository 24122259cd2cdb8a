import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { startPostgres } from '../../tests/support/postgres-server.ts';
import { checkPostgres, inspectPostgres, UnsafeStore } from './store-checks.ts';

describe('a Postgres', () => {
  test('that syncs what it commits has no findings', async () => {
    const server = await startPostgres();
    const sql = postgres(server.url, { max: 1 });
    try {
      expect(await inspectPostgres(sql)).toEqual([]);
      await checkPostgres(sql, []);
    } finally {
      await sql.end();
      await server.stop();
    }
  });

  test('without fsync and whole pages is refused unless both are accepted', async () => {
    const server = await startPostgres({ fsync: false, settings: { full_page_writes: 'off' } });
    const sql = postgres(server.url, { max: 1 });
    try {
      expect((await inspectPostgres(sql)).map(({ acceptName }) => acceptName)).toEqual([
        'postgres.fsync',
        'postgres.full_page_writes',
      ]);
      await expect(checkPostgres(sql, ['postgres.fsync'])).rejects.toThrow(UnsafeStore);
      await checkPostgres(sql, ['postgres.fsync', 'postgres.full_page_writes']);
    } finally {
      await sql.end();
      await server.stop();
    }
  });
});

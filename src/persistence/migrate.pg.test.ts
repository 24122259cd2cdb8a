import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { type Migration, migrate, readMigrations } from './migrate.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres({ fsync: false });
});
afterAll(() => server.stop());

const made = (name: string, text: string): Migration => ({
  name,
  text,
  checksum: `of ${text.length}`,
});
const first = made('0001_first', 'create table one (no int);');
const second = made('0002_second', 'create table two (no int); insert into two values (1);');

describe('migrating', () => {
  test('applies what is missing, once, in order', async () => {
    const url = await createDatabase(server.url);
    expect(await migrate(url, [first])).toEqual(['0001_first']);
    expect(await migrate(url, [first, second])).toEqual(['0002_second']);
    expect(await migrate(url, [first, second])).toEqual([]);
  });

  test('runs once however many switches start together', async () => {
    const url = await createDatabase(server.url);
    const applied = await Promise.all(
      Array.from({ length: 5 }, () => migrate(url, [first, second])),
    );
    expect(applied.flat().sort()).toEqual(['0001_first', '0002_second']);
  });

  test('leaves nothing of a file that fails', async () => {
    const url = await createDatabase(server.url);
    const broken = made('0002_broken', 'create table two (no int); select 1 / 0;');
    await expect(migrate(url, [first, broken])).rejects.toThrow('division by zero');
    const sql = postgres(url, { max: 1 });
    const tables = await sql`select to_regclass('one') as one, to_regclass('two') as two`;
    expect([...tables]).toEqual([{ one: 'one', two: null }]);
    await sql.end();
    expect(await migrate(url, [first, second])).toEqual(['0002_second']);
  });

  test('refuses a database that is newer than the code, and names both', async () => {
    const url = await createDatabase(server.url);
    await migrate(url, [first, second]);
    await expect(migrate(url, [first])).rejects.toThrow(/0002_second.*up to 0001_first/);
  });

  test('refuses a file that was changed after it was applied', async () => {
    const url = await createDatabase(server.url);
    await migrate(url, [first]);
    const changed = { ...first, checksum: 'another' };
    await expect(migrate(url, [changed])).rejects.toThrow('0001_first');
  });

  test('finds the files of this version, and they apply to an empty database', async () => {
    const url = await createDatabase(server.url);
    const names = readMigrations().map(({ name }) => name);
    expect(names).toContain('0001_history');
    expect(await migrate(url)).toEqual(names);
    const sql = postgres(url, { max: 1 });
    const [row] = await sql`select utc(1767614400123)::text as at`;
    expect(row?.at).toContain('12:00:00.123');
    await sql.end();
  });
});

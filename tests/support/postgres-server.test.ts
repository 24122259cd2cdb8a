import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import { createDatabase, startPostgres } from './postgres-server.ts';

describe('a test Postgres', () => {
  test('keeps what was committed when it is killed and started again', async () => {
    const first = await startPostgres();
    const url = await createDatabase(first.url);
    const before = postgres(url, { max: 1 });
    await before`create table kept (no int)`;
    await before`insert into kept values (1)`;
    await first.kill();
    await before.end({ timeout: 0 });

    const second = await startPostgres({ dir: first.dir, port: first.port });
    const after = postgres(url, { max: 1 });
    const rows = await after`select no, current_setting('fsync') as fsync from kept`;
    expect([...rows]).toEqual([{ no: 1, fsync: 'on' }]);
    await after.end();
    await second.stop();
  }, 60_000);
});

import { readFile } from 'node:fs/promises';
import postgres, { type Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../tests/support/postgres-server.ts';
import { silentLogger } from '../../../tests/support/silent-logger.ts';
import type { ShardId } from '../../domain/ids.ts';
import { type EntryId, entryId, NO_ENTRY } from '../../switch/entry-id.ts';
import { LogRefusal } from '../../switch/ports.ts';
import { UnsafeStore } from '../store-checks.ts';
import { PostgresLog } from './postgres-log.ts';

const TABLES = new URL('../migrations/0002_log.sql', import.meta.url);
const SHARD = 1 as ShardId;

let server: TestPostgres;
let sql: Sql;
let log: PostgresLog;

beforeAll(async () => {
  server = await startPostgres({ settings: { synchronous_commit: 'off' } });
  sql = postgres(server.url, { max: 1, onnotice: () => undefined });
  await sql.unsafe(await readFile(TABLES, 'utf8'));
});
afterAll(async () => {
  await sql.end({ timeout: 1 });
  await server.stop();
});
beforeEach(async () => {
  await sql`truncate log_name, log_heads, log_entries`;
  log = await open();
  await log.identify({ id: 'first', shards: 4 });
});
afterEach(async () => {
  await log.close();
});

const open = (timeoutMs = 5_000) =>
  PostgresLog.open({
    url: server.url,
    connections: 2,
    timeoutMs,
    accepted: [],
    logger: silentLogger,
  });

const append = (after: EntryId, id: EntryId) => log.append(SHARD, after, id, Buffer.from('x'));

async function failureOf(attempt: Promise<unknown>): Promise<unknown> {
  return await attempt.then(
    () => expect.fail('it was taken'),
    (reason: unknown) => reason,
  );
}

describe('PostgresLog', () => {
  test('syncs each append to disk, even where commits do not wait by default', async () => {
    const [setting] = await sql`show synchronous_commit`;
    expect(setting).toEqual({ synchronous_commit: 'off' });
    for (let i = 0; i < 20; i++) {
      const [before] = await sql`select pg_current_wal_insert_lsn()::text as place`;
      await append(i === 0 ? NO_ENTRY : entryId(1, i), entryId(1, i + 1));
      // The append wrote beyond that place, and so far it is on disk.
      const [after] = await sql`
        select pg_current_wal_flush_lsn() > ${before?.place}::text::pg_lsn as synced
      `;
      expect(after).toEqual({ synced: true });
    }
  });

  test('refuses a shard that it does not have', async () => {
    const far = 4 as ShardId;
    const failure = await failureOf(log.append(far, NO_ENTRY, entryId(1, 1), Buffer.from('x')));
    expect(failure).toMatchObject({ reason: 'fenced' });
    await expect(log.bounds(far)).rejects.toThrow('the log has no shard 4');
  });

  test('is unwilling where the database is read-only, and nothing is written', async () => {
    const [{ name }] = await sql<[{ name: string }]>`select current_database() as name`;
    await sql.unsafe(`alter database ${name} set default_transaction_read_only = on`);
    const locked = await open();
    try {
      const failure = await failureOf(
        locked.append(SHARD, NO_ENTRY, entryId(1, 1), Buffer.from('x')),
      );
      expect(failure).toBeInstanceOf(LogRefusal);
      expect(failure).toMatchObject({ reason: 'unwilling' });
      expect(String(failure)).toContain('25006');
    } finally {
      await locked.close();
      // This session is older than the setting.
      await sql.unsafe(`alter database ${name} reset default_transaction_read_only`);
    }
    expect((await log.bounds(SHARD)).last).toBe(NO_ENTRY);
    await append(NO_ENTRY, entryId(1, 1));
  });

  test('is unwilling where the disk of Postgres refuses', async () => {
    await sql.unsafe(`
      create function full_disk() returns trigger language plpgsql
      as $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
      create trigger full_disk before insert on log_entries for each row execute function full_disk();
    `);
    try {
      expect(await failureOf(append(NO_ENTRY, entryId(1, 1)))).toMatchObject({
        reason: 'unwilling',
        message: 'Postgres: could not extend file (53100)',
      });
    } finally {
      await sql`drop function full_disk cascade`;
    }
    // The head has not moved without its entry.
    await append(NO_ENTRY, entryId(1, 1));
  });

  test('does not know what became of an append whose backend was ended', async () => {
    const impatient = await open(20_000);
    try {
      await sql.begin(async (holder) => {
        await holder`select from log_heads where shard = ${SHARD} for update`;
        const pending = failureOf(
          impatient.append(SHARD, NO_ENTRY, entryId(1, 1), Buffer.from('x')),
        );
        // Not of pg_stat_activity: a transaction goes on seeing what it saw there first.
        const waiting = async () => await holder`select pid from pg_locks where not granted`;
        await expect.poll(async () => (await waiting()).length, { timeout: 20_000 }).toBe(1);
        const [backend] = await waiting();
        await holder`select pg_terminate_backend(${backend?.pid})`;
        const failure = await pending;
        expect(failure).toBeInstanceOf(Error);
        expect(failure).not.toBeInstanceOf(LogRefusal);
      });
    } finally {
      await impatient.close();
    }
    expect((await log.bounds(SHARD)).last).toBe(NO_ENTRY);
  });

  test('settles while the shard is locked by another, and leaves no backend waiting', async () => {
    const impatient = await open(300);
    try {
      await sql.begin(async (holder) => {
        await holder`select from log_heads where shard = ${SHARD} for update`;
        const failure = await failureOf(
          impatient.append(SHARD, NO_ENTRY, entryId(1, 1), Buffer.from('x')),
        );
        // Whether our own clock or the one of Postgres comes first does not matter.
        expect(failure).toBeInstanceOf(Error);
        const waiting = () => holder`select pid from pg_locks where not granted`;
        await expect.poll(async () => (await waiting()).length, { timeout: 20_000 }).toBe(0);
      });
    } finally {
      await impatient.close();
    }
    expect((await log.bounds(SHARD)).last).toBe(NO_ENTRY);
  });

  test('says so where its head and its entries have come apart', async () => {
    await append(NO_ENTRY, entryId(1, 1));
    await sql`delete from log_entries`;
    await expect(log.bounds(SHARD)).rejects.toThrow('the log of shard 1 is damaged');
  });

  test('is not opened on a Postgres that would lose acknowledged entries', async () => {
    const unsafe = await startPostgres({ fsync: false });
    try {
      const opening = PostgresLog.open({
        url: unsafe.url,
        connections: 1,
        timeoutMs: 2_000,
        accepted: [],
        logger: silentLogger,
      });
      await expect(opening).rejects.toThrow(UnsafeStore);
    } finally {
      await unsafe.stop();
    }
  });

  test('is unwilling while Postgres is away, and goes on once it is back', async () => {
    await append(NO_ENTRY, entryId(1, 1));
    await server.kill();
    // Each connection may have to find out by itself: what was sent into the void is unknown.
    await expect
      .poll(() => failureOf(append(entryId(1, 1), entryId(1, 2))), { interval: 10 })
      .toMatchObject({ reason: 'unwilling' });
    server = await startPostgres({
      dir: server.dir,
      port: server.port,
      settings: { synchronous_commit: 'off' },
    });
    for (;;) {
      const error: unknown = await append(entryId(1, 1), entryId(1, 2)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) break;
      // Or not known, by the connection that has not found out yet; refused it never is, since nothing was written.
      expect(['unwilling', undefined]).toContain((error as LogRefusal).reason);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // The connection that reads finds out by being asked, too.
    await expect.poll(async () => (await log.bounds(SHARD)).last).toBe(entryId(1, 2));
  });
});

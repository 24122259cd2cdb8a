// The stores of a run: a Redis and a Postgres of its own, durable, in temporary folders on free ports. Postgres is the one
// that comes with the packages (18). The switch and its SQL peers have a database each on the same server.

import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { migrate, readMigrations } from '../src/persistence/migrate.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../tests/support/postgres-server.ts';
import { type RedisServer, startRedis } from '../tests/support/redis-server.ts';
import { fileSystem } from './disk-watch.ts';
import { makeSlowSync } from './slow-sync.ts';

/** Beside these, Postgres has its defaults: fsync, full_page_writes and synchronous_commit are on. */
const POSTGRES_SETTINGS = { shared_buffers: '256MB', max_connections: '200' };
/** So many to prove a delay by the quickest. */
const SYNCS = 10;
const CONFIGURATION = [
  'fsync',
  'full_page_writes',
  'synchronous_commit',
  'shared_buffers',
  'max_wal_size',
];

export interface Stores {
  readonly redis: RedisServer;
  readonly postgres: TestPostgres;
  readonly switchUrl: string;
  readonly peerUrl: string;
  /** What the stores are and how they are set, for the report. */
  readonly described: Readonly<Record<string, string>>;
  /** Begins a round alike for all: dirty pages on disk, statistics fresh. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

export async function startStores(options: { fsyncDelayMs: number }): Promise<Stores> {
  const slow = options.fsyncDelayMs > 0 ? makeSlowSync(options.fsyncDelayMs) : null;
  const redis = slow === null ? await startRedis() : await slow.around(() => startRedis());
  const server = await startPostgres({
    settings: POSTGRES_SETTINGS,
    ...(slow !== null && { program: slow.postgres }),
  });
  await proveSlow(redis, server, options.fsyncDelayMs).catch(async (error: unknown) => {
    await server.stop();
    await redis.stop();
    slow?.remove();
    throw error;
  });
  const switchUrl = await createDatabase(server.url);
  const peerUrl = await createDatabase(server.url);
  // Paths are the sources': a build copies no SQL.
  const source = new URL('../../../', import.meta.url);
  await migrate(peerUrl, readMigrations(new URL('src/persistence/migrations/', source)));
  const sql = postgres(peerUrl, { max: 1, onnotice: () => undefined });
  await sql.unsafe(readFileSync(new URL('bench/sql/directory.sql', source), 'utf8'));
  const described: Record<string, string> = {
    postgres: (await sql`select version() as v`)[0]?.v ?? '',
    'file system of the stores': fileSystem(),
    'added to every sync': `${options.fsyncDelayMs} ms`,
    redis: `appendonly ${redis.config.appendonly}, appendfsync ${redis.config.appendfsync}`,
  };
  for (const name of CONFIGURATION) {
    described[`postgres.${name}`] = (await sql`select current_setting(${name}) as v`)[0]?.v ?? '';
  }
  return {
    redis,
    postgres: server,
    switchUrl,
    peerUrl,
    described,
    settle: async () => {
      await sql`checkpoint`;
    },
    async stop() {
      await sql.end({ timeout: 2 });
      await server.stop();
      await redis.stop();
      slow?.remove();
    },
  };
}

/** Throws where a sync of one of the stores is not as slow as was asked: a delay that is not there is no measurement. */
async function proveSlow(redis: RedisServer, server: TestPostgres, delayMs: number): Promise<void> {
  if (delayMs === 0) return;
  const sql = postgres(server.url, { max: 1 });
  const client = new Redis(redis.url);
  try {
    await sql`create table slow (n integer)`;
    const syncs: Record<string, () => Promise<unknown>> = {
      postgres: () => sql`insert into slow values (1)`,
      redis: () => client.incr('slow'),
    };
    for (const [name, sync] of Object.entries(syncs)) {
      let quickestMs = Number.POSITIVE_INFINITY;
      for (let i = 0; i < SYNCS; i++) {
        const begun = performance.now();
        await sync();
        quickestMs = Math.min(quickestMs, performance.now() - begun);
      }
      if (quickestMs < delayMs) {
        const took = quickestMs.toFixed(2);
        throw new Error(`a sync of ${name} took ${took} ms: the delay is not there`);
      }
    }
    await sql`drop table slow`;
    await client.del('slow');
  } finally {
    client.disconnect();
    await sql.end();
  }
}

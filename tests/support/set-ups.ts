// The two ways to run the switch for real: Redis carries the log, or Postgres carries it too.

import { inject } from 'vitest';
import { createDatabase, startRedis } from './stores.ts';

export interface Stores {
  readonly databaseUrl: string;
  /** Null: Postgres carries the log. */
  readonly redisUrl: string | null;
}

export interface RunningStores extends Stores {
  stop(): Promise<void>;
}

export interface SetUp {
  readonly name: string;
  start(): Promise<RunningStores>;
}

export const redisAndPostgres: SetUp = {
  name: 'Redis and Postgres',
  async start() {
    const redis = await startRedis();
    const databaseUrl = await createDatabase(inject('postgresUrl'), { migrated: true });
    return { databaseUrl, redisUrl: redis.url, stop: () => redis.stop() };
  },
};

export const postgresAlone: SetUp = {
  name: 'Postgres alone',
  async start() {
    const databaseUrl = await createDatabase(inject('postgresUrl'), { migrated: true });
    return { databaseUrl, redisUrl: null, stop: () => Promise.resolve() };
  },
};

/** As Postgres alone, with a database in which there is nothing yet. */
export const emptyPostgres: SetUp = {
  name: 'an empty Postgres',
  async start() {
    const databaseUrl = await createDatabase(inject('postgresUrl'));
    return { databaseUrl, redisUrl: null, stop: () => Promise.resolve() };
  },
};

export const setUps: readonly SetUp[] = [redisAndPostgres, postgresAlone];

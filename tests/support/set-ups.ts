// The two ways to run the switch for real: Redis carries the log, or Postgres carries it too.

import { createDatabase, startPostgres, startRedis } from './stores.ts';

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
    const [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
    const databaseUrl = await createDatabase(postgres.url);
    return {
      databaseUrl,
      redisUrl: redis.url,
      stop: async () => void (await Promise.all([redis.stop(), postgres.stop()])),
    };
  },
};

export const postgresAlone: SetUp = {
  name: 'Postgres alone',
  async start() {
    const postgres = await startPostgres();
    const databaseUrl = await createDatabase(postgres.url);
    return { databaseUrl, redisUrl: null, stop: () => postgres.stop() };
  },
};

export const setUps: readonly SetUp[] = [redisAndPostgres, postgresAlone];

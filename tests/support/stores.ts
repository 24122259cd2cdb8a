// The real stores that tests bring up, in one place.

// biome-ignore lint/performance/noBarrelFile: the stores are started by helpers that are about to move here.
export {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../test/support/postgres-server.ts';
export { type RedisServer, startRedis } from '../../test/support/redis-server.ts';
export { silentLogger } from '../../test/support/silent-logger.ts';

// The real stores that tests bring up, in one place.

export { type RedisServer, startRedis } from '../../test/support/redis-server.ts';
export { createDatabase, startPostgres, type TestPostgres } from '../../test/support/postgres-server.ts';
export { silentLogger } from '../../test/support/silent-logger.ts';

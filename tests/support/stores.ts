// The real stores that tests bring up, in one place.

// biome-ignore lint/performance/noBarrelFile: one address for the end-to-end tests, which need all of them.
export { createDatabase, startPostgres, type TestPostgres } from './postgres-server.ts';
export { type RedisServer, startRedis } from './redis-server.ts';
export { silentLogger } from './silent-logger.ts';

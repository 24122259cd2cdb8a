// Which adapters the configuration asks for.

import type { Config } from './config.ts';
import { PostgresLeases } from './persistence/log/postgres-leases.ts';
import { PostgresLog } from './persistence/log/postgres-log.ts';
import { RedisLeases } from './persistence/log/redis-leases.ts';
import { RedisLog } from './persistence/log/redis-log.ts';
import type { Leases, Log } from './switch/ports.ts';
import type { Logger } from './telemetry/log.ts';

/** Below the ten seconds after which a gateway calls an outcome unknown: recovery shall come first. */
const APPEND_TIMEOUT_MS = 5_000;
/** Well below the life of a lease. */
const LEASE_TIMEOUT_MS = 1_000;
/** Shards share these connections; their commits share a sync to disk. */
const LOG_CONNECTIONS = 4;

/** The log: Redis where there is one, else Postgres. `trimsItself`: history's statement drops what it covers. */
export async function openConfiguredLog(
  config: Config,
  databaseUrl: string,
  logger: Logger,
): Promise<{ log: Log; trimsItself: boolean }> {
  const common = { timeoutMs: APPEND_TIMEOUT_MS, accepted: config.acceptUnsafe, logger };
  if (config.redisUrl !== null) {
    return { log: await RedisLog.open({ url: config.redisUrl, ...common }), trimsItself: false };
  }
  const log = await openPostgresLog(config, databaseUrl, logger);
  return { log, trimsItself: true };
}

export function openPostgresLog(config: Config, databaseUrl: string, logger: Logger): Promise<Log> {
  const common = { timeoutMs: APPEND_TIMEOUT_MS, accepted: config.acceptUnsafe, logger };
  return PostgresLog.open({ url: databaseUrl, connections: LOG_CONNECTIONS, ...common });
}

export function openRedisLog(config: Config, url: string, logger: Logger): Promise<Log> {
  const common = { timeoutMs: APPEND_TIMEOUT_MS, accepted: config.acceptUnsafe, logger };
  return RedisLog.open({ url, ...common });
}

/** Leases live where the log does. */
export function openConfiguredLeases(
  config: Config,
  databaseUrl: string,
  logger: Logger,
): Promise<Leases> {
  return config.redisUrl === null
    ? openPostgresLeases(config, databaseUrl, logger)
    : openRedisLeases(config.redisUrl, logger);
}

export function openPostgresLeases(config: Config, url: string, logger: Logger): Promise<Leases> {
  const accepted = config.acceptUnsafe;
  return PostgresLeases.open({ url, accepted, timeoutMs: LEASE_TIMEOUT_MS, logger });
}

export function openRedisLeases(url: string, logger: Logger): Promise<Leases> {
  return RedisLeases.open({ url, timeoutMs: LEASE_TIMEOUT_MS, logger });
}

import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisServer, startRedis } from '../../../tests/support/redis-server.ts';
import { silentLogger } from '../../../tests/support/silent-logger.ts';
import type { ShardId } from '../../domain/ids.ts';
import { RedisLeases } from './redis-leases.ts';

const SHARD = 3 as ShardId;

let server: RedisServer;
let redis: Redis;
let leases: RedisLeases;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  leases = await RedisLeases.open({ url: server.url, timeoutMs: 2_000, logger: silentLogger });
});
afterAll(async () => {
  await leases.close();
  redis.disconnect();
  await server.stop();
});

describe('leases on a full Redis', () => {
  test('are taken, renewed and given up: the owner has to trim the log, or nobody ever will', async () => {
    await redis.config('SET', 'maxmemory', '1');
    const taken = await leases.take([{ shard: SHARD, counter: 0, holder: null }], 'a');
    expect(taken).toEqual([{ shard: SHARD, counter: 1, holder: 'a' }]);
    const renewed = await leases.renew(taken);
    expect(renewed).toEqual([{ shard: SHARD, counter: 2, holder: 'a' }]);
    await leases.release(renewed);
    expect(await leases.read([SHARD])).toEqual([{ shard: SHARD, counter: 2, holder: null }]);
  });
});

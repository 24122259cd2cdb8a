import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RedisServer, startRedis } from '../../tests/support/redis-server.ts';
import { ACCEPT_NAMES, checkRedis, inspectRedis, UnsafeStore } from './store-checks.ts';

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const found = async (as: Redis = redis) =>
  (await inspectRedis(as)).map(({ setting, found }) => `${setting} ${found}`);

describe('a Redis', () => {
  afterEach(async () => {
    await redis.replicaof('NO', 'ONE');
    for (const [setting, value] of Object.entries(server.config)) {
      await redis.config('SET', setting, value);
    }
    await redis.config('SET', 'appendonly', 'yes');
  });

  test('that syncs what it answers has no findings', async () => {
    expect(await inspectRedis(redis)).toEqual([]);
    await checkRedis(redis, []);
  });

  test.each([
    ['appendfsync', 'everysec'],
    ['appendfsync', 'no'],
    ['appendonly', 'no'],
    ['no-appendfsync-on-rewrite', 'yes'],
    ['maxmemory-policy', 'allkeys-lru'],
  ])('with %s %s is refused unless that is accepted', async (setting, value) => {
    await redis.config('SET', setting, value);
    expect(await found()).toEqual([`${setting} ${value}`]);
    await expect(checkRedis(redis, [])).rejects.toThrow(UnsafeStore);
    await expect(checkRedis(redis, [])).rejects.toThrow(`CONFIG SET ${setting}`);
    await checkRedis(redis, [`redis.${setting}`]);
  });

  test('that is a replica is refused whatever was accepted', async () => {
    await redis.replicaof('127.0.0.1', 1);
    expect(await found()).toEqual(['role slave']);
    await expect(checkRedis(redis, ACCEPT_NAMES)).rejects.toThrow(UnsafeStore);
  });

  test('that forbids CONFIG cannot be verified', async () => {
    await redis.acl('SETUSER', 'modest', 'on', '>secret', '~*', '+@all', '-config');
    const modest = new Redis(server.port, { username: 'modest', password: 'secret' });
    try {
      const [finding] = await inspectRedis(modest);
      expect(finding).toMatchObject({ setting: 'CONFIG GET', acceptName: 'redis.unverified' });
      expect(finding?.found).toContain('NOPERM');
      await expect(checkRedis(modest, [])).rejects.toThrow(UnsafeStore);
      await checkRedis(modest, ['redis.unverified']);
    } finally {
      modest.disconnect();
    }
  });
});

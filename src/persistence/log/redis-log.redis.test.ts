import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RedisServer, startRedis } from '../../../tests/support/redis-server.ts';
import { silentLogger } from '../../../tests/support/silent-logger.ts';
import type { ShardId } from '../../domain/ids.ts';
import { type EntryId, entryId, NO_ENTRY } from '../../switch/entry-id.ts';
import { LogRefusal } from '../../switch/ports.ts';
import { UnsafeStore } from '../store-checks.ts';
import { RedisLog } from './redis-log.ts';

const SHARD = 1 as ShardId;

let server: RedisServer;
let redis: Redis;
let log: RedisLog;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  redis = new Redis(server.url);
  redis.on('error', () => undefined);
  await redis.flushall();
  log = await open();
});
afterEach(async () => {
  await log.close();
  redis.disconnect();
});

const open = () =>
  RedisLog.open({ url: server.url, timeoutMs: 2_000, accepted: [], logger: silentLogger });

const append = (after: EntryId, id: EntryId) => log.append(SHARD, after, id, Buffer.from('x'));

async function refusalOf(attempt: Promise<unknown>): Promise<LogRefusal> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LogRefusal);
  return error as LogRefusal;
}

/** Appends, as an owner does that probes a log which refuses, until it is taken. */
async function appendOnceWilling(after: EntryId, id: EntryId): Promise<void> {
  for (;;) {
    const error: unknown = await append(after, id).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error === undefined) return;
    expect(error).toMatchObject({ reason: 'unwilling' });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('RedisLog', () => {
  test('keeps a shard in the stream of its number, which nothing else needs to know', async () => {
    await append(NO_ENTRY, entryId(3, 7));
    expect(await redis.xrange('wal:{1}', '-', '+')).toEqual([['3-7', ['p', 'x']]]);
  });

  test('appends although Redis has forgotten its scripts', async () => {
    await append(NO_ENTRY, entryId(1, 1));
    await redis.script('FLUSH');
    await append(entryId(1, 1), entryId(1, 2));
    await redis.script('FLUSH');
    expect((await refusalOf(append(entryId(1, 1), entryId(1, 2)))).reason).toBe('fenced');
    expect(await redis.xlen('wal:{1}')).toBe(2);
  });

  test('does not send a script again over a connection that is no longer vouched for', async () => {
    await append(NO_ENTRY, entryId(1, 1));
    await redis.script('FLUSH');
    const refused = refusalOf(append(entryId(1, 1), entryId(1, 2)));
    await log.close();
    expect(await refused).toMatchObject({ reason: 'unwilling' });
  });

  test('tells its name, and is trimmed, although Redis is full', async () => {
    const first = await log.identify({ id: 'first', shards: 8 });
    await append(NO_ENTRY, entryId(1, 1));
    await append(entryId(1, 1), entryId(1, 2));
    await redis.config('SET', 'maxmemory', '1');
    try {
      expect(await log.identify({ id: 'second', shards: 8 })).toEqual(first);
      await log.trim(SHARD, entryId(1, 2));
      expect(await redis.xlen('wal:{1}')).toBe(1);
    } finally {
      await redis.config('SET', 'maxmemory', '0');
    }
  });

  test('names the top in its refusal', async () => {
    await append(NO_ENTRY, entryId(1, 1));
    const refusal = await refusalOf(append(entryId(1, 2), entryId(1, 3)));
    expect(refusal.message).toBe('the top of shard 1 is 1-1, not 1-2');
  });

  test('goes by the entries that are there, whatever id the stream remembers', async () => {
    await append(NO_ENTRY, entryId(1, 1));
    await append(entryId(1, 1), entryId(1, 2));
    await redis.xdel('wal:{1}', '1-2');
    expect((await log.bounds(SHARD)).last).toBe(entryId(1, 1));
    expect((await refusalOf(append(entryId(1, 2), entryId(1, 3)))).reason).toBe('fenced');
    await append(entryId(1, 1), entryId(2, 0));
  });

  test.each([
    [
      'is full',
      () => redis.config('SET', 'maxmemory', '1'),
      () => redis.config('SET', 'maxmemory', '0'),
      'OOM',
    ],
    [
      'is a replica',
      () => redis.replicaof('127.0.0.1', 1),
      () => redis.replicaof('NO', 'ONE'),
      'READONLY',
    ],
    [
      'lacks replicas',
      () => redis.config('SET', 'min-replicas-to-write', '1'),
      () => redis.config('SET', 'min-replicas-to-write', '0'),
      'NOREPLICAS',
    ],
    [
      'has another thing there',
      () => redis.set('wal:{1}', 'x'),
      () => redis.del('wal:{1}'),
      'WRONGTYPE',
    ],
  ])('is unwilling where Redis %s, and nothing is written', async (_, spoil, mend, reply) => {
    await spoil();
    const refusal = await refusalOf(append(NO_ENTRY, entryId(1, 1)));
    await mend();
    expect(refusal.reason).toBe('unwilling');
    expect(refusal.message).toContain(reply);
    expect(await redis.xlen('wal:{1}')).toBe(0);
    await append(NO_ENTRY, entryId(1, 1));
  });

  test('is unwilling while Redis is away, and goes on once it is back', async () => {
    await append(NO_ENTRY, entryId(1, 1));
    await server.kill();
    // The first to notice may have been sent into the void; from then on nothing is sent.
    await append(entryId(1, 1), entryId(1, 2)).catch(() => undefined);
    expect((await refusalOf(append(entryId(1, 1), entryId(1, 2)))).reason).toBe('unwilling');
    await server.restart();
    await appendOnceWilling(entryId(1, 1), entryId(1, 2));
    expect((await log.read(SHARD, NO_ENTRY, 10)).map(({ id }) => id)).toEqual([
      entryId(1, 1),
      entryId(1, 2),
    ]);
  });

  test('is not opened on a Redis that would lose acknowledged entries', async () => {
    await redis.config('SET', 'appendfsync', 'everysec');
    try {
      await expect(open()).rejects.toThrow(UnsafeStore);
      await expect(open()).rejects.toThrow('accept it as redis.appendfsync');
    } finally {
      await redis.config('SET', 'appendfsync', 'always');
    }
  });

  test('looks again after a reconnect, and refuses until the Redis is fit', async () => {
    await append(NO_ENTRY, entryId(1, 1));
    await redis.config('SET', 'appendfsync', 'no');
    await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    // An append may still meet the old connection; none is taken once it is gone.
    for (;;) {
      const refusal = await refusalOf(append(entryId(9, 9), entryId(9, 10))).catch(() => undefined);
      if (refusal?.message.includes('appendfsync is no')) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await redis.config('SET', 'appendfsync', 'always');
    await appendOnceWilling(entryId(1, 1), entryId(1, 2));
  });

  test('does not take another program’s key for its name', async () => {
    for (const value of ['hello', '{"id":7}', 'null']) {
      await redis.set('qrswitch:log', value);
      await expect(log.identify({ id: 'a', shards: 8 })).rejects.toThrow('is not ours');
    }
  });

  test('is not opened where no Redis answers', async () => {
    await expect(
      RedisLog.open({
        url: 'redis://127.0.0.1:1',
        timeoutMs: 2_000,
        accepted: [],
        logger: silentLogger,
      }),
    ).rejects.toThrow();
  });
});

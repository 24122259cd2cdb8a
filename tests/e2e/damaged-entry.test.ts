// Foreign bytes at the end of a shard's log, as a disk may leave them where the power went before it was asked to sync.

import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Customer } from '../support/customers.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { SwitchProcess } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const SHARDS = 4;
const SHARD = 2;
const STREAM = `wal:{${SHARD}}`;

let world: World;
let redis: Redis;

beforeEach(async () => {
  showOutputOnFailure(() => world?.process);
  world = await World.start(redisAndPostgres, { QRSWITCH_SHARDS: `${SHARDS}` });
  redis = new Redis(world.stores.redisUrl ?? '');
});
afterEach(async () => {
  redis?.disconnect();
  await world?.stop();
});

test('a last entry of foreign bytes stops its shard alone, and the runbook leads out', async () => {
  const customers = Array.from({ length: 8 }, () => new Customer());
  const load = customers.map((each) => each.run(world.http('terminal'), world.http('paychannel')));
  const heard = (): number => customers.reduce((sum, { told }) => sum + told.length, 0);
  await world.process.until('under load', () => heard() > 200);
  await world.process.kill();
  await Promise.all(load);

  const [top] = await redis.xrevrangeBuffer(STREAM, '+', '-', 'COUNT', 1);
  const [epoch, sequence] = String(top?.[0]).split('-').map(Number);
  const foreign = `${epoch}-${(sequence ?? 0) + 1}`;
  const bytes = Buffer.from(top?.[1][1] ?? '');
  bytes.fill(0, bytes.length >> 1);
  await redis.xadd(STREAM, foreign, 'p', bytes);

  const { port, dataDir } = world.process;
  const { stores } = world;
  const env = { QRSWITCH_SHARDS: `${SHARDS}` };
  world.process = await SwitchProcess.launch({ stores, port, dataDir, env });
  await world.process.until('serving but for one shard', async () => {
    const shards = (await world.process.readiness())?.body.shards as Record<string, number>;
    return shards?.serving === SHARDS - 1 && shards.stopped === 1;
  });
  await world.process.until('telling why', () => world.process.logged('shard.stopped').length > 0);
  expect(world.process.logged('shard.stopped')).toMatchObject([
    {
      shard: SHARD,
      reason: expect.stringContaining('a damaged entry'),
      runbook: 'docs/runbooks/shards-stopped.md',
    },
  ]);

  // The runbook's way out for an entry that is the last one, and that nobody was told of.
  await redis.xdel(STREAM, foreign);
  await world.process.stop();
  world.process = await world.process.restart();
  const [till, wallet] = [world.http('terminal'), world.http('paychannel')];
  for (const each of customers) expect(await each.contradictions(till, wallet)).toEqual([]);
});

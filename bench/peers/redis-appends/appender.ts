// The log's limit: Redis alone, taking entries of the size and in the batches in which the switch sends them, by the
// same fenced script (RedisLog). One round after the other, each an entry a shard, as a worker's shards append together;
// two rounds are under way, since the next one gathers while the last is written. Old entries are trimmed as it goes.

import type { ShardId } from '../../../src/domain/ids.ts';
import { RedisLog } from '../../../src/persistence/log/redis-log.ts';
import type { EntryId } from '../../../src/switch/entry-id.ts';
import { openLog } from '../../../src/telemetry/log.ts';

export interface AppendTask {
  readonly redisUrl: string;
  readonly shards: number;
  readonly entryBytes: number;
  readonly seconds: number;
  readonly warmUp: number;
}

export type FromAppender =
  | { readonly type: 'done'; readonly appends: number; readonly windowMs: number }
  | { readonly type: 'failed'; readonly reason: string };

const TRIM_EVERY = 256;
const TIMEOUT_MS = 10_000;
/** Streams of this run, apart from the switch's: shards beyond any that it has. */
const FIRST_SHARD = 20_000;

async function run(task: AppendTask): Promise<{ appends: number; windowMs: number }> {
  const logger = openLog({ level: 'error', node: 'bench', thread: 'appends' });
  const log = await RedisLog.open({
    url: task.redisUrl,
    timeoutMs: TIMEOUT_MS,
    accepted: [],
    logger,
  });
  const payload = new Uint8Array(task.entryBytes).fill(0x5a);
  let appends = 0;
  let isOver = false;
  const lane = async (index: number): Promise<void> => {
    const shard = (FIRST_SHARD + index) as ShardId;
    const { last } = await log.bounds(shard);
    for (let top: EntryId = last; !isOver; appends++) {
      const next = (top + 1) as EntryId;
      await log.append(shard, top, next, payload);
      if (appends % TRIM_EVERY === 0) await log.trim(shard, next);
      top = next;
    }
  };
  const lanes = Array.from({ length: task.shards }, (_, index) => lane(index));
  const wait = (seconds: number) => new Promise((done) => setTimeout(done, seconds * 1000));
  await Promise.race([wait(task.warmUp), ...lanes]);
  const before = appends;
  const openedAt = performance.now();
  await Promise.race([wait(task.seconds), ...lanes]);
  const counted = { appends: appends - before, windowMs: performance.now() - openedAt };
  isOver = true;
  await Promise.all(lanes);
  await log.close();
  return counted;
}

process.once('message', (task: AppendTask) => {
  const say = (message: FromAppender): void => {
    process.send?.(message, () => process.disconnect());
  };
  run(task).then(
    (counted) => say({ type: 'done', ...counted }),
    (error: unknown) => say({ type: 'failed', reason: String(error) }),
  );
});

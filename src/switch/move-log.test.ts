import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import type { ShardId } from '../domain/ids.ts';
import { type Millis, millis } from '../domain/time.ts';
import { type EntryId, entryId, NO_ENTRY } from './entry-id.ts';
import { type Moving, moveLog, takeBack } from './move-log.ts';
import type { History, HistoryBatch, Leases, Log, LogEntry } from './ports.ts';
import type { EntryContent } from './records.ts';

const SHARD = 0 as ShardId;
/** An hour ahead of the wall clock, which has been put back since. */
const LAST = millis(1_700_003_600_000);

const codec = {
  encode: (content: EntryContent): Uint8Array => Buffer.from(JSON.stringify(content)),
  decode: (payload: Uint8Array): EntryContent => JSON.parse(Buffer.from(payload).toString()),
};

/** A log in memory. */
function logOf(entries: LogEntry[]): Log {
  return {
    read: async (_shard: ShardId, above: EntryId, limit: number) =>
      entries.filter(({ id }) => id > above).slice(0, limit),
    bounds: async () => ({
      first: entries[0]?.id ?? NO_ENTRY,
      last: entries.at(-1)?.id ?? NO_ENTRY,
    }),
    append: async (_shard: ShardId, _after: EntryId, id: EntryId, payload: Uint8Array) => {
      entries.push({ id, payload });
    },
    trim: async (_shard: ShardId, keep: EntryId) => {
      entries.splice(0, entries.filter(({ id }) => id < keep).length);
    },
  } as unknown as Log;
}

/** A shard that history has all of, moved to an empty log. */
function stand() {
  const top = entryId(1, 5);
  const clock = new ManualClock();
  let watermark: { shard: ShardId; entry: EntryId; at: Millis } = {
    shard: SHARD,
    entry: top,
    at: LAST,
  };
  const history = {
    watermarks: async () => [watermark],
    write: async ({ moves }: HistoryBatch) => {
      for (const { shard, to, at } of moves) watermark = { shard, entry: to, at };
      return new Set(moves.map(({ shard }) => shard));
    },
  } as unknown as History;
  const leases = {
    read: async () => [{ shard: SHARD, counter: 7, holder: null }],
    release: async () => undefined,
  } as unknown as Leases;
  const opened: LogEntry[] = [];
  const payload = codec.encode({ kind: 'batch', transitions: [] });
  const from = logOf([{ id: top, payload }]);
  const moving: Moving = {
    shards: [SHARD],
    from: { log: from, leases, isGone: () => false },
    to: logOf(opened),
    history,
    codec,
    clock,
    reporter: { report: () => undefined },
    holder: 'mover',
    drawNonce: () => 'nonce',
    drawInteger: () => 3,
  };
  return { moving, from, opened, watermark: () => watermark };
}

describe('moving a log', () => {
  test('does not set a shard’s time back, though the clock has been', async () => {
    const { moving, opened, watermark } = stand();
    await moveLog(moving, { change: async () => undefined, restore: async () => undefined });
    expect(watermark().at).toBe(LAST);
    const [opening] = opened.map(({ payload }) => codec.decode(payload));
    expect(opening).toMatchObject({ kind: 'open', at: LAST });
  });

  test('is given up where somebody takes the old log back while the name is being changed', async () => {
    const { moving, from } = stand();
    let isNew = false;
    const moved = moveLog(moving, {
      change: async () => {
        // It has read the old name, and begins to serve on the old log.
        await takeBack({ ...moving, from: null, to: from });
        isNew = true;
      },
      restore: async () => {
        isNew = false;
      },
    });
    await expect(moved).rejects.toThrow('served on the old log again');
    expect(isNew).toBe(false);
  });
});

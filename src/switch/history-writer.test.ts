import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import { nextUnhandled } from '../../tests/support/unhandled.ts';
import type { Reference, ShardId, TerminalId } from '../domain/ids.ts';
import { millis } from '../domain/time.ts';
import { type EntryId, entryId, NO_ENTRY } from './entry-id.ts';
import type { CommittedEntry } from './history-queue.ts';
import { HistoryWriter } from './history-writer.ts';
import { type History, type HistoryBatch, HistoryRefusal } from './ports.ts';
import { NO_OBSERVER } from './reporter.ts';

const SHARD = 0 as ShardId;
const id = (sequence: number): EntryId => entryId(1, sequence);

function entry(sequence: number, times: readonly number[] = [sequence]): CommittedEntry {
  const items = times.map((at) => {
    const transition = {
      kind: 'orderVoided',
      terminalId: 'till' as TerminalId,
      orderId: `order-${sequence}` as Reference,
      at: millis(at),
      actor: 'terminal:till',
      requestId: 'r',
    } as const;
    return { kind: 'order', transition } as const;
  });
  return { entry: id(sequence), at: times.at(-1) ?? 0, weight: items.length, items };
}

/** History that does what it is told, and answers or not. */
class Rows {
  watermark = NO_ENTRY;
  answers: 'all' | 'lost' | 'failed' = 'all';
  refused: EntryId | null = null;
  /** Of more transitions than that a statement is given up after its time. */
  most = Number.POSITIVE_INFINITY;
  clock: ManualClock | null = null;
  readonly batches: HistoryBatch[] = [];

  async write(batch: HistoryBatch): Promise<ReadonlySet<ShardId>> {
    this.batches.push(batch);
    const refused = batch.transitions.some((row) => row.entry === this.refused);
    if (refused) throw new HistoryRefusal('bad data');
    if (this.answers === 'failed') throw new Error('not done');
    if (batch.transitions.length > this.most) {
      await new Promise<void>((late) => this.clock?.after(25_000, late));
      throw new Error('canceling statement due to statement timeout');
    }
    const [move] = batch.moves;
    const moved = new Set<ShardId>();
    if (move !== undefined && move.from === this.watermark) {
      this.watermark = move.to;
      moved.add(move.shard);
    }
    if (this.answers === 'lost') throw new Error('no answer');
    return moved;
  }

  async watermarks(shards: readonly ShardId[]) {
    return shards.map((shard) => ({ shard, entry: this.watermark, at: millis(0) }));
  }
}

describe('the history writer', () => {
  let rows: Rows;
  let clock: ManualClock;
  let writer: HistoryWriter;
  let heard: string[];
  let told: string[];
  let counted: number[];

  beforeEach(() => {
    rows = new Rows();
    clock = new ManualClock();
    heard = [];
    told = [];
    const reporter = { report: (_: string, what: string) => void told.push(what) };
    const history = rows as unknown as History;
    counted = [];
    const observer = { ...NO_OBSERVER, historyWritten: (rows: number) => void counted.push(rows) };
    writer = new HistoryWriter({ history, clock, reporter, observer });
    follow();
  });

  function follow(): void {
    writer.follow(SHARD, rows.watermark, {
      written: (entries) => heard.push(`written ${entries.map((each) => each.entry - id(0))}`),
      overtaken: (_, { watermark, entries }) => {
        heard.push(
          `overtaken after ${watermark - id(0)}: ${entries.map((each) => each.entry - id(0))}`,
        );
      },
      stopped: (reason) => heard.push(`stopped: ${reason}`),
    });
  }

  test('writes in order, each statement on the watermark that the last one left (H1)', async () => {
    writer.enqueue(SHARD, entry(1));
    writer.enqueue(SHARD, entry(2));
    writer.enqueue(SHARD, entry(3));
    await clock.pass(100);
    const moves = rows.batches.flatMap((batch) => batch.moves.map(({ from, to }) => [from, to]));
    expect(moves).toEqual([
      [NO_ENTRY, id(1)],
      [id(1), id(3)],
    ]);
    expect(heard).toEqual(['written 1', 'written 2,3']);
    expect(writer.depth(SHARD)).toBe(0);
  });

  test('counts the rows of all tables that a statement has', async () => {
    writer.enqueue(SHARD, entry(1));
    await clock.pass(100);
    const [batch] = rows.batches;
    // The order, what became of it, and the watermark.
    expect([batch?.orders, batch?.transitions, batch?.moves].map((of) => of?.length)).toEqual([
      1, 1, 1,
    ]);
    expect(counted).toEqual([3]);
  });

  describe('with eight busy shards', () => {
    const shards = [1, 2, 3, 4, 5, 6, 7, 8] as ShardId[];
    let turns: { at: number; shards: ShardId[] }[];

    beforeEach(() => {
      turns = [];
      rows.write = async ({ moves }) => {
        const moved = moves.map(({ shard }) => shard);
        turns.push({ at: clock.monotonic(), shards: moved });
        return new Set(moved);
      };
      const listener = { written: () => {}, overtaken: () => {}, stopped: () => {} };
      for (const shard of shards) writer.follow(shard, NO_ENTRY, listener);
      for (const shard of shards) writer.enqueue(shard, entry(1));
      // The first of them was written at once, and alone.
      writer.enqueue(1 as ShardId, entry(2));
    });

    test('writes them in turns, and the round in the time of one statement', async () => {
      await clock.pass(1_000);
      expect(turns.map((turn) => turn.shards)).toEqual([[1], [1, 2], [3, 4], [5, 6], [7, 8]]);
      // 20 ms and 1 ms a transition after the first; then, of 28 ms, a quarter after each.
      expect(turns.map((turn) => turn.at)).toEqual([0, 21, 28, 35, 42]);
      expect(writer.weightInAll).toBe(0);
    });

    test('goes on with the others where one is left before its turn', async () => {
      await clock.pass(0);
      for (const shard of shards.slice(1, 7)) writer.leave(shard);
      await clock.pass(1_000);
      expect(turns.map((turn) => turn.shards)).toEqual([[1], [1], [8]]);
    });

    test('writes all at once where more waits than a statement takes', async () => {
      const much = Array.from({ length: 2_000 }, (_, at) => at);
      writer.enqueue(5 as ShardId, entry(2, much));
      await clock.pass(21);
      expect(turns.map((turn) => turn.shards)).toEqual([[1], shards, [5]]);
    });
  });

  test('asks the watermark what became of a statement that was not answered (H2)', async () => {
    rows.answers = 'lost';
    writer.enqueue(SHARD, entry(1));
    await clock.pass(100);
    expect(heard).toEqual(['written 1']);
    rows.answers = 'failed';
    writer.enqueue(SHARD, entry(2));
    await clock.pass(1_000);
    expect(heard).toEqual(['written 1']);
    rows.answers = 'all';
    await clock.pass(1_000);
    expect(heard).toEqual(['written 1', 'written 2']);
  });

  test('asks for less at once of a Postgres that gives its statements up, and for as much as before later', async () => {
    rows.most = 300;
    rows.clock = clock;
    for (let i = 1; i <= 60; i++) writer.enqueue(SHARD, entry(i, Array(100).fill(i)));
    await clock.pass(300_000);
    expect(rows.watermark).toBe(id(60));

    rows.most = Number.POSITIVE_INFINITY;
    for (let i = 61; i <= 310; i++) writer.enqueue(SHARD, entry(i, Array(100).fill(i)));
    await clock.pass(10_000);
    expect(rows.watermark).toBe(id(310));
    expect(Math.max(...rows.batches.slice(-20).map((of) => of.transitions.length))).toBe(2_000);
  });

  test('stops a shard alone, by its entry, where an entry is nothing that can be folded (H3)', async () => {
    const { items, ...rest } = entry(2);
    const wrong = items.map((item) => ({
      ...item,
      transition: Object.defineProperty({ ...item.transition }, 'at', {
        get: () => {
          throw new TypeError('of undefined');
        },
      }),
    })) as typeof items;
    writer.enqueue(SHARD, entry(1));
    writer.enqueue(SHARD, { ...rest, items: wrong });
    await clock.pass(10_000);
    expect(heard).toEqual(['written 1', expect.stringContaining('cannot be folded: of undefined')]);
    expect(heard[1]).toContain('entry 1-2 (order order-2)');
  });

  test('ends by a mistake of ours, and tells of it, rather than to try for ever', async () => {
    const unhandled = nextUnhandled();
    writer.follow(SHARD, rows.watermark, {
      written: () => {
        throw new TypeError('of undefined');
      },
      overtaken: () => undefined,
      stopped: () => undefined,
    });
    writer.enqueue(SHARD, entry(1));
    await clock.pass(10_000);
    expect(await unhandled).toBeInstanceOf(TypeError);
    expect(told).toEqual(['history.defect']);
    expect(rows.batches).toHaveLength(1);
  });

  test('leaves it to the log when another has moved the watermark, and writes no more', async () => {
    writer.enqueue(SHARD, entry(1));
    await clock.pass(100);
    rows.watermark = entryId(2, 0);
    writer.enqueue(SHARD, entry(2));
    const reached = writer.reached(SHARD, id(2)).catch(() => 'rejected');
    await clock.pass(1_000);
    expect(heard).toEqual(['written 1', 'overtaken after 1: 2']);
    await expect(reached).resolves.toBe('rejected');
    await expect(writer.reached(SHARD, id(2))).rejects.toThrow('no more');
  });

  test('gives back what it has not written of a shard that it leaves', async () => {
    writer.enqueue(SHARD, entry(1));
    await clock.pass(100);
    rows.answers = 'failed';
    writer.enqueue(SHARD, entry(2));
    writer.enqueue(SHARD, entry(3));
    expect(writer.leave(SHARD)).toEqual({ watermark: id(1), entries: [entry(2), entry(3)] });
    expect(writer.leave(SHARD).entries).toEqual([]);
    expect(writer.weightInAll).toBe(0);
  });

  test('stops when the watermark goes back, because Postgres has lost commits', async () => {
    writer.enqueue(SHARD, entry(1));
    await clock.pass(100);
    rows.watermark = NO_ENTRY;
    writer.enqueue(SHARD, entry(2));
    await clock.pass(1_000);
    expect(heard.at(-1)).toMatch('stopped');
  });

  test('stops although it has nothing to write, once it is asked to look whether all is still there', async () => {
    writer.enqueue(SHARD, entry(1));
    await clock.pass(100);
    await writer.audit();
    expect(heard).toEqual(['written 1']);
    rows.watermark = NO_ENTRY;
    await writer.audit();
    await writer.audit();
    expect(heard.at(-1)).toMatch(/^stopped: the watermark of shard 0 is .*did not write$/);
  });

  test('does not stop for one answer that is not given again', async () => {
    writer.enqueue(SHARD, entry(1));
    await clock.pass(100);
    for (let i = 0; i < 2; i++) {
      rows.watermark = NO_ENTRY;
      await writer.audit();
      rows.watermark = id(1);
      await writer.audit();
    }
    expect(heard).toEqual(['written 1']);
  });

  test('goes on writing what came while it looked', async () => {
    const looked = writer.audit();
    writer.enqueue(SHARD, entry(1));
    await looked;
    await clock.pass(1);
    expect(heard).toEqual(['written 1']);
  });

  test('tells at once of an entry that history already has', () => {
    rows.watermark = id(5);
    follow();
    writer.enqueue(SHARD, entry(4));
    expect(heard).toEqual(['written 4']);
    expect(writer.depth(SHARD)).toBe(0);
  });

  test('names what history refuses, and writes what comes before it (H3)', async () => {
    rows.refused = id(2);
    writer.enqueue(SHARD, entry(1));
    writer.enqueue(SHARD, entry(2));
    await clock.pass(2_000);
    expect(rows.watermark).toBe(id(1));
    expect(heard.at(-1)).toMatch(/stopped: .*1-2 \(order order-2\)/);
  });

  test('counts what all shards hold that history does not have, as long as it will be written', async () => {
    rows.answers = 'failed';
    writer.enqueue(SHARD, entry(1, [1, 2]));
    writer.enqueue(SHARD, entry(2));
    writer.claim(10);
    expect(writer.weightInAll).toBe(13);
    writer.claim(-10);
    follow();
    expect(writer.weightInAll).toBe(0);
    writer.enqueue(SHARD, entry(1, [1, 2]));
    writer.leave(SHARD);
    expect(writer.weightInAll).toBe(0);
    rows.answers = 'all';
    follow();
    writer.enqueue(SHARD, entry(1, [1, 2]));
    rows.refused = id(2);
    writer.enqueue(SHARD, entry(2));
    await clock.pass(2_000);
    expect(heard.at(-1)).toMatch('stopped');
    expect(writer.depth(SHARD)).toBe(1);
    expect(writer.weightInAll).toBe(0);
  });

  test('counts a fat entry as several, and writes no more of them at once than of usual ones', async () => {
    rows.answers = 'failed';
    writer.enqueue(SHARD, { ...entry(1), weight: 1_500 });
    writer.enqueue(SHARD, { ...entry(2), weight: 400 });
    writer.enqueue(SHARD, { ...entry(3), weight: 200 });
    expect(writer.weightInAll).toBe(2_100);
    expect(writer.depth(SHARD)).toBe(3);
    rows.answers = 'all';
    await clock.pass(2_000);
    expect(rows.batches.map(({ transitions }) => transitions.length)).toEqual([1, 2, 1]);
    expect(writer.weightInAll).toBe(0);
  });

  test('knows the time of the oldest transition, not that of its entry’s last', () => {
    rows.answers = 'failed';
    writer.enqueue(SHARD, entry(1, [100, 150, 190]));
    expect(writer.oldest(SHARD)).toBe(100);
  });
});

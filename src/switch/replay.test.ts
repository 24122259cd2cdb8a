import { describe, expect, test } from 'vitest';
import { create, momentOf, START, terms } from '../../tests/support/bill-spec.ts';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import { decide, evolve } from '../domain/bill/bill.ts';
import { ABSENT, type Bill } from '../domain/bill/state.ts';
import { type BillFact, isRejection } from '../domain/bill/vocabulary.ts';
import type { ShardId } from '../domain/ids.ts';
import { millis } from '../domain/time.ts';
import { type EntryId, entryId, NO_ENTRY } from './entry-id.ts';
import { HistoryWriter } from './history-writer.ts';
import type { History, HistoryBatch, Log, LogEntry } from './ports.ts';
import type { EntryContent } from './records.ts';
import { type ReplaySources, replay } from './replay.ts';
import { NO_OBSERVER } from './reporter.ts';

const SHARD = 0 as ShardId;
const BILL = terms().id;

const codec = {
  encode: (content: EntryContent): Uint8Array => Buffer.from(JSON.stringify(content)),
  decode: (payload: Uint8Array): EntryContent => JSON.parse(Buffer.from(payload).toString()),
};

function factsOf(bill: Bill): readonly BillFact[] {
  const facts = decide(bill, create(), START);
  if (isRejection(facts)) throw new Error(facts.rejected);
  return facts;
}

const opening: LogEntry = {
  id: entryId(1, 0),
  payload: codec.encode({ kind: 'open', nonce: 'n', holder: 'h', at: START, follows: NO_ENTRY }),
};
const creation: LogEntry = {
  id: entryId(1, 1),
  payload: codec.encode({
    kind: 'batch',
    transitions: [
      {
        kind: 'bill',
        billId: BILL,
        at: START,
        command: 'CreateBill',
        actor: 'terminal:t',
        requestId: 'r',
        facts: factsOf(ABSENT),
      },
    ],
  }),
};

/** A log that holds what it is told to hold, whenever it is read. */
function logOf(entries: () => readonly LogEntry[]): Log {
  const read = async (_: ShardId, above: EntryId, limit: number) =>
    entries()
      .filter(({ id }) => id > above)
      .slice(0, limit);
  return { read } as unknown as Log;
}

/** So many receipts for the bill, an entry each; with `text` in them. */
function receipts(count: number, text = ''): LogEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    id: entryId(1, 2 + i),
    payload: codec.encode({
      kind: 'batch',
      transitions: [
        {
          kind: 'bill',
          billId: BILL,
          at: millis(START + i),
          command: 'AttachReceipt',
          actor: 'terminal:t',
          requestId: 'r',
          facts: [{ type: 'ReceiptAttached', receipt: { no: i, text } }],
        },
      ],
    }),
  }));
}

/** A tail, of two entries where not given; `row`: what history has of the bill already. */
function stand(
  row: { bill: Bill; entry: EntryId },
  isVoid: () => boolean,
  tail: readonly LogEntry[] = [opening, creation],
  written: (batch: HistoryBatch) => Promise<ReadonlySet<ShardId>> = () =>
    new Promise(() => undefined),
) {
  const put: [EntryId, string][] = [];
  const home = new Map<string, { bill: Bill }>();
  const history = {
    fetchBills: async () => ({ bills: [row], watermarks: [] }),
    watermarks: async () => [{ shard: SHARD, entry: NO_ENTRY, at: millis(0) }],
    write: (batch: HistoryBatch) => written(batch),
  } as unknown as History;
  const clock = new ManualClock();
  const writer = new HistoryWriter({
    history,
    clock,
    reporter: { report: () => undefined },
    observer: NO_OBSERVER,
  });
  const heard = { written: () => undefined, overtaken: () => undefined, stopped: () => undefined };
  writer.follow(SHARD, NO_ENTRY, heard);
  const log = logOf(() => tail);
  const sources: ReplaySources = {
    shard: SHARD,
    log,
    codec,
    history,
    watermark: NO_ENTRY,
    writer,
    unwrittenMax: 1_000,
    unwrittenInAllMax: 1_000,
    isVoid,
    home: {
      get: (id) => home.get(id),
      put: (id, bill, entry) => {
        put.push([entry, bill.status]);
        home.set(id, { bill });
      },
      entomb: () => undefined,
    },
  };
  return { sources, put, home, writer, clock };
}

describe('replaying a shard’s log', () => {
  test('evolves what the tail touches, and gives history what it misses', async () => {
    const { sources, home, writer } = stand({ bill: ABSENT, entry: NO_ENTRY }, () => false);
    const replayed = await replay(sources, NO_ENTRY);
    expect(replayed).toEqual({ top: creation.id, at: START, entries: 2 });
    expect(home.get(BILL)?.bill.status).toBe('open');
    expect(writer.depth(SHARD)).toBe(1);
  });

  test('skips what a row of history has already', async () => {
    const bill = evolve(ABSENT, factsOf(ABSENT), momentOf(START));
    const { sources, put } = stand({ bill, entry: creation.id }, () => false);
    await replay(sources, NO_ENTRY);
    expect(put).toEqual([[creation.id, 'open']]);
  });

  test('reads a tail of several pages whole', async () => {
    const tail = [opening, creation, ...receipts(250)];
    const { sources, home } = stand({ bill: ABSENT, entry: NO_ENTRY }, () => false, tail);
    expect(await replay(sources, NO_ENTRY)).toMatchObject({ top: entryId(1, 251), entries: 252 });
    expect(home.get(BILL)?.bill).toMatchObject({ version: 251 });
  });

  test('holds no more of a tail than there is room for beside the other shards of the worker', async () => {
    const tail = [opening, creation, ...receipts(1_000)];
    let most = 0;
    const written = async ({ moves }: HistoryBatch): Promise<ReadonlySet<ShardId>> => {
      most = Math.max(most, writer.weightInAll);
      return new Set(moves.map(({ shard }) => shard));
    };
    const { sources, writer, clock } = stand(
      { bill: ABSENT, entry: NO_ENTRY },
      () => false,
      tail,
      written,
    );
    // The other shards have read 300 of theirs, which they have not given to history yet.
    writer.claim(300);
    let top: EntryId | null = null;
    void replay({ ...sources, unwrittenInAllMax: 500 }, NO_ENTRY).then((replayed) => {
      top = replayed.top;
    });
    while (top === null) await clock.pass(250);
    expect(top).toBe(entryId(1, 1_001));
    // Up to the bound, and what is read before it is seen.
    expect(most).toBeGreaterThan(500);
    expect(most).toBeLessThanOrEqual(600);
    writer.claim(-300);
    while (writer.depth(SHARD) > 0) await clock.pass(250);
    expect(writer.weightInAll).toBe(0);
  });

  test('knows a fat tail by what it takes in the log', async () => {
    const tail = [opening, creation, ...receipts(10, 'x'.repeat(5_120))];
    const { sources, writer } = stand({ bill: ABSENT, entry: NO_ENTRY }, () => false, tail);
    await replay(sources, NO_ENTRY);
    expect(writer.depth(SHARD)).toBe(11);
    // Ten of more than 5,120 bytes: eleven times 512 each.
    expect(writer.weightInAll).toBeGreaterThan(10 * 11);
  });

  test('takes back what it has claimed where it is left', async () => {
    const tail = [opening, creation, ...receipts(250)];
    let asked = 0;
    const { sources, writer } = stand({ bill: ABSENT, entry: NO_ENTRY }, () => ++asked > 3, tail);
    await expect(replay(sources, NO_ENTRY)).rejects.toThrow('was left');
    expect(writer.weightInAll).toBe(0);
  });

  test('begins again where the log is trimmed between two pages: memory would lack what was there', async () => {
    const tail = [opening, creation, ...receipts(250)];
    const { sources } = stand({ bill: ABSENT, entry: NO_ENTRY }, () => false);
    let reads = 0;
    // The late statement of an earlier owner brings it into history up to here.
    const log = logOf(() => {
      reads += 1;
      return reads === 1 ? tail : tail.slice(180);
    });
    await expect(replay({ ...sources, log }, NO_ENTRY)).rejects.toThrow('was trimmed');
  });

  test('does without what was trimmed before anything was read: history has the bills as they then were', async () => {
    const before = [opening, creation, ...receipts(50)];
    let bill: Bill = ABSENT;
    for (const { payload } of before) {
      const content = codec.decode(payload);
      const [first] = content.kind === 'batch' ? content.transitions : [];
      if (first?.kind === 'bill') bill = evolve(bill, first.facts, momentOf(first.at));
    }
    const row = { bill, entry: entryId(1, 51) };
    const { sources, home } = stand(row, () => false, receipts(60).slice(49));
    await replay({ ...sources, watermark: entryId(1, 10) }, entryId(1, 10));
    expect(home.get(BILL)?.bill).toMatchObject({ version: 61 });
  });

  test('touches no memory once the shard has been left, because it may be another life’s', async () => {
    for (const voidAfter of [0, 1, 2]) {
      let asked = 0;
      const { sources, put } = stand({ bill: ABSENT, entry: NO_ENTRY }, () => {
        asked += 1;
        return asked > voidAfter;
      });
      await expect(replay(sources, NO_ENTRY)).rejects.toThrow('was left');
      expect(put.filter(([entry]) => entry !== NO_ENTRY)).toEqual([]);
    }
  });
});

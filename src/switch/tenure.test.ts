import { describe, expect, test } from 'vitest';
import { ManualClock, settled } from '../../tests/support/manual-clock.ts';
import { nextUnhandled } from '../../tests/support/unhandled.ts';
import { Defect } from '../domain/assert.ts';
import type { ShardId } from '../domain/ids.ts';
import { millis } from '../domain/time.ts';
import { type EntryId, entryId, NO_ENTRY } from './entry-id.ts';
import { HistoryWriter } from './history-writer.ts';
import { type History, type Log, type LogEntry, LogRefusal } from './ports.ts';
import { type EntryContent, UnreadableEntry } from './records.ts';
import { NO_OBSERVER } from './reporter.ts';
import type { Shard } from './shard.ts';
import { Tenure } from './tenure.ts';

const SHARD = 3 as ShardId;

interface Given {
  readonly watermark?: EntryId;
  readonly log?: Partial<Log>;
  readonly shard?: object;
}

/** Everything around a tenure that begins on a log of one entry, and how its decoding ends. */
function begin(
  decode: (tries: number) => EntryContent,
  { watermark = NO_ENTRY, log: given, shard: more }: Given = {},
) {
  const clock = new ManualClock();
  const reported: string[] = [];
  /** What a defect points an operator to. */
  const pointed: string[] = [];
  const reporter = {
    report: (level: string, what: string, fields: Readonly<Record<string, unknown>>) => {
      if (level === 'info') return;
      reported.push(`${level} ${what}: ${fields.reason}`);
      if ('stack' in fields) pointed.push(String(fields.runbook));
    },
  };
  const history = {
    watermarks: async () => [{ shard: SHARD, entry: watermark, at: millis(0) }],
    write: () => new Promise(() => undefined),
    scanOrders: () => new Promise(() => undefined),
  } as unknown as History;
  const entry: LogEntry = { id: entryId(1, 0), payload: new Uint8Array(1) };
  const log = {
    read: async (_: ShardId, above: EntryId) => [entry].filter(({ id }) => id > above),
    ...given,
  } as unknown as Log;
  let tries = 0;
  const codec = {
    encode: () => new Uint8Array(0),
    decode: () => {
      tries += 1;
      return decode(tries);
    },
  };
  const done = { dropped: 0, stopped: 0 };
  const shard = {
    id: SHARD,
    drop: () => {
      done.dropped += 1;
    },
    stop: () => {
      done.stopped += 1;
    },
    ...more,
  } as unknown as Shard;
  const tenure = new Tenure({
    shard,
    opener: {
      shard: SHARD,
      log,
      codec,
      holder: 'test',
      drawNonce: () => 'nonce',
      drawInteger: () => 0,
    },
    history,
    writer: new HistoryWriter({ history, clock, reporter, observer: NO_OBSERVER }),
    clock,
    reporter,
    observer: NO_OBSERVER,
    begun: () => undefined,
    deposed: () => undefined,
    wake: () => undefined,
    unwrittenMax: 100,
    unwrittenInAllMax: 100,
    logTrimsItself: false,
  });
  tenure.leaseTaken();
  return { tenure, clock, reported, pointed, done, tries: () => tries };
}

describe('a start', () => {
  test.each([
    ['a defect of ours', new Defect('missing: a fetched bill')],
    ['an entry that nobody can read', new UnreadableEntry('a damaged entry of version 1')],
  ])('that meets %s stops the shard, and does not try for ever', async (_name, error) => {
    const begun = begin(() => {
      throw error;
    });
    await settled();
    expect(begun.tenure.state).toBe('stopped');
    expect(begun.tenure.reason).toBe(error.message);
    expect(begun.reported).toEqual([`error shard.stopped: ${error.message}`]);
    expect(begun.done.stopped).toBe(1);
    begun.clock.advance(10_000);
    await settled();
    expect(begun.tries()).toBe(1);
  });

  test('whose log loses its tail meanwhile does not try for ever: it waits, looks again and stops', async () => {
    const before: LogEntry = { id: entryId(1, 0), payload: new Uint8Array(1) };
    const watermark = entryId(1, 1);
    let tail: LogEntry[] = [before, { id: watermark, payload: new Uint8Array(1) }];
    let openings = 0;
    const log: Partial<Log> = {
      bounds: async () => ({ first: before.id, last: tail.at(-1)?.id ?? NO_ENTRY }),
      read: async (_, above) => tail.filter(({ id }) => id > above),
      append: () => {
        openings += 1;
        tail = [before];
        const fenced = new LogRefusal('fenced', 'its top is another');
        // Who tries for ever would never let this test come to its end.
        return openings > 100 ? new Promise(() => undefined) : Promise.reject(fenced);
      },
    };
    const content = { kind: 'batch', transitions: [] } as const;
    const begun = begin(() => content, { watermark, log });
    await settled();
    expect(openings).toBe(1);
    expect(begun.reported).toEqual(['warn shard.startFailed: its top is another']);
    begun.clock.advance(1_000);
    await settled();
    expect(begun.tenure.state).toBe('stopped');
    expect(begun.tenure.reason).toMatch(
      'ends at 1-0, and history at 1-1: the log has lost entries',
    );
  });

  test('that a store fails is tried again every second', async () => {
    const begun = begin(() => {
      throw new Error('ECONNREFUSED');
    });
    await settled();
    for (let second = 1; second <= 3; second++) {
      expect(begun.tenure.state).toBe('starting');
      expect(begun.reported).toHaveLength(second);
      expect(begun.tries()).toBe(second);
      begun.clock.advance(1_000);
      await settled();
    }
    expect(begun.reported[0]).toBe('warn shard.startFailed: ECONNREFUSED');
    expect(begun.pointed).toEqual([]);
    expect(begun.done.stopped).toBe(0);
  });

  test('that meets a mistake of ours is no matter of stores: it is told as a defect, each time, with what to do', async () => {
    const begun = begin(() => {
      throw new TypeError('of undefined');
    });
    await settled();
    begun.clock.advance(1_000);
    await settled();
    const told = 'error shard.startFailed: of undefined';
    expect(begun.reported).toEqual([told, told]);
    const runbook = 'docs/runbooks/defects-answered.md';
    expect(begun.pointed).toEqual([runbook, runbook]);
    expect(begun.tenure.state).toBe('starting');
  });
});

test('a recovery that meets a mistake of ours half-way ends the worker, because what it has left undone is not known', async () => {
  const entries: LogEntry[] = [];
  let appends = 0;
  const log: Partial<Log> = {
    read: async (_, above) => entries.filter(({ id }) => id > above),
    append: async (_shard, _after, id, payload) => {
      appends += 1;
      if (appends === 2) throw new Error('no answer');
      entries.push({ id, payload });
    },
  };
  const shard = {
    serve: () => undefined,
    suspend: () => undefined,
    now: () => millis(0),
    commit: { isReady: true, seal: () => [], encoded: () => undefined },
    settle: () => {
      throw new TypeError('of undefined');
    },
  };
  const { tenure, clock, reported } = begin(() => ({ kind: 'batch', transitions: [] }), {
    log,
    shard,
  });
  await settled();
  expect(tenure.state).toBe('serving');
  const unhandled = nextUnhandled();
  tenure.flush();
  expect(await unhandled).toMatchObject({ message: 'of undefined' });
  clock.advance(10_000);
  await settled();
  expect(appends).toBe(3);
  expect(reported).toEqual(['warn shard.appendFailed: no answer']);
});

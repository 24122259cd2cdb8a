import { expect, test } from 'vitest';
import { ManualClock, settled } from '../../tests/support/manual-clock.ts';
import { type BillId, makeBillId, type ShardId } from '../domain/ids.ts';
import { millis } from '../domain/time.ts';
import { type EntryId, entryId } from './entry-id.ts';
import { Lookups } from './lookups.ts';
import type { History } from './ports.ts';
import { NO_OBSERVER } from './reporter.ts';

const shard = 0 as ShardId;
const known = entryId(2, 5);

/** Look-ups in a history whose watermark stands at `entry`, and of whose answers `error` comes in place of one. */
function lookUpAt(entry: EntryId, error: Error | null = null) {
  const clock = new ManualClock();
  const told: string[] = [];
  const bills: History['fetchBills'] = async (ids) => {
    if (error !== null) throw error;
    return {
      bills: ids.map(() => ({ bill: { status: 'absent' }, entry: known })),
      watermarks: [{ shard, entry, at: millis(0) }],
    };
  };
  const lookups = new Lookups({
    history: { fetchBills: bills } as History,
    clock,
    knownWatermark: () => known,
    observer: NO_OBSERVER,
    reporter: { report: (level, what, fields) => told.push(`${level} ${what}: ${fields.reason}`) },
    settled: () => undefined,
  });
  const id: BillId = makeBillId(millis(0), shard, new Uint8Array(13));
  const ask = async (): Promise<boolean> => {
    let isRefused = false;
    lookups.bills.want(id, (fetched) => {
      isRefused = 'failed' in fetched;
    });
    lookups.flush();
    await settled();
    return isRefused;
  };
  return { ask, told, clock };
}

test('a fetch from a history that has lost commits is refused, and told once a second', async () => {
  const { ask, told, clock } = lookUpAt(entryId(2, 4));
  expect(await ask()).toBe(true);
  expect(await ask()).toBe(true);
  expect(told).toEqual([
    'warn history.fetchFailed: Postgres has lost commits: the watermark of shard 0 is 2-4, and was 2-5',
  ]);
  clock.advance(1_000);
  await ask();
  expect(told).toHaveLength(2);
});

test('a fetch from a history at the known watermark is taken, and nothing is told', async () => {
  const { ask, told } = lookUpAt(known);
  expect(await ask()).toBe(false);
  expect(told).toEqual([]);
});

test('a fetch that a mistake of ours stops is told as one', async () => {
  const { ask, told } = lookUpAt(known, new TypeError('planted'));
  expect(await ask()).toBe(true);
  expect(told).toEqual(['error history.defect: planted']);
});

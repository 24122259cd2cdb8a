import { expect, test } from 'vitest';
import { ManualClock, settled } from '../../tests/support/manual-clock.ts';
import type { ShardId } from '../domain/ids.ts';
import { millis } from '../domain/time.ts';
import type { Shard } from './shard.ts';
import { Sweeper } from './sweeper.ts';

const SHARD = 3 as ShardId;

test.each([
  ['a store that is away as a warning', new Error('ECONNREFUSED'), 'warn', undefined],
  [
    'a mistake of ours as a defect, with what to do',
    new TypeError('of undefined'),
    'error',
    'docs/runbooks/defects-answered.md',
  ],
])('a sweep tells of %s, and is tried again', async (_what, failure, level, runbook) => {
  const clock = new ManualClock();
  const told: unknown[] = [];
  const shard = { id: SHARD, now: () => millis(0) } as unknown as Shard;
  let asked = 0;
  const sweeper = new Sweeper({
    history: {
      fetchDue: () => {
        asked += 1;
        return Promise.reject(failure);
      },
    },
    writer: { audit: () => Promise.resolve() },
    clock,
    reporter: {
      report: (...[at, what, { reason, runbook: page }]) => told.push([at, what, reason, page]),
    },
    tenures: () => [{ state: 'serving', shard }],
  });
  sweeper.begun();
  for (let second = 0; second <= 10; second++) {
    sweeper.beat();
    await settled();
    clock.advance(1_000);
  }
  expect(asked).toBe(2);
  const line = [level, 'history.sweepFailed', failure.message, runbook];
  expect(told).toEqual([line, line]);
});

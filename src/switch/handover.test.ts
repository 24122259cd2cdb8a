import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import type { ShardId } from '../domain/ids.ts';
import { type EntryId, entryId } from './entry-id.ts';
import { Handover, LEAVE_MS } from './handover.ts';
import type { TenureState } from './tenure.ts';

const SHARD = 3 as ShardId;

/** A shard in a state; `left` counts how often it was told to begin nothing new. */
function stand(state: TenureState) {
  const clock = new ManualClock();
  const shard = {
    id: SHARD,
    isLeaving: false,
    left: 0,
    leave: () => {
      shard.isLeaving = true;
      shard.left += 1;
    },
  };
  const tenure = { shard, state, isQuiet: true };
  const history = { misses: undefined as EntryId | undefined };
  const handover = new Handover(clock, { last: () => history.misses });
  return { clock, shard, tenure, history, leave: () => handover.leave(tenure) };
}

describe('a shard that another node is to have', () => {
  test('is given up at once where nothing is under way, and serves no more', () => {
    const { leave, shard } = stand('serving');
    expect(leave()).toBe(true);
    expect(shard.left).toBe(1);
  });

  test('is given up once all is answered and history has it', () => {
    const { leave, shard, tenure, history } = stand('serving');
    tenure.isQuiet = false;
    history.misses = entryId(1, 1);
    expect([leave(), leave()]).toEqual([false, false]);
    tenure.isQuiet = true;
    expect(leave()).toBe(false);
    history.misses = undefined;
    expect(leave()).toBe(true);
    expect(shard.left).toBe(1);
  });

  test.each(['serving', 'recovering'] as const)(
    'and is %s is waited for only so long, anew each time',
    (state) => {
      const { leave, clock, tenure, shard } = stand(state);
      tenure.isQuiet = false;
      for (let time = 1; time <= 2; time++) {
        expect(leave()).toBe(false);
        clock.advance(LEAVE_MS - 1);
        expect(leave()).toBe(false);
        clock.advance(1);
        expect(leave()).toBe(true);
        expect(shard.left).toBe(time);
        // Dropped, and taken again.
        shard.isLeaving = false;
        clock.advance(LEAVE_MS);
      }
    },
  );

  test('and does not serve yet is given up at once', () => {
    expect(stand('starting').leave()).toBe(true);
  });

  test('and has stopped is kept: an operator is to look first', () => {
    const { leave, clock, shard } = stand('stopped');
    expect(leave()).toBe(false);
    clock.advance(10 * LEAVE_MS);
    expect(leave()).toBe(false);
    expect(shard.left).toBe(0);
  });
});

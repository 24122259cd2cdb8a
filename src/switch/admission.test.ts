import { describe, expect, test } from 'vitest';
import type { ShardId } from '../domain/ids.ts';
import { Admission } from './admission.ts';
import type { Asked } from './reply-sink.ts';
import type { ShardSurroundings } from './shard-surroundings.ts';

const LIMITS = { underWayMax: 1_000, unwrittenMax: 1_000, unwrittenInAllMax: 3_000 };

function door(unwritten: number, unwrittenInAll: number): Admission {
  return new Admission({
    id: 0 as ShardId,
    limits: LIMITS,
    clock: { monotonic: () => 0 },
    isLeased: () => true,
    unwritten: () => unwritten,
    unwrittenInAll: () => unwrittenInAll,
  } as unknown as ShardSurroundings);
}

const asking = (op: string): Asked => ({ operation: { op }, principal: null }) as unknown as Asked;

describe('the door of a shard', () => {
  test('takes changes while history is near', () => {
    expect(door(999, 2_999).refusal(asking('payment.create'), 0)).toBeNull();
  });

  test.each([
    ['the shard', 1_000, 1_000],
    ['all shards of the worker together, however little this one', 0, 3_000],
  ])(
    'refuses changes once %s hold what memory may of what history does not have',
    (_, own, all) => {
      const refusal = door(own, all).refusal(asking('payment.create'), 0);
      expect(refusal).toMatchObject({ code: 'overloaded' });
    },
  );

  test('answers questions however far behind history is: they add nothing', () => {
    expect(door(9_999, 9_999).refusal(asking('payment.get'), 0)).toBeNull();
  });
});

// The door of a shard: past a bound the answer is 503, before anything is done (A11).

import type { ShardId } from '../domain/ids.ts';
import { type Asked, fault } from './reply-sink.ts';
import type { Reply } from './requests.ts';
import type { ShardSurroundings } from './shard-surroundings.ts';

/** More due timers than one bill can have at once: beyond it something does not advance. */
export const TIMERS_AT_ONCE_MAX = 10_000;

/** Why the request is not taken now; null: it is. */
export function admit(asked: Asked, around: ShardSurroundings, underWay: number): Reply | null {
  const { id, limits } = around;
  if (!around.isLeased()) {
    return unleased(id);
  }
  if (underWay >= limits.underWayMax) {
    return fault('overloaded', `Shard ${id} has too many requests under way.`);
  }
  if (around.unwritten() >= limits.unwrittenMax && !isRead(asked)) {
    return fault('overloaded', 'The history is too far behind the log.');
  }
  return null;
}

/** Another may own the shard by now: nothing is answered from memory (A5). */
export function unleased(id: ShardId): Reply {
  return fault('shard.unavailable', `The lease of shard ${id} is not certain right now.`);
}

function isRead(asked: Asked): boolean {
  switch (asked.operation.op) {
    case 'bill.get':
    case 'bill.view':
    case 'bill.page':
    case 'payment.get':
    case 'credit.get':
    case 'order.get':
    case 'order.check':
    case 'sticker.get':
      return true;
    default:
      return false;
  }
}

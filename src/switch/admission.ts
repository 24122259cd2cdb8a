// The door of a shard: past a bound the answer is 503, before anything is done (A11). Shortly before it, institutions
// share the room that is left, so that who asks most is the first to be refused.

import type { ShardId } from '../domain/ids.ts';
import { SharedBound } from './fair-share.ts';
import { type Asked, fault } from './reply-sink.ts';
import type { Reply } from './requests.ts';
import type { ShardSurroundings } from './shard-surroundings.ts';

/** More due timers than one bill can have at once: beyond it something does not advance. */
export const TIMERS_AT_ONCE_MAX = 10_000;

export class Admission {
  readonly #around: ShardSurroundings;
  readonly #underWay: SharedBound;
  readonly #unwritten: SharedBound;
  readonly #unwrittenInAll: SharedBound;

  constructor(around: ShardSurroundings) {
    const { limits, clock } = around;
    this.#around = around;
    this.#underWay = new SharedBound(limits.underWayMax, clock);
    this.#unwritten = new SharedBound(limits.unwrittenMax, clock);
    this.#unwrittenInAll = new SharedBound(limits.unwrittenInAllMax, clock);
  }

  /** Why the request is not taken now; null: it is. */
  refusal({ operation: { op }, principal }: Asked, underWay: number): Reply | null {
    const institutionId = principal?.institutionId ?? '';
    const { id } = this.#around;
    if (!this.#around.isLeased()) {
      return unleased(id);
    }
    if (!this.#underWay.takes(underWay, institutionId, op)) {
      return fault('overloaded', `Shard ${id} has too many requests under way.`);
    }
    return isRead(op) || this.#hasRoom(institutionId, op)
      ? null
      : fault('overloaded', 'The history is too far behind the log.');
  }

  /** What history does not have stays in memory until it does. */
  #hasRoom(institutionId: string, op: string): boolean {
    return (
      this.#unwritten.takes(this.#around.unwritten(), institutionId, op) &&
      this.#unwrittenInAll.takes(this.#around.unwrittenInAll(), institutionId, op)
    );
  }
}

/** Another may own the shard by now: nothing is answered from memory (A5). */
export function unleased(id: ShardId): Reply {
  return fault('shard.unavailable', `The lease of shard ${id} is not certain right now.`);
}

function isRead(op: Asked['operation']['op']): boolean {
  switch (op) {
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

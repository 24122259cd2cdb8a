// How shards are left to another node: nothing new is begun, what is under way comes to its end, and history gets what was
// committed, so that the next owner finds no tail to read. After LEAVE_MS a shard is given up as it is, as by a stop.

import type { ShardId } from '../domain/ids.ts';
import { SECOND_MS } from '../domain/time.ts';
import type { HistoryWriter } from './history-writer.ts';
import type { Clock } from './ports.ts';
import type { Tenure } from './tenure.ts';

export const LEAVE_MS = 5 * SECOND_MS;

type Left = Pick<Tenure, 'state' | 'isQuiet'> & {
  readonly shard: { readonly id: ShardId; readonly isLeaving: boolean; leave(): void };
};

export class Handover {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #writer: Pick<HistoryWriter, 'last'>;
  /** Since when shards are being left. */
  readonly #since = new Map<ShardId, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, writer: Pick<HistoryWriter, 'last'>) {
    this.#clock = clock;
    this.#writer = writer;
  }

  /** Begins to leave the shard, where that has not been begun, and says whether it may be given up. */
  leave(tenure: Left): boolean {
    const { shard, state } = tenure;
    switch (state) {
      case 'stopped':
        // An operator is to look before anybody goes on with it.
        return false;
      case 'waiting':
      case 'starting':
        return true;
      case 'serving':
      case 'recovering': {
        const now = this.#clock.monotonic();
        if (!shard.isLeaving) {
          this.#since.set(shard.id, now);
          shard.leave();
        }
        const isDone = tenure.isQuiet && this.#writer.last(shard.id) === undefined;
        return isDone || now - (this.#since.get(shard.id) ?? now) >= LEAVE_MS;
      }
    }
  }
}

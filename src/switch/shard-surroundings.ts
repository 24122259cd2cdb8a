// What a shard is given by its worker.

import type { BillId, ShardId } from '../domain/ids.ts';
import type { Agreements } from './agreements.ts';
import type { EventIndex } from './event-index.ts';
import type { Lookups } from './lookups.ts';
import type { Clock } from './ports.ts';
import type { ReplySink } from './reply-sink.ts';
import type { BillPacker } from './resting-bills.ts';
import type { SuspendedSellers } from './sellers.ts';

export interface ShardLimits {
  /** Requests under way, long polls left out. */
  readonly underWayMax: number;
  /** Requests that wait for one bill or order. */
  readonly mailboxMax: number;
  /**
   * Transitions committed but not yet in history: of one shard, and of all that share the worker's memory, where a fat one
   * counts as several.
   */
  readonly unwrittenMax: number;
  readonly unwrittenInAllMax: number;
  /** Bills in memory. */
  readonly residentsMax: number;
  /** Orders that the filter holds before it overfills. */
  readonly filterOrdersMax: number;
}

export interface ShardSurroundings {
  readonly id: ShardId;
  readonly clock: Clock;
  readonly lookups: Lookups;
  readonly events: EventIndex;
  readonly sink: ReplySink;
  readonly packer: BillPacker;
  readonly agreements: Agreements;
  readonly suspended: SuspendedSellers;
  readonly limits: ShardLimits;
  /** Whether this process may answer from memory for the shard (A5). */
  readonly isLeased: () => boolean;
  /** Transitions of the shard that history does not have yet. */
  readonly unwritten: () => number;
  /** The same of all shards of the worker, by weight. */
  readonly unwrittenInAll: () => number;
  /**
   * Our own code is wrong about one bill: tells so and returns. What was decided before stays, in its batch. Anything but
   * a Defect is thrown again, since what it has done is not known: the worker ends and begins anew from the log.
   */
  readonly defect: (bill: BillId, error: unknown) => void;
  /** Something is ready to be flushed at the end of the tick. */
  readonly wake: () => void;
}

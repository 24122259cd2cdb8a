// Drops from the log what history has, at most once a second.

import type { ShardId } from '../domain/ids.ts';
import { SECOND_MS } from '../domain/time.ts';
import type { EntryId } from './entry-id.ts';
import type { Clock, Log } from './ports.ts';

const TRIM_MS = SECOND_MS;

export class LogTrimmer {
  readonly #shard: ShardId;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #trimmedAt = 0;
  #isTrimming = false;

  /** `failed` hears of a trim that did not work; a later one makes up for it. */
  constructor(options: {
    shard: ShardId;
    log: Log;
    clock: Clock;
    failed: (error: unknown) => void;
  }) {
    this.#shard = options.shard;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#failed = options.failed;
  }

  /** The watermark stands here now: what is below it may go (A6). */
  moved(watermark: EntryId): void {
    const now = this.#clock.monotonic();
    if (this.#isTrimming || now - this.#trimmedAt < TRIM_MS) return;
    this.#trimmedAt = now;
    this.#isTrimming = true;
    this.#log
      .trim(this.#shard, watermark)
      .catch(this.#failed)
      .finally(() => {
        this.#isTrimming = false;
      });
  }
}

// Brings bills into memory whose timers fall due soon, asked of history every few seconds (A8).

import { shardOfBill } from '../domain/ids.ts';
import { millis, SECOND_MS } from '../domain/time.ts';
import { tellFailure } from './failures.ts';
import type { HistoryWriter } from './history-writer.ts';
import type { Clock, History } from './ports.ts';
import type { Reporter } from './reporter.ts';
import type { Tenure } from './tenure.ts';

/** How often history is asked for bills that fall due; it looks SWEEP_AHEAD_MS ahead (A8). */
const SWEEP_MS = 10 * SECOND_MS;
const SWEEP_AHEAD_MS = 20 * SECOND_MS;
const SWEEP_MAX = 1_000;

interface Around {
  readonly history: Pick<History, 'fetchDue'>;
  readonly writer: Pick<HistoryWriter, 'audit'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly reporter: Reporter;
  readonly tenures: () => Iterable<Pick<Tenure, 'state' | 'shard'>>;
}

export class Sweeper {
  readonly #around: Around;
  #sweptAt = 0;
  #isSweeping = false;

  constructor(around: Around) {
    this.#around = around;
  }

  /** A shard begins to serve: what fell due while nobody owned it is looked for at once. */
  begun(): void {
    this.#sweptAt = Number.NEGATIVE_INFINITY;
  }

  /** Called every few milliseconds. */
  beat(): void {
    const now = this.#around.clock.monotonic();
    if (now - this.#sweptAt < SWEEP_MS || this.#isSweeping) return;
    this.#sweptAt = now;
    void this.#sweep();
  }

  async #sweep(): Promise<void> {
    const { history, writer, reporter, tenures } = this.#around;
    const serving = [...tenures()].filter(({ state }) => state === 'serving');
    if (serving.length === 0) return;
    this.#isSweeping = true;
    try {
      await writer.audit();
      const shards = new Map(serving.map(({ shard }) => [shard.id, shard]));
      const now = Math.max(...serving.map(({ shard }) => shard.now()));
      const by = millis(now + SWEEP_AHEAD_MS);
      const due = await history.fetchDue([...shards.keys()], by, SWEEP_MAX);
      for (const id of due) shards.get(shardOfBill(id))?.load(id);
      // A full page: look again soon, once these have been dealt with.
      if (due.length === SWEEP_MAX) this.#sweptAt -= SWEEP_MS - SECOND_MS;
    } catch (error) {
      tellFailure(reporter, 'history.sweepFailed', error);
    } finally {
      this.#isSweeping = false;
    }
  }
}

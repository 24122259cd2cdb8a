// Opens the drivers of acquirers, each by itself: one that cannot be had now is tried again, later each time, and holds up
// nobody else's.

import { backoffMs } from '../../domain/acquiring/schedule.ts';
import type { Clock } from '../../switch/ports.ts';
import type { BillDriver } from '../contract/bill-driver.ts';
import type { AcquirerEntry } from './configured.ts';

export interface OpeningsOptions {
  readonly clock: Pick<Clock, 'after'>;
  readonly open: (entry: AcquirerEntry) => Promise<BillDriver>;
  readonly opened: (entry: AcquirerEntry, driver: BillDriver) => void;
  readonly failed: (entry: AcquirerEntry, error: unknown, againMs: number) => void;
}

export class Openings {
  readonly #options: OpeningsOptions;
  readonly #cancels = new Map<string, () => void>();
  #isStopped = false;

  constructor(options: OpeningsOptions) {
    this.#options = options;
  }

  /** Until its driver has been opened, or nobody wants it any more. */
  begin(entry: AcquirerEntry, failures = 0): void {
    const { clock, failed } = this.#options;
    this.#open(entry).catch((error: unknown) => {
      if (this.#isStopped) return;
      const againMs = backoffMs(failures + 1);
      failed(entry, error, againMs);
      const again = (): void => this.begin(entry, failures + 1);
      this.#cancels.set(entry.name, clock.after(againMs, again));
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#cancels.values()) cancel();
  }

  async #open(entry: AcquirerEntry): Promise<void> {
    const driver = await this.#options.open(entry);
    if (this.#isStopped) await driver.close();
    else this.#options.opened(entry, driver);
  }
}

// Which bills at an acquirer nobody has paid or ended yet, as history has it: hints for whoever begins to look after them.

import type { BillId } from '../domain/ids.ts';
import type { Logger } from '../telemetry/log.ts';
import { HistoryClient } from './history/client.ts';

const TIMEOUT_MS = 10_000;

export class OpenAtAcquirers {
  readonly #client: HistoryClient;

  constructor(options: { url: string; logger: Logger }) {
    this.#client = new HistoryClient({
      ...options,
      name: 'qrswitch acquirers',
      connectionsMax: 1,
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** Ids begin with the time at which they were made. */
  async youngest(acquirer: string, limit: number): Promise<BillId[]> {
    const rows = await this.#client.run<{ id: BillId }>(
      `select id from bills
       where acquirer = $1 and status in ('pending', 'open')
       order by id desc limit $2::integer`,
      [acquirer, limit],
    );
    return rows.map(({ id }) => id);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

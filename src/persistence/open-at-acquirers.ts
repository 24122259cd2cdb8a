// Which bills at an acquirer nobody has paid or ended yet, as history has it: hints for whoever begins to look after them.

import type { BillId } from '../domain/ids.ts';
import type { Logger } from '../telemetry/log.ts';
import { BY_INDEX } from './by-index.ts';
import { PostgresPool } from './postgres-pool.ts';

const TIMEOUT_MS = 10_000;

export class OpenAtAcquirers {
  readonly #client: PostgresPool;

  constructor(options: { url: string; logger: Logger }) {
    this.#client = new PostgresPool({
      ...options,
      name: 'qrswitch acquirers',
      connectionsMax: 1,
      timeoutMs: TIMEOUT_MS,
      settings: BY_INDEX,
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

// Whose bill each reference of an acquirer's is.

import type { BillId } from '../domain/ids.ts';
import type { Logger } from '../telemetry/log.ts';
import { BY_INDEX } from './by-index.ts';
import { PostgresPool } from './postgres-pool.ts';

/** A till waits for its code. */
const TIMEOUT_MS = 2_000;
const CONNECTIONS = 2;

export class AcquirerRefs {
  readonly #client: PostgresPool;

  constructor(options: { url: string; logger: Logger }) {
    this.#client = new PostgresPool({
      ...options,
      name: 'qrswitch acquirer refs',
      connectionsMax: CONNECTIONS,
      timeoutMs: TIMEOUT_MS,
      settings: BY_INDEX,
    });
  }

  /** The bill that has it for ever: this one, unless another had it before. */
  async claim(acquirer: string, ref: string, billId: BillId): Promise<BillId> {
    const [row] = await this.#client.run<{ bill_id: BillId }>(
      `insert into acquirer_refs (acquirer, ref, bill_id) values ($1, $2, $3)
       on conflict (acquirer, ref) do update set bill_id = acquirer_refs.bill_id
       returning bill_id`,
      [acquirer, ref, billId],
    );
    return row?.bill_id ?? billId;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

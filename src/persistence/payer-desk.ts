// Where operators see and erase labels of payers. History is the one place that keeps them for long; an erased one is
// written by nobody again, since a row's label comes with its first entry alone.

import type { BillId } from '../domain/ids.ts';
import type { Acting } from '../switch/operator-desk.ts';
import type { KeptPayer, PayerDesk } from '../switch/payers.ts';
import { type Told, told } from './audited.ts';
import { type DirectoryPlace, openDirectoryPool } from './directory-pool.ts';
import type { PooledSql, PostgresPool } from './postgres-pool.ts';
import { unavailable } from './unavailable.ts';

const CONNECTIONS = 1;

interface PayerColumns {
  readonly no: number;
  readonly paychannel_id: string;
  readonly payment_ref: string;
  readonly payer: string | null;
}

export class PostgresPayerDesk implements PayerDesk {
  readonly #pool: PostgresPool;
  readonly #sql: PooledSql;

  constructor(options: DirectoryPlace) {
    this.#pool = openDirectoryPool(options, {
      name: 'qrswitch payers',
      connectionsMax: CONNECTIONS,
    });
    this.#sql = this.#pool.sql;
  }

  async show(acting: Acting, billId: BillId): Promise<readonly KeptPayer[] | null> {
    const institutionId = await this.#institutionOf(acting, billId);
    if (institutionId === null) return null;
    const of = { action: 'payers.shown', kind: 'bill', id: billId, institutionId, detail: {} };
    const rows = await this.#asked<readonly PayerColumns[]>(
      this.#sql<PayerColumns[]>`
        with audited as materialized (select ${this.#told(acting, of)} as line)
        select no, paychannel_id, payment_ref, payer
        from payments where bill_id = ${billId} and (select line from audited) is not null
        order by no`,
    );
    return rows.map((row) => ({
      paymentNo: row.no,
      place: { billId, paychannelId: row.paychannel_id, paymentRef: row.payment_ref },
      payer: row.payer,
    }));
  }

  async erase(
    acting: Acting,
    { billId, paymentNo }: { billId: BillId; paymentNo: number | null },
  ): Promise<number | null> {
    const institutionId = await this.#institutionOf(acting, billId);
    if (institutionId === null) return null;
    const detail = { paymentNo };
    const of = { action: 'payers.erased', kind: 'bill', id: billId, institutionId, detail };
    const sql = this.#sql;
    const [row] = await this.#asked<readonly { erased: number }[]>(
      sql<{ erased: number }[]>`
        with durable as materialized (
          select set_config('synchronous_commit', 'on', true) as setting
        ),
        erased as (
          update payments set payer = null
          where bill_id = ${billId} and payer is not null and (select setting from durable) = 'on'
            ${paymentNo === null ? sql`` : sql`and no = ${paymentNo}`}
          returning 1
        )
        select (select count(*)::int from erased) as erased, ${this.#told(acting, of)} as line`,
    );
    return row?.erased ?? 0;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  /** Null where the operator's part has no such bill. */
  async #institutionOf(acting: Acting, billId: BillId): Promise<string | null> {
    const { institutionId, merchantId } = acting.scope;
    const [bill] = await this.#asked<readonly { institution_id: string; merchant_id: string }[]>(
      this.#sql`select institution_id, merchant_id from bills where id = ${billId}`,
    );
    if (bill === undefined) return null;
    if (institutionId !== null && bill.institution_id !== institutionId) return null;
    if (merchantId !== null && bill.merchant_id !== merchantId) return null;
    return bill.institution_id;
  }

  /** Repeated, a call finds nothing left to do: it needs no key. */
  #told(acting: Acting, of: Told) {
    return told(this.#sql, { ...acting, idempotencyKey: null }, of);
  }

  async #asked<Rows>(query: PromiseLike<unknown>): Promise<Rows> {
    try {
      return (await query) as Rows;
    } catch (error) {
      return unavailable(error);
    }
  }
}

// Lists and streams out of the history, for gateways.
//
// Every order is strict: by time, then bill, then number, so that a page begins exactly where the one before ended.
// Nothing is shown beyond the time that every shard's history has reached, so that no page has a gap that fills later.

import type { Row, Sql } from 'postgres';
import { must } from '../../domain/assert.ts';
import type { PresentBill } from '../../domain/bill/state.ts';
import type { Recipient } from '../../domain/bill/vocabulary.ts';
import type { BillId, MerchantId, PaychannelId, Reference } from '../../domain/ids.ts';
import { type Millis, millis } from '../../domain/time.ts';
import type {
  BillScope,
  ListedCredit,
  ListedPayment,
  ListFilter,
  Listings,
  PaidThrough,
  PartsOf,
} from '../../switch/listings-port.ts';
import type { EventPlace, StreamedEvent } from '../../switch/ports.ts';
import type { Logger } from '../../telemetry/log.ts';
import { BY_INDEX } from '../by-index.ts';
import { PostgresPool } from '../postgres-pool.ts';
import { unavailable } from '../unavailable.ts';
import { type BillCodec, makeBillCodec } from './bill-codec.ts';
import { EVENT_COLUMNS, type EventColumns, streamedOf } from './event-rows.ts';
import { type Fragment, timesOf } from './list-bounds.ts';
import {
  CREDIT_COLUMNS,
  type CreditColumns,
  creditOf,
  PAYMENT_COLUMNS,
  type PaymentColumns,
  paymentOf,
} from './part-rows.ts';

export interface PostgresListingsOptions {
  readonly url: string;
  readonly logger: Logger;
  readonly connectionsMax?: number;
  readonly timeoutMs?: number;
}

const CONNECTIONS = 4;
const TIMEOUT_MS = 10_000;
const CURSOR_PAGE = 1_000;
const SCAN_TIMEOUT_MS = 30_000;
/** Before the first event of any stream. */
const START: EventPlace = { at: millis(-1), billId: '', no: 0 };

export class PostgresListings implements Listings {
  readonly #codec: BillCodec = makeBillCodec();
  readonly #client: PostgresPool;

  constructor(options: PostgresListingsOptions) {
    this.#client = new PostgresPool({
      url: options.url,
      logger: options.logger,
      name: 'qrswitch listings',
      connectionsMax: options.connectionsMax ?? CONNECTIONS,
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      settings: BY_INDEX,
    });
  }

  async pendingEvents(
    recipient: Recipient,
    after: EventPlace | null,
    limit: number,
    since: Millis,
  ): Promise<StreamedEvent[]> {
    const place = after ?? START;
    const rows = await this.#ask<EventColumns>(
      (sql) => sql`
        select ${sql.unsafe(EVENT_COLUMNS)}
        from (
          select bill_id, no, occurred_at, body from events
          where recipient = ${recipient} and pending and occurred_at >= ${since}
            and (occurred_at, bill_id, no) > (${place.at}, ${place.billId}, ${place.no})
          order by occurred_at, bill_id, no limit ${limit}
        ) as e
        join bills b on b.id = e.bill_id
        order by e.occurred_at, e.bill_id, e.no`,
    );
    return rows.map((row) => streamedOf(row, this.#codec));
  }

  async allPendingEvents(
    recipient: Recipient,
    since: Millis,
    page: (events: readonly StreamedEvent[]) => boolean | Promise<boolean>,
  ): Promise<void> {
    const scan = this.#client.scan(SCAN_TIMEOUT_MS, (sql, enough) =>
      sql<EventColumns[]>`
        select ${sql.unsafe(EVENT_COLUMNS)}
        from (
          select bill_id, no, occurred_at, body from events
          where recipient = ${recipient} and pending and occurred_at >= ${since}
          order by occurred_at, bill_id, no
        ) as e
        join bills b on b.id = e.bill_id
        order by e.occurred_at, e.bill_id, e.no`.cursor(CURSOR_PAGE, async (rows) => {
        const isEnough = !(await page(rows.map((row) => streamedOf(row, this.#codec))));
        return isEnough ? enough : undefined;
      }),
    );
    await scan.catch(unavailable);
  }

  async events(
    recipient: Recipient,
    after: EventPlace | null,
    limit: number,
    window: { since: Millis; asOf: Millis },
  ): Promise<StreamedEvent[]> {
    const place = after ?? START;
    // A replaced event is left out: its repeat says the same, later.
    const rows = await this.#ask<EventColumns>(
      (sql) => sql`
        select ${sql.unsafe(EVENT_COLUMNS)}
        from (
          select h.*
          from (values (true), (false)) as half(pending)
          cross join lateral (
            select bill_id, no, occurred_at, body from events
            where recipient = ${recipient} and events.pending = half.pending
              and (events.pending or acknowledged_at is not null)
              and occurred_at >= ${window.since} and occurred_at <= ${window.asOf}
              and (occurred_at, bill_id, no) > (${place.at}, ${place.billId}, ${place.no})
            order by occurred_at, bill_id, no limit ${limit}
          ) as h
          order by occurred_at, bill_id, no limit ${limit}
        ) as e
        join bills b on b.id = e.bill_id
        order by e.occurred_at, e.bill_id, e.no`,
    );
    return rows.map((row) => streamedOf(row, this.#codec));
  }

  async eventPlace(recipient: Recipient, billId: BillId, no: number): Promise<EventPlace | null> {
    const [row] = await this.#ask<{ occurred_at: string }>(
      (sql) => sql`
        select occurred_at from events
        where bill_id = ${billId} and no = ${no} and recipient = ${recipient}`,
    );
    return row === undefined ? null : { at: millis(Number(row.occurred_at)), billId, no };
  }

  async bills(scope: BillScope, filter: ListFilter): Promise<PresentBill[]> {
    const { institutionId, merchantId, terminalId } = scope;
    const rows = await this.#ask<{ state: Uint8Array }>(
      (sql) => sql`
        select b.state
        from (
          select newest.id, newest.created_at
          from terminals t
          join merchants m on m.id = t.merchant_id
          cross join lateral (
            select id, created_at from bills
            where bills.terminal_id = t.id
              and bills.institution_id = m.institution_id and bills.merchant_id = m.id
              ${timesOf(sql, 'created_at', filter)}
              ${filter.after === null ? sql`` : sql`and (created_at, id) < (${filter.after.at}, ${filter.after.id})`}
            order by created_at desc, id desc limit ${filter.limit}
          ) as newest
          where m.institution_id = ${institutionId}
            ${merchantId === null ? sql`` : sql`and m.id = ${merchantId}`}
            ${terminalId === null ? sql`` : sql`and t.id = ${terminalId}`}
          order by newest.created_at desc, newest.id desc limit ${filter.limit}
        ) as page
        join bills b on b.id = page.id
        order by page.created_at desc, page.id desc`,
    );
    return rows.map(({ state }) => this.#codec.decodeBill(state));
  }

  async billOfOrder(merchantId: MerchantId, orderId: Reference): Promise<BillId | null> {
    const [row] = await this.#ask<{ bill_id: BillId }>(
      (sql) => sql`
        select o.bill_id
        from terminals t
        join orders o on o.terminal_id = t.id and o.order_id = ${orderId}
        where t.merchant_id = ${merchantId} and o.bill_id is not null
        order by o.at desc, o.bill_id desc limit 1`,
    );
    return row?.bill_id ?? null;
  }

  async payments(of: PartsOf, filter: ListFilter): Promise<ListedPayment[]> {
    const rows = await this.#ask<PaymentColumns & OfBill>(
      (sql) => sql`
        select ${stateOnce(sql, 'p')}, p.*
        from (${partsOf(sql, PAYMENTS, of, filter)}) as p
        join bills b on b.id = p.bill_id
        order by p.received_at desc, p.bill_id desc, p.no desc`,
    );
    const billOf = this.#billsOf(rows);
    return rows.map((row) => ({ bill: billOf(row), payment: paymentOf(row) }));
  }

  async credits(of: PartsOf, filter: ListFilter): Promise<ListedCredit[]> {
    const rows = await this.#ask<CreditColumns & OfBill & { readonly paying: string }>(
      (sql) => sql`
        select ${stateOnce(sql, 'c')}, c.*, coalesce(y.institution_id, b.institution_id) as paying
        from (${partsOf(sql, CREDITS, of, filter)}) as c
        join bills b on b.id = c.bill_id
        left join paychannels y on y.id = c.paychannel_id
        order by c.requested_at desc, c.bill_id desc, c.no desc`,
    );
    const billOf = this.#billsOf(rows);
    return rows.map((row) => ({
      bill: billOf(row),
      credit: creditOf(row),
      payingInstitutionId: row.paying,
    }));
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #ask<R extends Row>(query: (sql: Sql) => Fragment): Promise<readonly R[]> {
    return (await this.#client.use(query).catch(unavailable)) as unknown as readonly R[];
  }

  /** The bill of each row: a page may be of one bill, which is sent and read once. */
  #billsOf(rows: readonly OfBill[]): (row: OfBill) => PresentBill {
    const bills = new Map<string, PresentBill>();
    for (const { bill_id: id, state } of rows) {
      if (state !== null) bills.set(id, this.#codec.decodeBill(state));
    }
    return ({ bill_id: id }) => must(bills.get(id), 'the bill of a part');
  }
}

interface PartsTable {
  readonly name: 'payments' | 'credits';
  readonly at: 'received_at' | 'requested_at';
  readonly columns: string;
}

const PAYMENTS: PartsTable = { name: 'payments', at: 'received_at', columns: PAYMENT_COLUMNS };
const CREDITS: PartsTable = { name: 'credits', at: 'requested_at', columns: CREDIT_COLUMNS };

/** A page of parts. An institution's are those of its paychannels: the newest of each, then the newest of these. */
function partsOf(sql: Sql, table: PartsTable, of: PartsOf, filter: ListFilter): Fragment {
  const { at } = table;
  const page = (owner: Fragment, as: NamedParts): Fragment => sql`
    select ${sql.unsafe(table.columns)}, bill_id
    from ${sql.unsafe(table.name)}
    where ${owner} ${timesOf(sql, at, filter)} ${partsAfter(sql, at, as, filter)}
    ${newestParts(sql, at, as)} limit ${filter.limit}`;
  if (!('through' in of)) return page(ownerOf(sql, of), of);
  const { institutionId, through } = of;
  const each = { paychannelId: '' as PaychannelId };
  return sql`
    select newest.* from paychannels y
    cross join lateral (${page(sql`paychannel_id = y.id`, each)}) as newest
    where true
      ${institutionId === null ? sql`` : sql`and y.institution_id = ${institutionId}`}
      ${through === null ? sql`` : sql`and y.id = ${through}`}
    ${newestParts(sql, at, each)} limit ${filter.limit}`;
}

type NamedParts = Exclude<PartsOf, PaidThrough>;

/** Within a bill numbers follow time, and its rows stand in their order. */
function newestParts(sql: Sql, column: 'received_at' | 'requested_at', of: NamedParts): Fragment {
  return 'billId' in of
    ? sql`order by bill_id desc, no desc`
    : sql`order by ${sql.unsafe(column)} desc, bill_id desc, no desc`;
}

function partsAfter(
  sql: Sql,
  column: 'received_at' | 'requested_at',
  of: NamedParts,
  { after }: ListFilter,
): Fragment {
  if (after === null) return sql``;
  if ('billId' in of) return sql`and no < ${after.no}`;
  return sql`and (${sql.unsafe(column)}, bill_id, no) < (${after.at}, ${after.id}, ${after.no})`;
}

function ownerOf(sql: Sql, of: NamedParts): Fragment {
  return 'billId' in of ? sql`bill_id = ${of.billId}` : sql`paychannel_id = ${of.paychannelId}`;
}

interface OfBill {
  readonly bill_id: string;
  /** Null where another row of the page has it. */
  readonly state: Uint8Array | null;
}

function stateOnce(sql: Sql, part: 'p' | 'c'): Fragment {
  const alias = sql.unsafe(part);
  return sql`case when row_number() over (partition by ${alias}.bill_id) = 1 then b.state end as state`;
}

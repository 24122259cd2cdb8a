// What operators search in history.
//
// Whoever looks across bills begins at the directory: from an institution to its merchants and terminals, and in each to
// its newest. So the indices that there are for other reasons do, and nobody reads what is another's.

import type { Row, Sql } from 'postgres';
import type { PresentBill } from '../../domain/bill/state.ts';
import type { Credit, Payment, Purpose, RefusedPayment } from '../../domain/bill/vocabulary.ts';
import type { BillId } from '../../domain/ids.ts';
import { type Millis, millis } from '../../domain/time.ts';
import type {
  Archive,
  ArchiveScope,
  BillSearch,
  EventSearch,
  FoundEvent,
  FoundTransition,
  PartBill,
  PartSearch,
  TransitionPlace,
} from '../../switch/archive.ts';
import type { EntryId } from '../../switch/entry-id.ts';
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

const CONNECTIONS = 2;
const TIMEOUT_MS = 10_000;

export class PostgresArchive implements Archive {
  readonly #codec: BillCodec = makeBillCodec();
  readonly #client: PostgresPool;

  constructor(options: { url: string; logger: Logger; timeoutMs?: number }) {
    this.#client = new PostgresPool({
      url: options.url,
      logger: options.logger,
      name: 'qrswitch archive',
      connectionsMax: CONNECTIONS,
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      settings: BY_INDEX,
    });
  }

  async bills(scope: ArchiveScope, search: BillSearch): Promise<PresentBill[]> {
    const isNamed = search.orderId !== null || search.paymentRef !== null;
    const rows = await this.#ask<{ state: Uint8Array }>(
      (sql) => sql`
        select b.state
        from (${isNamed ? namedBills(sql, scope, search) : newestBills(sql, scope, search)}) as page
        join bills b on b.id = page.id
        order by page.created_at desc, page.id desc`,
    );
    return rows.map(({ state }) => this.#codec.decodeBill(state));
  }

  async payments(
    scope: ArchiveScope,
    search: PartSearch,
  ): Promise<{ bill: PartBill; payment: Payment | RefusedPayment }[]> {
    const rows = await this.#ask<PaymentColumns & OfBill>((sql) =>
      partsQuery(
        sql,
        { table: 'payments', at: 'received_at', columns: PAYMENT_COLUMNS },
        scope,
        search,
      ),
    );
    return rows.map((row) => ({ bill: billOf(row), payment: paymentOf(row) }));
  }

  async credits(
    scope: ArchiveScope,
    search: PartSearch,
  ): Promise<{ bill: PartBill; credit: Credit }[]> {
    const rows = await this.#ask<CreditColumns & OfBill>((sql) =>
      partsQuery(
        sql,
        { table: 'credits', at: 'requested_at', columns: CREDIT_COLUMNS },
        scope,
        search,
      ),
    );
    return rows.map((row) => ({ bill: billOf(row), credit: creditOf(row) }));
  }

  async events(of: ArchiveScope | { billId: BillId }, search: EventSearch): Promise<FoundEvent[]> {
    const rows = await this.#ask<EventColumns & Fate>(
      (sql) => sql`
        select ${sql.unsafe(EVENT_COLUMNS)}, e.pending, e.acknowledged_at, e.occurred_at
        from (${'billId' in of ? eventsOfBill(sql, of.billId, search) : eventsWithin(sql, of, search)}) as e
        join bills b on b.id = e.bill_id
        order by e.occurred_at desc, e.bill_id desc, e.no desc`,
    );
    return rows.map((row) => this.#found(row, search.deadBefore));
  }

  async event(billId: BillId, no: number, deadBefore: Millis): Promise<FoundEvent | null> {
    const [row] = await this.#ask<EventColumns & Fate>(
      (sql) => sql`
        select ${sql.unsafe(EVENT_COLUMNS)}, e.pending, e.acknowledged_at, e.occurred_at
        from events e join bills b on b.id = e.bill_id
        where e.bill_id = ${billId} and e.no = ${no}`,
    );
    return row === undefined ? null : this.#found(row, deadBefore);
  }

  #found(row: EventColumns & Fate, deadBefore: Millis): FoundEvent {
    return {
      streamed: streamedOf(row, this.#codec),
      fate: fateOf(row, deadBefore),
      acknowledgedAt: row.acknowledged_at === null ? null : millis(Number(row.acknowledged_at)),
    };
  }

  async transitions(
    billId: BillId,
    after: TransitionPlace | null,
    limit: number,
  ): Promise<FoundTransition[]> {
    const rows = await this.#ask<TransitionColumns>(
      (sql) => sql`
        select entry, no, version, type, at, actor, request_id, outcome from transitions
        where bill_id = ${billId} and (entry, no) > (${after?.entry ?? 0}, ${after?.no ?? 0})
        order by entry, no limit ${limit}`,
    );
    return rows.map(({ entry, at, request_id: requestId, ...row }) => ({
      ...row,
      requestId,
      entry: Number(entry) as EntryId,
      at: millis(Number(at)),
    }));
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #ask<R extends Row>(query: (sql: Sql) => Fragment): Promise<readonly R[]> {
    try {
      return (await this.#client.use(query)) as unknown as readonly R[];
    } catch (error) {
      return unavailable(error);
    }
  }
}

interface TransitionColumns extends Omit<FoundTransition, 'entry' | 'at' | 'requestId'> {
  readonly entry: string;
  readonly at: string;
  readonly request_id: string;
}

// -------------------------------------------------------------------------------------------------------- bills --

function newestBills(sql: Sql, scope: ArchiveScope, search: BillSearch): Fragment {
  return sql`
    select newest.id, newest.created_at
    from merchants m
    join terminals t on t.merchant_id = m.id
    cross join lateral (
      select id, created_at from bills
      where bills.terminal_id = t.id
        and bills.institution_id = m.institution_id and bills.merchant_id = m.id
        ${billFilters(sql, search)}
      order by created_at desc, id desc limit ${search.limit}
    ) as newest
    where ${merchantsIn(sql, scope, search.merchantId)}
      ${search.terminalId === null ? sql`` : sql`and t.id = ${search.terminalId}`}
    order by newest.created_at desc, newest.id desc limit ${search.limit}`;
}

/** By an order, or by a payment's reference: few have it, wherever they are. */
function namedBills(sql: Sql, scope: ArchiveScope, search: BillSearch): Fragment {
  const { orderId, paymentRef, merchantId, terminalId } = search;
  return sql`
    select id, created_at from bills
    where true
      ${orderId === null ? sql`` : sql`and order_id = ${orderId}`}
      ${paymentRef === null ? sql`` : sql`and id in (select bill_id from payments where payment_ref = ${paymentRef})`}
      ${scope.institutionId === null ? sql`` : sql`and institution_id = ${scope.institutionId}`}
      ${scope.merchantId === null ? sql`` : sql`and merchant_id = ${scope.merchantId}`}
      ${merchantId === null ? sql`` : sql`and merchant_id = ${merchantId}`}
      ${terminalId === null ? sql`` : sql`and terminal_id = ${terminalId}`}
      ${billFilters(sql, search)}
    order by created_at desc, id desc limit ${search.limit}`;
}

/** Begins with `and`. */
function billFilters(sql: Sql, search: BillSearch): Fragment {
  const { type, amount, after } = search;
  return sql`
    ${timesOf(sql, 'created_at', search)}
    ${type === null ? sql`` : sql`and type = ${type}`}
    ${amount === null ? sql`` : sql`and amount = ${amount}`}
    ${after === null ? sql`` : sql`and (created_at, id) < (${after.at}, ${after.id})`}`;
}

// -------------------------------------------------------------------------------------- payments and credits --

interface Parts {
  readonly table: 'payments' | 'credits';
  readonly at: 'received_at' | 'requested_at';
  readonly columns: string;
}

/** What of its bill a part is shown with. */
interface OfBill {
  readonly bill_id: BillId;
  readonly order_id: string;
  readonly institution_id: string;
  readonly merchant_id: string;
  readonly terminal_id: string;
  readonly currency: string;
  readonly purpose: Purpose;
}

function billOf(row: OfBill): PartBill {
  return {
    id: row.bill_id,
    orderId: row.order_id,
    institutionId: row.institution_id,
    merchantId: row.merchant_id,
    terminalId: row.terminal_id,
    currency: row.currency,
    purpose: row.purpose,
  };
}

function partsQuery(sql: Sql, parts: Parts, scope: ArchiveScope, search: PartSearch): Fragment {
  const at = sql.unsafe(parts.at);
  const { paymentRef } = search;
  const within = merchantsIn(sql, scope, search.merchantId);
  const newest = sql`order by ${at} desc, bill_id desc, no desc limit ${search.limit}`;
  const columns = sql.unsafe(`bill_id, ${parts.columns}`);
  const table = sql.unsafe(parts.table);
  const page =
    paymentRef === null
      ? sql`
        select newest.* from merchants m
        cross join lateral (
          select ${columns} from ${table}
          where merchant_id = m.id ${partFilters(sql, parts, search)} ${newest}
        ) as newest
        where ${within} ${newest}`
      : sql`
        select ${columns} from ${table}
        where payment_ref = ${paymentRef}
          and exists (select from merchants m where m.id = ${table}.merchant_id and ${within})
          ${partFilters(sql, parts, search)} ${newest}`;
  return sql`
    select p.*, b.order_id, b.institution_id, b.merchant_id, b.terminal_id, b.currency, b.purpose
    from (${page}) as p
    join bills b on b.id = p.bill_id
    order by p.${at} desc, p.bill_id desc, p.no desc`;
}

/** Begins with `and`. */
function partFilters(sql: Sql, { at }: Parts, search: PartSearch): Fragment {
  const { paychannelId, amount, after, status } = search;
  const isOfCredits = at === 'requested_at';
  return sql`
    ${timesOf(sql, at, search)}
    ${isOfCredits && status === 'rejected' ? sql`and replaced_by is null` : sql``}
    ${paychannelId === null ? sql`` : sql`and paychannel_id = ${paychannelId}`}
    ${amount === null ? sql`` : sql`and amount = ${amount}`}
    ${after === null ? sql`` : sql`and (${sql.unsafe(at)}, bill_id, no) < (${after.at}, ${after.id}, ${after.no})`}`;
}

// ------------------------------------------------------------------------------------------------------- events --

interface Fate {
  readonly pending: boolean;
  readonly acknowledged_at: string | null;
  readonly occurred_at: string;
}

function fateOf(row: Fate, deadBefore: number): FoundEvent['fate'] {
  if (row.pending) return Number(row.occurred_at) < deadBefore ? 'dead' : 'pending';
  return row.acknowledged_at === null ? 'replaced' : 'acknowledged';
}

const EVENT_FIELDS = 'bill_id, no, body, pending, acknowledged_at, occurred_at';

function eventsOfBill(sql: Sql, billId: BillId, search: EventSearch): Fragment {
  return sql`
    select ${sql.unsafe(EVENT_FIELDS)} from events
    where bill_id = ${billId} ${eventFilters(sql, search)} ${fateFilter(sql, search)}
      ${search.after === null ? sql`` : sql`and no < ${search.after.no}`}
    order by bill_id desc, no desc limit ${search.limit}`;
}

function eventsWithin(sql: Sql, scope: ArchiveScope, search: EventSearch): Fragment {
  const { after } = search;
  const newest = sql`order by occurred_at desc, bill_id desc, no desc limit ${search.limit}`;
  return sql`
    select newest.*
    from (${recipients(sql, scope, search)}) as r
    cross join (values (true), (false)) as half(pending)
    cross join lateral (
      select ${sql.unsafe(EVENT_FIELDS)} from events
      where events.recipient = r.recipient and events.pending = half.pending
        ${eventFilters(sql, search)} ${fateFilter(sql, search)}
        ${after === null ? sql`` : sql`and (occurred_at, bill_id, no) < (${after.at}, ${after.id}, ${after.no})`}
      ${newest}
    ) as newest
    where ${halfOf(sql, search)} ${newest}`;
}

/** Terminals of the scope, and of a whole institution its paychannels. */
function recipients(sql: Sql, scope: ArchiveScope, search: EventSearch): Fragment {
  const { terminalId, paychannelId } = search;
  const terminals = sql`
    select 'terminal:' || t.id as recipient from merchants m join terminals t on t.merchant_id = m.id
    where ${merchantsIn(sql, scope, null)}
      ${terminalId === null ? sql`` : sql`and t.id = ${terminalId}`}
      ${paychannelId === null ? sql`` : sql`and false`}`;
  if (scope.merchantId !== null) return terminals;
  return sql`${terminals}
    union all
    select 'paychannel:' || id from paychannels
    where true ${scope.institutionId === null ? sql`` : sql`and institution_id = ${scope.institutionId}`}
      ${paychannelId === null ? sql`` : sql`and id = ${paychannelId}`}
      ${terminalId === null ? sql`` : sql`and false`}`;
}

/** Begins with `and`. */
function eventFilters(sql: Sql, { type, from, to, asOf }: EventSearch): Fragment {
  return sql`
    and occurred_at <= ${asOf}
    ${from === null ? sql`` : sql`and occurred_at >= ${from}`}
    ${to === null ? sql`` : sql`and occurred_at < ${to}`}
    ${type === null ? sql`` : sql`and type = ${type}`}`;
}

function halfOf(sql: Sql, { status }: EventSearch): Fragment {
  if (status === null) return sql`true`;
  return status === 'pending' || status === 'dead' ? sql`half.pending` : sql`not half.pending`;
}

/** Begins with `and`. */
function fateFilter(sql: Sql, { status, deadBefore }: EventSearch): Fragment {
  switch (status) {
    case 'pending':
      return sql`and events.pending and occurred_at >= ${deadBefore}`;
    case 'dead':
      return sql`and events.pending and occurred_at < ${deadBefore}`;
    case 'acknowledged':
      return sql`and not events.pending and acknowledged_at is not null`;
    case 'replaced':
      return sql`and not events.pending and acknowledged_at is null`;
    default:
      return sql``;
  }
}

// ---------------------------------------------------------------------------------------------------- of them all --

function merchantsIn(sql: Sql, scope: ArchiveScope, merchantId: string | null): Fragment {
  return sql`true
    ${scope.institutionId === null ? sql`` : sql`and m.institution_id = ${scope.institutionId}`}
    ${scope.merchantId === null ? sql`` : sql`and m.id = ${scope.merchantId}`}
    ${merchantId === null ? sql`` : sql`and m.id = ${merchantId}`}`;
}

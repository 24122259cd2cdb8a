// The history in Postgres (A6, A8, A9).

import postgres, { type Row } from 'postgres';
import { ABSENT } from '../../domain/bill/state.ts';
import type { KeptReference } from '../../domain/bill/vocabulary.ts';
import {
  type BillId,
  type Reference,
  type ShardId,
  shardOfBill,
  type TerminalId,
} from '../../domain/ids.ts';
import { type Millis, millis } from '../../domain/time.ts';
import { type EntryId, NO_ENTRY } from '../../switch/entry-id.ts';
import { Fault } from '../../switch/faults.ts';
import type { FoundPart, PartKey } from '../../switch/part-keys.ts';
import {
  type FetchedBill,
  type FetchedOrder,
  type History,
  type HistoryBatch,
  HistoryRefusal,
  type OrderKey,
  type OrderPage,
  type ReferenceKey,
  type Watermark,
} from '../../switch/ports.ts';
import type { Logger } from '../../telemetry/log.ts';
import { arrayText } from '../array-text.ts';
import { BY_INDEX } from '../by-index.ts';
import { PostgresPool } from '../postgres-pool.ts';
import { unavailable } from '../unavailable.ts';
import { type BillCodec, makeBillCodec } from './bill-codec.ts';
import {
  CREDIT_COLUMNS,
  type CreditColumns,
  creditOf,
  PAYMENT_COLUMNS,
  type PaymentColumns,
  paymentOf,
} from './part-rows.ts';
import { makeWriteStatement, type Parameter, type WriteStatement } from './write-statement.ts';

export interface PostgresHistoryOptions {
  readonly url: string;
  readonly logger: Logger;
  /** The log is in the same database: what a batch covers is deleted from it by the same statement. */
  readonly trimsLog: boolean;
  /** After this a write's outcome is unknown. */
  readonly writeTimeoutMs?: number;
  readonly fetchTimeoutMs?: number;
  readonly fetchConnectionsMax?: number;
}

const WRITE_TIMEOUT_MS = 30_000;
const FETCH_TIMEOUT_MS = 5_000;
const FETCH_CONNECTIONS = 2;
/** Of one page. */
const SCAN_TIMEOUT_MS = 30_000;
const SCAN_PAGE = 5_000;
/** How long a batch is encoded at a stretch. */
const SLICE_MS = 1;

/** What Postgres will never take: bad data (22), broken rules (23), a row twice (21), too large (54), wrong SQL (42). */
const REFUSED = /^(21|22|23|42|54)/;
/** Class 42 all the same, but a right can be granted. */
const NO_RIGHT = '42501';
const DETAIL_LENGTH = 100;

export class PostgresHistory implements History {
  readonly #codec: BillCodec = makeBillCodec();
  readonly #statement: WriteStatement;
  readonly #writer: PostgresPool;
  readonly #reader: PostgresPool;
  /** Apart: behind a scan no fetch would be answered in its time. */
  readonly #scanner: PostgresPool;
  /** The last scan that has begun, or waits for the one before it. */
  #scan: Promise<void> = Promise.resolve();

  constructor(options: PostgresHistoryOptions) {
    const { url, logger } = options;
    this.#statement = makeWriteStatement(this.#codec, options.trimsLog);
    this.#writer = new PostgresPool({
      url,
      logger,
      name: 'qrswitch history writer',
      connectionsMax: 1,
      timeoutMs: options.writeTimeoutMs ?? WRITE_TIMEOUT_MS,
      settings: BY_INDEX,
    });
    this.#reader = new PostgresPool({
      url,
      logger,
      name: 'qrswitch history reader',
      connectionsMax: options.fetchConnectionsMax ?? FETCH_CONNECTIONS,
      timeoutMs: options.fetchTimeoutMs ?? FETCH_TIMEOUT_MS,
      settings: BY_INDEX,
    });
    this.#scanner = new PostgresPool({
      url,
      logger,
      name: 'qrswitch history scanner',
      connectionsMax: 1,
      timeoutMs: SCAN_TIMEOUT_MS,
      settings: BY_INDEX,
    });
  }

  async write(batch: HistoryBatch): Promise<ReadonlySet<ShardId>> {
    const parameters = await encode(this.#statement, batch);
    try {
      const rows = await this.#writer.run<{ shard: ShardId }>(this.#statement.text, parameters);
      return new Set(rows.map(({ shard }) => shard));
    } catch (error) {
      if (isRefusal(error)) throw new HistoryRefusal(describe(error), { cause: error });
      // By whatever error postgres.js tells that it has lost a connection: it is no mistake of ours.
      throw new Fault('history.unavailable', String(error), error);
    }
  }

  async watermarks(shards: readonly ShardId[]): Promise<Watermark[]> {
    const rows = await this.#fetch<WatermarkColumns>(
      `select s.shard, w.entry, w.at
       from unnest($1::integer[]) as s(shard) left join watermarks w on w.shard = s.shard`,
      [arrayText(shards)],
    );
    return watermarksOf(shards, rows);
  }

  async fetchEntries(
    shard: ShardId,
    entries: readonly EntryId[],
  ): Promise<{ entries: ReadonlySet<EntryId>; watermark: EntryId }> {
    const rows = await this.#fetch<WatermarkColumns>(
      `select distinct entry, null::integer as shard, null::bigint as at
       from transitions where shard = $1::integer and entry = any($2::bigint[])
       union all
       select w.entry, s.shard, w.at
       from (values ($1::integer)) as s(shard) left join watermarks w on w.shard = s.shard`,
      [shard, arrayText(entries)],
    );
    const found = rows.filter((row) => row.shard === null).map(({ entry }) => Number(entry));
    const [watermark] = watermarksOf([shard], rows);
    return { entries: new Set(found as EntryId[]), watermark: watermark?.entry ?? NO_ENTRY };
  }

  async fetchBills(
    ids: readonly BillId[],
  ): Promise<{ bills: FetchedBill[]; watermarks: Watermark[] }> {
    const shards = [...new Set(ids.map(shardOfBill))];
    const rows = await this.#fetch<WatermarkColumns & { id: string; state: Uint8Array }>(
      `select id, state, entry, null::integer as shard, null::bigint as at
       from bills where id = any($1::text[])
       union all
       select null, null, w.entry, s.shard, w.at
       from unnest($2::integer[]) as s(shard) left join watermarks w on w.shard = s.shard`,
      [arrayText(ids), arrayText(shards)],
    );
    const found = new Map<string, FetchedBill>();
    for (const { id, state, entry, shard } of rows) {
      if (shard !== null) continue;
      found.set(id, { bill: this.#codec.decodeBill(state), entry: Number(entry) as EntryId });
    }
    return {
      bills: ids.map((id) => found.get(id) ?? { bill: ABSENT, entry: NO_ENTRY }),
      watermarks: watermarksOf(shards, rows),
    };
  }

  async fetchReferences(
    keys: readonly ReferenceKey[],
  ): Promise<{ references: (KeptReference | null)[]; watermarks: Watermark[] }> {
    const shards = [...new Set(keys.map(({ billId }) => shardOfBill(billId)))];
    const rows = await this.#fetch<
      WatermarkColumns & { place: number; digest: string; outcome: Uint8Array }
    >(
      `select k.place::integer, r.digest, r.outcome, r.entry, null::integer as shard, null::bigint as at
       from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality
         as k(bill_id, kind, scope, ref, place)
       join refs r on r.bill_id = k.bill_id and r.kind = k.kind and r.scope = k.scope and r.ref = k.ref
       union all
       select null, null, null, w.entry, s.shard, w.at
       from unnest($5::integer[]) as s(shard) left join watermarks w on w.shard = s.shard`,
      [
        arrayText(keys.map(({ billId }) => billId)),
        arrayText(keys.map(({ kind }) => kind)),
        arrayText(keys.map(({ scope }) => scope)),
        arrayText(keys.map(({ ref }) => ref)),
        arrayText(shards),
      ],
    );
    const references: (KeptReference | null)[] = keys.map(() => null);
    for (const { place, digest, outcome, shard } of rows) {
      const key = keys[place - 1];
      if (shard !== null || key === undefined) continue;
      const { kind, scope, ref } = key;
      const restored = this.#codec.decodeOutcome(outcome);
      references[place - 1] = { kind, scope, ref, digest, outcome: restored };
    }
    return { references, watermarks: watermarksOf(shards, rows) };
  }

  async fetchParts(
    keys: readonly PartKey[],
  ): Promise<{ parts: FoundPart[]; watermarks: Watermark[] }> {
    const shards = [...new Set(keys.map(({ billId }) => shardOfBill(billId)))];
    const rows = await this.#fetch<WatermarkColumns & PartColumns>(FETCH_PARTS, [
      arrayText(keys.map(({ billId }) => billId)),
      arrayText(keys.map(({ kind }) => kind)),
      arrayText(keys.map(({ no }) => no)),
      arrayText(shards),
    ]);
    const parts: FoundPart[] = keys.map(() => ({ payment: null, credits: [], event: null }));
    for (const { place, payment, credits, body, shard } of rows) {
      if (shard !== null) continue;
      const found = payment === null ? null : paymentOf(payment);
      parts[place - 1] = {
        payment: found !== null && 'status' in found ? found : null,
        credits: (credits ?? []).map(creditOf),
        event: body === null ? null : this.#codec.decodeEvent(body),
      };
    }
    return { parts, watermarks: watermarksOf(shards, rows) };
  }

  async fetchOrders(
    keys: readonly (OrderKey & { readonly shard: ShardId })[],
  ): Promise<{ orders: (FetchedOrder | null)[]; watermarks: Watermark[] }> {
    const shards = [...new Set(keys.map(({ shard }) => shard))];
    const rows = await this.#fetch<
      WatermarkColumns & { place: number; digest: string; bill_id: BillId | null }
    >(
      `select k.place::integer, o.digest, o.bill_id, o.entry, null::integer as shard, o.at
       from unnest($1::text[], $2::text[]) with ordinality as k(terminal_id, order_id, place)
       join orders o on o.terminal_id = k.terminal_id and o.order_id = k.order_id
       union all
       select null, null, null, w.entry, s.shard, w.at
       from unnest($3::integer[]) as s(shard) left join watermarks w on w.shard = s.shard`,
      [
        arrayText(keys.map(({ terminalId }) => terminalId)),
        arrayText(keys.map(({ orderId }) => orderId)),
        arrayText(shards),
      ],
    );
    const orders: (FetchedOrder | null)[] = keys.map(() => null);
    for (const { place, digest, bill_id, shard, at } of rows) {
      if (shard === null) orders[place - 1] = { billId: bill_id, digest, at: millis(Number(at)) };
    }
    return { orders, watermarks: watermarksOf(shards, rows) };
  }

  async scanOrders(shard: ShardId, since: Millis, page: OrderPage): Promise<void> {
    // One after another: side by side, none would come to its end before the last.
    const scan = this.#scan.then(() => this.#scanOrders(shard, since, page));
    this.#scan = scan.catch(() => undefined);
    await scan.catch(unavailable);
  }

  async #scanOrders(shard: ShardId, since: Millis, page: OrderPage): Promise<void> {
    let after = { at: since, terminal: '', order: '' };
    for (;;) {
      const rows = await this.#scanner.run<{
        terminal_id: TerminalId;
        order_id: Reference;
        at: string;
      }>(
        `select terminal_id, order_id, at from orders
         where shard = $1 and at >= $2 and (at, terminal_id, order_id) > ($2, $3, $4)
         order by at, terminal_id, order_id limit ${SCAN_PAGE}`,
        [shard, after.at, after.terminal, after.order],
      );
      const orders = rows.map((row) => ({
        terminalId: row.terminal_id,
        orderId: row.order_id,
        at: millis(Number(row.at)),
      }));
      const last = orders.at(-1);
      if (last === undefined || !page(orders) || orders.length < SCAN_PAGE) return;
      after = { at: last.at, terminal: last.terminalId, order: last.orderId };
    }
  }

  async fetchDue(shards: readonly ShardId[], by: Millis, limit: number): Promise<BillId[]> {
    const rows = await this.#fetch<{ id: BillId }>(
      `select due.id
       from unnest($1::integer[]) as s(shard)
       cross join lateral (
         select id, next_due_at from bills
         where shard = s.shard and next_due_at <= $2::bigint
         order by next_due_at limit $3::integer
       ) as due
       order by due.next_due_at, due.id limit $3::integer`,
      [arrayText(shards), by, limit],
    );
    return rows.map(({ id }) => id);
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer, this.#reader, this.#scanner].map((pool) => pool.close()));
  }

  #fetch<R extends Row>(text: string, parameters: readonly unknown[]): Promise<readonly R[]> {
    return this.#reader.run<R>(text, parameters).catch(unavailable);
  }
}

interface PartColumns {
  readonly place: number;
  readonly payment: PaymentColumns | null;
  readonly credits: readonly CreditColumns[] | null;
  readonly body: Uint8Array | null;
}

/** A payment by its number or by that of one of its credits, with all its credits; an event while it is pending. */
const FETCH_PARTS = `
  select k.place::integer, row_to_json(p) as payment, c.credits, e.body,
    null::bigint as entry, null::integer as shard, null::bigint as at
  from unnest($1::text[], $2::text[], $3::integer[]) with ordinality as k(bill_id, kind, no, place)
  left join credits named
    on k.kind = 'credit' and named.bill_id = k.bill_id and named.no = k.no
  left join lateral (
    select ${PAYMENT_COLUMNS} from payments
    where bill_id = k.bill_id and status <> 'refused'
      and no = case k.kind when 'payment' then k.no when 'credit' then named.payment_no end
  ) as p on true
  left join lateral (
    select json_agg(row_to_json(own) order by own.no) as credits
    from (select ${CREDIT_COLUMNS} from credits where bill_id = k.bill_id and payment_no = p.no) as own
  ) as c on true
  left join events e
    on k.kind = 'event' and e.bill_id = k.bill_id and e.no = k.no and e.pending
  union all
  select null, null, null, null, w.entry, s.shard, w.at
  from unnest($4::integer[]) as s(shard) left join watermarks w on w.shard = s.shard`;

interface WatermarkColumns {
  readonly shard: number | null;
  /** Null, and `at`, for a shard that history has nothing of. */
  readonly entry: string | null;
  readonly at: string | null;
}

function watermarksOf(shards: readonly ShardId[], rows: readonly WatermarkColumns[]): Watermark[] {
  const found = new Map(rows.map((row) => [row.shard, row]));
  return shards.map((shard) => {
    const row = found.get(shard);
    // Each shard that was asked for has a row: an answer without it is cut short, or another question's.
    if (row === undefined) throw new Fault('history.unavailable', `no row of shard ${shard}`);
    if (row.entry === null) return { shard, entry: NO_ENTRY, at: millis(0) };
    return { shard, entry: Number(row.entry) as EntryId, at: millis(Number(row.at)) };
  });
}

/** In slices, between which requests have their turn. */
async function encode(statement: WriteStatement, batch: HistoryBatch): Promise<Parameter[]> {
  try {
    const steps = statement.parametersOf(batch);
    let until = performance.now() + SLICE_MS;
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done === true) return step.value;
      if (performance.now() < until) continue;
      await new Promise<void>((goOn) => setImmediate(goOn));
      until = performance.now() + SLICE_MS;
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new HistoryRefusal(`a row cannot be encoded: ${why}`, { cause: error });
  }
}

function isRefusal(error: unknown): error is postgres.PostgresError {
  return (
    error instanceof postgres.PostgresError && REFUSED.test(error.code) && error.code !== NO_RIGHT
  );
}

function describe(error: postgres.PostgresError): string {
  const { code, message, detail, table_name: table } = error;
  // The detail begins with the row's key, and goes on with all of the row.
  const where = detail?.slice(0, DETAIL_LENGTH);
  return [`${code}: ${message}`, table && `table ${table}`, where].filter(Boolean).join('; ');
}

// What the switch needs of the world, in its own words. Every port has several implementations and one conformance
// suite that all of them pass.

import type { AllPolicies } from '../domain/bill/policies.ts';
import type { Bill, PresentBill } from '../domain/bill/state.ts';
import type {
  BillEvent,
  Credit,
  KeptReference,
  Mode,
  Payment,
  Purpose,
  ReferenceKind,
  RefusedPayment,
} from '../domain/bill/vocabulary.ts';
import type { BillId, InstitutionId, Reference, ShardId, TerminalId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { EntryId } from './entry-id.ts';
import type { FoundPart, PartKey } from './part-keys.ts';

/** Readings of this machine's clocks. */
export interface Clock {
  /** Wall clock, ms since 1970. May jump. */
  wall(): number;
  /** Monotonic clock, ms since some start. Never goes back; goes on while the process is paused. */
  monotonic(): number;
  /** Calls back once after at least `delayMs`; the function returned cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

// ---------------------------------------------------------------------------------------------------------- log --

/** Which log this is: its kind and an id drawn when it was first opened. Postgres keeps the name of its log (A7). */
export interface LogName {
  readonly kind: 'redis' | 'postgres' | 'simulated';
  readonly id: string;
}

export interface LogEntry {
  readonly id: EntryId;
  readonly payload: Uint8Array;
}

/** The log did not take the append, for sure: another entry is its top, or it is full, read-only or gone to another. */
export class LogRefusal extends Error {
  override readonly name = 'LogRefusal';
  /** `fenced`: the top is not the entry named. `unwilling`: full, read-only, failing; nothing was written. */
  readonly reason: 'fenced' | 'unwilling';

  constructor(reason: 'fenced' | 'unwilling', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/**
 * The write-ahead log: one compare-and-set chain of entries a shard (A3).
 *
 *   L1. `append` takes an entry only if the log's top is exactly `after`, and then durably.
 *   L2. It resolves only once the entry is durable; it rejects with LogRefusal only if the entry is not and will
 *       never be in the log; any other rejection means *unknown*: the entry may be there, or may appear until
 *       another entry takes its place.
 *   L3. It never sends an append twice.
 */
export interface Log {
  /** The log's name and number of shards; where it has none yet, it is given these for ever. */
  identify(proposed: { id: string; shards: number }): Promise<{ name: LogName; shards: number }>;
  append(shard: ShardId, after: EntryId, id: EntryId, payload: Uint8Array): Promise<void>;
  /** Entries above an id, oldest first, at most `limit`. */
  read(shard: ShardId, above: EntryId, limit: number): Promise<LogEntry[]>;
  /** The first and the last entry; NO_ENTRY where the log is empty. */
  bounds(shard: ShardId): Promise<{ first: EntryId; last: EntryId }>;
  /** Drops entries below `keep`; `keep` itself stays. May be late, may fail; never drops more. */
  trim(shard: ShardId, keep: EntryId): Promise<void>;
  close(): Promise<void>;
}

/** A shard's lease as it stands in the store. A counter of 0 means that nobody ever held it. */
export interface Lease {
  readonly shard: ShardId;
  readonly counter: number;
  /** Who holds it, for people and for recognising oneself; null once released. */
  readonly holder: string | null;
}

/** Ownership by a counter (A5). The log remains the judge of every write. */
export interface Leases {
  read(shards: readonly ShardId[]): Promise<Lease[]>;
  /** Takes each lease whose counter is still the one seen, counting it up. Returns those taken, as they now stand. */
  take(seen: readonly Lease[], holder: string): Promise<Lease[]>;
  /** Counts up each lease that still stands as given. Returns those renewed, as they now stand. */
  renew(held: readonly Lease[]): Promise<Lease[]>;
  /** Gives up each lease that still stands as given: its holder becomes null. */
  release(held: readonly Lease[]): Promise<void>;
  close(): Promise<void>;
}

// ------------------------------------------------------------------------------------------------------ history --

/** What moved a shard's watermark: all rows of the batch from this shard hang on it. */
export interface WatermarkMove {
  readonly shard: ShardId;
  readonly from: EntryId;
  readonly to: EntryId;
  /** The time of the last transition in `to`. */
  readonly at: Millis;
}

export interface BillRow {
  readonly bill: PresentBill;
  readonly shard: ShardId;
  /** The entry that changed the bill last. */
  readonly entry: EntryId;
}

/** A payment, taken or refused, with the bill that it stands in (for the columns that lists filter by). */
export interface PaymentRow {
  readonly bill: PresentBill;
  readonly shard: ShardId;
  readonly entry: EntryId;
  readonly payment: Payment | RefusedPayment;
}

export interface CreditRow {
  readonly bill: PresentBill;
  readonly shard: ShardId;
  readonly entry: EntryId;
  readonly credit: Credit;
}

export interface EventRow {
  readonly bill: PresentBill;
  readonly shard: ShardId;
  readonly entry: EntryId;
  readonly event: BillEvent;
  /** Set where the event was acknowledged within the same batch. */
  readonly acknowledgedAt: Millis | null;
  /** Set where the event was replaced by its repeat within the same batch. */
  readonly replaced: boolean;
}

/** An acknowledgement of (or a repeat in place of) an event that an earlier batch has written. */
export interface EventEnd {
  readonly billId: BillId;
  readonly shard: ShardId;
  readonly no: number;
  /** Null: replaced by its repeat. */
  readonly acknowledgedAt: Millis | null;
}

/** What became of an order: a bill, or a tombstone (`billId` null). */
export interface OrderRow {
  readonly shard: ShardId;
  readonly entry: EntryId;
  readonly terminalId: TerminalId;
  readonly orderId: Reference;
  readonly billId: BillId | null;
  readonly digest: string;
  readonly at: Millis;
}

export interface ReferenceRow {
  readonly shard: ShardId;
  readonly entry: EntryId;
  readonly billId: BillId;
  readonly reference: KeptReference;
}

/** One line of the audit trail a transition: `(shard, entry, no)` is its key. */
export interface TransitionRow {
  readonly shard: ShardId;
  readonly entry: EntryId;
  /** Counts from 0 within the entry. */
  readonly no: number;
  /** Null for an order's tombstone. */
  readonly billId: BillId | null;
  /** The bill's version after it; 0 for a tombstone. */
  readonly version: number;
  /** The command's type. */
  readonly type: string;
  readonly at: Millis;
  /** `kind:id`. */
  readonly actor: string;
  readonly requestId: string;
  /** Names of the facts, or the code of a refusal that was recorded. */
  readonly outcome: string;
}

/** Committed batches, folded to one row a key. */
export interface HistoryBatch {
  readonly moves: readonly WatermarkMove[];
  readonly bills: readonly BillRow[];
  readonly payments: readonly PaymentRow[];
  readonly credits: readonly CreditRow[];
  readonly events: readonly EventRow[];
  readonly eventEnds: readonly EventEnd[];
  readonly orders: readonly OrderRow[];
  readonly references: readonly ReferenceRow[];
  readonly transitions: readonly TransitionRow[];
}

/** Postgres understood the batch and will never take it (bad data, not bad luck). */
export class HistoryRefusal extends Error {
  override readonly name = 'HistoryRefusal';
}

export interface Watermark {
  readonly shard: ShardId;
  readonly entry: EntryId;
  /** Time of the last transition at or below it. */
  readonly at: Millis;
}

export interface FetchedBill {
  readonly bill: Bill;
  /** NO_ENTRY where the bill is absent. */
  readonly entry: EntryId;
}

/** A reference to look up: `scope` as in KeptReference. */
export interface ReferenceKey {
  readonly billId: BillId;
  readonly kind: ReferenceKind;
  readonly scope: string;
  readonly ref: Reference;
}

export interface OrderKey {
  readonly terminalId: TerminalId;
  readonly orderId: Reference;
}

export interface FetchedOrder {
  readonly billId: BillId | null;
  readonly digest: string;
  readonly at: Millis;
}

/** An event as the stream of its recipient gives it. */
export interface StreamedEvent {
  readonly bill: EventBill;
  readonly event: BillEvent;
  /** Memory gives it, and may have let older ones of its bill go: pending in history alone, they come first. */
  readonly isAfterLetGo?: true;
  /** Its bill has just been fetched: it was pending in history alone, and comes before what happens to the bill now. */
  readonly isFetched?: true;
}

/** What of a bill an event's body shows beside the event's own snapshot. */
export interface EventBill {
  readonly id: BillId;
  readonly orderId: Reference;
  readonly amount: number;
  readonly currency: string;
  readonly purpose: Purpose;
  readonly policies: AllPolicies;
  readonly institutionId: InstitutionId;
  readonly mode: Mode;
}

/** A place in a stream of events: by time, then bill, then number. */
export interface EventPlace {
  readonly at: Millis;
  readonly billId: string;
  readonly no: number;
}

/**
 * Takes orders by their time, the earliest first; false where it needs no more. Who begins anew at the time of the last
 * one loses nothing.
 */
export type OrderPage = (orders: readonly (OrderKey & { readonly at: Millis })[]) => boolean;

/**
 * The history (A6): everything at or below each shard's watermark. Every read carries the watermarks of the shards it
 * concerns, read in the same snapshot, so that the caller can see when Postgres has lost commits.
 */
export interface History {
  /** The watermark of each shard; `entry` NO_ENTRY where it has none. */
  watermarks(shards: readonly ShardId[]): Promise<Watermark[]>;
  /** Which of these entries of a shard it has lines of, and the shard's watermark. */
  fetchEntries(
    shard: ShardId,
    entries: readonly EntryId[],
  ): Promise<{ entries: ReadonlySet<EntryId>; watermark: EntryId }>;
  /**
   * One statement, durable when it resolves. A shard's rows are written only if its watermark stood exactly at
   * `from`. Returns the shards that moved. Rejects with HistoryRefusal for data that it will never take; any other
   * rejection is unknown: ask the watermark.
   */
  write(batch: HistoryBatch): Promise<ReadonlySet<ShardId>>;
  /** All bills in one query, in the order asked, with the watermarks of their shards. */
  fetchBills(ids: readonly BillId[]): Promise<{ bills: FetchedBill[]; watermarks: Watermark[] }>;
  fetchReferences(
    keys: readonly ReferenceKey[],
  ): Promise<{ references: (KeptReference | null)[]; watermarks: Watermark[] }>;
  /** Parts of bills as they are now, each payment with all its credits; events that are not pending are not found. */
  fetchParts(keys: readonly PartKey[]): Promise<{ parts: FoundPart[]; watermarks: Watermark[] }>;
  fetchOrders(
    keys: readonly (OrderKey & { readonly shard: ShardId })[],
  ): Promise<{ orders: (FetchedOrder | null)[]; watermarks: Watermark[] }>;
  /** Orders of a shard seen since a time, for its filter (A9). */
  scanOrders(shard: ShardId, since: Millis, page: OrderPage): Promise<void>;
  /** Bills of these shards that fall due by a time, earliest first (A8). */
  fetchDue(shards: readonly ShardId[], by: Millis, limit: number): Promise<BillId[]>;
  close(): Promise<void>;
}

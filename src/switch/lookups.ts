// What is not in memory, asked of history: all misses of a tick in one query a kind (A8, A9).

import { BatchedFetch } from '../actors/batched-fetch.ts';
import type { KeptReference } from '../domain/bill/vocabulary.ts';
import { type BillId, type ShardId, shardOfBill } from '../domain/ids.ts';
import { type EntryId, formatEntryId, NO_ENTRY } from './entry-id.ts';
import { isDefect, tellDefect } from './failures.ts';
import { Fault } from './faults.ts';
import type { FoundPart, PartKey } from './part-keys.ts';
import type {
  Clock,
  FetchedBill,
  FetchedOrder,
  History,
  OrderKey,
  ReferenceKey,
  Watermark,
} from './ports.ts';
import { describe } from './reply-sink.ts';
import type { Observer, Reporter } from './reporter.ts';

/** Keys of one question. */
const FETCH_MAX = 500;
/** While history does not answer, every tick asks again: the log is told no more often than this. */
const REPORT_MS = 1_000;

export class Lookups {
  readonly bills: BatchedFetch<BillId, FetchedBill>;
  readonly references: BatchedFetch<ReferenceKey, KeptReference | null>;
  readonly parts: BatchedFetch<PartKey, FoundPart>;
  readonly orders: BatchedFetch<OrderKey & { readonly shard: ShardId }, FetchedOrder | null>;

  readonly #clock: Clock;
  readonly #reporter: Reporter;
  #reportedAt = Number.NEGATIVE_INFINITY;

  /**
   * `knownWatermark` is the highest one that this worker has seen of a shard: a snapshot below it means that Postgres
   * has lost commits, and the fetch is refused (A6).
   */
  constructor(options: {
    history: History;
    knownWatermark: (shard: ShardId) => EntryId;
    clock: Clock;
    observer: Observer;
    reporter: Reporter;
    settled: () => void;
  }) {
    const { history, knownWatermark, observer, settled } = options;
    this.#clock = options.clock;
    this.#reporter = options.reporter;
    const guard = async <Answer extends { watermarks: Watermark[] }>(
      shards: readonly ShardId[],
      ask: () => Promise<Answer>,
    ): Promise<Answer> => {
      try {
        return await guarded(shards, knownWatermark, ask);
      } catch (error) {
        this.#report(error);
        throw error;
      }
    };
    this.bills = new BatchedFetch({
      batchMax: FETCH_MAX,
      settled,
      fetch: async (ids) => {
        observer.billsFetched(ids.length);
        return (await guard(ids.map(shardOfBill), () => history.fetchBills(ids))).bills;
      },
    });
    this.references = new BatchedFetch({
      batchMax: FETCH_MAX,
      settled,
      fetch: async (keys) => {
        const shards = keys.map((key) => shardOfBill(key.billId));
        return (await guard(shards, () => history.fetchReferences(keys))).references;
      },
    });
    this.parts = new BatchedFetch({
      batchMax: FETCH_MAX,
      settled,
      fetch: async (keys) => {
        const shards = keys.map((key) => shardOfBill(key.billId));
        return (await guard(shards, () => history.fetchParts(keys))).parts;
      },
    });
    this.orders = new BatchedFetch({
      batchMax: FETCH_MAX,
      settled,
      fetch: async (keys) =>
        (
          await guard(
            keys.map((key) => key.shard),
            () => history.fetchOrders(keys),
          )
        ).orders,
    });
  }

  /** Asks for all that has been wanted since the last tick. */
  flush(): void {
    this.bills.flush();
    this.references.flush();
    this.parts.flush();
    this.orders.flush();
  }

  /** Those who asked hear only that history cannot be asked; why stands in the log. */
  #report(error: unknown): void {
    const now = this.#clock.monotonic();
    if (now - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = now;
    if (isDefect(error)) this.#reporter.report('error', 'history.defect', tellDefect(error));
    else this.#reporter.report('warn', 'history.fetchFailed', { reason: describe(error) });
  }
}

/** Asks, and refuses an answer whose snapshot lies below a watermark known before the question. */
export async function guarded<Answer extends { watermarks: Watermark[] }>(
  shards: readonly ShardId[],
  knownWatermark: (shard: ShardId) => EntryId,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  const floors = new Map<ShardId, EntryId>();
  for (const shard of shards) floors.set(shard, knownWatermark(shard));
  const answer = await ask();
  for (const { shard, entry } of answer.watermarks) {
    const floor = floors.get(shard) ?? NO_ENTRY;
    if (entry < floor) {
      throw new Fault(
        'history.unavailable',
        `Postgres has lost commits: the watermark of shard ${shard} is ${formatEntryId(entry)}, and was ${formatEntryId(floor)}`,
      );
    }
  }
  return answer;
}

// The history's third adapter: rows in simulated durable memory, behind a line and a server that fail as Postgres does.

import { ABSENT } from '../../src/domain/bill/state.ts';
import type { KeptReference, Recipient } from '../../src/domain/bill/vocabulary.ts';
import { EVENT_LIFE_MS } from '../../src/domain/bill/vocabulary.ts';
import { type BillId, partId, type ShardId, shardOfBill } from '../../src/domain/ids.ts';
import type { Millis } from '../../src/domain/time.ts';
import { type EntryId, NO_ENTRY } from '../../src/switch/entry-id.ts';
import { Fault } from '../../src/switch/faults.ts';
import type { FoundPart, PartKey } from '../../src/switch/part-keys.ts';
import type {
  FetchedBill,
  FetchedOrder,
  History,
  HistoryBatch,
  OrderKey,
  OrderPage,
  ReferenceKey,
  Watermark,
} from '../../src/switch/ports.ts';
import type { Dice } from './dice.ts';
import { type HistoryStore, historyCodec } from './history-store.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';

const SLOWEST_MS = 4_000;
const LATEST_MS = 5_000;

export class SimHistory implements History {
  readonly #store: HistoryStore;
  readonly #life: Life;
  readonly #dice: Dice;
  readonly #random: Random;

  constructor(options: { store: HistoryStore; life: Life; dice: Dice; random: Random }) {
    this.#store = options.store;
    this.#life = options.life;
    this.#dice = options.dice;
    this.#random = options.random;
  }

  write(batch: HistoryBatch): Promise<ReadonlySet<ShardId>> {
    const dice = this.#dice;
    const put = (): Set<ShardId> => this.#store.write(batch);
    const broken = new Error('the outcome is not known');
    if (this.#isAway()) return this.#life.fail(this.#hop(), broken);
    if (dice.strikes('history.failed')) return this.#life.fail(this.#hop(), broken);
    if (dice.strikes('history.answerLost')) {
      this.#life.agenda.after(this.#hop(), put);
      return this.#life.fail(this.#random.between(10, 500), broken);
    }
    if (dice.strikes('history.late')) {
      this.#life.agenda.after(this.#random.between(1, LATEST_MS), put);
      return this.#life.fail(this.#hop(), broken);
    }
    return this.#life.call(this.#hop() + this.#slow('history.slow'), this.#hop(), put);
  }

  watermarks(shards: readonly ShardId[]): Promise<Watermark[]> {
    return this.#ask(() => shards.map((shard) => this.#store.watermark(shard)));
  }

  fetchEntries(
    shard: ShardId,
    entries: readonly EntryId[],
  ): Promise<{ entries: ReadonlySet<EntryId>; watermark: EntryId }> {
    return this.#ask(() => {
      const lines = [...this.#store.transitions.values()].filter((line) => line.shard === shard);
      const written = new Set(lines.map(({ entry }) => entry));
      return {
        entries: new Set(entries.filter((entry) => written.has(entry))),
        watermark: this.#store.watermark(shard).entry,
      };
    });
  }

  fetchBills(ids: readonly BillId[]): Promise<{ bills: FetchedBill[]; watermarks: Watermark[] }> {
    return this.#ask(() => ({
      bills: ids.map((id) => {
        const row = this.#store.bills.get(id);
        if (row === undefined) return { bill: ABSENT, entry: NO_ENTRY };
        this.#dice.note('bill came back');
        return { bill: historyCodec.decodeBill(row.state), entry: row.entry };
      }),
      watermarks: this.#watermarksOf(ids.map(shardOfBill)),
    }));
  }

  fetchReferences(
    keys: readonly ReferenceKey[],
  ): Promise<{ references: (KeptReference | null)[]; watermarks: Watermark[] }> {
    return this.#ask(() => ({
      references: keys.map(({ billId, kind, scope, ref }) => {
        const row = this.#store.references.get(`${billId} ${kind} ${scope} ${ref}`);
        this.#dice.note(
          row === undefined ? 'spilled reference unknown' : 'spilled reference found',
        );
        if (row === undefined) return null;
        const outcome = historyCodec.decodeOutcome(row.outcome);
        return { kind, scope, ref, digest: row.digest, outcome };
      }),
      watermarks: this.#watermarksOf(keys.map(({ billId }) => shardOfBill(billId))),
    }));
  }

  fetchParts(keys: readonly PartKey[]): Promise<{ parts: FoundPart[]; watermarks: Watermark[] }> {
    return this.#ask(() => ({
      parts: keys.map((key) => {
        const part = this.#store.part(key);
        const isFound = part.payment !== null || part.event !== null;
        this.#dice.note(isFound ? `${key.kind} came back` : `${key.kind} unknown to history`);
        return part;
      }),
      watermarks: this.#watermarksOf(keys.map(({ billId }) => shardOfBill(billId))),
    }));
  }

  fetchOrders(
    keys: readonly (OrderKey & { readonly shard: ShardId })[],
  ): Promise<{ orders: (FetchedOrder | null)[]; watermarks: Watermark[] }> {
    return this.#ask(() => ({
      orders: keys.map(({ terminalId, orderId }) => {
        const row = this.#store.orders.get(`${terminalId} ${orderId}`);
        this.#dice.note(row === undefined ? 'order unknown to history' : 'order known to history');
        if (row === undefined) return null;
        return { billId: row.billId, digest: row.digest, at: row.at };
      }),
      watermarks: this.#watermarksOf(keys.map(({ shard }) => shard)),
    }));
  }

  scanOrders(shard: ShardId, since: Millis, page: OrderPage): Promise<void> {
    const breaksOff = this.#dice.strikes('history.scanFailed');
    return this.#ask(() =>
      [...this.#store.orders.values()]
        .filter((row) => row.shard === shard && row.at >= since)
        .sort((left, right) => left.at - right.at),
    ).then((rows) => {
      for (let i = 0; i < rows.length; i += 3) {
        if (!page(rows.slice(i, i + 3))) return;
        if (breaksOff) throw new Fault('history.unavailable', 'the scan broke off');
      }
    });
  }

  fetchDue(shards: readonly ShardId[], by: Millis, limit: number): Promise<BillId[]> {
    return this.#ask(() => {
      const due: { id: string; at: Millis }[] = [];
      for (const [id, { shard, nextDueAt }] of this.#store.bills) {
        if (shards.includes(shard) && nextDueAt !== null && nextDueAt <= by) {
          due.push({ id, at: nextDueAt });
        }
      }
      due.sort((left, right) => left.at - right.at);
      return due.slice(0, limit).map(({ id }) => id as BillId);
    });
  }

  /** What a gateway reads of a recipient's events: ids of those pending, oldest first. */
  pendingEvents(recipient: Recipient): Promise<string[]> {
    const now = this.#life.wall();
    return this.#ask(() => pendingIn(this.#store, recipient, now));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #watermarksOf(shards: readonly ShardId[]): Watermark[] {
    return [...new Set(shards)].map((shard) => this.#store.watermark(shard));
  }

  #ask<Answer>(read: () => Answer): Promise<Answer> {
    const gone = new Fault('history.unavailable', 'Postgres cannot be asked');
    if (this.#isAway() || this.#dice.strikes('history.readFailed')) {
      return this.#life.fail(this.#hop(), gone);
    }
    // The snapshot is taken when the question arrives; a slow answer is an old one.
    const slow = this.#slow('history.readSlow');
    const there = this.#random.chance(0.5) ? slow : 0;
    return this.#life.call(this.#hop() + there, this.#hop() + slow - there, read);
  }

  #isAway(): boolean {
    return this.#life.agenda.now < this.#store.awayUntil;
  }

  #slow(kind: 'history.slow' | 'history.readSlow'): number {
    return this.#dice.strikes(kind) ? this.#random.between(100, SLOWEST_MS) : 0;
  }

  #hop(): number {
    return this.#random.delay(4, 40);
  }
}

/** Ids of a recipient's pending events in history, oldest first. */
/** What a stream reads: dead letters are sent no more. */
export function pendingIn(store: HistoryStore, recipient: Recipient, now: number): string[] {
  const pending = [...store.events.values()].filter(
    (event) =>
      event.pending && event.recipient === recipient && now - event.occurredAt <= EVENT_LIFE_MS,
  );
  pending.sort(
    (left, right) =>
      left.occurredAt - right.occurredAt ||
      (left.billId < right.billId ? -1 : left.billId > right.billId ? 1 : left.no - right.no),
  );
  return pending.map(({ billId, no }) => partId(billId as BillId, 'e', no));
}

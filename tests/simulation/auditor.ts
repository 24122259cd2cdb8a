// Holds everything against the log: answers (promises.ts), rows, events, memory. Its own books are bookkeeper.ts.

import { isPresent } from '../../src/domain/bill/state.ts';
import { type BillId, partId, type ShardId, shardOfBill } from '../../src/domain/ids.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import { canonical } from '../../src/protocols/digest.ts';
import { type EntryId, formatEntryId } from '../../src/switch/entry-id.ts';
import type { HistoryBatch, LogEntry, StreamedEvent } from '../../src/switch/ports.ts';
import type { Transition } from '../../src/switch/records.ts';
import { type HistoryStore, historyCodec } from './history-store.ts';
import { isOfTransitions, Ledger, type Page } from './ledger.ts';
import { Promises } from './promises.ts';

/** Clocks differ by two days at the most. */
const NEARLY_DEAD_MS = 28 * DAY_MS;

export class Auditor {
  readonly ledger: Ledger;
  readonly promises: Promises;
  readonly #broke: (what: string) => void;
  /** The last entry that its writer has heard to be durable, by shard. */
  readonly #acknowledged = new Map<ShardId, { id: EntryId; by: string }>();
  /** Requests that have reached a life and have not been answered. */
  readonly #open = new Map<string, string>();
  readonly #pushed = new Map<string, number>();
  /** The times up to which history was said to have everything, by shard. */
  #asOf = 0;

  constructor(broke: (what: string) => void, note: (what: string) => void) {
    this.#broke = broke;
    this.ledger = new Ledger(broke, note);
    this.promises = new Promises(this.ledger, broke, note);
  }

  appended(
    shard: ShardId,
    after: EntryId,
    entry: LogEntry,
    { top, by }: { top: EntryId; by: string },
  ): void {
    this.ledger.append(shard, after, entry, top, by);
    const line = this.ledger.chain(shard).entries.at(-1);
    for (const { requestId, at } of line?.transitions ?? []) {
      if (requestId !== 'timer') this.promises.done(requestId);
      if (at <= this.#asOf)
        this.#broke(`lists were complete up to ${this.#asOf}, and ${at} is new`);
    }
  }

  /** Whether these are transitions of an owner that has been deposed. */
  isStale(shard: ShardId, { payload }: LogEntry, by: string): boolean {
    return this.ledger.chain(shard).holder !== by && isOfTransitions(payload);
  }

  acknowledged(shard: ShardId, id: EntryId, by: string): void {
    const { entries } = this.ledger.chain(shard);
    const isThere = entries.some((entry) => entry.id === id);
    if (!isThere)
      this.#broke(`${formatEntryId(id)} was acknowledged to ${by} and is not in the log`);
    this.#acknowledged.set(shard, { id, by });
  }

  trimmed(shard: ShardId, keep: EntryId, history: HistoryStore): void {
    const { entry } = history.watermark(shard);
    // Where Postgres has come back as it was, what it had acknowledged may be gone from the log.
    if (keep > entry && !history.hasLost) {
      this.#broke(`trimmed up to ${formatEntryId(keep)}, above ${formatEntryId(entry)}`);
    }
  }

  arrived(requestId: string, life: string): void {
    this.#open.set(requestId, life);
  }

  left(requestId: string): void {
    this.#open.delete(requestId);
  }

  /** Requests that a life has taken and never answered. */
  unanswered(life: string): string[] {
    return [...this.#open].filter(([, at]) => at === life).map(([requestId]) => requestId);
  }

  // ------------------------------------------------------------------------------------------------- history --

  /** A statement has committed: its lines and bills are those of the log, all of them, up to the new watermark. */
  wrote(batch: HistoryBatch, moved: ReadonlySet<ShardId>, history: HistoryStore): void {
    for (const { shard, from, to, at } of batch.moves) {
      if (!moved.has(shard)) continue;
      const { entries } = this.ledger.chain(shard);
      const span = entries.filter(({ id }) => id > from && id <= to);
      if (span.at(-1)?.id !== to) {
        this.#broke(`the watermark moved to ${formatEntryId(to)}, which is not in the log`);
      }
      const before = this.#watermarkTimes.get(shard) ?? 0;
      if (at < before) this.#broke(`the watermark of ${shard} goes back in time by ${before - at}`);
      this.#watermarkTimes.set(shard, at);
      const expected = span.flatMap(({ id, transitions, versions }) =>
        transitions.map((each, no) => {
          const billId = each.kind === 'bill' ? each.billId : null;
          return [id, no, billId, versions[no], each.at, each.requestId].join();
        }),
      );
      const lines = batch.transitions
        .filter((row) => row.shard === shard)
        .map((row) => [row.entry, row.no, row.billId, row.version, row.at, row.requestId].join());
      if (lines.join(';') !== expected.join(';')) {
        this.#broke(`history has ${lines.join(';')}, the log ${expected.join(';')}`);
      }
      this.#checkBills(
        span.flatMap(({ transitions }) => transitions),
        to,
        history,
      );
    }
  }

  readonly #watermarkTimes = new Map<ShardId, number>();

  #checkBills(transitions: readonly Transition[], to: EntryId, history: HistoryStore): void {
    const touched = transitions.map((each) => (each.kind === 'bill' ? each.billId : null));
    for (const billId of new Set(touched)) {
      if (billId === null) continue;
      const state = this.ledger.pages.get(billId)?.states.findLast(({ entry }) => entry <= to);
      const row = history.bills.get(billId);
      if (state === undefined || row === undefined) {
        this.#broke(`bill ${billId} is not in history`);
        continue;
      }
      const expected = historyCodec.encodeBill(state.bill);
      if (row.entry !== state.entry || Buffer.compare(row.state, expected) !== 0) {
        this.#broke(
          `bill ${billId} in history is ${canonical(history.bill(billId))} of ${row.entry}, in the log ${canonical(state.bill)} of ${state.entry}`,
        );
      }
    }
  }

  // -------------------------------------------------------------------------------------------------- events --

  /** An event goes out to whoever listens: durable, and in order within its bill. */
  pushed(life: string, { bill, event, isFetched }: StreamedEvent): void {
    const id = partId(bill.id, 'e', event.no);
    if (!this.ledger.events.has(id)) this.#broke(`event ${id} was told and is not durable`);
    const key = `${life} ${bill.id} ${event.recipient}`;
    const last = this.#pushed.get(key) ?? 0;
    // What was pending of a bill that is fetched may have been told before; what is new was not.
    if (event.no <= last && !isFetched) this.#broke(`event ${id} was told after ${last}`);
    this.#pushed.set(key, Math.max(last, event.no));
  }

  /** Whether the owner of a shard and history together know its pending events, and no ended ones. */
  checkStream(
    shard: ShardId,
    recipient: string,
    found: { owner: string; ids: ReadonlySet<string>; now: number },
  ): void {
    const acknowledged = this.#acknowledged.get(shard);
    if (acknowledged === undefined || acknowledged.by !== found.owner) return;
    for (const event of this.ledger.events.values()) {
      if (event.recipient !== recipient || shardOfBill(event.billId) !== shard) continue;
      // Whether it is dead by now is for its owner's clock to say.
      if (found.now - event.sentAt > NEARLY_DEAD_MS) continue;
      const isRaised = event.raised <= acknowledged.id;
      const hasEnded = event.ended !== null && event.ended <= acknowledged.id;
      if (isRaised && event.ended === null && !found.ids.has(event.id)) {
        this.#broke(`pending event ${event.id} of ${recipient} is found nowhere`);
      }
      if (hasEnded && found.ids.has(event.id)) {
        this.#broke(`event ${event.id} of ${recipient} has ended and is still given`);
      }
    }
  }

  /** Lists are said to be complete up to a time: nothing of that time may be missing, now or ever. */
  reached(at: number, history: HistoryStore, shards: readonly ShardId[]): void {
    this.#asOf = Math.max(this.#asOf, at);
    for (const shard of shards) {
      const { entry } = history.watermark(shard);
      for (const { id, transitions } of this.ledger.chain(shard).entries) {
        if (id <= entry) continue;
        const missing = transitions.find((each) => each.at <= at);
        if (missing !== undefined) {
          this.#broke(
            `lists are complete up to ${at}, and history lacks ${formatEntryId(id)} of ${missing.at}`,
          );
        }
      }
    }
  }

  forgetReached(): void {
    this.#asOf = 0;
  }

  /** Postgres has come back as it was some time ago. */
  forgetWatermarks(): void {
    this.#watermarkTimes.clear();
    this.forgetReached();
  }

  // --------------------------------------------------------------------------------------------------- ending --

  /** All that the log ever took is in history, and nothing else. */
  checkHistory(history: HistoryStore, shards: readonly ShardId[]): void {
    for (const shard of shards) {
      const { top } = this.ledger.chain(shard);
      const { entry } = history.watermark(shard);
      if (entry !== top) {
        this.#broke(
          `history of shard ${shard} is at ${formatEntryId(entry)}, the log at ${formatEntryId(top)}`,
        );
      }
    }
    const counts = { payments: 0, credits: 0, references: 0 };
    for (const [id, page] of this.ledger.pages) this.#checkPage(id, page, history, counts);
    this.#same('number of payments', history.payments.size, counts.payments);
    this.#same('number of credits', history.credits.size, counts.credits);
    this.#same('number of references', history.references.size, counts.references);
    this.#same('number of events', history.events.size, this.ledger.events.size);
    for (const { id, billId, no, ended } of this.ledger.events.values()) {
      this.#same(
        `event ${id} pending`,
        history.events.get(`${billId} ${no}`)?.pending,
        ended === null,
      );
    }
    for (const [key, { billId, digest }] of this.ledger.orders) {
      const row = history.orders.get(key);
      this.#same(`order ${key}`, row && [row.billId, row.digest], [billId, digest]);
    }
  }

  #checkPage(
    id: BillId,
    page: Page,
    history: HistoryStore,
    counts: { payments: number; credits: number; references: number },
  ): void {
    if (!isPresent(page.bill)) return;
    this.#same(`bill ${id}`, history.bill(id), page.bill);
    for (const payment of [...page.payments.values(), ...page.refused]) {
      const row = history.payments.get(`${id} ${payment.no}`)?.row;
      this.#same(`payment ${id} ${payment.no}`, row, payment);
      counts.payments += 1;
    }
    for (const credit of page.credits.values()) {
      const row = history.credits.get(`${id} ${credit.no}`)?.row;
      this.#same(`credit ${id} ${credit.no}`, row, credit);
      counts.credits += 1;
    }
    for (const [key, { digest, outcome }] of page.references) {
      const row = history.references.get(`${id} ${key}`);
      const stored = row && {
        digest: row.digest,
        outcome: historyCodec.decodeOutcome(row.outcome),
      };
      this.#same(`reference ${id} ${key}`, stored, { digest, outcome });
      counts.references += 1;
    }
  }

  #same(what: string, found: unknown, expected: unknown): void {
    const [left, right] = [canonical(found ?? null), canonical(expected ?? null)];
    if (left !== right) this.#broke(`${what} in history is ${left}, in the log ${right}`);
  }
}

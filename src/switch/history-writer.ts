// Brings what a worker's shards have committed into history: one statement at a time, each hanging on the watermarks
// that it moves (A6).
//
//   H1. A shard's entries are written in order; its watermark moves from exactly the entry expected.
//   H2. An outcome that is not known is asked of the watermark, never guessed.
//   H3. Data that history will never take stops its own shard, and names the bill.

import type { BillId, ShardId } from '../domain/ids.ts';
import { SECOND_MS } from '../domain/time.ts';
import type { FoundTransition } from './archive.ts';
import { type EntryId, formatEntryId } from './entry-id.ts';
import { isDefect, tellDefect } from './failures.ts';
import { foldOrRefuse, rowsOf, type ShardEntries, transitionOf } from './fold.ts';
import { type CommittedEntry, HistoryQueue, type Unwritten } from './history-queue.ts';
import { type Clock, type History, type HistoryBatch, HistoryRefusal } from './ports.ts';
import { describe } from './reply-sink.ts';
import type { Observer, Reporter } from './reporter.ts';
import { StatementWeight } from './statement-weight.ts';

/**
 * Pause after a statement: the busier, the longer, since what changes again meanwhile is written once. So a quiet switch
 * shows in its lists at once what happened, and a busy one spares Postgres half of the rows.
 */
const PACE_MS = 20;
const PACE_MS_MAX = 200;
const PACE_MS_PER_TRANSITION = 1;
/**
 * What is to be written is written in so many turns, some shards in each. While Postgres writes it has a processor, and
 * where these are few all else waits for one: four times as often so, and a quarter as long.
 */
const TURNS = 4;
const RETRY_MS = 500;

export interface WrittenListener {
  /** History has these entries; the shard's watermark stands at `watermark`. */
  written(entries: readonly CommittedEntry[], watermark: EntryId): void;
  /** Somebody else has moved the watermark: nothing more is written, and only the log knows who may. */
  overtaken(reason: string, unwritten: Unwritten): void;
  /** History will not go on with this shard. */
  stopped(reason: string): void;
}

interface Track {
  readonly shard: ShardId;
  readonly queue: HistoryQueue;
  readonly listener: WrittenListener;
  watermark: EntryId;
  /** A watermark below ours that was read once: read again, it is believed. */
  doubted: EntryId | null;
  reached: { entry: EntryId; done: () => void; failed: (error: Error) => void }[];
  isStopped: boolean;
}

export class HistoryWriter {
  readonly #history: History;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  readonly #observer: Observer;
  readonly #tracks = new Map<ShardId, Track>();
  readonly #known = new Map<ShardId, EntryId>();
  #isWriting = false;
  #isPaced = false;
  #isClosed = false;
  #weight = 0;
  #claimed = 0;
  readonly #ofStatement = new StatementWeight();
  #idle: (() => void)[] = [];
  /** Shards whose turn has not come yet, and how many there were when the round began. */
  #round: Track[] = [];
  #busy = 0;

  constructor(options: {
    history: History;
    clock: Clock;
    reporter: Reporter;
    observer: Observer;
  }) {
    this.#history = options.history;
    this.#clock = options.clock;
    this.#reporter = options.reporter;
    this.#observer = options.observer;
  }

  /** Follows a shard from its watermark on. */
  follow(shard: ShardId, watermark: EntryId, listener: WrittenListener): void {
    this.#known.set(shard, watermark);
    const queue = new HistoryQueue();
    const none = { doubted: null, reached: [], isStopped: false };
    this.#uncount(this.#tracks.get(shard));
    this.#tracks.set(shard, { shard, queue, listener, watermark, ...none });
  }

  /** Leaves a shard: it has another owner, or begins anew. Returns what was still to be written. */
  leave(shard: ShardId): Unwritten {
    const track = this.#tracks.get(shard);
    this.#tracks.delete(shard);
    this.#uncount(track);
    for (const { failed } of track?.reached ?? []) failed(new Error(`shard ${shard} was left`));
    return { watermark: this.knownWatermark(shard), entries: track?.queue.takeAll() ?? [] };
  }

  /** Whether what the shard commits is written. */
  follows(shard: ShardId): boolean {
    return this.#tracks.get(shard)?.isStopped === false;
  }

  /** The highest watermark of a shard that this worker has seen. */
  knownWatermark(shard: ShardId): EntryId {
    return this.#known.get(shard) ?? (0 as EntryId);
  }

  /** Transitions of a shard that history does not have. */
  depth(shard: ShardId): number {
    return this.#tracks.get(shard)?.queue.depth ?? 0;
  }

  /**
   * What all shards hold that history does not have, and what is claimed, in usual transitions. Of a shard that is written
   * no more nothing counts: it never ends.
   */
  get weightInAll(): number {
    return this.#weight + this.#claimed;
  }

  /** Whether there is more than a statement's worth: then nothing is gained by waiting. */
  get #isBehind(): boolean {
    return this.#weight >= this.#ofStatement.max;
  }

  /** So much more, or less, is held elsewhere in the worker's memory, and will be given. */
  claim(weight: number): void {
    this.#claimed += weight;
  }

  /** Time of the oldest transition of a shard that history does not have; undefined where it has all. */
  oldest(shard: ShardId): number | undefined {
    const first = this.#tracks.get(shard)?.queue.first;
    return first?.items[0]?.transition.at ?? first?.at;
  }

  /** The newest entry of a shard that history does not have; undefined where it has all. */
  last(shard: ShardId): EntryId | undefined {
    return this.#tracks.get(shard)?.queue.last?.entry;
  }

  /** What has become of a bill and history does not have, oldest first. */
  unwrittenOf(shard: ShardId, billId: BillId): FoundTransition[] {
    const found: FoundTransition[] = [];
    for (const { entry, items } of this.#tracks.get(shard)?.queue ?? []) {
      items.forEach((item, no) => {
        if (item.kind !== 'bill' || item.transition.billId !== billId) return;
        const row = transitionOf(item, { shard, entry }, no);
        if (row !== null) found.push(row);
      });
    }
    return found;
  }

  enqueue(shard: ShardId, entry: CommittedEntry): void {
    const track = this.#tracks.get(shard);
    if (track === undefined) return;
    if (entry.entry <= track.watermark) {
      track.listener.written([entry], track.watermark);
      return;
    }
    track.queue.push(entry);
    if (!track.isStopped) this.#weight += entry.weight;
    this.#turn();
  }

  /** Resolves once the shard's watermark has reached the entry; rejects where the shard is left or stopped. */
  reached(shard: ShardId, entry: EntryId): Promise<void> {
    const track = this.#tracks.get(shard);
    if (track === undefined) return Promise.reject(new Error(`shard ${shard} is not followed`));
    if (track.watermark >= entry) return Promise.resolve();
    if (track.isStopped) return Promise.reject(new Error(`shard ${shard} is written no more`));
    return new Promise((done, failed) => {
      track.reached.push({ entry, done, failed });
    });
  }

  /**
   * Asks whether history still has what it acknowledged: an owner with nothing to write would never hear that Postgres
   * has lost commits. Left to the next time while a statement is under way.
   */
  async audit(): Promise<void> {
    if (this.#isWriting || this.#isClosed) return;
    this.#isWriting = true;
    try {
      const sound = [...this.#tracks.values()].filter(({ isStopped }) => !isStopped);
      await this.#ask(
        sound.map(({ shard }) => shard),
        null,
      );
    } finally {
      this.#pause(0);
    }
  }

  /** Resolves once nothing is under way; nothing more is written after it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#isWriting) await new Promise<void>((done) => this.#idle.push(done));
  }

  #turn(): void {
    if (this.#isWriting || this.#isPaced || this.#isClosed) return;
    const parts = this.#take();
    if (parts.length === 0) return;
    this.#isWriting = true;
    const sentAt = this.#clock.monotonic();
    const ended = (isDone: boolean): void =>
      this.#ofStatement.ended(isDone, this.#clock.monotonic() - sentAt);
    this.#write(parts).then(
      () => {
        ended(true);
        this.#pause(this.#isBehind ? 0 : paceAfter(parts, this.#busy));
      },
      (error: unknown) => {
        ended(false);
        // What it has left undone is not known: thrown on, it ends the worker, which begins anew from the log.
        if (isDefect(error)) {
          this.#reporter.report('error', 'history.defect', tellDefect(error));
          throw error;
        }
        this.#observer.historyFailed('unanswered');
        this.#reporter.report('warn', 'history.writeFailed', { reason: describe(error) });
        this.#pause(RETRY_MS);
      },
    );
  }

  #pause(delayMs: number): void {
    this.#isWriting = false;
    for (const done of this.#idle.splice(0)) done();
    if (delayMs === 0) {
      this.#turn();
      return;
    }
    this.#isPaced = true;
    this.#clock.after(delayMs, () => {
      this.#isPaced = false;
      this.#turn();
    });
  }

  /** The parts of the next turn; of all that wait, where there is more than a statement takes. */
  #take(): ShardEntries[] {
    // One may have been left since the round began, or found written.
    this.#round = this.#round.filter((track) => this.#isDue(track));
    const { max, share: ofUsual } = this.#ofStatement;
    const isWhole = this.#isBehind && ofUsual === 1;
    if (this.#round.length === 0 || isWhole) {
      this.#round = [...this.#tracks.values()].filter((track) => this.#isDue(track));
      this.#busy = this.#round.length;
    }
    const size = isWhole ? this.#busy : Math.ceil(this.#busy * Math.min(1 / TURNS, ofUsual));
    const turn = this.#round.splice(0, size);
    const share = Math.ceil(max / Math.max(1, turn.length));
    return turn.map(({ shard, queue, watermark }) => {
      return { shard, from: watermark, entries: queue.head(share) };
    });
  }

  #isDue(track: Track): boolean {
    return this.#tracks.get(track.shard) === track && !track.isStopped && !track.queue.isEmpty;
  }

  async #write(parts: readonly ShardEntries[]): Promise<void> {
    const sentAt = this.#clock.monotonic();
    let batch: HistoryBatch;
    let moved: ReadonlySet<ShardId>;
    try {
      batch = foldOrRefuse(parts);
      moved = await this.#history.write(batch);
    } catch (error) {
      if (error instanceof HistoryRefusal) await this.#split(parts, error);
      else
        await this.#ask(
          parts.map(({ shard }) => shard),
          error,
        );
      return;
    }
    const seconds = (this.#clock.monotonic() - sentAt) / SECOND_MS;
    this.#observer.historyWritten(rowsOf(batch), seconds);
    const unmoved: ShardId[] = [];
    for (const { shard, entries } of parts) {
      const last = entries.at(-1);
      if (moved.has(shard) && last !== undefined) this.#moved(shard, last.entry);
      else unmoved.push(shard);
    }
    if (unmoved.length > 0) await this.#ask(unmoved, null);
  }

  #moved(shard: ShardId, to: EntryId): void {
    const track = this.#tracks.get(shard);
    if (track === undefined || to < track.watermark) return;
    track.watermark = to;
    track.doubted = null;
    this.#known.set(shard, to);
    const before = track.queue.weight;
    const entries = track.queue.takeThrough(to);
    if (!track.isStopped) this.#weight -= before - track.queue.weight;
    track.listener.written(entries, to);
    const done = track.reached.filter(({ entry }) => entry <= to);
    track.reached = track.reached.filter(({ entry }) => entry > to);
    for (const each of done) each.done();
  }

  /** Asks the watermark what became of a statement (H2). */
  async #ask(shards: readonly ShardId[], cause: unknown): Promise<void> {
    const watermarks = await this.#history.watermarks(shards);
    for (const { shard, entry } of watermarks) {
      const track = this.#tracks.get(shard);
      if (track === undefined) continue;
      if (entry === track.watermark) {
        track.doubted = null;
        continue;
      }
      const reason = `the watermark of shard ${shard} is ${formatEntryId(entry)}, which this owner did not write`;
      if (entry < track.watermark) this.#doubt(track, entry, reason);
      else if (track.queue.has(entry)) this.#moved(shard, entry);
      else this.#overtaken(track, reason);
    }
    if (cause !== null) throw cause;
  }

  /**
   * Postgres has lost commits, and the shard must stop; but not for one answer. While its connections were being reset,
   * an answer seems to have come once without the row that was asked for.
   */
  #doubt(track: Track, entry: EntryId, reason: string): void {
    if (track.doubted === entry) {
      this.#stop(track, reason);
      return;
    }
    track.doubted = entry;
    this.#reporter.report('warn', 'history.watermarkDoubted', { shard: track.shard, reason });
  }

  /** Finds out whose data is refused: shard by shard, then entry by entry (H3). */
  async #split(parts: readonly ShardEntries[], refusal: HistoryRefusal): Promise<void> {
    if (parts.length > 1) {
      for (const part of parts) await this.#write([part]);
      return;
    }
    const [part] = parts;
    const [first] = part?.entries ?? [];
    const track = part === undefined ? undefined : this.#tracks.get(part.shard);
    if (part === undefined || first === undefined || track === undefined) return;
    if (part.entries.length > 1) {
      await this.#write([{ ...part, entries: [first] }]);
      return;
    }
    const bills = first.items.map(({ transition }) =>
      transition.kind === 'bill' ? transition.billId : `order ${transition.orderId}`,
    );
    const named = [...new Set(bills)].join(', ');
    this.#stop(
      track,
      `Postgres refuses entry ${formatEntryId(first.entry)} (${named}): ${refusal.message}`,
      refusal.cause,
    );
  }

  /** Nothing of it will be written from here any more. */
  #uncount(track: Track | undefined): void {
    if (track !== undefined && !track.isStopped) this.#weight -= track.queue.weight;
  }

  #overtaken(track: Track, reason: string): void {
    this.#uncount(track);
    track.isStopped = true;
    // Whoever moved the watermark has written what the log has of these; nothing waits here any more.
    const unwritten = { watermark: track.watermark, entries: track.queue.takeAll() };
    this.#reporter.report('warn', 'history.shardOvertaken', { shard: track.shard, reason });
    for (const { failed } of track.reached.splice(0)) failed(new Error(reason));
    track.listener.overtaken(reason, unwritten);
  }

  #stop(track: Track, reason: string, cause?: unknown): void {
    this.#uncount(track);
    track.isStopped = true;
    this.#observer.historyFailed('refused');
    const told = isDefect(cause) ? { ...tellDefect(cause), reason } : { reason };
    this.#reporter.report('error', 'history.shardStopped', { shard: track.shard, ...told });
    for (const { failed } of track.reached.splice(0)) failed(new Error(reason));
    track.listener.stopped(reason);
  }
}

/** The pause after a statement, so that a round of all busy shards takes what one statement of them all would have. */
function paceAfter(parts: readonly ShardEntries[], busyShards: number): number {
  let transitions = 0;
  for (const { entries } of parts) for (const { items } of entries) transitions += items.length;
  const part = parts.length / busyShards;
  const round = PACE_MS + (transitions / part) * PACE_MS_PER_TRANSITION;
  return Math.min(PACE_MS_MAX, round) * part;
}

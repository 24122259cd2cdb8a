// The life of a shard with its owner: waiting for the lease, starting, serving, recovering from an append that was not
// answered OK, or stopped for good.
//
//   waiting ──lease──▶ starting ──epoch open──▶ serving ◀──epoch open── recovering
//      ▲                  │                        └───append not OK──────▶ │
//      └───lease lost, or another owner in the log (from any state)────────┘
//   Lost entries (A4), data that history refuses (A6), entries that nobody can read and defects of ours end in stopped.

import { ShardClock } from '../actors/shard-clock.ts';
import { SECOND_MS } from '../domain/time.ts';
import { type EntryId, epochOf, formatEntryId, isLastOfEpoch } from './entry-id.ts';
import { failureOf, isFinal, tellFailure } from './failures.ts';
import { fillFilter } from './filter-filling.ts';
import { type CommittedEntry, commandNameOf, type Unwritten } from './history-queue.ts';
import type { HistoryWriter } from './history-writer.ts';
import { LogTrimmer } from './log-trimmer.ts';
import { findLost, tell } from './lost-entries.ts';
import { type Opener, type Reopening, reopen } from './opening.ts';
import type { Clock, History } from './ports.ts';
import { checkContinuity } from './replay.ts';
import { describe } from './reply-sink.ts';
import type { Observer, Reporter } from './reporter.ts';
import type { Shard } from './shard.ts';
import { takeOver } from './take-over.ts';

/** Between two tries while a store refuses or does not answer (A4). */
const PROBE_MS = 1_000;
const RUNBOOK = 'docs/runbooks/shards-stopped.md';

export type TenureState = 'waiting' | 'starting' | 'serving' | 'recovering' | 'stopped';

export interface TenureSurroundings {
  readonly shard: Shard;
  readonly opener: Opener;
  readonly history: History;
  readonly writer: HistoryWriter;
  /** Transitions that a start may hold which history does not have, and all shards of the worker together. */
  readonly unwrittenMax: number;
  readonly unwrittenInAllMax: number;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly observer: Observer;
  /** The shard begins to serve, after a start. */
  readonly begun: () => void;
  /** Another owner has written: the lease is worth nothing any more. */
  readonly deposed: () => void;
  readonly wake: () => void;
  /** Whether the log drops by itself what history has (PostgresLog). */
  readonly logTrimsItself: boolean;
}

export class Tenure {
  readonly shard: Shard;
  readonly #around: TenureSurroundings;
  #state: TenureState = 'waiting';
  #reason = '';
  /** Counts lives: what was begun in an earlier one is void when it comes back. */
  #life = 0;
  #top = 0 as EntryId;
  #time: ShardClock | null = null;
  readonly #trimmer: LogTrimmer;

  constructor(around: TenureSurroundings) {
    this.shard = around.shard;
    this.#around = around;
    this.#trimmer = new LogTrimmer({
      shard: this.shard.id,
      log: around.opener.log,
      clock: around.clock,
      failed: (error) => this.#tell('log.trimFailed', error),
    });
  }

  get state(): TenureState {
    return this.#state;
  }

  /** Why the shard does not serve; empty while it does. */
  get reason(): string {
    return this.#reason;
  }

  /** The lease is ours: begin. */
  leaseTaken(): void {
    if (this.#state !== 'waiting') return;
    this.#enter('starting', '');
    this.#life += 1;
    void this.#start(this.#life);
  }

  /** The lease is another's: everything is dropped. */
  leaseLost(reason: string): void {
    if (this.#state === 'stopped' || this.#state === 'waiting') return;
    this.#leave('waiting', reason);
    this.shard.drop('shard.unavailable');
  }

  /** What an earlier life committed goes to history first: the log may have lost it meanwhile. */
  async #bringHome(): Promise<void> {
    const { writer } = this.#around;
    const last = writer.last(this.shard.id);
    // Where it cannot be brought there, another owner has written it, or a line in the log says why not.
    if (last !== undefined) await writer.reached(this.shard.id, last).catch(() => undefined);
  }

  /** The end of a tick: appends what the tick brought, unless an append is under way. */
  flush(): void {
    if (this.#state !== 'serving' || !this.shard.commit.isReady) return;
    if (isLastOfEpoch(this.#top)) {
      this.#recover(null, 'the epoch has no sequence left');
      return;
    }
    const { opener, clock } = this.#around;
    const life = this.#life;
    const after = this.#top;
    const entry = (after + 1) as EntryId;
    const transitions = this.shard.commit.seal(entry);
    const payload = opener.codec.encode({ kind: 'batch', transitions });
    this.shard.commit.encoded(payload.length);
    const sentAt = clock.monotonic();
    opener.log.append(this.shard.id, after, entry, payload).then(
      () => {
        if (life === this.#life) this.#appended(entry, transitions.length, sentAt);
      },
      (error: unknown) => {
        if (life !== this.#life) return;
        this.#around.observer.appendFailed(failureOf(error));
        this.#recover(entry, describe(error));
      },
    );
  }

  /** Whether an append is under way. */
  get isAppending(): boolean {
    return this.#state === 'serving' && this.shard.commit.inFlight !== null;
  }

  /** Nothing committed or under way: all of it has been answered. */
  get isQuiet(): boolean {
    return this.shard.commit.depth === 0 && this.shard.underWay === 0;
  }

  /** The time up to which history has everything that the shard ever told; undefined while it does not serve. */
  reached(): number | undefined {
    if (this.#state !== 'serving') return undefined;
    const { writer } = this.#around;
    const oldest = writer.oldest(this.shard.id) ?? this.shard.commit.earliest;
    return (oldest ?? this.shard.now()) - 1;
  }

  /** The time up to which all that has been decided is durable; undefined while it does not serve. */
  told(): number | undefined {
    if (this.#state !== 'serving') return undefined;
    return (this.shard.commit.earliest ?? this.shard.now()) - 1;
  }

  #appended(entry: EntryId, count: number, sentAt: number): void {
    const { clock, writer, wake, observer } = this.#around;
    this.#top = entry;
    observer.batchAppended(count, (clock.monotonic() - sentAt) / SECOND_MS);
    const committed = this.shard.committed();
    for (const item of committed.items) observer.transitionsCommitted(commandNameOf(item), 1);
    writer.enqueue(this.shard.id, committed);
    wake();
  }

  async #start(life: number): Promise<void> {
    while (life === this.#life) {
      try {
        await this.#tryToStart(life);
        return;
      } catch (error) {
        if (life !== this.#life) return;
        this.#around.writer.leave(this.shard.id);
        this.shard.drop('shard.unavailable');
        await this.#failed('shard.startFailed', error);
      }
    }
  }

  async #tryToStart(life: number): Promise<void> {
    const { history, opener, writer, clock } = this.#around;
    const { id } = this.shard;
    await this.#bringHome();
    if (life !== this.#life) return;
    const [watermark] = await history.watermarks([id]);
    if (life !== this.#life || watermark === undefined) return;
    const broken = await checkContinuity(opener.log, opener.codec, watermark);
    if (life !== this.#life) return;
    if (broken !== null) {
      const [latest] = await history.watermarks([id]);
      if (life !== this.#life) return;
      // The owner until now has written and trimmed in between: begin again.
      if (latest?.entry !== watermark.entry) throw new Error(broken);
      this.#stop(broken);
      return;
    }
    writer.follow(id, watermark.entry, {
      written: (entries, through) => this.#written(entries, through),
      overtaken: (reason, unwritten) => {
        void this.#overtaken(this.#life, reason);
        void this.#account(unwritten);
      },
      stopped: (reason) => this.#stop(reason),
    });
    const sources = { ...this.#around, isVoid: () => life !== this.#life };
    const reached = await takeOver(sources, watermark);
    if (reached === null || life !== this.#life) return;
    if (reached === 'closed') {
      this.#stop('the log is closed: history has moved to another log; start again with that one');
      return;
    }
    // The last statement of the owner before may have come in between.
    if (!writer.follows(id)) throw new Error('another owner has moved the watermark: begin again');
    const reading = { wall: clock.wall(), monotonic: clock.monotonic() };
    this.#time = new ShardClock(reading, reached.at);
    this.#serve(reached.top);
    this.#around.begun();
    const isVoid = (): boolean => life !== this.#life;
    const pause = (): Promise<void> => this.#pause();
    const failed = (error: unknown): void => this.#tell('shard.filterFailed', error);
    void fillFilter({ shard: this.shard, history, isVoid, pause, failed });
  }

  /** An append was refused, or its outcome is not known: stop, find out, go on in the next epoch (A4). */
  #recover(unknown: EntryId | null, reason: string): void {
    this.#tell('shard.appendFailed', reason);
    this.#enter('recovering', reason);
    this.shard.suspend();
    void this.#reopen(this.#life, unknown);
  }

  async #reopen(life: number, unknown: EntryId | null): Promise<void> {
    const { opener } = this.#around;
    const nonces = new Set<string>();
    const acknowledged = this.#top;
    while (life === this.#life) {
      let reopening: Reopening;
      // By the shard's own time: the machine's may have jumped.
      const at = this.shard.now();
      try {
        reopening = await reopen(opener, { acknowledged, unknown, nonces, at });
      } catch (error) {
        if (life === this.#life) await this.#failed('shard.reopenFailed', error);
        continue;
      }
      // What a defect leaves half done here is not known: it ends the worker, which begins anew from the log.
      if (life === this.#life) this.#reopened(reopening, at);
      return;
    }
  }

  #reopened(reopening: Reopening, at: number): void {
    if (reopening.type === 'lost') {
      this.#stop(reopening.detail);
      return;
    }
    if (reopening.type === 'deposed') {
      this.#deposed(reopening.by);
      return;
    }
    const { writer } = this.#around;
    const entry = this.shard.settle(reopening.isUnknownCommitted);
    if (entry !== null) writer.enqueue(this.shard.id, entry);
    writer.enqueue(this.shard.id, { entry: reopening.top, at, weight: 0, items: [] });
    this.#serve(reopening.top);
  }

  #deposed(by: string): void {
    // What the log has of it, its new owner brings into history.
    void this.#account(this.#around.writer.leave(this.shard.id));
    this.leaseLost(`another owner has written: ${by}`);
    this.#around.deposed();
  }

  /** Somebody else has moved the watermark: an owner whom the log knows, or nobody who may (A6). */
  async #overtaken(life: number, reason: string): Promise<void> {
    const { log, shard } = this.#around.opener;
    // A shard that starts begins again by itself; one that recovers finds out first; one that ended knows already.
    const isInDoubt = (): boolean => this.#state === 'serving' || this.#state === 'recovering';
    while (life === this.#life && isInDoubt()) {
      try {
        const { last } = await log.bounds(shard);
        if (life !== this.#life) return;
        if (this.#state === 'serving') {
          if (epochOf(last) > epochOf(this.#top))
            this.#deposed(`the writer of ${formatEntryId(last)}`);
          else this.#stop(reason);
          return;
        }
      } catch (error) {
        this.#tell('log.unreadable', error);
      }
      await this.#pause();
    }
  }

  /**
   * Another owner has come: what was committed here must reach history by it. Where history goes on without some of it,
   * the log has lost that in between, and only this worker still knows what it was.
   */
  async #account(unwritten: Unwritten): Promise<void> {
    const { history, reporter } = this.#around;
    const { id: shard } = this.shard;
    const pause = (): Promise<void> => this.#pause();
    const failed = (error: unknown): void => this.#tell('history.unreadable', error);
    const lost = await findLost({ shard, history, pause, failed }, unwritten);
    const [first] = lost;
    if (first === undefined) return;
    for (const entry of lost) {
      for (const told of tell(shard, entry)) reporter.report('error', 'transition.lost', told);
    }
    this.#stop(
      `the log of shard ${shard} had acknowledged ${formatEntryId(first.entry)}, and another owner went on without ` +
        `it: it has lost entries, ${lost.length} of which are told as transition.lost`,
    );
  }

  #serve(top: EntryId): void {
    this.#top = top;
    if (this.#time === null) return;
    this.shard.serve(this.#time);
    this.#enter('serving', '');
    this.#around.wake();
  }

  #written(entries: readonly CommittedEntry[], watermark: EntryId): void {
    this.shard.written(entries, watermark);
    // A log that has lost entries is left as it is: somebody should look at it.
    if (this.#around.logTrimsItself || this.#state === 'stopped') return;
    this.#trimmer.moved(watermark);
  }

  /**
   * Refuses to serve, loudly, until an operator has looked and the worker begins anew. What is committed still goes to
   * history: a log that has lost entries may have had the only durable copy.
   */
  #stop(reason: string): void {
    if (this.#state === 'stopped') return;
    const fields = { shard: this.shard.id, reason, runbook: RUNBOOK };
    this.#around.reporter.report('error', 'shard.stopped', fields);
    this.#leave('stopped', reason);
    this.shard.stop();
  }

  #leave(state: TenureState, reason: string): void {
    this.#life += 1;
    this.#time = null;
    this.#enter(state, reason);
  }

  #enter(state: TenureState, reason: string): void {
    this.#state = state;
    this.#reason = reason;
    const { id } = this.shard;
    const top = formatEntryId(this.#top);
    this.#around.reporter.report('info', 'shard.state', { shard: id, state, reason, top });
  }

  /** What another try may cure waits for it; anything else is for an operator. */
  async #failed(what: string, error: unknown): Promise<void> {
    if (isFinal(error)) {
      this.#stop(describe(error));
      return;
    }
    this.#tell(what, error);
    await this.#pause();
  }

  #pause(): Promise<void> {
    return new Promise((done) => {
      this.#around.clock.after(PROBE_MS, done);
    });
  }

  #tell(what: string, error: unknown): void {
    tellFailure(this.#around.reporter, what, error, { shard: this.shard.id });
  }
}

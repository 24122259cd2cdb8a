// All that one worker does: its shards, what they share (look-ups, history writer, leases, event index), and the beat
// that drives their timers.

import { Defect, must } from '../domain/assert.ts';
import { type BillId, type ShardId, shardOfBill } from '../domain/ids.ts';
import { type Millis, millis, SECOND_MS } from '../domain/time.ts';
import type { Agreements } from './agreements.ts';
import { EventIndex } from './event-index.ts';
import { Handover } from './handover.ts';
import { HistoryWriter } from './history-writer.ts';
import { Leasing } from './leasing.ts';
import { Lookups } from './lookups.ts';
import type { Clock, History, Leases, Log } from './ports.ts';
import type { EntryCodec } from './records.ts';
import { type Asked, describe, fault, type ReplySink } from './reply-sink.ts';
import type { Observer, Reporter } from './reporter.ts';
import type { WorkerAnswer, WorkerQuery } from './requests.ts';
import type { BillPacker } from './resting-bills.ts';
import type { SuspendedSellers } from './sellers.ts';
import { Shard } from './shard.ts';
import type { ShardLimits } from './shard-surroundings.ts';
import { Sweeper } from './sweeper.ts';
import { Tenure, type TenureState } from './tenure.ts';

/** How long shards wait for one another's appends, so that they go together. */
const HOLD_MS = 5;
/** How often timers are looked at. */
const BEAT_MS = 20;
/** How long a stop waits for history to have what is committed. */
const FLUSH_MS = 5 * SECOND_MS;
/** Every bill in memory is looked at about once in so many beats: a few each, so that none holds up the answers. */
const PASSIVATE_BEATS = 500;
const CROWDED_BEATS = 25;
const PASSIVATE_MIN = 20;
/** Above this part of `residentsMax` a bill leaves as soon as it is written. */
const CROWDED = 0.8;

export interface WorkerOptions {
  readonly shards: readonly ShardId[];
  readonly log: Log;
  readonly logTrimsItself: boolean;
  readonly leases: Leases;
  readonly history: History;
  readonly codec: EntryCodec;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly observer: Observer;
  readonly sink: ReplySink;
  readonly agreements: Agreements;
  readonly suspended: SuspendedSellers;
  readonly limits: ShardLimits;
  readonly packer: BillPacker;
  /** After so long without a request a bill leaves memory for which nothing is to come. */
  readonly overMs: number;
  /** After so long without a request a bill rests, packed. */
  readonly restMs: number;
  /** After so long it leaves memory. */
  readonly idleMs: number;
  /** Names this worker in leases and openings. */
  readonly holder: string;
  /** Whether the holder of a lease is known to be dead. */
  readonly isGone: (holder: string) => boolean;
  /** Whether it is a worker of this very process. */
  readonly isOfThisNode: (holder: string) => boolean;
  readonly drawNonce: () => string;
  readonly drawInteger: (limit: number) => number;
}

/** One shard as telemetry and readiness see it. */
export interface ShardStatus {
  readonly shard: ShardId;
  readonly state: TenureState;
  readonly reason: string;
  readonly residents: number;
  readonly underWay: number;
  readonly unwritten: number;
  /** Age of the oldest transition that history does not have, in ms. */
  readonly lagMs: number;
}

export class WorkerHost {
  readonly #options: WorkerOptions;
  readonly #events = new EventIndex();
  readonly #lookups: Lookups;
  readonly #writer: HistoryWriter;
  readonly #leasing: Leasing;
  readonly #sweeper: Sweeper;
  readonly #tenures = new Map<ShardId, Tenure>();
  #isAwake = false;
  #isHolding = false;
  /** Monotonic ms of the last common append. */
  #appendedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #lastReached: Millis = millis(0);

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { history, clock, reporter, observer, leases, shards } = options;
    const { holder, isGone, isOfThisNode } = options;
    this.#writer = new HistoryWriter({ history, clock, reporter, observer });
    const tenures = () => this.#tenures.values();
    this.#sweeper = new Sweeper({ history, clock, reporter, writer: this.#writer, tenures });
    const handover = new Handover(clock, this.#writer);
    this.#lookups = new Lookups({
      history,
      clock,
      observer,
      reporter,
      knownWatermark: (shard) => this.#writer.knownWatermark(shard),
      settled: () => this.#wake(),
    });
    this.#leasing = new Leasing({
      leases,
      clock,
      reporter,
      holder,
      isGone,
      isOfThisNode,
      shards,
      listener: {
        taken: (shard) => this.#tenures.get(shard)?.leaseTaken(),
        lost: (shard, reason) => this.#tenures.get(shard)?.leaseLost(reason),
        isStopped: (shard) => this.#tenures.get(shard)?.state === 'stopped',
        leave: (shard) => handover.leave(must(this.#tenures.get(shard), 'a tenure of its own')),
      },
    });
    for (const shard of shards) this.#tenures.set(shard, this.#makeTenure(shard));
  }

  /** Begins to take leases and to serve. */
  start(): void {
    this.#leasing.start();
    this.#beat();
  }

  /** Runs a request on its shard. */
  receive(asked: Asked): void {
    const tenure = this.#tenures.get(asked.shard);
    if (tenure === undefined) {
      this.#options.sink.reply(asked, fault('shard.unavailable', `no shard ${asked.shard} here`));
      this.#wake();
      return;
    }
    tenure.shard.receive(asked);
    this.#wake();
  }

  async ask(query: WorkerQuery): Promise<WorkerAnswer> {
    switch (query.query) {
      case 'subscribe':
      case 'events':
        return { answer: 'events', ...this.#events.read(query.recipient) };
      case 'unsubscribe':
      case 'taken':
        return { answer: 'done' };
      case 'reached':
        return { answer: 'reached', at: await this.#reached() };
      case 'unwritten':
        return { answer: 'unwritten', ...this.#unwritten(query.billId) };
    }
  }

  status(): ShardStatus[] {
    return [...this.#tenures.values()].map((tenure) => this.#statusOf(tenure));
  }

  /** The most requests that have waited for one bill of the shard since this was last asked. */
  takeDeepestMailbox(shard: ShardId): number {
    return this.#tenures.get(shard)?.shard.residents.takeDeepest() ?? 0;
  }

  /** Events pending in memory. */
  get pendingEvents(): number {
    return this.#events.pendingCount;
  }

  /** Who holds the shards that this worker waits for. */
  holders(): { shard: ShardId; holder: string | null }[] {
    return this.#leasing.holders();
  }

  /** Whether this worker takes no shards any more: one has stopped here that another node has. */
  get standsAside(): boolean {
    return this.#leasing.standsAside;
  }

  /** Another worker of this node does. */
  standAside(): void {
    this.#leasing.standAside();
  }

  /** Whether everything that came in has been answered. */
  get isQuiet(): boolean {
    return [...this.#tenures.values()].every((tenure) => tenure.isQuiet);
  }

  /** Flushes what is under way and gives the shards up. The caller has stopped sending. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    // One that starts reads from the log what the next owner will read as well.
    const committed = [...this.#tenures.values()].filter(({ state }) => state !== 'starting');
    await Promise.all(committed.map(({ shard }) => this.#flushHistory(shard.id)));
    await this.#writer.close();
    await this.#leasing.release().catch((error: unknown) => {
      // The next owner has to wait until the leases have stood still.
      this.#options.reporter.report('warn', 'lease.notReleased', { reason: describe(error) });
    });
    for (const tenure of this.#tenures.values()) tenure.leaseLost('the switch is stopping');
  }

  async #flushHistory(shard: ShardId): Promise<void> {
    const last = this.#writer.last(shard);
    if (last === undefined) return;
    const { clock, reporter } = this.#options;
    const tooLate = new Promise<never>((_, failed) => {
      clock.after(FLUSH_MS, () => failed(new Error('history does not answer')));
    });
    await Promise.race([this.#writer.reached(shard, last), tooLate]).catch((error: unknown) => {
      // The log has it; the next owner will write it.
      reporter.report('warn', 'history.notFlushed', { shard, reason: describe(error) });
    });
  }

  #makeTenure(id: ShardId): Tenure {
    const { clock, reporter, observer, history, limits, sink } = this.#options;
    const shard = new Shard({
      id,
      clock,
      sink,
      limits,
      lookups: this.#lookups,
      events: this.#events,
      packer: this.#options.packer,
      agreements: this.#options.agreements,
      suspended: this.#options.suspended,
      isLeased: () => this.#leasing.isRunning(id),
      unwritten: () => this.#writer.depth(id),
      unwrittenInAll: () => this.#writer.weightInAll,
      defect: (bill, error) => this.#defect(bill, error),
      wake: () => this.#wake(),
    });
    const { log, codec, holder, drawNonce, drawInteger, logTrimsItself } = this.#options;
    return new Tenure({
      shard,
      history,
      clock,
      reporter,
      observer,
      logTrimsItself,
      writer: this.#writer,
      unwrittenMax: limits.unwrittenMax,
      unwrittenInAllMax: limits.unwrittenInAllMax,
      opener: { shard: id, log, codec, holder, drawNonce, drawInteger },
      begun: () => {
        sink.begun();
        this.#sweeper.begun();
      },
      deposed: () => this.#leasing.forget(id),
      wake: () => this.#wake(),
    });
  }

  #defect(bill: BillId, error: unknown): void {
    if (!(error instanceof Defect)) throw error;
    this.#options.reporter.report('error', 'bill.defect', { bill, reason: error.message });
  }

  /** Flushes once this turn of the event loop is over, so that all it brought goes together. */
  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#options.clock.after(0, () => {
      this.#isAwake = false;
      this.#lookups.flush();
      this.#append();
      this.#options.sink.flush();
    });
  }

  /**
   * Appends for all shards together: while one of them waits for the log, the others gather. Together they cost the log
   * one sync and the worker one round, and each entry carries more. A shard whose log is slow holds the others up for
   * HOLD_MS at the most.
   */
  #append(): void {
    const tenures = [...this.#tenures.values()];
    const now = this.#options.clock.monotonic();
    if (tenures.some((tenure) => tenure.isAppending)) {
      if (now - this.#appendedAt < HOLD_MS) {
        this.#holdOn();
        return;
      }
    }
    this.#appendedAt = now;
    for (const tenure of tenures) tenure.flush();
  }

  #holdOn(): void {
    if (this.#isHolding) return;
    this.#isHolding = true;
    this.#options.clock.after(HOLD_MS, () => {
      this.#isHolding = false;
      this.#wake();
    });
  }

  #beat(): void {
    if (this.#isClosed) return;
    const now = this.#options.clock.monotonic();
    for (const tenure of this.#tenures.values()) tenure.shard.pulse();
    this.#passivate(now);
    this.#sweeper.beat();
    this.#options.clock.after(BEAT_MS, () => this.#beat());
  }

  #passivate(now: number): void {
    const { limits, overMs, restMs, idleMs } = this.#options;
    for (const { shard } of this.#tenures.values()) {
      if (!shard.isServing) continue;
      const { count } = shard.residents;
      const isCrowded = count > limits.residentsMax * CROWDED;
      const beats = isCrowded ? CROWDED_BEATS : PASSIVATE_BEATS;
      shard.residents.passivate({
        count: Math.max(PASSIVATE_MIN, Math.ceil(count / beats)),
        overBefore: now - overMs,
        restBefore: now - restMs,
        idleBefore: isCrowded ? now : now - idleMs,
        committedBatch: shard.commit.committedSerial,
        watermark: this.#writer.knownWatermark(shard.id),
      });
    }
  }

  /** The time that the history of every shard has reached; of a shard that does not serve, its watermark's. */
  async #reached(): Promise<Millis> {
    let reached = Number.MAX_SAFE_INTEGER;
    const others: ShardId[] = [];
    for (const tenure of this.#tenures.values()) {
      // Without a lease another owner may have told of more by now.
      const at = this.#leasing.isRunning(tenure.shard.id) ? tenure.reached() : undefined;
      if (at === undefined) others.push(tenure.shard.id);
      else reached = Math.min(reached, at);
    }
    if (others.length > 0) {
      for (const { at } of await this.#options.history.watermarks(others)) {
        reached = Math.min(reached, at - 1);
      }
    }
    if (reached > this.#lastReached) this.#lastReached = millis(reached);
    return this.#lastReached;
  }

  #unwritten(billId: BillId): Omit<Extract<WorkerAnswer, { answer: 'unwritten' }>, 'answer'> {
    const shard = shardOfBill(billId);
    // Without a lease another owner may know of more.
    const told = this.#leasing.isRunning(shard) ? this.#tenures.get(shard)?.told() : undefined;
    if (told === undefined) return { at: null, transitions: [] };
    return { at: millis(told), transitions: this.#writer.unwrittenOf(shard, billId) };
  }

  #statusOf(tenure: Tenure): ShardStatus {
    const { shard } = tenure;
    // Without a running lease it answers nobody: whoever looks must not be told that it serves (A5).
    const isUnleased = tenure.state === 'serving' && !this.#leasing.isRunning(shard.id);
    const state = isUnleased ? 'recovering' : tenure.state;
    const reason = isUnleased ? 'its lease is not certain' : tenure.reason;
    const oldest = this.#writer.oldest(shard.id);
    const lagMs = oldest === undefined ? 0 : Math.max(0, this.#options.clock.wall() - oldest);
    return {
      shard: shard.id,
      state,
      reason,
      residents: shard.residents.count,
      underWay: shard.underWay,
      unwritten: this.#writer.depth(shard.id),
      lagMs,
    };
  }
}

// A process of the switch, life after life: the real worker host on simulated stores.

import type { BillId, ShardId } from '../../src/domain/ids.ts';
import { makeBillPacker } from '../../src/persistence/history/bill-packer.ts';
import { makeEntryCodec } from '../../src/persistence/log/entry-codec.ts';
import type { AcquiringNotice } from '../../src/switch/acquirers.ts';
import { Agreements } from '../../src/switch/agreements.ts';
import type { EntryCodec } from '../../src/switch/records.ts';
import type { Asked, ReplySink } from '../../src/switch/reply-sink.ts';
import { NO_OBSERVER } from '../../src/switch/reporter.ts';
import type { Reply } from '../../src/switch/requests.ts';
import { SuspendedSellers } from '../../src/switch/sellers.ts';
import { Shard } from '../../src/switch/shard.ts';
import type { ShardLimits } from '../../src/switch/shard-surroundings.ts';
import { WorkerHost } from '../../src/switch/worker-host.ts';
import type { Agenda } from './agenda.ts';
import type { Dice } from './dice.ts';
import type { HistoryStore } from './history-store.ts';
import { Life } from './life.ts';
import type { Random } from './random.ts';
import type { SimDesks } from './sim-desks.ts';
import { SimHistory } from './sim-history.ts';
import { type LeaseStore, SimLeases } from './sim-leases.ts';
import { type LogStore, SimLog } from './sim-log.ts';
import type { SimWebhooks } from './sim-webhooks.ts';

export interface NodeSettings {
  readonly shards: readonly ShardId[];
  readonly limits: ShardLimits;
  readonly restMs: number;
  readonly idleMs: number;
  /** The statement that writes history trims the log, as with PostgresLog. */
  readonly logTrimsItself: boolean;
  /** Epochs begin near the end of their sequences, so that they run out. */
  readonly shortEpochs: boolean;
}

export interface NodeWorld {
  readonly agenda: Agenda;
  readonly dice: Dice;
  readonly random: Random;
  readonly log: LogStore;
  readonly leases: LeaseStore;
  readonly history: HistoryStore;
  readonly gone: Set<string>;
  readonly settings: NodeSettings;
  /** Whoever makes the calls to the bank; null: there is none. */
  readonly desks: SimDesks | null;
  /** Whoever sends the webhooks; null: there are none. */
  readonly hooks: SimWebhooks | null;
  skewed(): void;
  reply(node: SimNode, asked: Asked, reply: Reply): void;
  event(node: SimNode, event: Parameters<ReplySink['event']>[0]): void;
  unfinished(node: SimNode, billId: BillId): void;
  acquiring(node: SimNode, notice: AcquiringNotice): void;
  report(node: SimNode, level: string, what: string, fields: object): void;
  count(what: string): void;
  trace(line: string): void;
  broke(what: string): void;
}

export interface Running {
  readonly life: Life;
  readonly host: WorkerHost;
  readonly history: SimHistory;
  /** The shards that this life has served, for looking into. */
  readonly shards: Map<ShardId, Shard>;
}

const codec: EntryCodec = makeEntryCodec();
const packer = makeBillPacker();
const SEQUENCES = 2 ** 32;

/** The shards that each life has served: the host does not show them. */
const shardsByLife = new WeakMap<Life, Map<ShardId, Shard>>();
const { serve } = Shard.prototype;
Shard.prototype.serve = function (...time): void {
  if (Life.current !== null) shardsByLife.get(Life.current)?.set(this.id, this);
  serve.apply(this, time);
};

/** How often an append whose answer was missing turned out to have committed, and how often not. */
export const settled = { committed: 0, lost: 0 };
const { settle } = Shard.prototype;
Shard.prototype.settle = function (isCommitted) {
  if (this.commit.inFlight !== null) settled[isCommitted ? 'committed' : 'lost'] += 1;
  return settle.call(this, isCommitted);
};

export class SimNode {
  readonly name: string;
  readonly #world: NodeWorld;
  readonly #monotonicBase: number;
  #lives = 0;
  #running: Running | null = null;
  #wallShift = 0;
  isLeaving = false;

  constructor(name: string, world: NodeWorld) {
    this.name = name;
    this.#world = world;
    this.#monotonicBase = world.random.below(1_000_000);
  }

  get running(): Running | null {
    return this.#running;
  }

  /** Runs a step inside the process; a Defect there ends the run. */
  inside(step: (running: Running) => void): void {
    const running = this.#running;
    if (running === null) return;
    running.life.run(() => {
      try {
        step(running);
      } catch (error) {
        this.#world.broke(`${this.name} died of ${(error as Error).stack}`);
      }
    });
  }

  start(): void {
    const { agenda, dice, random, log, leases, history, settings } = this.#world;
    this.#lives += 1;
    this.isLeaving = false;
    const life = new Life(`${this.name}.${this.#lives}`, agenda, this.#monotonicBase);
    life.wallShift = this.#wallShift;
    const simHistory = new SimHistory({ store: history, life, dice, random });
    const shards = new Map<ShardId, Shard>();
    shardsByLife.set(life, shards);
    let nonces = 0;
    const host = new WorkerHost({
      shards: settings.shards,
      limits: settings.limits,
      packer,
      overMs: settings.restMs / 2,
      restMs: settings.restMs,
      idleMs: settings.idleMs,
      log: new SimLog({ store: log, life, dice, random }),
      logTrimsItself: settings.logTrimsItself,
      leases: new SimLeases({ store: leases, life, dice, random }),
      history: simHistory,
      codec,
      clock: life,
      observer: NO_OBSERVER,
      reporter: {
        report: (level, what, fields) => this.#world.report(this, level, what, fields),
      },
      sink: {
        reply: (asked, reply) => this.#world.reply(this, asked, reply),
        event: (event) => this.#world.event(this, event),
        eventEnded: (recipient, id) => this.#world.hooks?.heardEnd(this, recipient, id),
        acquiring: (notice) => this.#world.acquiring(this, notice),
        unfinished: (billId) => this.#world.unfinished(this, billId),
        flush: () => undefined,
        begun: () => this.#world.hooks?.heardBegin(this),
      },
      agreements: new Agreements(),
      suspended: new SuspendedSellers(),
      holder: life.name,
      isGone: (holder) => this.#world.gone.has(holder),
      isOfThisNode: (holder) => holder === life.name,
      drawNonce: () => {
        nonces += 1;
        return `${life.name} ${nonces}`;
      },
      drawInteger: (limit) =>
        settings.shortEpochs ? SEQUENCES - 1 - random.below(6) : random.below(limit),
    });
    this.#running = { life, host, history: simHistory, shards };
    life.run(() => host.start());
    this.#world.desks?.began(this);
    this.#world.hooks?.began(this);
  }

  crash(): void {
    const running = this.#running;
    if (running === null) return;
    running.life.end();
    this.#world.desks?.ended(this);
    this.#world.hooks?.ended(this);
    this.#running = null;
    // Its supervisor may know at once that it is dead.
    if (this.#world.random.chance(0.3)) this.#world.gone.add(running.life.name);
  }

  pause(): void {
    this.#running?.life.pause();
    this.#world.desks?.pause(this);
    this.#world.hooks?.pause(this);
  }

  resume(): void {
    this.#running?.life.resume();
    this.#world.desks?.resume(this);
    this.#world.hooks?.resume(this);
  }

  shiftWall(by: number): void {
    this.#wallShift += by;
    this.#world.skewed();
    this.#world.trace(`the clock of ${this.name} jumps by ${by} ms`);
    if (this.#running !== null) this.#running.life.wallShift = this.#wallShift;
  }

  /** A clean end: no more requests, what is under way answered, all written, leases released. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.isLeaving = true;
    this.#world.desks?.stop(this);
    this.#world.hooks?.stop(this);
    for (let i = 0; i < 100 && !running.host.isQuiet; i++) await this.#world.agenda.sleep(20);
    await running.host.stop();
    running.life.end();
    if (this.#running !== running) return;
    this.#world.desks?.ended(this);
    this.#world.hooks?.ended(this);
    this.#running = null;
  }
}

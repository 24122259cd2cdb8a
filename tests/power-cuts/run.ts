// Power cuts under load: the store with the log, and mostly the switch with it, stop at one instant; what the store had
// not synced is torn off; all is started again, and everything that was acknowledged is asked for.
//
// `kill -9` cannot show what is tested here: the kernel keeps what a dead process has written. Postgres beside Redis is
// killed, not cut; with the log in Postgres it is cut.

import { setTimeout as pause } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { Random } from '../simulation/random.ts';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import { createDatabase, startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { SwitchProcess } from '../support/switch-process.ts';
import { audit } from './audit.ts';
import { Load } from './load.ts';
import { PostgresPower } from './postgres-power.ts';
import type { Policy, Power } from './power.ts';
import { RedisPower } from './redis-power.ts';

/**
 * What goes out. `store`: only the one with the log. `late`: Postgres beside it had been gone for a while, so the log
 * alone has the last answers.
 */
type Cut = 'all' | 'store' | 'late';
const CUTS: Readonly<Record<Settings['log'], readonly Cut[]>> = {
  redis: ['all', 'all', 'all', 'store', 'store', 'late'],
  postgres: ['all', 'all', 'store'],
};

export interface Settings {
  readonly cuts: number;
  /** Which store has the log. */
  readonly log: 'redis' | 'postgres';
  readonly policy: Policy;
  readonly seed: number;
  /** Answers between two cuts, about. */
  readonly answers: number;
  readonly slots: number;
  /** Whether a torn tail of Redis' file may end in bytes that nobody wrote. */
  readonly foul?: boolean;
  /** Begins no cut after this; by default all are made. */
  readonly withinMs?: number;
  /** Called after each cut. */
  readonly onCut?: (done: number, tally: Tally) => void;
}

export interface Tally {
  cuts: number;
  acknowledged: number;
  unknown: number;
  /** Bytes that the store had written and not synced. */
  unsynced: number;
  /** Of those, gone. */
  torn: number;
  /** Cuts at which something stood unsynced. */
  cutsWithTail: number;
  /** Cuts while, or after, the store tidied up its log. */
  rewrites: number;
  /** Starts of Redis that needed redis-check-aof. */
  repairs: number;
  /** Acknowledged and gone, one line each. */
  lost: string[];
  doubled: string[];
  /** Why the switch would not go on, once a cut. */
  refused: string[];
  /** Whatever else is wrong. */
  faults: string[];
  slowestRecoveryMs: number;
}

export async function runPowerCuts(settings: Settings): Promise<Tally> {
  const tally = emptyTally();
  const random = new Random(settings.seed);
  const beside = settings.log === 'redis' ? await startPostgres() : null;
  const room: Room = { beside, random, settings, tally };
  let scene: Scene | null = null;
  const deadline = performance.now() + (settings.withinMs ?? Number.POSITIVE_INFINITY);
  const isOver = (): boolean => tally.cuts >= settings.cuts || performance.now() > deadline;
  try {
    while (!isOver()) {
      scene ??= await Scene.begin(room);
      const goesOn = await scene.cutAndAudit();
      tally.cuts += 1;
      settings.onCut?.(tally.cuts, tally);
      if (goesOn && !isOver()) continue;
      await scene.end({ isWhole: goesOn });
      scene = null;
    }
    return tally;
  } finally {
    await scene?.end({ isWhole: false });
    await room.beside?.stop();
  }
}

interface Room {
  /** The Postgres beside a Redis with the log. */
  beside: TestPostgres | null;
  readonly random: Random;
  readonly settings: Settings;
  readonly tally: Tally;
}

/** Stores, a switch and its customers, until the switch refuses to go on. */
class Scene {
  readonly #room: Room;
  readonly #power: Power;
  readonly #sql: Sql;
  readonly #load: Load;
  #switch: SwitchProcess;

  private constructor(room: Room, power: Power, sql: Sql, running: SwitchProcess) {
    this.#room = room;
    this.#power = power;
    this.#sql = sql;
    this.#switch = running;
    this.#load = new Load({ run: `cut-${room.tally.cuts}`, slots: room.settings.slots });
  }

  static async begin(room: Room): Promise<Scene> {
    const { foul = false, log, policy } = room.settings;
    const power: Power =
      log === 'redis'
        ? await RedisPower.start(policy, { foul })
        : await PostgresPower.start(policy);
    const databaseUrl = await createDatabase(room.beside?.url ?? power.postgresUrl ?? '', {
      migrated: true,
    });
    // Only the operator's word makes the switch start on a log that forgets.
    const unsafe = log === 'redis' ? 'redis.appendfsync' : 'postgres.fsync';
    const running = await SwitchProcess.start({
      stores: { databaseUrl, redisUrl: power.redisUrl ?? null },
      env: policy === 'always' ? {} : { QRSWITCH_ACCEPT_UNSAFE: unsafe },
    });
    await power.settle?.();
    const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
    return new Scene(room, power, sql, running);
  }

  /** One turn. False where there is nothing to go on with. */
  async cutAndAudit(): Promise<boolean> {
    const { random, tally } = this.#room;
    const cut = random.pick(CUTS[this.#room.settings.log]);
    if (!this.#load.isConnected) await this.#load.connect(this.#switch.port, this.#switch.demo);
    await this.#loadUntilCut(cut);
    await this.#powerGoes(cut);
    const cameBackAt = performance.now();
    const refusal = await this.#powerReturns(cut);
    if (refusal !== null) {
      tally.refused.push(refusal);
      return false;
    }
    tally.slowestRecoveryMs = Math.max(tally.slowestRecoveryMs, performance.now() - cameBackAt);
    if (!this.#load.isConnected) await this.#load.connect(this.#switch.port, this.#switch.demo);
    const { lost, doubled } = await audit(this.#load, this.#sql, () =>
      historyIsWhole(this.#switch),
    );
    tally.lost.push(...lost);
    tally.doubled.push(...doubled);
    if (lost.length > 0) this.#load.abandonSales();
    return true;
  }

  /** Ends it, where it is whole after a look at all of its books. */
  async end({ isWhole }: { isWhole: boolean }): Promise<void> {
    const { tally } = this.#room;
    this.#load.close();
    // What a lost entry leaves behind has been counted as lost.
    if (isWhole && tally.lost.length === 0) {
      await historyIsWhole(this.#switch);
      tally.faults.push(...(await faultsInBooks(this.#sql)));
    }
    tally.acknowledged += this.#load.acknowledged;
    tally.unknown += this.#load.unknown;
    if (tally.lost.length === 0) tally.faults.push(...this.#load.faults);
    await this.#sql.end({ timeout: 1 });
    await this.#switch.remove();
    await this.#power.stop();
  }

  async #loadUntilCut(cut: Cut): Promise<void> {
    const { random, settings, tally } = this.#room;
    const power = this.#power;
    // A cut is the more telling, the longer what is written waits for its sync.
    power.disk.delaySyncs(random.pick([0, 2, 5, 10]));
    const before = this.#load.acknowledged;
    const goal = before + random.between(settings.answers / 2, settings.answers);
    this.#load.run();
    await this.#untilAnswered(goal);
    if (cut === 'late') {
      await this.#room.beside?.kill();
      await this.#untilAnswered(this.#load.acknowledged + settings.answers / 2);
    }
    if (random.chance(0.15)) {
      tally.rewrites += 1;
      await power.disturb();
      await pause(random.between(0, 30));
    }
    if (random.chance(0.6)) await this.#aim();
    await pause(random.between(0, 15));
  }

  /** Waits for a sync to be under way, and holds it: chance alone would mostly find the disk idle. */
  async #aim(): Promise<void> {
    const { disk } = this.#power;
    // Without a sync there is nothing to wait for.
    if (this.#room.settings.policy !== 'always') return;
    disk.delaySyncs(HELD_MS);
    const deadline = performance.now() + AIM_MS;
    while (!disk.isSyncing && performance.now() < deadline) await pause(1);
  }

  async #untilAnswered(goal: number): Promise<void> {
    const { faults } = this.#load;
    await this.#switch.until('under load', () => {
      if (faults.length > 20) throw new Error(`wrong answers: ${faults.slice(0, 3).join('\n')}`);
      return this.#load.acknowledged >= goal || !this.#load.isConnected;
    });
  }

  async #powerGoes(cut: Cut): Promise<void> {
    const { random, tally } = this.#room;
    const power = this.#power;
    await power.freeze();
    if (cut !== 'store') {
      const gone = this.#load.disconnected();
      await this.#switch.kill();
      await gone;
    }
    const { unsynced, kept } = await power.cut(random);
    tally.unsynced += unsynced;
    tally.torn += unsynced - kept;
    if (unsynced > 0) tally.cutsWithTail += 1;
    if (cut === 'all' && random.chance(0.3)) await this.#room.beside?.kill();
  }

  /** Null once the switch serves; otherwise why it does not. */
  async #powerReturns(cut: Cut): Promise<string | null> {
    const { tally } = this.#room;
    const repairs = this.#power.repairs;
    this.#power.disk.delaySyncs(0);
    const { beside } = this.#room;
    if (beside?.hasEnded === true) {
      const { dir, port } = beside;
      this.#room.beside = await startPostgres({ dir, port });
    }
    try {
      await this.#power.restart();
    } catch (error) {
      return `the store does not start: ${String(error)}`;
    }
    tally.repairs += this.#power.repairs - repairs;
    if (cut !== 'store') this.#switch = await this.#switch.relaunch();
    const quiet = this.#load.pause();
    const running = this.#switch;
    await waitUntil('ready or stopped', async () => {
      if (running.hasEnded || running.logged('shard.stopped').length > 0) return true;
      return (await running.readiness())?.status === 200;
    });
    await quiet;
    const [stopped] = running.logged('shard.stopped');
    if (stopped !== undefined) return JSON.stringify(stopped.reason ?? stopped.err ?? stopped);
    return running.hasEnded ? (running.output.trim().split('\n').at(-1) ?? '') : null;
  }
}

/** Longer than it takes to stop a store. */
const HELD_MS = 3_000;
const AIM_MS = 1_000;
const RECOVERY_MS = 60_000;

async function waitUntil(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not ${what} in time`);
    await pause(10);
  }
}

function emptyTally(): Tally {
  return {
    cuts: 0,
    acknowledged: 0,
    unknown: 0,
    unsynced: 0,
    torn: 0,
    cutsWithTail: 0,
    rewrites: 0,
    repairs: 0,
    lost: [],
    doubled: [],
    refused: [],
    faults: [],
    slowestRecoveryMs: 0,
  };
}

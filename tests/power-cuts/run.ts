// Power cuts under load: Redis, and mostly the switch with it, stop at one instant; what Redis had not synced is torn
// off; all is started again, and everything that was acknowledged is asked for.
//
// `kill -9` cannot show what is tested here: the kernel keeps what a dead process has written. Postgres is killed, not
// cut: its own log has a test of its own (postgres-power.ts).

import { setTimeout as pause } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { Random } from '../simulation/random.ts';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import { createDatabase, startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { SwitchProcess } from '../support/switch-process.ts';
import { audit } from './audit.ts';
import { Load } from './load.ts';
import { type Policy, RedisPower } from './redis-power.ts';

/** What goes out. `late`: Postgres had been gone for a while, so the log alone has the last answers. */
const CUTS = ['all', 'all', 'all', 'redis', 'redis', 'late'] as const;
type Cut = (typeof CUTS)[number];

export interface Settings {
  readonly cuts: number;
  readonly policy: Policy;
  readonly seed: number;
  /** Answers between two cuts, about. */
  readonly answers: number;
  readonly slots: number;
  /** Called after each cut. */
  readonly onCut?: (done: number, tally: Tally) => void;
}

export interface Tally {
  cuts: number;
  acknowledged: number;
  unknown: number;
  /** Bytes that Redis had written and not synced. */
  unsynced: number;
  /** Of those, gone. */
  torn: number;
  /** Cuts at which something stood unsynced. */
  cutsWithTail: number;
  /** Cuts while, or after, Redis rewrote its file. */
  rewrites: number;
  /** Starts that needed redis-check-aof. */
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
  const room = { postgres: await startPostgres(), random, settings, tally };
  let scene: Scene | null = null;
  try {
    while (tally.cuts < settings.cuts) {
      scene ??= await Scene.begin(room);
      const goesOn = await scene.cutAndAudit();
      tally.cuts += 1;
      settings.onCut?.(tally.cuts, tally);
      if (goesOn && tally.cuts < settings.cuts) continue;
      await scene.end({ isWhole: goesOn });
      scene = null;
    }
    return tally;
  } finally {
    await scene?.end({ isWhole: false });
    await room.postgres.stop();
  }
}

interface Room {
  postgres: TestPostgres;
  readonly random: Random;
  readonly settings: Settings;
  readonly tally: Tally;
}

/** Stores, a switch and its customers, until the switch refuses to go on. */
class Scene {
  readonly #room: Room;
  readonly #power: RedisPower;
  readonly #sql: Sql;
  readonly #load: Load;
  #switch: SwitchProcess;

  private constructor(room: Room, power: RedisPower, sql: Sql, running: SwitchProcess) {
    this.#room = room;
    this.#power = power;
    this.#sql = sql;
    this.#switch = running;
    this.#load = new Load({ run: `cut-${room.tally.cuts}`, slots: room.settings.slots });
  }

  static async begin(room: Room): Promise<Scene> {
    const { policy } = room.settings;
    const power = await RedisPower.start(policy);
    const databaseUrl = await createDatabase(room.postgres.url);
    const running = await SwitchProcess.start({
      stores: { databaseUrl, redisUrl: power.redis.url },
      // A power cut ends the process anyway; only the operator's word makes it start on a log that forgets.
      env: policy === 'always' ? {} : { QRSWITCH_ACCEPT_UNSAFE: 'redis.appendfsync' },
    });
    const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
    return new Scene(room, power, sql, running);
  }

  /** One turn. False where there is nothing to go on with. */
  async cutAndAudit(): Promise<boolean> {
    const { random, tally } = this.#room;
    const cut = random.pick(CUTS);
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
    await historyIsWhole(this.#switch);
    const { lost, doubled } = await audit(this.#load, this.#sql);
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
    const { disk, redis } = this.#power;
    // A cut is the more telling, the longer what is written waits for its sync.
    disk.delaySyncs(random.pick([0, 0, 1, 3]));
    const before = this.#load.acknowledged;
    const goal = before + random.between(settings.answers / 2, settings.answers);
    this.#load.run();
    await this.#untilAnswered(goal);
    if (cut === 'late') {
      await this.#room.postgres.kill();
      await this.#untilAnswered(this.#load.acknowledged + settings.answers / 2);
    }
    if (random.chance(0.15)) {
      tally.rewrites += 1;
      await rewrite(redis.port);
      await pause(random.between(0, 30));
    }
    await pause(random.between(0, 15));
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
    if (cut !== 'redis') {
      const gone = this.#load.disconnected();
      await this.#switch.kill();
      await gone;
    }
    const { unsynced, kept } = await power.cut(random);
    tally.unsynced += unsynced;
    tally.torn += unsynced - kept;
    if (unsynced > 0) tally.cutsWithTail += 1;
    if (cut === 'all' && random.chance(0.3)) await this.#room.postgres.kill();
  }

  /** Null once the switch serves; otherwise why it does not. */
  async #powerReturns(cut: Cut): Promise<string | null> {
    const { tally } = this.#room;
    const repairs = this.#power.repairs;
    this.#power.disk.delaySyncs(0);
    const { postgres: server } = this.#room;
    if (server.hasEnded) {
      const { dir, port } = server;
      this.#room.postgres = await startPostgres({ dir, port });
    }
    await this.#power.restart();
    tally.repairs += this.#power.repairs - repairs;
    if (cut !== 'redis') this.#switch = await this.#switch.relaunch();
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

const RECOVERY_MS = 60_000;

async function waitUntil(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not ${what} in time`);
    await pause(10);
  }
}

async function rewrite(port: number): Promise<void> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(port, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => undefined);
  await redis.bgrewriteaof();
  redis.disconnect();
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

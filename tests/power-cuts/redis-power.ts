// A Redis whose power can be cut: everything stops at one instant, and of its files only that stays which had been
// synced, and a random part of the rest.

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import { durableSizes, FaultyDisk } from '../support/faulty-disk.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

const APPEND_DIR = 'appendonlydir';
const MANIFEST = 'appendonly.aof.manifest';
/** `startRedis` makes its folder by this name, and all of its files lie in it. */
const MATCH = 'qrswitch-redis-';
const STOPPED_MS = 5_000;

export type Policy = 'always' | 'everysec' | 'no';

/** What the cut took, in bytes. */
export interface Torn {
  /** Written, and not synced. */
  readonly unsynced: number;
  /** Of that, what had reached the disk all the same. */
  readonly kept: number;
}

export class RedisPower {
  readonly disk: FaultyDisk;
  readonly redis: RedisServer;
  /** Starts at which a person had to run redis-check-aof. */
  repairs = 0;
  /** Sizes when the power came on, by inode. */
  #before = new Map<number, number>();

  private constructor(disk: FaultyDisk, redis: RedisServer) {
    this.disk = disk;
    this.redis = redis;
  }

  static async start(policy: Policy): Promise<RedisPower> {
    const disk = FaultyDisk.make(MATCH);
    return new RedisPower(disk, await startRedis({ appendfsync: policy }, disk.env));
  }

  /** Stops everything that Redis does, children included, at one instant. */
  async freeze(): Promise<void> {
    const { pid } = this.redis;
    process.kill(pid, 'SIGSTOP');
    const deadline = performance.now() + STOPPED_MS;
    while (!isStopped(pid)) {
      if (performance.now() > deadline) throw new Error('Redis does not stop');
      await pause(1);
    }
    // A rewrite's child would go on by itself.
    for (const child of childrenOf(pid)) process.kill(child, 'SIGKILL');
  }

  /** The power goes. Call `freeze` before. */
  async cut(random: Random): Promise<Torn> {
    const durable = durableSizes(this.disk.journal(), this.#before);
    await this.redis.kill();
    let unsynced = 0;
    let kept = 0;
    for (const file of this.#files()) {
      const { ino, size } = statSync(file);
      const tail = size - Math.min(size, durable.get(ino) ?? 0);
      if (tail === 0) continue;
      const torn = tear(file, size - tail, tail, random);
      unsynced += tail;
      kept += torn;
    }
    return { unsynced, kept };
  }

  /** The power comes back. */
  async restart(): Promise<void> {
    this.disk.forget();
    this.#before = new Map(
      this.#files().map((file) => {
        const { ino, size } = statSync(file);
        return [ino, size];
      }),
    );
    try {
      await this.redis.restart();
    } catch (error) {
      if (!String(error).includes('redis-check-aof --fix')) throw error;
      this.#repair();
      await this.redis.restart();
    }
  }

  /** As the runbook says, where the tail is not short but wrong. */
  #repair(): void {
    const manifest = join(this.redis.dir, APPEND_DIR, MANIFEST);
    const { status, stdout } = spawnSync('redis-check-aof', ['--fix', manifest], {
      input: 'y\n',
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`redis-check-aof does not help:\n${stdout}`);
    this.repairs += 1;
    // What it has left is all that there is.
    for (const file of this.#files()) {
      const { ino, size } = statSync(file);
      this.#before.set(ino, size);
    }
  }

  async stop(): Promise<void> {
    await this.redis.stop();
    this.disk.remove();
  }

  #files(): string[] {
    const folder = join(this.redis.dir, APPEND_DIR);
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  }
}

/** Leaves a random part of a tail, and sometimes what was never written at the end of it. Returns what is left. */
function tear(file: string, durable: number, tail: number, random: Random): number {
  const left = random.chance(0.15) ? 0 : random.chance(0.2) ? tail : random.below(tail + 1);
  truncateSync(file, durable + left);
  // A file system may have noted the new length before the bytes came: zeros, or what stood there before. Only in the
  // log proper: the manifest and the base are synced before anything names them.
  if (!file.endsWith('.incr.aof') || left === tail || !random.chance(0.25)) return left;
  const foul = Buffer.alloc(tail - left);
  if (random.chance(0.5)) for (let i = 0; i < foul.length; i++) foul[i] = random.below(256);
  appendFileSync(file, foul);
  return left;
}

function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((task) => {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  });
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  );
}

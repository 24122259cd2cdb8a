// A Redis whose power can be cut: everything stops at one instant, and of its files only that stays which had been
// synced, and a random part of the rest.

import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Random } from '../simulation/random.ts';
import { durableSizes, FaultyDisk } from '../support/faulty-disk.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { childrenOf, type Policy, type Power, stopped, type Torn } from './power.ts';

const APPEND_DIR = 'appendonlydir';
const MANIFEST = 'appendonly.aof.manifest';
/** `startRedis` makes its folder by this name, and all of its files lie in it. */
const MATCH = 'qrswitch-redis-';

export class RedisPower implements Power {
  readonly disk: FaultyDisk;
  readonly redis: RedisServer;
  repairs = 0;
  /** Sizes when the power came on, by inode. */
  #before = new Map<number, number>();

  readonly #isFoul: boolean;

  private constructor(disk: FaultyDisk, redis: RedisServer, isFoul: boolean) {
    this.#isFoul = isFoul;
    this.disk = disk;
    this.redis = redis;
  }

  /** `foul`: what is torn off sometimes leaves zeros or foreign bytes in its place. */
  static async start(policy: Policy, { foul = false } = {}): Promise<RedisPower> {
    const disk = FaultyDisk.make(MATCH);
    return new RedisPower(disk, await startRedis({ appendfsync: policy }, disk.env), foul);
  }

  get redisUrl(): string {
    return this.redis.url;
  }

  async freeze(): Promise<void> {
    const { pid } = this.redis;
    await stopped(pid);
    // A rewrite's child would go on by itself.
    for (const child of childrenOf(pid)) process.kill(child, 'SIGKILL');
  }

  async cut(random: Random): Promise<Torn> {
    const durable = durableSizes(this.disk.journal(), this.#before);
    await this.redis.kill();
    let unsynced = 0;
    let kept = 0;
    for (const file of this.#files()) {
      const { ino, size } = statSync(file);
      const tail = size - Math.min(size, durable.get(ino) ?? 0);
      if (tail === 0) continue;
      const torn = tear(file, { durable: size - tail, tail }, this.#isFoul, random);
      unsynced += tail;
      kept += torn;
    }
    return { unsynced, kept };
  }

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

  /** Rewrites the log: a new base, a new file to append to, a manifest that names them. */
  async disturb(): Promise<void> {
    const redis = new Redis(this.redis.port, {
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    redis.on('error', () => undefined);
    await redis.bgrewriteaof();
    redis.disconnect();
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
function tear(
  file: string,
  { durable, tail }: { durable: number; tail: number },
  isFoul: boolean,
  random: Random,
): number {
  const left = random.chance(0.15) ? 0 : random.chance(0.2) ? tail : random.below(tail + 1);
  truncateSync(file, durable + left);
  // A file system may have noted the new length before the bytes came: zeros, or what stood there before. Only in the
  // log proper: the manifest and the base are synced before anything names them.
  if (!isFoul || !file.endsWith('.incr.aof') || left === tail || !random.chance(0.25)) return left;
  const foul = Buffer.alloc(tail - left);
  if (random.chance(0.5)) for (let i = 0; i < foul.length; i++) foul[i] = random.below(256);
  appendFileSync(file, foul);
  return left;
}

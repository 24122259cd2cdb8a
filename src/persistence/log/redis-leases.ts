// Leases on Redis: a hash a shard, `lease:{<shard>}`, with a counter and a holder; every change is a compare-and-set.

import { assert } from '../../domain/assert.ts';
import type { ShardId } from '../../domain/ids.ts';
import type { Lease, Leases } from '../../switch/ports.ts';
import type { Logger } from '../../telemetry/log.ts';
import { RedisConnection } from './redis-connection.ts';
import { loadScript } from './statement.ts';

export interface RedisLeasesOptions {
  readonly url: string;
  /** How long an answer may take; well below the life of a lease. */
  readonly timeoutMs: number;
  readonly logger: Logger;
}

const TAKE = loadScript('take-lease');
const RENEW = loadScript('renew-lease');
const RELEASE = loadScript('release-lease');

export class RedisLeases implements Leases {
  readonly #connection: RedisConnection;

  private constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** Rejects where Redis is out of reach. Leases need no settings: the log is the judge of every write. */
  static async open(options: RedisLeasesOptions): Promise<RedisLeases> {
    const check = async () => undefined;
    return new RedisLeases(await RedisConnection.open({ ...options, check }));
  }

  async read(shards: readonly ShardId[]): Promise<Lease[]> {
    if (shards.length === 0) return [];
    const replies = await this.#connection.sendEach(
      'HMGET',
      shards.map((shard) => [keyOf(shard), 'counter', 'holder']),
    );
    return shards.map((shard, index) => readLease(shard, replies[index]));
  }

  async take(seen: readonly Lease[], holder: string): Promise<Lease[]> {
    const counters = await this.#change(TAKE, seen, ({ counter }) => [counter, holder]);
    return asTheyStand(seen, counters, holder);
  }

  async renew(held: readonly Lease[]): Promise<Lease[]> {
    const own = held.filter(isHeld);
    const counters = await this.#change(RENEW, own, ({ counter, holder }) => [counter, holder]);
    return asTheyStand(own, counters);
  }

  async release(held: readonly Lease[]): Promise<void> {
    const own = held.filter(isHeld);
    await this.#change(RELEASE, own, ({ counter, holder }) => [counter, holder]);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #change<L extends Lease>(
    script: typeof TAKE,
    leases: readonly L[],
    args: (lease: L) => (string | number)[],
  ): Promise<unknown[]> {
    if (leases.length === 0) return [];
    const calls = leases.map((lease) => ({ key: keyOf(lease.shard), args: args(lease) }));
    return await this.#connection.evaluateEach(script, calls);
  }
}

function keyOf(shard: ShardId): string {
  return `lease:{${shard}}`;
}

function isHeld(lease: Lease): lease is Lease & { readonly holder: string } {
  return lease.holder !== null;
}

/** The leases that a script changed, by their new counters; it answers 0 for one that stood otherwise. */
function asTheyStand(before: readonly Lease[], counters: unknown[], holder?: string): Lease[] {
  const changed: Lease[] = [];
  for (const [index, lease] of before.entries()) {
    const counter = counters[index];
    assert(typeof counter === 'number', 'a lease script answered something other than a counter');
    if (counter > 0) changed.push({ shard: lease.shard, counter, holder: holder ?? lease.holder });
  }
  return changed;
}

function readLease(shard: ShardId, reply: unknown): Lease {
  assert(Array.isArray(reply), 'HMGET answered something other than a list');
  const [counter, holder] = reply;
  return {
    shard,
    counter: Buffer.isBuffer(counter) ? Number(counter.toString()) : 0,
    holder: Buffer.isBuffer(holder) ? holder.toString() : null,
  };
}

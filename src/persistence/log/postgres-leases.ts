// Leases on Postgres: a row a shard; all shards of a call in one durable statement (A5).

import { assert } from '../../domain/assert.ts';
import type { ShardId } from '../../domain/ids.ts';
import type { Lease, Leases } from '../../switch/ports.ts';
import type { Logger } from '../../telemetry/log.ts';
import { arrayText } from '../array-text.ts';
import { PostgresLane } from './postgres-lane.ts';
import { loadStatement } from './statement.ts';

export interface PostgresLeasesOptions {
  readonly url: string;
  /** How long an answer may take; well below the life of a lease. */
  readonly timeoutMs: number;
  /** Names of findings that the operator has accepted (store-checks.ts). */
  readonly accepted: readonly string[];
  readonly logger: Logger;
}

const READ = loadStatement('read-leases');
const TAKE = loadStatement('take-leases');
const RENEW = loadStatement('renew-leases');
const RELEASE = loadStatement('release-leases');

export class PostgresLeases implements Leases {
  readonly #lane: PostgresLane;

  private constructor(lane: PostgresLane) {
    this.#lane = lane;
  }

  /** Rejects where Postgres is out of reach or unfit (store-checks.ts). */
  static async open(options: PostgresLeasesOptions): Promise<PostgresLeases> {
    return new PostgresLeases(await PostgresLane.open(options));
  }

  async read(shards: readonly ShardId[]): Promise<Lease[]> {
    if (shards.length === 0) return [];
    const { rows } = await this.#lane.run(READ, [arrayText(shards)]);
    const standing = new Map(rows.map(readLease).map((lease) => [lease.shard, lease]));
    return shards.map((shard) => standing.get(shard) ?? { shard, counter: 0, holder: null });
  }

  async take(seen: readonly Lease[], holder: string): Promise<Lease[]> {
    if (seen.length === 0) return [];
    const { rows } = await this.#lane.run(TAKE, [JSON.stringify(seen), holder]);
    return rows.map(readLease);
  }

  async renew(held: readonly Lease[]): Promise<Lease[]> {
    if (held.length === 0) return [];
    const { rows } = await this.#lane.run(RENEW, [JSON.stringify(held)]);
    return rows.map(readLease);
  }

  async release(held: readonly Lease[]): Promise<void> {
    if (held.length === 0) return;
    await this.#lane.run(RELEASE, [JSON.stringify(held)]);
  }

  async close(): Promise<void> {
    await this.#lane.close();
  }
}

function readLease(row: {
  readonly shard?: unknown;
  readonly counter?: unknown;
  readonly holder?: unknown;
}): Lease {
  const { shard, holder } = row;
  // A bigint column arrives as text.
  const counter = Number(row.counter);
  assert(typeof shard === 'number' && Number.isSafeInteger(counter), 'not a lease');
  assert(holder === null || typeof holder === 'string', 'not a lease');
  return { shard: shard as ShardId, counter, holder };
}

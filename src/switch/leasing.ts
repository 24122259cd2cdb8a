// Which shards this worker may own (A5). The log judges every write; the lease lets the owner answer from memory.
//
//   E1. The holder counts LEASE_MS of its own monotonic clock from before it sent the renewal.
//   E2. A waiter takes a lease after seeing its counter unchanged for TAKE_OVER_MS of its own clock, or at once where
//       nobody holds it, or where its holder is known to be gone.

import type { ShardId } from '../domain/ids.ts';
import { isDefect, tellDefect } from './failures.ts';
import type { Clock, Lease, Leases } from './ports.ts';
import { describe } from './reply-sink.ts';
import type { Reporter } from './reporter.ts';

export const RENEW_MS = 1_000;
export const LEASE_MS = 3_000;
export const TAKE_OVER_MS = 4_000;

export interface LeaseListener {
  taken(shard: ShardId): void;
  lost(shard: ShardId): void;
}

interface Watch {
  lease: Lease | null;
  since: number;
}

export class Leasing {
  readonly #leases: Leases;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  readonly #holder: string;
  readonly #isGone: (holder: string) => boolean;
  readonly #listener: LeaseListener;
  readonly #held = new Map<ShardId, { lease: Lease; until: number }>();
  readonly #waiting = new Map<ShardId, Watch>();
  #cancel: (() => void) | null = null;
  #isClosed = false;
  #round: Promise<void> = Promise.resolve();

  /** `isGone` says whether a holder is known to be dead, so that nobody need wait for it. */
  constructor(options: {
    leases: Leases;
    clock: Clock;
    reporter: Reporter;
    holder: string;
    isGone: (holder: string) => boolean;
    listener: LeaseListener;
    shards: readonly ShardId[];
  }) {
    this.#leases = options.leases;
    this.#clock = options.clock;
    this.#reporter = options.reporter;
    this.#holder = options.holder;
    this.#isGone = options.isGone;
    this.#listener = options.listener;
    for (const shard of options.shards) this.#waiting.set(shard, { lease: null, since: 0 });
  }

  /** Begins to take and renew. */
  start(): void {
    this.#tick();
  }

  /** Whether the worker may answer from memory for the shard. */
  isRunning(shard: ShardId): boolean {
    const held = this.#held.get(shard);
    return held !== undefined && this.#clock.monotonic() < held.until;
  }

  /** Who holds the shards that this worker waits for. */
  holders(): { shard: ShardId; holder: string | null }[] {
    return [...this.#waiting].map(([shard, { lease }]) => ({
      shard,
      holder: lease?.holder ?? null,
    }));
  }

  /** The shard is deposed by the log: the lease is worth nothing any more. */
  forget(shard: ShardId): void {
    if (!this.#held.delete(shard)) return;
    this.#waiting.set(shard, { lease: null, since: this.#clock.monotonic() });
  }

  /** Gives up all leases, so that nobody has to wait for them. */
  async release(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#round;
    const held = [...this.#held.values()].map(({ lease }) => lease);
    this.#held.clear();
    if (held.length > 0) await this.#leases.release(held);
  }

  /** A defect is thrown on, and no round follows: what it has left undone is not known, so the worker ends and begins anew. */
  #tick(): void {
    this.#round = this.#renewAndTake()
      .catch((error: unknown) => {
        if (isDefect(error)) {
          this.#reporter.report('error', 'lease.defect', tellDefect(error));
          throw error;
        }
        this.#reporter.report('warn', 'lease.storeUnreachable', { reason: describe(error) });
      })
      .then(() => {
        if (!this.#isClosed) this.#cancel = this.#clock.after(RENEW_MS, () => this.#tick());
      });
  }

  async #renewAndTake(): Promise<void> {
    const held = [...this.#held.values()].map(({ lease }) => lease);
    if (held.length > 0) await this.#renew(held);
    if (this.#waiting.size > 0 && !this.#isClosed) await this.#take();
  }

  async #renew(held: readonly Lease[]): Promise<void> {
    const kept = await this.#countUp(held);
    const doubtful = held.filter(({ shard }) => !kept.has(shard)).map(({ shard }) => shard);
    if (doubtful.length === 0) return;
    // A renewal whose answer was lost has counted up all the same: nobody else goes by this holder's name.
    const stand = await this.#leases.read(doubtful);
    const ours = stand.filter(({ holder }) => holder === this.#holder);
    const again = ours.length === 0 ? new Set<ShardId>() : await this.#countUp(ours);
    for (const shard of doubtful) {
      if (again.has(shard) || !this.#held.has(shard)) continue;
      this.forget(shard);
      this.#listener.lost(shard);
    }
  }

  async #countUp(leases: readonly Lease[]): Promise<Set<ShardId>> {
    const sentAt = this.#clock.monotonic();
    const renewed = await this.#leases.renew(leases);
    for (const lease of renewed) {
      if (this.#held.has(lease.shard)) {
        this.#held.set(lease.shard, { lease, until: sentAt + LEASE_MS });
      }
    }
    return new Set(renewed.map(({ shard }) => shard));
  }

  async #take(): Promise<void> {
    const seen = await this.#leases.read([...this.#waiting.keys()]);
    const now = this.#clock.monotonic();
    const free: Lease[] = [];
    const left = new Map<ShardId, string>();
    for (const lease of seen) {
      const watch = this.#waiting.get(lease.shard);
      if (watch === undefined) continue;
      if (watch.lease?.counter !== lease.counter) {
        watch.lease = lease;
        watch.since = now;
      }
      const { holder } = lease;
      // Its own by a take whose answer was lost: nobody else can be at work.
      const isOwn = holder === this.#holder;
      if (holder !== null && !isOwn && this.#isGone(holder)) left.set(lease.shard, holder);
      const isFree = holder === null || isOwn || left.has(lease.shard);
      if (isFree || now - watch.since >= TAKE_OVER_MS) free.push(lease);
    }
    if (free.length === 0) return;
    const sentAt = this.#clock.monotonic();
    for (const lease of await this.#leases.take(free, this.#holder)) {
      this.#waiting.delete(lease.shard);
      this.#held.set(lease.shard, { lease, until: sentAt + LEASE_MS });
      this.#tellWhoLeft(lease.shard, left.get(lease.shard));
      this.#listener.taken(lease.shard);
    }
  }

  /** Why nobody waited for the lease to run out. */
  #tellWhoLeft(shard: ShardId, holder: string | undefined): void {
    if (holder === undefined) return;
    this.#reporter.report('info', 'lease.holderGone', { shard, holder });
  }
}

// Which shards this worker may own (A5). The log judges every write; the lease lets the owner answer from memory.
//
//   E1. The holder counts LEASE_MS of its own monotonic clock from before it sent the renewal.
//   E2. A waiter takes a lease after seeing its counter unchanged for TAKE_OVER_MS of its own clock, or at once where
//       nobody holds it, or where its holder is known to be gone.
//   E3. One node is to have all shards, or none would be ready: whoever holds LEAD leads. The others take nothing while
//       the leader's lease moves, and leave to it, in order, what they hold. Nobody leaves anything to them, so that two
//       nodes cannot hand their shards to each other for ever.
//   E4. Where a shard has stopped and is another node's, this one could never be ready, and would keep the shards from who
//       could: it takes none any more, until it begins anew.

import type { ShardId } from '../domain/ids.ts';
import { isDefect, tellDefect } from './failures.ts';
import type { Clock, Lease, Leases } from './ports.ts';
import { describe } from './reply-sink.ts';
import type { Reporter } from './reporter.ts';

export const RENEW_MS = 1_000;
export const LEASE_MS = 3_000;
export const TAKE_OVER_MS = 4_000;

const LEAD = 0 as ShardId;

export interface LeaseListener {
  taken(shard: ShardId): void;
  lost(shard: ShardId, reason: string): void;
  /** Whether the shard has stopped for good. */
  isStopped(shard: ShardId): boolean;
  /** Another node is to have the shard: leaves it, and says whether it has been left. Asked until it has. */
  leave(shard: ShardId): boolean;
}

interface Watch {
  lease: Lease | null;
  since: number;
  /** Whether it has been another node's since this worker began to wait. */
  isAnothers: boolean;
}

function watchFrom(since: number): Watch {
  return { lease: null, since, isAnothers: false };
}

export class Leasing {
  readonly #leases: Leases;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  readonly #holder: string;
  readonly #isGone: (holder: string) => boolean;
  readonly #isOfThisNode: (holder: string) => boolean;
  readonly #listener: LeaseListener;
  readonly #held = new Map<ShardId, { lease: Lease; until: number }>();
  readonly #waiting = new Map<ShardId, Watch>();
  /** Held shards that another node is to have: once begun, that is brought to its end, whoever leads by then. */
  readonly #leaving = new Set<ShardId>();
  /** Where another worker of this node has LEAD among its shards. */
  readonly #lead = watchFrom(0);
  #cancel: (() => void) | null = null;
  #isClosed = false;
  #standsAside = false;
  #round: Promise<void> = Promise.resolve();

  /**
   * `isGone` says whether a holder is known to be dead, so that nobody need wait for it; `isOfThisNode` whether it is a
   * worker of this very process.
   */
  constructor(options: {
    leases: Leases;
    clock: Clock;
    reporter: Reporter;
    holder: string;
    isGone: (holder: string) => boolean;
    isOfThisNode: (holder: string) => boolean;
    listener: LeaseListener;
    shards: readonly ShardId[];
  }) {
    this.#leases = options.leases;
    this.#clock = options.clock;
    this.#reporter = options.reporter;
    this.#holder = options.holder;
    this.#isGone = options.isGone;
    this.#isOfThisNode = options.isOfThisNode;
    this.#listener = options.listener;
    for (const shard of options.shards) this.#waiting.set(shard, watchFrom(0));
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

  /** Whether it takes no shards any more (E4). */
  get standsAside(): boolean {
    return this.#standsAside;
  }

  /** Takes no shards any more: what it holds it keeps (E4). */
  standAside(): void {
    if (this.#standsAside) return;
    this.#standsAside = true;
    this.#reporter.report('error', 'lease.standsAside', {
      reason: 'a shard has stopped here that another node has: no more are taken before a restart',
      runbook: 'docs/runbooks/shards-stopped.md',
    });
  }

  /** The shard is deposed by the log: the lease is worth nothing any more. */
  forget(shard: ShardId): void {
    if (!this.#held.delete(shard)) return;
    this.#leaving.delete(shard);
    this.#waiting.set(shard, watchFrom(this.#clock.monotonic()));
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
    this.#round = this.#renewAndLook()
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

  async #renewAndLook(): Promise<void> {
    const held = [...this.#held.values()].map(({ lease }) => lease);
    if (held.length > 0) await this.#renew(held);
    const hasAll = this.#waiting.size === 0 && this.#held.has(LEAD) && this.#leaving.size === 0;
    if (hasAll || this.#isClosed) return;
    const seen = await this.#look();
    const leader = this.#leaderElsewhere();
    await this.#leave(leader);
    if (this.#hasLostOne()) this.standAside();
    if (leader === null && !this.#standsAside) await this.#take(seen);
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
      this.#listener.lost(shard, 'the lease is another’s');
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

  /** How the leases stand that this worker waits for, and the leader's. */
  async #look(): Promise<Lease[]> {
    const shards = new Set(this.#waiting.keys());
    if (!this.#held.has(LEAD)) shards.add(LEAD);
    const seen = await this.#leases.read([...shards]);
    const now = this.#clock.monotonic();
    for (const lease of seen) {
      const watch = this.#watchOf(lease.shard);
      if (watch === undefined) continue;
      if (watch.lease?.counter !== lease.counter) watch.since = now;
      watch.lease = lease;
      watch.isAnothers ||= lease.holder !== null && !this.#isOfThisNode(lease.holder);
    }
    return seen;
  }

  #watchOf(shard: ShardId): Watch | undefined {
    return this.#waiting.get(shard) ?? (shard === LEAD ? this.#lead : undefined);
  }

  #hasStoodStill({ since }: Watch): boolean {
    return this.#clock.monotonic() - since >= TAKE_OVER_MS;
  }

  /** Who leads on another node; null where this node leads, or nobody who is known to live (E3). */
  #leaderElsewhere(): string | null {
    const watch = this.#held.has(LEAD) ? undefined : this.#watchOf(LEAD);
    const holder = watch?.lease?.holder ?? null;
    if (watch === undefined || holder === null || this.#isOfThisNode(holder)) return null;
    return this.#isGone(holder) || this.#hasStoodStill(watch) ? null : holder;
  }

  /** Whether a shard has stopped that has become another node's. */
  #hasLostOne(): boolean {
    return [...this.#waiting].some(
      ([shard, { isAnothers }]) => isAnothers && this.#listener.isStopped(shard),
    );
  }

  /** Hands over what a leader elsewhere is to have (E3). */
  async #leave(leader: string | null): Promise<void> {
    if (leader !== null) for (const shard of this.#held.keys()) this.#leaving.add(shard);
    const left = [...this.#leaving].filter((shard) => this.#listener.leave(shard));
    const leases = left.flatMap((shard) => this.#held.get(shard)?.lease ?? []);
    for (const shard of left) {
      this.forget(shard);
      this.#listener.lost(shard, 'it was handed over to the node that leads');
      this.#reporter.report('info', 'lease.handedOver', { shard, leader: leader ?? '' });
    }
    if (leases.length > 0) await this.#leases.release(leases);
  }

  async #take(seen: readonly Lease[]): Promise<void> {
    const free: Lease[] = [];
    const left = new Map<ShardId, string>();
    for (const lease of seen) {
      const watch = this.#waiting.get(lease.shard);
      if (watch === undefined) continue;
      const { holder } = lease;
      // Its own by a take whose answer was lost: nobody else can be at work.
      const isOwn = holder === this.#holder;
      if (holder !== null && !isOwn && this.#isGone(holder)) left.set(lease.shard, holder);
      const isFree = holder === null || isOwn || left.has(lease.shard);
      if (isFree || this.#hasStoodStill(watch)) free.push(lease);
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

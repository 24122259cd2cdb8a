// The leases' third adapter.

import type { ShardId } from '../../src/domain/ids.ts';
import type { Lease, Leases } from '../../src/switch/ports.ts';
import type { Dice } from './dice.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';

/** What is durable, shared by all lives. */
export class LeaseStore {
  readonly #leases = new Map<ShardId, Lease>();

  at(shard: ShardId): Lease {
    return this.#leases.get(shard) ?? { shard, counter: 0, holder: null };
  }

  swap(seen: Lease, next: Lease): Lease[] {
    const stands = this.at(seen.shard);
    if (stands.counter !== seen.counter) return [];
    this.#leases.set(seen.shard, next);
    return [next];
  }
}

export class SimLeases implements Leases {
  readonly #store: LeaseStore;
  readonly #life: Life;
  readonly #dice: Dice;
  readonly #random: Random;
  /** The store is out of this life's reach until then (simulated ms). */
  #cutOffUntil = 0;

  constructor(options: { store: LeaseStore; life: Life; dice: Dice; random: Random }) {
    this.#store = options.store;
    this.#life = options.life;
    this.#dice = options.dice;
    this.#random = options.random;
  }

  read(shards: readonly ShardId[]): Promise<Lease[]> {
    return this.#ask(() => shards.map((shard) => this.#store.at(shard)));
  }

  take(seen: readonly Lease[], holder: string): Promise<Lease[]> {
    return this.#ask(() =>
      seen.flatMap((lease) =>
        this.#store.swap(lease, { shard: lease.shard, counter: lease.counter + 1, holder }),
      ),
    );
  }

  renew(held: readonly Lease[]): Promise<Lease[]> {
    return this.#ask(() =>
      held.flatMap((lease) => {
        if (this.#store.at(lease.shard).holder !== lease.holder) return [];
        return this.#store.swap(lease, { ...lease, counter: lease.counter + 1 });
      }),
    );
  }

  release(held: readonly Lease[]): Promise<void> {
    return this.#ask(() => {
      for (const lease of held) {
        if (this.#store.at(lease.shard).holder !== lease.holder) continue;
        this.#store.swap(lease, { ...lease, holder: null });
      }
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #ask<Answer>(send: () => Answer): Promise<Answer> {
    const { agenda } = this.#life;
    const broken = new Error('the line broke');
    if (this.#dice.strikes('lease.cutOff')) {
      this.#cutOffUntil = agenda.now + this.#random.between(5_000, 15_000);
    }
    const isCutOff = agenda.now < this.#cutOffUntil && !this.#dice.isHealed;
    if (isCutOff || this.#dice.strikes('lease.failed')) return this.#life.fail(this.#hop(), broken);
    if (this.#dice.strikes('lease.answerLost')) {
      agenda.after(this.#hop(), send);
      return this.#life.fail(this.#random.between(5, 1_000), broken);
    }
    const isSlow = this.#dice.strikes('lease.slow');
    const slow = isSlow ? this.#random.between(100, 4_000) : 0;
    const there = isSlow && this.#random.chance(0.5) ? slow : 0;
    return this.#life.call(this.#hop() + there, this.#hop() + slow - there, send);
  }

  #hop(): number {
    return this.#random.delay(2, 20);
  }
}

import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import type { ShardId } from '../domain/ids.ts';
import { LEASE_MS, Leasing, RENEW_MS, TAKE_OVER_MS } from './leasing.ts';
import type { Lease, Leases } from './ports.ts';

const SHARD = 0 as ShardId;

/** The store of leases; the answer of a call can be lost after it was done. */
class KnownLeases implements Leases {
  readonly all = new Map<ShardId, Lease>();
  losesAnswers = false;
  isAway = false;

  get lease(): Lease {
    return this.at(SHARD);
  }

  set lease(lease: Lease) {
    this.all.set(SHARD, lease);
  }

  at(shard: ShardId): Lease {
    return this.all.get(shard) ?? { shard, counter: 0, holder: null };
  }

  read(shards: readonly ShardId[]): Promise<Lease[]> {
    return this.#answer(shards.map((shard) => this.at(shard)));
  }

  take(seen: readonly Lease[], holder: string): Promise<Lease[]> {
    const free = seen.filter(({ shard, counter }) => counter === this.at(shard).counter);
    return this.#answer(free.map(({ shard, counter }) => this.#put(shard, counter + 1, holder)));
  }

  renew(held: readonly Lease[]): Promise<Lease[]> {
    if (this.isAway) return Promise.reject(new Error('away'));
    const own = held.filter((lease) => this.#stands(lease));
    return this.#answer(
      own.map(({ shard, counter, holder }) => this.#put(shard, counter + 1, holder)),
    );
  }

  async release(held: readonly Lease[]): Promise<void> {
    for (const lease of held) {
      if (this.#stands(lease)) this.#put(lease.shard, lease.counter, null);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The shards that each holder has, in order. */
  shared(): Record<string, ShardId[]> {
    const shared: Record<string, ShardId[]> = {};
    for (const { shard, holder } of this.all.values()) {
      if (holder === null) continue;
      shared[holder] = [...(shared[holder] ?? []), shard].sort((left, right) => left - right);
    }
    return shared;
  }

  #stands({ shard, counter, holder }: Lease): boolean {
    const lease = this.at(shard);
    return lease.counter === counter && lease.holder === holder;
  }

  #put(shard: ShardId, counter: number, holder: string | null): Lease {
    const lease = { shard, counter, holder };
    this.all.set(shard, lease);
    return lease;
  }

  #answer(leases: Lease[]): Promise<Lease[]> {
    if (this.isAway || this.losesAnswers) return Promise.reject(new Error('no answer'));
    return Promise.resolve(leases);
  }
}

interface Given {
  readonly shards?: readonly ShardId[];
  readonly gone?: readonly string[];
  readonly taken?: () => void;
  /** Whether a shard that another node is to have has been left. */
  readonly leave?: (shard: ShardId) => boolean;
  /** Whether a shard has stopped for good. */
  readonly isStopped?: (shard: ShardId) => boolean;
}

/** A worker, whose holder is its node or begins with it and a slash. */
function stand(leases: KnownLeases, clock: ManualClock, holder: string, given: Given = {}) {
  const { shards = [SHARD], gone = [], taken = () => undefined } = given;
  const { leave = () => true, isStopped = () => false } = given;
  const heard: string[] = [];
  const said: string[] = [];
  const leasing = new Leasing({
    leases,
    clock,
    holder,
    reporter: { report: (_level, what) => said.push(what) },
    isGone: (name) => gone.includes(name),
    isOfThisNode: (name) => name.split('/')[0] === holder.split('/')[0],
    shards,
    listener: {
      taken: () => {
        taken();
        heard.push('taken');
      },
      lost: () => heard.push('lost'),
      leave,
      isStopped,
    },
  });
  return { leasing, heard, said };
}

describe('leasing', () => {
  test('takes a lease that nobody holds, and keeps it', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const { leasing, heard } = stand(leases, clock, 'a');
    leasing.start();
    await clock.pass(10 * RENEW_MS);
    expect(heard).toEqual(['taken']);
    expect(leasing.isRunning(SHARD)).toBe(true);
  });

  test('waits until a holder’s counter has stood still, because it may be alive (E2)', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    leases.lease = { shard: SHARD, counter: 7, holder: 'other' };
    const { leasing, heard, said } = stand(leases, clock, 'a');
    leasing.start();
    await clock.pass(TAKE_OVER_MS - 1);
    leases.lease = { shard: SHARD, counter: 8, holder: 'other' };
    await clock.pass(TAKE_OVER_MS - 1);
    expect(heard).toEqual([]);
    expect(leasing.holders()).toEqual([{ shard: SHARD, holder: 'other' }]);
    await clock.pass(2 * RENEW_MS);
    expect(heard).toEqual(['taken']);
    expect(said).toEqual([]);
  });

  test('takes the lease of a holder known to be dead at once, and says so', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    leases.lease = { shard: SHARD, counter: 7, holder: 'other' };
    const { leasing, heard, said } = stand(leases, clock, 'a', { gone: ['other'] });
    leasing.start();
    await clock.pass(1);
    expect(heard).toEqual(['taken']);
    expect(said).toEqual(['lease.holderGone']);
  });

  test('answers no more once the lease has run out, whether or not another has it (E1)', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const { leasing, heard } = stand(leases, clock, 'a');
    leasing.start();
    await clock.pass(1);
    leases.isAway = true;
    await clock.pass(LEASE_MS - 2);
    expect(leasing.isRunning(SHARD)).toBe(true);
    await clock.pass(2);
    expect(leasing.isRunning(SHARD)).toBe(false);
    expect(heard).toEqual(['taken']);
    leases.isAway = false;
    await clock.pass(2 * RENEW_MS);
    expect(leasing.isRunning(SHARD)).toBe(true);
  });

  test('keeps a lease whose renewal was done and not answered, because it is still its own', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const { leasing, heard } = stand(leases, clock, 'a');
    leasing.start();
    await clock.pass(1);
    leases.losesAnswers = true;
    await clock.pass(RENEW_MS);
    leases.losesAnswers = false;
    await clock.pass(2 * RENEW_MS);
    expect(heard).toEqual(['taken']);
    expect(leasing.isRunning(SHARD)).toBe(true);
  });

  test('loses a lease that another has taken', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const { leasing, heard } = stand(leases, clock, 'a');
    leasing.start();
    await clock.pass(1);
    leases.lease = { shard: SHARD, counter: 20, holder: 'other' };
    await clock.pass(RENEW_MS);
    expect(heard).toEqual(['taken', 'lost']);
    expect(leasing.isRunning(SHARD)).toBe(false);
  });

  test('gives up what it holds', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const { leasing } = stand(leases, clock, 'a');
    leasing.start();
    await clock.pass(1);
    await leasing.release();
    expect(leases.lease.holder).toBeNull();
    expect(leasing.isRunning(SHARD)).toBe(false);
  });

  test('takes nothing any more once a shard has stopped that another node has, because it could never be ready', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const shards = [SHARD, 1 as ShardId];
    const isStopped = (shard: ShardId): boolean => shard !== SHARD;
    leases.all.set(SHARD, { shard: SHARD, counter: 1, holder: 'other' });
    leases.all.set(1 as ShardId, { shard: 1 as ShardId, counter: 1, holder: 'other' });
    const { leasing, heard, said } = stand(leases, clock, 'a', { shards, isStopped });
    leasing.start();
    await clock.pass(2 * TAKE_OVER_MS);
    expect(said).toEqual(['lease.standsAside']);
    await leases.release(shards.map((shard) => leases.at(shard)));
    await clock.pass(2 * TAKE_OVER_MS);
    expect(heard).toEqual([]);
    expect(leases.shared()).toEqual({});
    expect(said).toEqual(['lease.standsAside']);
  });

  test('keeps and takes shards again as long as nobody else has the one that has stopped', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const { leasing, heard } = stand(leases, clock, 'a', { isStopped: () => true });
    leasing.start();
    await clock.pass(1);
    // As after FLUSHALL.
    leases.all.clear();
    await clock.pass(2 * RENEW_MS);
    expect(heard).toEqual(['taken', 'lost', 'taken']);
    expect(leasing.standsAside).toBe(false);
  });

  test('keeps what it holds, and takes nothing more, where another worker of the node is to stand aside', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const { leasing } = stand(leases, clock, 'a', { shards: [SHARD, 1 as ShardId] });
    leases.all.set(1 as ShardId, { shard: 1 as ShardId, counter: 1, holder: 'other' });
    leasing.start();
    await clock.pass(1);
    leasing.standAside();
    await clock.pass(2 * TAKE_OVER_MS);
    expect(leases.shared()).toEqual({ a: [SHARD], other: [1] });
    expect(leasing.isRunning(SHARD)).toBe(true);
  });

  test('does not take its own mistakes for a store out of reach: it ends by them, and tells of them', async () => {
    const taken = (): void => {
      throw new TypeError('of undefined');
    };
    const { leasing, said } = stand(new KnownLeases(), new ManualClock(), 'a', { taken });
    leasing.start();
    await expect(leasing.release()).rejects.toThrow(TypeError);
    expect(said).toEqual(['lease.defect']);
  });
});

describe('two nodes of two workers each', () => {
  const EVEN = shardsOf(0);
  const ODD = shardsOf(1);

  /** Each has half of the shards when it returns: of each node another worker was the first. */
  async function split(given: Record<string, Given> = {}) {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const worker = (holder: string, shards: readonly ShardId[]) =>
      stand(leases, clock, holder, { shards, ...given[holder] });
    const left = [worker('left/0', EVEN), worker('left/1', ODD)] as const;
    const right = [worker('right/0', EVEN), worker('right/1', ODD)] as const;
    for (const [first, second] of [[left[0], right[1]] as const, [left[1], right[0]] as const]) {
      first.leasing.start();
      second.leasing.start();
      await clock.pass(1);
    }
    expect(leases.shared()).toEqual({ 'left/0': EVEN, 'right/1': ODD });
    return { leases, clock, left, right };
  }

  test('that have half of the shards each do not stay so: who has the first one gets them all, and keeps them', async () => {
    const { leases, clock, left, right } = await split();
    await clock.pass(3 * RENEW_MS);
    for (let second = 0; second < 60; second++) {
      expect(leases.shared()).toEqual({ 'left/0': EVEN, 'left/1': ODD });
      await clock.pass(RENEW_MS);
    }
    expect(left.map(({ heard }) => heard.length)).toEqual([4, 4]);
    expect(right.map(({ heard }) => heard.join())).toEqual([
      '',
      'taken,taken,taken,taken,lost,lost,lost,lost',
    ]);
    expect(right[1].said).toEqual(Array.from({ length: 4 }, () => 'lease.handedOver'));
  });

  test('do so wherever the first shard is', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    const stood = [
      stand(leases, clock, 'left/1', { shards: ODD }),
      stand(leases, clock, 'right/0', { shards: EVEN }),
      stand(leases, clock, 'left/0', { shards: EVEN }),
      stand(leases, clock, 'right/1', { shards: ODD }),
    ];
    for (const { leasing } of stood) leasing.start();
    await clock.pass(1);
    expect(leases.shared()).toEqual({ 'left/1': ODD, 'right/0': EVEN });
    await clock.pass(3 * RENEW_MS);
    expect(leases.shared()).toEqual({ 'right/1': ODD, 'right/0': EVEN });
  });

  test('hand over a shard only once it has been left, and keep it until then', async () => {
    let isLeft = false;
    const asked: ShardId[] = [];
    const [stays, ...rest] = ODD;
    const leave = (shard: ShardId): boolean => {
      asked.push(shard);
      return isLeft && shard !== stays;
    };
    const { leases, clock, right } = await split({ 'right/1': { leave } });
    await clock.pass(TAKE_OVER_MS + 2 * RENEW_MS);
    expect(leases.shared()).toEqual({ 'left/0': EVEN, 'right/1': ODD });
    expect(ODD.every((shard) => right[1].leasing.isRunning(shard))).toBe(true);
    expect(new Set(asked)).toEqual(new Set(ODD));
    isLeft = true;
    await clock.pass(3 * RENEW_MS);
    expect(leases.shared()).toEqual({ 'left/0': EVEN, 'left/1': rest, 'right/1': [stays] });
    expect(ODD.filter((shard) => right[1].leasing.isRunning(shard))).toEqual([stays]);
  });

  test('bring a handing over that was begun to its end where the leader goes meanwhile, and take the shards again', async () => {
    let isLeft = false;
    const { leases, clock, left, right } = await split({ 'right/1': { leave: () => isLeft } });
    await clock.pass(2 * RENEW_MS);
    await Promise.all(left.map(({ leasing }) => leasing.release()));
    await clock.pass(2 * RENEW_MS);
    expect(leases.shared()).toEqual({ 'right/0': EVEN, 'right/1': ODD });
    expect(right[1].heard).not.toContain('lost');
    isLeft = true;
    await clock.pass(2 * RENEW_MS);
    expect(leases.shared()).toEqual({ 'right/0': EVEN, 'right/1': ODD });
    const [taken, lost] = [ODD.map(() => 'taken'), ODD.map(() => 'lost')];
    expect(right[1].heard).toEqual([...taken, ...lost, ...taken]);
  });

  test('share nothing out where a worker of the leader stands still: the other node waits for the leader', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    stand(leases, clock, 'left/0', { shards: EVEN }).leasing.start();
    for (const shard of ODD) leases.all.set(shard, { shard, counter: 3, holder: 'left/1' });
    await clock.pass(1);
    const right = stand(leases, clock, 'right/1', { shards: ODD });
    right.leasing.start();
    await clock.pass(10 * TAKE_OVER_MS);
    for (const shard of ODD) leases.all.set(shard, { shard, counter: 4, holder: null });
    await clock.pass(10 * TAKE_OVER_MS);
    expect(right.heard).toEqual([]);
  });

  test('go over whole where the leader stands still, though its other worker does not', async () => {
    const [leases, clock] = [new KnownLeases(), new ManualClock()];
    for (const shard of EVEN) leases.all.set(shard, { shard, counter: 3, holder: 'left/0' });
    stand(leases, clock, 'left/1', { shards: ODD }).leasing.start();
    stand(leases, clock, 'right/0', { shards: EVEN }).leasing.start();
    stand(leases, clock, 'right/1', { shards: ODD }).leasing.start();
    await clock.pass(TAKE_OVER_MS - 1);
    expect(leases.shared()).toEqual({ 'left/0': EVEN, 'left/1': ODD });
    await clock.pass(4 * RENEW_MS);
    expect(leases.shared()).toEqual({ 'right/0': EVEN, 'right/1': ODD });
  });
});

function shardsOf(worker: number): ShardId[] {
  return Array.from({ length: 4 }, (_, i) => (2 * i + worker) as ShardId);
}

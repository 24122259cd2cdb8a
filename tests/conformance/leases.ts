// What every Leases promises (A5): each change is a compare-and-set of a counter that never goes back.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ShardId } from '../../src/domain/ids.ts';
import type { Lease, Leases } from '../../src/switch/ports.ts';

export interface LeaseStand {
  /** Opens the leases of one more node. */
  open(): Promise<Leases>;
  close(): Promise<void>;
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7].map((shard) => shard as ShardId);
const ONE = 5 as ShardId;
const RACES = 50;

/** Runs the suite; every test has a stand of its own, where nobody holds anything yet. */
export function describeLeases(name: string, makeStand: () => Promise<LeaseStand>): void {
  describe(name, () => {
    let stand: LeaseStand;
    let here: Leases;
    let there: Leases;

    beforeEach(async () => {
      stand = await makeStand();
      here = await stand.open();
      there = await stand.open();
    });
    afterEach(async () => {
      await Promise.all([here.close(), there.close()]);
      await stand.close();
    });

    test('a lease that nobody ever held has counter 0 and no holder', async () => {
      expect(await here.read([ONE])).toEqual([{ shard: ONE, counter: 0, holder: null }]);
    });

    test('is taken by who has seen its counter, and seen by others', async () => {
      const seen = await here.read(ALL);
      const taken = await here.take(seen, 'here');
      expect(byShard(taken)).toEqual(ALL.map((shard) => ({ shard, counter: 1, holder: 'here' })));
      expect(await there.read([ONE])).toEqual([{ shard: ONE, counter: 1, holder: 'here' }]);
    });

    test('is not taken by who has seen an older counter', async () => {
      const seen = await there.read([ONE]);
      const taken = await here.take(seen, 'here');
      expect(await there.take(seen, 'there')).toEqual([]);
      await here.renew(taken);
      expect(await there.take(taken, 'there')).toEqual([]);
      expect(await there.read([ONE])).toEqual([{ shard: ONE, counter: 2, holder: 'here' }]);
    });

    test('is not taken by a counter that it never had', async () => {
      expect(await here.take([{ shard: ONE, counter: 7, holder: null }], 'here')).toEqual([]);
      expect(await here.read([ONE])).toEqual([{ shard: ONE, counter: 0, holder: null }]);
    });

    test('counts up with every renewal by its holder', async () => {
      let held = await here.take(await here.read(ALL), 'here');
      for (let counter = 2; counter <= 4; counter++) {
        held = await here.renew(held);
        expect(byShard(held)).toEqual(ALL.map((shard) => ({ shard, counter, holder: 'here' })));
      }
    });

    test('is not renewed by who has lost it, while the others are', async () => {
      const held = byShard(await here.take(await here.read(ALL), 'here'));
      await there.take([held[2] as Lease], 'there');
      const renewed = byShard(await here.renew(held));
      expect(renewed.map((lease) => lease.shard)).toEqual(ALL.filter((shard) => shard !== 2));
      expect(await here.read([2 as ShardId])).toEqual([{ shard: 2, counter: 2, holder: 'there' }]);
    });

    test('is not renewed in another’s name, even by the right counter', async () => {
      const [lease] = await here.take(await here.read([ONE]), 'here');
      expect(await there.renew([{ ...(lease as Lease), holder: 'there' }])).toEqual([]);
      expect(await there.renew([{ ...(lease as Lease), holder: null }])).toEqual([]);
    });

    test('once released has no holder, keeps its counter, and can be taken at once', async () => {
      const held = await here.take(await here.read([ONE]), 'here');
      await here.release(held);
      const released = await there.read([ONE]);
      expect(released).toEqual([{ shard: ONE, counter: 1, holder: null }]);
      expect(await here.renew(held)).toEqual([]);
      expect(await there.take(released, 'there')).toEqual([
        { shard: ONE, counter: 2, holder: 'there' },
      ]);
    });

    test('is not released by who has lost it', async () => {
      const held = await here.take(await here.read([ONE]), 'here');
      const taken = await there.take(held, 'there');
      await here.release(held);
      await here.release([{ ...(taken[0] as Lease), holder: 'here' }]);
      expect(await there.read([ONE])).toEqual(taken);
    });

    test('names its holder as it was given', async () => {
      const holder = 'node “7” {x}, \\ \'"\n 银行 🏦';
      await here.take(await here.read([ONE]), holder);
      const read = await there.read([ONE]);
      expect(read).toEqual([{ shard: ONE, counter: 1, holder }]);
      expect(await here.renew(read)).toHaveLength(1);
    });

    test('nothing is asked of nobody', async () => {
      expect(await here.read([])).toEqual([]);
      expect(await here.take([], 'here')).toEqual([]);
      expect(await here.renew([])).toEqual([]);
      await here.release([]);
    });

    test(`goes to exactly one of two who want it, ${RACES} times over`, async () => {
      for (let round = 1; round <= RACES; round++) {
        const seen = await here.read(ALL);
        // In opposite orders, so that the two meet in the middle.
        const [ours, theirs] = await Promise.all([
          here.take(seen, 'here'),
          there.take([...seen].reverse(), 'there'),
        ]);
        expect(byShard([...ours, ...theirs]).map((lease) => lease.shard)).toEqual(ALL);
        expect(await here.read(ALL)).toEqual(byShard([...ours, ...theirs]));
      }
    });

    test(`is either renewed or taken, never both, ${RACES} times over`, async () => {
      let held = await here.take(await here.read(ALL), 'here');
      for (let round = 1; round <= RACES; round++) {
        const [renewed, taken] = await Promise.all([
          here.renew(held),
          there.take([...held].reverse(), 'there'),
        ]);
        expect(byShard([...renewed, ...taken]).map((lease) => lease.shard)).toEqual(ALL);
        held = await here.take(await here.read(ALL), 'here');
      }
    });
  });
}

function byShard(leases: readonly Lease[]): Lease[] {
  return [...leases].sort((left, right) => left.shard - right.shard);
}

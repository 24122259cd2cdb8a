// Two nodes whose workers come to their leases at different times each get a part of the shards, again and again: who does
// not lead hands over, under load and in a storm, and one node has all of them in the end.

import { expect, test } from 'vitest';
import { Handover } from '../../src/switch/handover.ts';
import { patch } from './patch.ts';
import { type RunResult, run } from './run.ts';
import { LeaseStore } from './sim-leases.ts';

const LEAD = 0;
const GIVEN = { nodes: 2, shards: [LEAD, 1, 2] as never };
const SEEDS = 60;
/** So often the leader's lease is lost, each time after so many changes of it. */
const LOSSES = 3;
const LOST_AFTER = 8;

/**
 * A world in which each life gets half of the shards only when it tries again, the other node's life the other half; and
 * in which the leader's lease is kept from its holder until the other node has it.
 */
async function runDivided(seed: number): Promise<RunResult> {
  const { swap } = LeaseStore.prototype;
  const tried = new Set<string>();
  let changes = 0;
  let barred: string | null = null;
  const isLost = (shard: number, holder: string): boolean => {
    if (shard !== LEAD) return false;
    changes += 1;
    if (changes % LOST_AFTER === 0 && changes <= LOSSES * LOST_AFTER) barred = holder;
    return holder === barred;
  };
  const isForNow = (shard: number, holder: string): boolean => {
    const attempt = `${holder} ${shard}`;
    const isOfOther = (shard + (holder.startsWith('node-0') ? 0 : 1)) % 2 === 1;
    if (!isOfOther || tried.has(attempt)) return false;
    tried.add(attempt);
    return true;
  };
  LeaseStore.prototype.swap = function (seen, next) {
    const { shard, holder } = next;
    if (holder !== null) {
      if (isLost(shard, holder)) return [];
      if (holder !== this.at(shard).holder && isForNow(shard, holder)) return [];
    }
    return swap.call(this, seen, next);
  };
  try {
    return await run({ seed, given: GIVEN });
  } finally {
    LeaseStore.prototype.swap = swap;
  }
}

test('two nodes with a part of the shards each break no promise, and one has all in the end', async () => {
  const violations: string[] = [];
  let handedOver = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violation, counts } = await runDivided(seed);
    if (violation !== null) violations.push(`seed ${seed}: ${violation}`);
    handedOver += counts.get('report lease.handedOver') ?? 0;
  }
  expect(violations).toEqual([]);
  expect(handedOver).toBeGreaterThan(SEEDS);
});

test('who keeps them is found out', async () => {
  const takeOut = patch(Handover.prototype, 'leave', () => () => false);
  try {
    const results = [1, 2, 3].map((seed) => () => runDivided(seed));
    const violations: (string | null)[] = [];
    for (const result of results) violations.push((await result()).violation);
    expect(violations.join()).toContain('no node serves all shards');
  } finally {
    takeOut();
  }
});

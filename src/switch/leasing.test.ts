import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../tests/support/manual-clock.ts';
import type { ShardId } from '../domain/ids.ts';
import { LEASE_MS, Leasing, RENEW_MS, TAKE_OVER_MS } from './leasing.ts';
import type { Lease, Leases } from './ports.ts';

const SHARD = 0 as ShardId;

/** The store of one lease; the answer of a call can be lost after it was done. */
class OneLease implements Leases {
  lease: Lease = { shard: SHARD, counter: 0, holder: null };
  losesAnswers = false;
  isAway = false;

  read(): Promise<Lease[]> {
    return this.#answer([this.lease]);
  }

  take([seen]: readonly Lease[], holder: string): Promise<Lease[]> {
    if (seen?.counter !== this.lease.counter) return this.#answer([]);
    this.lease = { shard: SHARD, counter: seen.counter + 1, holder };
    return this.#answer([this.lease]);
  }

  renew([held]: readonly Lease[]): Promise<Lease[]> {
    if (this.isAway) return Promise.reject(new Error('away'));
    const { counter, holder } = this.lease;
    if (held?.counter !== counter || held.holder !== holder) return this.#answer([]);
    this.lease = { shard: SHARD, counter: counter + 1, holder };
    return this.#answer([this.lease]);
  }

  release(): Promise<void> {
    this.lease = { ...this.lease, holder: null };
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #answer(leases: Lease[]): Promise<Lease[]> {
    if (this.isAway || this.losesAnswers) return Promise.reject(new Error('no answer'));
    return Promise.resolve(leases);
  }
}

function stand(
  leases: OneLease,
  clock: ManualClock,
  holder: string,
  { gone = [], taken = () => undefined }: { gone?: readonly string[]; taken?: () => void } = {},
) {
  const heard: string[] = [];
  const said: string[] = [];
  const leasing = new Leasing({
    leases,
    clock,
    holder,
    reporter: { report: (_level, what) => said.push(what) },
    isGone: (name) => gone.includes(name),
    shards: [SHARD],
    listener: {
      taken: () => {
        taken();
        heard.push('taken');
      },
      lost: () => heard.push('lost'),
    },
  });
  return { leasing, heard, said };
}

describe('leasing', () => {
  test('takes a lease that nobody holds, and keeps it', async () => {
    const [leases, clock] = [new OneLease(), new ManualClock()];
    const { leasing, heard } = stand(leases, clock, 'a');
    leasing.start();
    await clock.pass(10 * RENEW_MS);
    expect(heard).toEqual(['taken']);
    expect(leasing.isRunning(SHARD)).toBe(true);
  });

  test('waits until a holder’s counter has stood still, because it may be alive (E2)', async () => {
    const [leases, clock] = [new OneLease(), new ManualClock()];
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
    const [leases, clock] = [new OneLease(), new ManualClock()];
    leases.lease = { shard: SHARD, counter: 7, holder: 'other' };
    const { leasing, heard, said } = stand(leases, clock, 'a', { gone: ['other'] });
    leasing.start();
    await clock.pass(1);
    expect(heard).toEqual(['taken']);
    expect(said).toEqual(['lease.holderGone']);
  });

  test('answers no more once the lease has run out, whether or not another has it (E1)', async () => {
    const [leases, clock] = [new OneLease(), new ManualClock()];
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
    const [leases, clock] = [new OneLease(), new ManualClock()];
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
    const [leases, clock] = [new OneLease(), new ManualClock()];
    const { leasing, heard } = stand(leases, clock, 'a');
    leasing.start();
    await clock.pass(1);
    leases.lease = { shard: SHARD, counter: 20, holder: 'other' };
    await clock.pass(RENEW_MS);
    expect(heard).toEqual(['taken', 'lost']);
    expect(leasing.isRunning(SHARD)).toBe(false);
  });

  test('gives up what it holds', async () => {
    const [leases, clock] = [new OneLease(), new ManualClock()];
    const { leasing } = stand(leases, clock, 'a');
    leasing.start();
    await clock.pass(1);
    await leasing.release();
    expect(leases.lease.holder).toBeNull();
    expect(leasing.isRunning(SHARD)).toBe(false);
  });

  test('does not take its own mistakes for a store out of reach: it ends by them, and tells of them', async () => {
    const taken = (): void => {
      throw new TypeError('of undefined');
    };
    const { leasing, said } = stand(new OneLease(), new ManualClock(), 'a', { taken });
    leasing.start();
    await expect(leasing.release()).rejects.toThrow(TypeError);
    expect(said).toEqual(['lease.defect']);
  });
});

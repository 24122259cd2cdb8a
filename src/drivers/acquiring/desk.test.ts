// Whoever makes the calls has begun anew: what it takes up, and when, on a clock that a test moves.

import { describe, expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import type { BillId, PaychannelId } from '../../domain/ids.ts';
import type { BillDriver } from '../contract/bill-driver.ts';
import { AcquirerDesk } from './desk.ts';

const PER_SECOND = 20;
const idOf = (no: number): BillId => `${String(no).padStart(24, '0')}00` as BillId;

/** A desk in front of shards that say that nothing is due for a minute, but keep who was asked about, and when. */
function deskWith(open: () => Promise<readonly BillId[]>) {
  const clock = new ManualClock();
  const begunAt = clock.wall();
  const visits: { bill: string; atMs: number }[] = [];
  const told: string[] = [];
  const limits: number[] = [];
  let workerStarts: () => void = () => {};
  let wakes: (recipient: string, billId: BillId) => void = () => {};
  const driver = { close: async () => undefined } as unknown as BillDriver;
  const desk = new AcquirerDesk({
    door: {
      shards: 4,
      send: ({ operation }, onReply) => {
        const { billId } = operation as { billId: string };
        visits.push({ bill: billId, atMs: clock.wall() - begunAt });
        const standing = { no: 1, step: null, visitAt: clock.wall() + 60_000 };
        onReply(200, Buffer.from(JSON.stringify(standing)));
      },
      ask: async () => [{ answer: 'done' }],
      onAcquiring: (listener) => {
        wakes = listener as typeof wakes;
      },
      onWorkerStart: (listener) => {
        workerStarts = listener;
      },
    },
    served: [
      {
        at: { name: 'bank', paychannelId: 'acq_bank' as PaychannelId },
        driver,
        notificationToken: null,
        callsPerSecond: PER_SECOND,
        callsAtOnce: 8,
      },
    ],
    clock,
    newRequestId: () => 'r',
    openBills: (_acquirer, limit) => {
      limits.push(limit);
      return open();
    },
    called: () => undefined,
    info: (what, fields) => told.push(`${what} ${JSON.stringify(fields)}`),
    warn: (what) => told.push(what),
  });
  onTestFinished(() => desk.stop());
  desk.start();
  return {
    visits,
    told,
    limits,
    workerStarts: () => workerStarts(),
    wakes: (billId: BillId) => wakes('paychannel:acq_bank', billId),
    pass: (ms: number) => clock.pass(ms),
  };
}

describe('whoever makes the calls to an acquirer, when it begins anew', () => {
  test('takes up the open bills, the youngest first, at half of its pace', async () => {
    const open = Array.from({ length: 30 }, (_, i) => idOf(30 - i));
    const { visits, told, limits, workerStarts, pass } = deskWith(async () => open);
    workerStarts();
    await pass(600);
    expect(visits.map(({ bill }) => bill).slice(0, 1)).toEqual([idOf(30)]);
    await pass(4_000);

    expect(visits.map(({ bill }) => bill)).toEqual(open);
    const gaps = visits.slice(1).map(({ atMs }, i) => atMs - (visits[i]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBe((2 * 1_000) / PER_SECOND);
    expect(told).toEqual(['acquirer.resumed {"acquirer":"bank","bills":30}']);
    // As many as it can look at before the shards have woken all of them.
    expect(limits).toEqual([6_000]);
  });

  test('visits a bill that is made meanwhile before those that it has taken up', async () => {
    const open = Array.from({ length: 100 }, (_, i) => idOf(100 - i));
    const { visits, workerStarts, wakes, pass } = deskWith(async () => open);
    workerStarts();
    await pass(1_000);
    const fresh = idOf(101);
    wakes(fresh);
    await pass(100);

    expect(visits.map(({ bill }) => bill)).toContain(fresh);
    expect(visits.length).toBeLessThan(10);
  });

  test('asks once though shards begin one after the other, and visits nobody twice', async () => {
    const { visits, limits, workerStarts, wakes, pass } = deskWith(async () => [idOf(2), idOf(1)]);
    for (let i = 0; i < 4; i++) {
      workerStarts();
      await pass(100);
    }
    wakes(idOf(1));
    await pass(2_000);

    expect(limits).toHaveLength(1);
    expect(visits.map(({ bill }) => bill)).toEqual([idOf(1), idOf(2)]);
  });

  test('asks again where history cannot be read', async () => {
    let isAway = true;
    const { visits, told, workerStarts, pass } = deskWith(async () => {
      if (isAway) throw new Error('away');
      return [idOf(7)];
    });
    workerStarts();
    await pass(1_000);
    expect(told).toEqual(['acquirer.notResumed']);
    isAway = false;
    await pass(1_600);

    expect(visits.map(({ bill }) => bill)).toEqual([idOf(7)]);
  });
});

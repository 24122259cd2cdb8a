// Whoever makes the calls has begun anew: what it takes up, and when, on a clock that a test moves.

import { describe, expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import type { Step } from '../../domain/acquiring/acquired-bill.ts';
import type { BillId, PaychannelId } from '../../domain/ids.ts';
import { HOUR_MS, millis } from '../../domain/time.ts';
import type { AcquiringNotice } from '../../switch/acquirers.ts';
import {
  type BillDriver,
  done,
  notDone,
  type Registration,
  type Tender,
  unknown,
  unsent,
} from '../contract/bill-driver.ts';
import { AcquirerDesk } from './desk.ts';

const PER_SECOND = 20;
const idOf = (no: number): BillId => `${String(no).padStart(24, '0')}00` as BillId;

const REGISTRATION = { id: 'a-1', ref: 'r', payload: 'p', notes: {} } as unknown as Registration;

interface Answering {
  readonly clock: ManualClock;
  readonly driver: Partial<BillDriver>;
  /** The call that a shard says is due. */
  readonly step: (billId: BillId) => Step | undefined;
  /** When a shard wants the bill to be visited again. */
  readonly restMs: number;
  /** What a shard answers with. */
  readonly status: () => number;
  /** The store of references. */
  readonly claimRef: (acquirer: string, ref: string, billId: BillId) => Promise<BillId>;
  /** Its driver has not been opened when the desk begins. */
  readonly isLate: boolean;
}

/** A desk in front of shards that say that nothing is due for a minute, but keep who was asked about, and when. */
function deskWith(open: () => Promise<readonly BillId[]>, answering: Partial<Answering> = {}) {
  const clock = answering.clock ?? new ManualClock();
  const begunAt = clock.wall();
  const visits: { bill: string; atMs: number }[] = [];
  const told: string[] = [];
  const finished: object[] = [];
  const awaited = new Set<BillId>();
  const limits: number[] = [];
  let workerStarts: () => void = () => {};
  let hears: (notice: AcquiringNotice) => void = () => {};
  const driver = { ...answering.driver, close: async () => undefined } as unknown as BillDriver;
  const served = {
    at: { name: 'bank', paychannelId: 'acq_bank' as PaychannelId },
    driver,
    notificationToken: 'token',
    callsPerSecond: PER_SECOND,
    callsAtOnce: 8,
  };
  const desk = new AcquirerDesk({
    door: {
      shards: 4,
      send: ({ operation }, onReply) => {
        const { billId, op } = operation as { billId: BillId; op: string };
        if (op === 'acquiring.begin') visits.push({ bill: billId, atMs: clock.wall() - begunAt });
        if (op === 'acquiring.finish') finished.push(operation);
        const step = (op === 'acquiring.begin' && answering.step?.(billId)) || null;
        const visitAt = clock.wall() + (answering.restMs ?? 60_000);
        if (step !== null && step.call !== 'look') awaited.add(billId);
        const standing = { no: 1, step, visitAt, isAwaited: awaited.has(billId) };
        onReply(answering.status?.() ?? 200, Buffer.from(JSON.stringify(standing)));
      },
      ask: async () => [{ answer: 'done' }],
      onAcquiring: (listener) => {
        hears = listener;
      },
      onWorkerStart: (listener) => {
        workerStarts = listener;
      },
    },
    clock,
    newRequestId: () => 'r',
    openBills: (_acquirer, limit) => {
      limits.push(limit);
      return open();
    },
    claimRef: answering.claimRef ?? (async (_acquirer, _ref, billId) => billId),
    called: () => undefined,
    info: (what, fields) => told.push(`${what} ${JSON.stringify(fields)}`),
    warn: (what) => told.push(what),
    error: (what) => told.push(what),
  });
  if (!answering.isLate) desk.serve(served);
  onTestFinished(() => desk.stop());
  desk.start();
  return {
    visits,
    finished,
    told,
    limits,
    workerStarts: () => workerStarts(),
    serves: () => desk.serve(served),
    wakes: (billId: BillId, isAwaited = false) =>
      hears({ recipient: 'paychannel:acq_bank', billId, isAwaited }),
    notified: (body: string) => desk.notified('token', { headers: {}, body }),
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

  test('takes them up as well where its driver could be opened only later', async () => {
    const { visits, workerStarts, wakes, serves, pass } = deskWith(async () => [idOf(7)], {
      isLate: true,
    });
    workerStarts();
    wakes(idOf(7));
    await pass(10_000);
    expect(visits).toEqual([]);
    serves();
    await pass(1_000);
    wakes(idOf(8));
    await pass(1_000);

    expect(visits.map(({ bill }) => bill)).toEqual([idOf(7), idOf(8)]);
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

describe('a call to an acquirer', () => {
  test('is told when it was asked for: whoever slept since must not send it any more', async () => {
    const clock = new ManualClock();
    const attempts: unknown[] = [];
    const lastSentAt = millis(clock.wall() - 1_000);
    const { wakes, pass } = deskWith(async () => [], {
      clock,
      // Its log has it, and then the process stands still for a while.
      step: () => {
        clock.advance(40_000);
        return { call: 'cancel', registration: REGISTRATION, attempt: { lastSentAt } };
      },
      driver: {
        cancel: async (_, attempt) => {
          attempts.push(attempt);
          return notDone('busy', 'later', { afterMs: 1_000 });
        },
      },
    });
    const begunAt = clock.wall();
    wakes(idOf(1));
    await pass(1_000);

    expect(attempts).toEqual([{ lastSentAt, begunAt }]);
  });
});

describe('a registration', () => {
  const tender = { id: 'a-1', amount: 100, currency: 'RUB' } as Tender;
  const registered = { ...tender, ref: 'r', payload: 'p', notes: {} } as unknown as Registration;

  test.each([
    ['what it was asked for', {}, 'done', []],
    ['another id', { id: 'a-2' }, 'unknown', ['acquirer.doubted']],
    ['another amount', { amount: 1 }, 'unknown', ['acquirer.doubted']],
    ['another currency', { currency: 'USD' }, 'unknown', ['acquirer.doubted']],
    ['a text for no code', { payload: 'ж'.repeat(1_500) }, 'unknown', ['acquirer.doubted']],
  ])(
    'is believed where it is what was asked for, and its code can be drawn: %s',
    async (_what, change, outcome, expected) => {
      const { finished, told, wakes, pass } = deskWith(async () => [], {
        step: () => ({ call: 'register', tender, attempt: { lastSentAt: null } }),
        driver: {
          register: async () => done({ ...registered, ...change } as Registration),
        },
      });
      wakes(idOf(1));
      await pass(1_000);

      expect(finished[0]).toMatchObject({ outcome: { outcome } });
      expect(told.slice(0, 1)).toEqual(expected);
    },
  );
});

describe('a reference of an acquirer that another bill has', () => {
  const registered = (billId: BillId) => ({ id: billId, amount: 100, currency: 'RUB', ref: 'r' });
  const registering = {
    step: (billId: BillId) =>
      ({
        call: 'register',
        tender: { id: billId, amount: 100, currency: 'RUB' } as unknown as Tender,
        attempt: { lastSentAt: null },
      }) as const,
    driver: {
      register: async ({ id }: Tender) =>
        done({ ...registered(id as BillId), payload: 'p', notes: {} } as unknown as Registration),
    },
  };
  const outcomes = (finished: readonly object[]) =>
    (finished as { billId: BillId; outcome: { outcome: string } }[]).map(
      ({ billId, outcome }) => `${billId} ${outcome.outcome}`,
    );

  test('is told, and its bill is given no code, however often it is asked for', async () => {
    const { finished, told, wakes, pass } = deskWith(async () => [], {
      ...registering,
      claimRef: async () => idOf(1),
    });
    for (const no of [1, 2, 2, 1]) {
      wakes(idOf(no));
      await pass(1_000);
    }

    expect(outcomes(finished)).toEqual([
      `${idOf(1)} done`,
      `${idOf(2)} unknown`,
      `${idOf(2)} unknown`,
      `${idOf(1)} done`,
    ]);
    expect(told).toEqual(['acquirer.doubted', 'acquirer.doubted']);
  });

  test('is known while nobody can ask the store, and codes are given all the same', async () => {
    const { finished, told, wakes, pass } = deskWith(async () => [], {
      ...registering,
      claimRef: () => Promise.reject(new Error('Postgres is away')),
    });
    for (const no of [1, 2]) {
      wakes(idOf(no));
      await pass(1_000);
    }

    expect(outcomes(finished)).toEqual([`${idOf(1)} done`, `${idOf(2)} unknown`]);
    expect(told).toEqual(['acquirer.refUnclaimed', 'acquirer.doubted']);
  });
});

describe('a driver that wants a bill left alone for ever', () => {
  const FOREVER = { afterMs: Number.MAX_SAFE_INTEGER };
  const tender = { id: 'a-1' } as unknown as Tender;
  const attempt = { lastSentAt: null };
  const [look, register] = [
    { call: 'look', registration: REGISTRATION },
    { call: 'register', tender, attempt },
  ] as const;

  test.each([
    ['a look', look, unknown('no', FOREVER.afterMs)],
    ['a busy register', register, notDone('busy', 'no', FOREVER)],
  ] as const)('is asked again after a day: %s', async (_what, step, outcome) => {
    const { visits, wakes, pass } = deskWith(async () => [], {
      step: () => step,
      driver: { look: async () => outcome, register: async () => outcome },
    });
    wakes(idOf(1));
    await pass(23 * HOUR_MS);
    expect(visits).toHaveLength(1);
    await pass(2 * HOUR_MS);

    expect(visits.length).toBeGreaterThan(1);
  });

  test('slows all looks down where it is too busy to say what has become of a call', async () => {
    const busy = unsent('busy', 'HTTP 429', 30_000);
    const { visits, wakes, pass } = deskWith(async () => [], {
      step: (billId) => (billId === idOf(1) ? register : undefined),
      driver: { register: async () => busy },
    });
    wakes(idOf(1));
    await pass(100);
    wakes(idOf(2));
    await pass(29_000);
    expect(visits).toHaveLength(1);
    await pass(2_000);

    expect(visits.map(({ bill }) => bill)).toContain(idOf(2));
  });

  test('has its shard told so', async () => {
    const { finished, wakes, pass } = deskWith(async () => [], {
      step: () => register,
      driver: { register: async () => notDone('unauthorised', 'no', FOREVER) },
    });
    wakes(idOf(1));
    await pass(1_000);

    expect(finished).toMatchObject([{ outcome: { again: { afterMs: 24 * HOUR_MS } } }]);
  });
});

describe('notifications', () => {
  test('are to be sent again where the driver breaks over them, and that is told', async () => {
    const { notified, told } = deskWith(async () => [], {
      driver: { readNotification: () => Promise.reject(new TypeError('planted')) },
    });
    expect(await notified('x')).toMatchObject({ status: 503 });
    expect(told).toContain('acquirer.defect');
  });

  test('are to be sent again where more of them wait than are looked into', async () => {
    const reply = { status: 200, headers: {}, body: 'OK' };
    const { notified, pass } = deskWith(async () => [], {
      driver: { readNotification: async ({ body }) => ({ about: { id: body, ref: '' }, reply }) },
    });
    const statusOf = async (no: number) => (await notified(`${idOf(no)}-1`))?.status;
    for (let no = 0; no < 10_100; no++) await statusOf(no);

    expect(await statusOf(10_100)).toBe(503);
    // It waits already.
    expect(await statusOf(10_000)).toBe(200);
    await pass(10_000);
    expect(await statusOf(10_100)).toBe(200);
  });
});

describe('a bill of which its shard knows nothing any more', () => {
  test('leaves nothing behind of the tries before', async () => {
    let status = 503;
    const { visits, wakes, pass } = deskWith(async () => [], { status: () => status });
    wakes(idOf(1));
    await pass(10_000);
    status = 404;
    await pass(60_000);
    status = 503;
    const before = visits.length;
    wakes(idOf(1));
    await pass(1_500);

    // At once, and after the second that follows a first failure.
    expect(visits.length - before).toBe(2);
  });
});

describe('a bill that somebody waits for', () => {
  test('is called for before looks that have long been due, and so is what it waits for next', async () => {
    const [fresh, looked] = [idOf(1), Array.from({ length: 200 }, (_, i) => idOf(2 + i))];
    const tender = { id: 'a-1' } as unknown as Tender;
    const { visits, wakes, pass } = deskWith(async () => [], {
      step: (billId) =>
        billId === fresh
          ? { call: 'register', tender, attempt: { lastSentAt: null } }
          : { call: 'look', registration: REGISTRATION },
      driver: {
        look: async () => unknown('slow today', 1_000),
        register: async () => unknown('no answer', 1_000),
      },
      restMs: 1_000,
    });
    for (const billId of looked) wakes(billId);
    await pass(1_000);
    const before = visits.length;
    wakes(fresh, true);
    await pass(4_000);

    const its = visits.slice(before).flatMap(({ bill, atMs }) => (bill === fresh ? [atMs] : []));
    expect(its[0]).toBeLessThan(1_100);
    expect(its.length).toBeGreaterThan(2);
  });
});

describe('a bill that cannot be seen', () => {
  const looksIn = async (hours: number, restMs: number): Promise<number> => {
    let looks = 0;
    const { wakes, pass } = deskWith(async () => [], {
      restMs,
      step: () => ({ call: 'look', registration: REGISTRATION }),
      driver: {
        look: async () => {
          looks += 1;
          return unknown('the bank says PARTIAL_REFUNDED', 60_000);
        },
      },
    });
    wakes(idOf(1));
    await pass(hours * HOUR_MS);
    return looks;
  };

  test('is left to its shard where nothing is urgent: it was paid, and is looked at for a month', async () => {
    expect(await looksIn(24, HOUR_MS)).toBeLessThan(12);
  });

  test('is looked at every five minutes while it may be paid', async () => {
    expect(await looksIn(24, 10_000)).toBeGreaterThan(280);
  });
});

import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { DAY_MS, type Millis, NEVER } from '../../domain/time.ts';
import { Rounds, type Visited } from './rounds.ts';

interface Stage {
  readonly clock: ManualClock;
  readonly rounds: Rounds;
  readonly visits: { billId: string; at: number }[];
  readonly defects: string[];
  answer: (billId: string) => Visited | Promise<Visited>;
}

function stage(pace: { perSecond: number; atOnceMax: number }): Stage {
  const clock = new ManualClock(0);
  const visits: Stage['visits'] = [];
  const defects: string[] = [];
  const rounds = new Rounds({
    clock,
    ...pace,
    visit: async (billId) => {
      visits.push({ billId, at: clock.wall() });
      return made.answer(billId);
    },
    defect: (billId, error) => defects.push(`${billId}: ${String(error)}`),
  });
  const made: Stage = { clock, rounds, visits, defects, answer: () => ({ dueAt: NEVER }) };
  return made;
}

const at = (ms: number) => ms as Millis;

describe('rounds', () => {
  test('let so many through a second, earliest due first, and all of five thousand in their time', async () => {
    const { clock, rounds, visits } = stage({ perSecond: 100, atOnceMax: 1_000 });
    for (let i = 0; i < 5_000; i++) rounds.plan(`b${i}`, at(5_000 - i));

    // The first were due last: what was due while they stood in the queue goes before the others.
    await clock.pass(60_000);

    expect(visits).toHaveLength(5_000);
    for (let second = 1; second < 45; second++) {
      const within = visits.filter(
        (visit) => visit.at >= second * 1_000 && visit.at < (second + 1) * 1_000,
      );
      expect(within.length).toBeLessThanOrEqual(200);
    }
    expect((visits.at(-1)?.at ?? 0) / 1_000).toBeGreaterThan(48);
    expect(rounds.size).toBe(0);
  });

  test('have no more than so many out at once', async () => {
    const made = stage({ perSecond: 1_000, atOnceMax: 3 });
    const waiting: (() => void)[] = [];
    made.answer = () =>
      new Promise((resolve) => {
        waiting.push(() => resolve({ dueAt: NEVER }));
      });
    for (let i = 0; i < 10; i++) made.rounds.plan(`b${i}`, at(0));
    await made.clock.pass(1_000);
    expect(made.visits).toHaveLength(3);

    waiting.shift()?.();
    await made.clock.pass(1_000);
    expect(made.visits).toHaveLength(4);
  });

  test('visit at once what somebody wakes, before what has long been due', async () => {
    const { clock, rounds, visits } = stage({ perSecond: 10, atOnceMax: 1 });
    for (let i = 0; i < 50; i++) rounds.plan(`b${i}`, at(0));
    rounds.plan('late', at(1e9));
    await clock.pass(1_000);
    const before = visits.length;

    rounds.wake('late');
    await clock.pass(200);

    expect(visits[before]?.billId).toBe('late');
  });

  test('visit what is woken in the order in which it was, however much of it there is', async () => {
    const { clock, rounds, visits } = stage({ perSecond: 10, atOnceMax: 1 });
    const woken = Array.from({ length: 40 }, (_, i) => `b${i}`);
    for (const billId of woken) rounds.plan(billId, at(1e9));
    for (const billId of woken) rounds.wake(billId);
    await clock.pass(10_000);

    expect(visits.map(({ billId }) => billId)).toEqual(woken);
  });

  test('keep half of the pace for what is due, however much is woken', async () => {
    const { clock, rounds, visits } = stage({ perSecond: 10, atOnceMax: 2 });
    for (let i = 0; i < 40; i++) rounds.plan(`b${i}`, at(0));
    // Somebody posts the notifications of five bills again and again.
    for (let ms = 0; ms < 10_000; ms += 50) {
      for (let i = 0; i < 5; i++) rounds.wake(`w${i}`);
      await clock.pass(50);
    }

    const due = visits.filter(({ billId }) => billId.startsWith('b'));
    expect(due).toHaveLength(40);
    expect(visits.length - due.length).toBeGreaterThan(40);
    expect(rounds.size).toBeLessThanOrEqual(5);
  });

  test('visit at once what somebody waits for, at three bills a second that live for twenty minutes', async () => {
    const made = stage({ perSecond: 20, atOnceMax: 8 });
    const [bornAt, visitedAt] = [new Map<string, number>(), new Map<string, number>()];
    made.answer = (billId) => {
      const now = made.clock.wall();
      if (!visitedAt.has(billId)) visitedAt.set(billId, now);
      const ageMs = now - (bornAt.get(billId) ?? 0);
      if (ageMs > 1_200_000) return { dueAt: NEVER };
      return {
        dueAt: at(now + Math.min(Math.max(ageMs / 12, 3_000), 300_000)),
        isAwaited: false,
      };
    };
    for (let second = 0; second < 1_200; second++) {
      for (let i = 0; i < 3; i++) {
        const billId = `b${3 * second + i}`;
        bornAt.set(billId, made.clock.wall());
        made.rounds.hasten(billId, true);
      }
      await made.clock.pass(1_000);
    }

    const waits = [...visitedAt].map(([billId, ms]) => ms - (bornAt.get(billId) ?? 0));
    expect(waits.length).toBeGreaterThan(3_590);
    expect(Math.max(...waits)).toBeLessThan(1_000);
  });

  test('keep half of the pace for looks, however much is waited for', async () => {
    const { clock, rounds, visits } = stage({ perSecond: 10, atOnceMax: 1 });
    for (let i = 0; i < 100; i++) rounds.hasten(`awaited${i}`, true);
    for (let i = 0; i < 20; i++) rounds.plan(`due${i}`, at(0));
    for (let i = 0; i < 20; i++) rounds.wake(`woken${i}`);
    await clock.pass(8_200);

    const of = (kind: string) => visits.filter(({ billId }) => billId.startsWith(kind)).length;
    expect(of('due')).toBe(20);
    expect(of('woken')).toBe(20);
    expect(of('awaited')).toBeGreaterThan(40);
  });

  test('never put off what they are to hasten, nor what somebody wakes', async () => {
    const { clock, rounds, visits } = stage({ perSecond: 10, atOnceMax: 1 });
    const ids = Array.from({ length: 40 }, (_, i) => `b${i}`);
    ids.forEach((billId, i) => {
      rounds.plan(billId, at(i - 100));
    });
    for (let ms = 0; ms < 8_000; ms += 50) {
      for (let i = 0; i < 10; i++) rounds.wake(`w${i}`);
      for (const billId of ['b15', 'b25']) if (rounds.has(billId)) rounds.hasten(billId, false);
      if (rounds.has('b20')) rounds.wake('b20');
      await clock.pass(50);
    }

    const due = visits.map(({ billId }) => billId).filter((billId) => !billId.startsWith('w'));
    const order = ['b15', 'b20', 'b25'].map((billId) => due.indexOf(billId));
    expect(due).toHaveLength(40);
    expect(order[0]).toBeLessThanOrEqual(16);
    expect(order[1]).toBeLessThanOrEqual(20);
    expect(order[2]).toBeLessThanOrEqual(25);
  });

  test('go on with what somebody waits for before looks, and not with what nobody waits for any more', async () => {
    const made = stage({ perSecond: 10, atOnceMax: 1 });
    for (let i = 0; i < 100; i++) made.rounds.plan(`b${i}`, at(0));
    let visits = 0;
    made.answer = (billId) => {
      if (billId !== 'awaited') return { dueAt: NEVER };
      visits += 1;
      // The second time its shard is away, and nobody knows more than before.
      if (visits === 2) return { dueAt: at(made.clock.wall()) };
      return { dueAt: at(made.clock.wall()), isAwaited: visits < 3 };
    };
    made.rounds.hasten('awaited', true);
    await made.clock.pass(5_000);

    expect(made.visits.flatMap(({ billId }, i) => (billId === 'awaited' ? [i] : []))).toEqual([
      1, 3, 5,
    ]);
  });

  test('count a bill once that is due and woken', async () => {
    const { clock, rounds, visits } = stage({ perSecond: 10, atOnceMax: 1 });
    rounds.plan('a', at(0));
    rounds.plan('b', at(1e6));
    await clock.pass(1);
    rounds.wake('b');
    expect(rounds.size).toBe(1);
    await clock.pass(2e6);

    expect(visits.map(({ billId }) => billId)).toEqual(['a', 'b']);
  });

  test('leave what is planned for never, though it was woken', async () => {
    const { clock, rounds, visits } = stage({ perSecond: 10, atOnceMax: 1 });
    rounds.plan('a', at(0));
    rounds.wake('b');
    rounds.plan('b', NEVER);
    expect(rounds.has('b')).toBe(false);
    await clock.pass(1_000);

    expect(visits.map(({ billId }) => billId)).toEqual(['a']);
  });

  test('visit again what is woken while it is out', async () => {
    const made = stage({ perSecond: 10, atOnceMax: 5 });
    let back: (visited: Visited) => void = () => {};
    made.answer = () =>
      new Promise((resolve) => {
        back = resolve;
      });
    made.rounds.plan('b', at(0));
    await made.clock.pass(1);
    made.rounds.wake('b');
    back({ dueAt: NEVER });
    await made.clock.pass(1_000);

    expect(made.visits).toHaveLength(2);
  });

  test('ask a busy acquirer half as often each time, and as often again once it answers', async () => {
    const made = stage({ perSecond: 10, atOnceMax: 1 });
    made.answer = () => ({ dueAt: at(made.clock.wall()), busyForMs: 5_000 });
    made.rounds.plan('b', at(0));
    await made.clock.pass(60_000);

    expect(made.visits.length).toBeLessThanOrEqual(13);
    expect(made.rounds.slowness).toBe(64);
    made.answer = () => ({ dueAt: at(made.clock.wall() + 1) });
    const before = made.visits.length;
    await made.clock.pass(600_000);
    expect(made.rounds.slowness).toBe(1);
    expect(made.visits.length - before).toBeGreaterThan(4_000);
  });

  test('set no timer for longer than a machine’s can be, and wait as long all the same', async () => {
    const clock = new ManualClock(0);
    const delays: number[] = [];
    const after = (delayMs: number, callback: () => void) => {
      delays.push(delayMs);
      return clock.after(delayMs, callback);
    };
    let visits = 0;
    const visit = async () => {
      visits += 1;
      return { dueAt: NEVER };
    };
    const wall = () => clock.wall();
    const pace = { perSecond: 10, atOnceMax: 1 };
    const defect = () => undefined;
    const rounds = new Rounds({ clock: { wall, after }, ...pace, visit, defect });
    rounds.plan('b', at(60 * DAY_MS));
    await clock.pass(60 * DAY_MS - 1);
    expect(visits).toBe(0);
    await clock.pass(1);

    expect(visits).toBe(1);
    expect(delays).toHaveLength(3);
    expect(Math.max(...delays)).toBeLessThan(2 ** 31);
  });

  test('tell of what has thrown, and come back to it after a minute, and not at all to what is planned for never', async () => {
    const made = stage({ perSecond: 10, atOnceMax: 1 });
    made.answer = () => Promise.reject(new Error('a defect'));
    made.rounds.plan('b', at(0));
    await made.clock.pass(59_000);
    expect(made.visits).toHaveLength(1);
    expect(made.defects).toEqual(['b: Error: a defect']);
    await made.clock.pass(2_000);
    expect(made.visits).toHaveLength(2);

    made.rounds.plan('b', NEVER);
    await made.clock.pass(600_000);
    expect(made.visits).toHaveLength(2);
    expect(made.clock.timers).toBe(0);
  });
});

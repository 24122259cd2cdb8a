import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { type Millis, NEVER } from '../../domain/time.ts';
import { DueHeap } from './due-heap.ts';
import { Rounds, type Visited } from './rounds.ts';

interface Stage {
  readonly clock: ManualClock;
  readonly rounds: Rounds;
  readonly visits: { billId: string; at: number }[];
  answer: (billId: string) => Visited | Promise<Visited>;
}

function stage(pace: { perSecond: number; atOnceMax: number }): Stage {
  const clock = new ManualClock(0);
  const visits: Stage['visits'] = [];
  const rounds = new Rounds({
    clock,
    ...pace,
    visit: async (billId) => {
      visits.push({ billId, at: clock.wall() });
      return made.answer(billId);
    },
  });
  const made: Stage = { clock, rounds, visits, answer: () => ({ dueAt: NEVER }) };
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

  test('come back after a minute to what has thrown, and not at all to what is forgotten', async () => {
    const made = stage({ perSecond: 10, atOnceMax: 1 });
    made.answer = () => Promise.reject(new Error('a defect'));
    made.rounds.plan('b', at(0));
    await made.clock.pass(59_000);
    expect(made.visits).toHaveLength(1);
    await made.clock.pass(2_000);
    expect(made.visits).toHaveLength(2);

    made.rounds.forget('b');
    await made.clock.pass(600_000);
    expect(made.visits).toHaveLength(2);
    expect(made.clock.timers).toBe(0);
  });
});

describe('a heap of what is due', () => {
  test('gives the earliest of what was put last, whatever was put, moved and removed', () => {
    const change = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: -1, max: 5 }));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
        const heap = new DueHeap();
        const plain = new Map<string, number>();
        for (const [bill, due] of changes) {
          const billId = `b${bill}`;
          plain.delete(billId);
          if (due < 0) heap.remove(billId);
          else {
            heap.put(billId, at(due));
            plain.set(billId, due);
          }
          const first = heap.first();
          expect(first?.dueAt).toBe(plain.size === 0 ? undefined : Math.min(...plain.values()));
          expect(heap.size).toBe(plain.size);
        }
      }),
      { numRuns: 200 },
    );
  });
});

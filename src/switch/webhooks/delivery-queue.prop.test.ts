import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Delivery, DeliveryQueue } from './delivery-queue.ts';
import { RETRY_WAITS_MS } from './schedule.ts';

const PARALLEL = 3;
const LIFE_MS = 1_000_000;

type Step =
  | { readonly type: 'offer'; readonly bill: number; readonly no: number }
  | { readonly type: 'settle'; readonly nth: number; readonly how: 'taken' | 'failed' | 'ended' }
  | { readonly type: 'drop'; readonly bill: number; readonly no: number }
  | { readonly type: 'pass'; readonly ms: number };

const bill = fc.nat({ max: 2 });
const no = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('offer'), bill, no }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('settle'),
      nth: fc.nat({ max: 5 }),
      how: fc.constantFrom('taken', 'failed', 'failed', 'ended'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('drop'), bill, no }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('pass'), ms: fc.constantFrom(1, 4_000, 40_000) }),
  },
);

interface Run {
  readonly queue: DeliveryQueue<string>;
  readonly underWay: Delivery<string>[];
  /** What was offered and neither settled nor dropped. */
  readonly waiting: Set<string>;
  now: number;
}

function begin(run: Run): void {
  for (;;) {
    const delivery = run.queue.take(run.now);
    if (delivery === undefined) return;
    run.underWay.push(delivery);
    // D3.
    expect(run.underWay.length).toBeLessThanOrEqual(
      run.queue.breaker.is === 'closed' ? PARALLEL : 1,
    );
    // D1.
    const ofBill = run.underWay.filter(({ billId }) => billId === delivery.billId);
    expect(ofBill).toHaveLength(1);
    for (const id of run.waiting) {
      const [billId, other] = id.split(':');
      if (billId === delivery.billId) expect(Number(other)).toBeGreaterThanOrEqual(delivery.no);
    }
  }
}

function play(run: Run, of: Step): void {
  if (of.type === 'pass') run.now += of.ms;
  else if (of.type === 'offer') {
    const id = `${of.bill}:${of.no}`;
    const delivery = { id, billId: String(of.bill), no: of.no, deadAt: LIFE_MS * 1e6, load: id };
    run.queue.offer(delivery, run.now);
    run.waiting.add(id);
  } else if (of.type === 'drop') {
    const id = `${of.bill}:${of.no}`;
    if (run.underWay.some((delivery) => delivery.id === id)) return;
    run.queue.drop(String(of.bill), id, run.now);
    run.waiting.delete(id);
  } else {
    settle(run, of.nth, of.how);
  }
}

function settle(run: Run, nth: number, how: 'taken' | 'failed' | 'ended'): void {
  const [delivery] = run.underWay.splice(nth % Math.max(1, run.underWay.length), 1);
  if (delivery === undefined) return;
  const settlement = how === 'failed' ? { is: how, retryAfterMs: 0 } : { is: how };
  run.queue.settle(delivery, settlement, run.now, 0.5);
  if (how !== 'failed') run.waiting.delete(delivery.id);
}

describe('the deliveries of an endpoint', () => {
  test('go in order within a bill, so many at once, and all of them in the end', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new DeliveryQueue<string>({ parallel: PARALLEL, pace: 1 });
        const run: Run = { queue, underWay: [], waiting: new Set(), now: 0 };
        for (const each of steps) {
          play(run, each);
          begin(run);
          expect(queue.size).toBe(run.waiting.size);
          expect(queue.underWay).toBe(run.underWay.length);
        }
        // From here on it takes whatever comes: it is told when to look, and nothing is left.
        for (let turns = 0; turns < 1_000 && run.waiting.size > 0; turns++) {
          while (run.underWay.length > 0) settle(run, 0, 'taken');
          run.now = Math.max(run.now, queue.nextAt() ?? run.now);
          begin(run);
        }
        expect(run.waiting.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});

function queueOf(count: number, deadAt = Infinity) {
  const queue = new DeliveryQueue<null>({ parallel: PARALLEL, pace: 1 });
  for (let i = 0; i < count; i++) {
    queue.offer({ id: `e${i}`, billId: `b${i}`, no: 1, deadAt, load: null }, 0);
  }
  return queue;
}

/** Fails whatever may begin, at the times that the queue itself names, until so many have failed. */
function failing(queue: DeliveryQueue<null>, count: number): { at: number[]; dead: number } {
  const at: number[] = [];
  let dead = 0;
  for (let now = 0; at.length < count; ) {
    const next = queue.take(now);
    if (next === undefined) {
      const nextAt = queue.nextAt();
      if (nextAt === null) break;
      now = Math.max(now, nextAt);
      continue;
    }
    at.push(now);
    if (queue.settle(next, { is: 'failed', retryAfterMs: 0 }, now, 0.5)) dead += 1;
  }
  return { at, dead };
}

describe('an endpoint that fails', () => {
  test('is tried by one bill as the schedule says, then left alone for longer and longer', () => {
    const { at } = failing(queueOf(1), 12);
    const waits = at.slice(1).map((time, i) => time - (at[i] ?? 0));
    expect(waits.slice(0, 9)).toEqual(RETRY_WAITS_MS.slice(0, 9));
  });

  test('is asked by one delivery at a time, after 30 s, a minute, two, up to ten', () => {
    const { at } = failing(queueOf(20), 18);
    expect(at.slice(0, 10)).toEqual(Array(10).fill(0));
    const waits = at.slice(10).map((time, i) => time - (at[i + 9] ?? 0));
    expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000, 600_000]);
  });

  test('has all that waits sent at once when it is back', () => {
    const queue = queueOf(20);
    const { at } = failing(queue, 12);
    const now = Math.max(at.at(-1) ?? 0, queue.nextAt() ?? 0);
    const probe = queue.take(now);
    if (probe === undefined) throw new Error('no probe');
    expect(queue.take(now)).toBeUndefined();
    queue.settle(probe, { is: 'taken' }, now, 0.5);
    let taken = 1;
    for (let next = queue.take(now); next !== undefined; next = queue.take(now)) {
      queue.settle(next, { is: 'taken' }, now, 0.5);
      taken += 1;
    }
    expect(taken).toBe(20);
  });

  test('has what was to wait for hours sent at once, too', () => {
    const queue = queueOf(1);
    const failedAt = failing(queue, 9).at.at(-1) ?? 0;
    queue.offer({ id: 'new', billId: 'new', no: 1, deadAt: Infinity, load: null }, failedAt);
    const fresh = queue.take(failedAt);
    if (fresh === undefined) throw new Error('nothing to take');
    queue.settle(fresh, { is: 'failed', retryAfterMs: 0 }, failedAt, 0.5);
    expect(queue.breaker.is).toBe('open');
    const now = queue.nextAt() ?? 0;
    expect(now).toBe(failedAt + 30_000);
    const probe = queue.take(now);
    if (probe === undefined) throw new Error('no probe');
    expect(probe.id).toBe('new');
    queue.settle(probe, { is: 'taken' }, now, 0.5);
    expect(queue.take(now)?.id).toBe('e0');
  });

  test('is given up at the end of a delivery’s life, after a last attempt then', () => {
    const deadAt = 1_000_000;
    const { at, dead } = failing(queueOf(1, deadAt), 100);
    expect(at.at(-1)).toBe(deadAt);
    expect(dead).toBe(1);
  });

  test('has what came to its end while it was left alone given up once it has been asked since', () => {
    const queue = queueOf(20, 29_000);
    failing(queue, 10);
    expect(queue.breaker.is).toBe('open');
    expect(queue.expire(35_000)).toEqual([]);
    failing(queue, 1);
    expect(queue.expire(35_000)).toHaveLength(19);
    expect(queue.size).toBe(0);
  });
});

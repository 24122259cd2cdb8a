// What one endpoint is to be sent, and when: in order within a bill, the bills side by side, so many at once.
//
//   D1. Of a bill, one delivery is under way at a time, and the next one waits until it was taken, given up or ended.
//   D2. A delivery that failed holds up its own bill alone.
//   D3. No more than `parallel` are under way; while the breaker is not closed, no more than one.
//   D4. Once the breaker closes, all that failed before is due at once.
//   D5. What has not been taken at its end (`deadAt`) is tried once more then, and given up if that fails. While the breaker
//       is not closed, the one delivery that asks whether the endpoint is back is that attempt for all.

import { type Timed, TimerHeap } from '../../actors/timer-heap.ts';
import { type Breaker, begun, CLOSED, failed, mayBegin, succeeded } from './breaker.ts';
import { retryWait } from './schedule.ts';
import type { Delivered } from './ways.ts';

/** One event on its way to one endpoint. */
export interface Delivery<Load> {
  readonly id: string;
  readonly billId: string;
  /** The event's number within its bill. */
  readonly no: number;
  readonly deadAt: number;
  /** What is sent. Somebody may bring the same event again: then it is what was brought last. */
  load: Load;
  attempts: number;
}

export type Settlement =
  | { readonly is: 'taken' }
  /** The receiver may ask not to be tried again before some time. */
  | { readonly is: 'failed'; readonly retryAfterMs: number }
  /** The receiver is there, and will never take it: it is given up at once. */
  | { readonly is: 'refused' }
  /** It needs no sending any more, and nothing was learnt of the endpoint. */
  | { readonly is: 'ended' };

/** An event that is never taken says nothing against the endpoint. */
export function settlementOf(outcome: Exclude<Delivered, { is: 'delivered' }>): Settlement {
  if (outcome.is === 'refused') return { is: 'refused' };
  return { is: 'failed', retryAfterMs: outcome.is === 'again' ? outcome.afterMs : 0 };
}

interface Lane<Load> extends Timed {
  readonly billId: string;
  /** By number. */
  readonly waiting: Delivery<Load>[];
  underWay: Delivery<Load> | null;
}

export class DeliveryQueue<Load> {
  readonly #parallel: number;
  readonly #pace: number;
  readonly #lanes = new Map<string, Lane<Load>>();
  /** Lanes with nothing under way, by when their first is due. */
  readonly #idle = new TimerHeap<Lane<Load>>();
  #underWay = 0;
  #size = 0;
  #breaker: Breaker = CLOSED;
  #failedAt = Number.NEGATIVE_INFINITY;

  /** `pace`: 1, or what all waits are multiplied by. */
  constructor(of: { readonly parallel: number; readonly pace: number }) {
    this.#parallel = of.parallel;
    this.#pace = of.pace;
  }

  /** Deliveries that wait or are under way. */
  get size(): number {
    return this.#size;
  }

  get underWay(): number {
    return this.#underWay;
  }

  get breaker(): Breaker {
    return this.#breaker;
  }

  /** Whether it waits or is under way. */
  has(billId: string, id: string): boolean {
    const lane = this.#lanes.get(billId);
    return lane !== undefined && find(lane, id) !== undefined;
  }

  /** Whether one of this bill and number, or after it, waits or is under way. */
  hasFrom(billId: string, no: number): boolean {
    const lane = this.#lanes.get(billId);
    if (lane === undefined) return false;
    return (lane.waiting.at(-1)?.no ?? 0) >= no || (lane.underWay?.no ?? 0) >= no;
  }

  /** Puts a delivery into its place; one that is known keeps its attempts, and takes the new load. */
  offer(of: Omit<Delivery<Load>, 'attempts'>, now: number): void {
    const lane = this.#laneOf(of.billId);
    const known = find(lane, of.id);
    if (known !== undefined) {
      known.load = of.load;
      return;
    }
    const at = insert(lane, { ...of, attempts: 0 });
    this.#size += 1;
    if (at === 0 && lane.underWay === null) this.#idle.set(lane, now);
  }

  /** The next delivery to begin now; undefined where none may. */
  take(now: number): Delivery<Load> | undefined {
    const lane = this.#idle.peek();
    if (lane === undefined || lane.dueAt > now || this.#underWay >= this.#parallel)
      return undefined;
    if (!mayBegin(this.#breaker, now, this.#underWay)) return undefined;
    const delivery = lane.waiting.shift();
    if (delivery === undefined) return undefined;
    this.#idle.remove(lane);
    lane.underWay = delivery;
    this.#underWay += 1;
    this.#breaker = begun(this.#breaker);
    return delivery;
  }

  /** What became of a delivery that was under way. Answers whether it was given up. `chance` is from 0 up to 1. */
  settle(delivery: Delivery<Load>, how: Settlement, now: number, chance: number): boolean {
    const lane = this.#lanes.get(delivery.billId);
    if (lane?.underWay !== delivery) return false;
    lane.underWay = null;
    this.#underWay -= 1;
    if (how.is === 'failed') return this.#fail(lane, delivery, how.retryAfterMs, now, chance);
    this.#size -= 1;
    if (how.is !== 'ended') this.#succeed(now);
    this.#goOn(lane, now);
    return how.is === 'refused';
  }

  /** Whether the first delivery of a bill has failed, so that all of the bill wait for its next attempt. */
  isHeldUp(billId: string): boolean {
    const lane = this.#lanes.get(billId);
    return ((lane?.underWay ?? lane?.waiting[0])?.attempts ?? 0) > 0;
  }

  /** What is to be sent of a bill, or of all. */
  loads(billId: string | null): Load[] {
    const lane = billId === null ? undefined : this.#lanes.get(billId);
    const lanes = billId === null ? [...this.#lanes.values()] : lane === undefined ? [] : [lane];
    return lanes.flatMap(({ underWay, waiting }) => {
      const loads = waiting.map(({ load }) => load);
      return underWay === null ? loads : [underWay.load, ...loads];
    });
  }

  /** Takes a waiting delivery out; one that is under way is settled all the same. */
  drop(billId: string, id: string, now: number): void {
    const lane = this.#lanes.get(billId);
    if (lane === undefined) return;
    const at = lane.waiting.findIndex((delivery) => delivery.id === id);
    if (at < 0) return;
    lane.waiting.splice(at, 1);
    this.#size -= 1;
    if (at === 0 && lane.underWay === null) this.#goOn(lane, now);
  }

  /** D5: takes out those whose end came while the breaker kept them from being tried, once another has failed since. */
  expire(now: number): Delivery<Load>[] {
    const dead: Delivery<Load>[] = [];
    if (this.#breaker.is === 'closed') return dead;
    for (const lane of [...this.#lanes.values()]) {
      const { length } = dead;
      while (lane.underWay === null && (lane.waiting[0]?.deadAt ?? Infinity) <= this.#failedAt) {
        dead.push(...lane.waiting.splice(0, 1));
      }
      if (dead.length === length) continue;
      this.#size -= dead.length - length;
      this.#goOn(lane, now);
    }
    return dead;
  }

  /** When `take` may next give something; null: not before something else happens. */
  nextAt(): number | null {
    const lane = this.#idle.peek();
    if (lane === undefined || this.#underWay >= this.#parallel) return null;
    if (this.#breaker.is === 'closed') return lane.dueAt;
    if (this.#underWay > 0) return null;
    return this.#breaker.is === 'open' ? Math.max(lane.dueAt, this.#breaker.until) : lane.dueAt;
  }

  #laneOf(billId: string): Lane<Load> {
    let lane = this.#lanes.get(billId);
    if (lane === undefined) {
      lane = { billId, waiting: [], underWay: null, dueAt: 0, heapIndex: -1 };
      this.#lanes.set(billId, lane);
    }
    return lane;
  }

  #succeed(now: number): void {
    const wasClosed = this.#breaker.is === 'closed';
    this.#breaker = succeeded();
    if (wasClosed) return;
    // D4.
    for (const lane of this.#lanes.values()) {
      if (lane.underWay === null && lane.waiting.length > 0) this.#idle.set(lane, now);
    }
  }

  #fail(
    lane: Lane<Load>,
    delivery: Delivery<Load>,
    retryAfterMs: number,
    now: number,
    chance: number,
  ): boolean {
    const waiting = { pace: this.#pace, chance };
    this.#breaker = failed(this.#breaker, now, waiting);
    this.#failedAt = now;
    delivery.attempts += 1;
    if (now >= delivery.deadAt) {
      // D5.
      this.#size -= 1;
      this.#goOn(lane, now);
      return true;
    }
    const isFirst = insert(lane, delivery) === 0;
    const dueAt = now + retryWait(delivery.attempts, retryAfterMs, waiting);
    this.#idle.set(lane, isFirst ? Math.min(dueAt, delivery.deadAt) : now);
    return false;
  }

  /** The lane's next is due now; a lane with nothing left goes. */
  #goOn(lane: Lane<Load>, now: number): void {
    if (lane.waiting.length > 0) {
      this.#idle.set(lane, now);
      return;
    }
    this.#idle.remove(lane);
    this.#lanes.delete(lane.billId);
  }
}

/** D1: by number. Answers its place. */
function insert<Load>({ waiting }: Lane<Load>, delivery: Delivery<Load>): number {
  let at = waiting.length;
  while (at > 0 && (waiting[at - 1]?.no ?? 0) > delivery.no) at -= 1;
  waiting.splice(at, 0, delivery);
  return at;
}

function find<Load>(lane: Lane<Load>, id: string): Delivery<Load> | undefined {
  if (lane.underWay?.id === id) return lane.underWay;
  return lane.waiting.find((delivery) => delivery.id === id);
}

// What is going to happen, ordered by simulated time and, within one millisecond, by a draw of the seed: that is how
// messages overtake one another.

import type { Random } from './random.ts';

interface Appointment {
  readonly at: number;
  readonly tie: number;
  readonly run: () => void;
}

/** As often the event loop comes round, for whoever else lives by it: the runner of the tests, a progress bar. */
const ROUND_EACH = 4_096;

export class Agenda {
  readonly #random: Random;
  readonly #heap: Appointment[] = [];
  #now = 0;
  #kept = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Simulated ms since the world began. */
  get now(): number {
    return this.#now;
  }

  /** Runs after a delay in ms. */
  after(delay: number, run: () => void): void {
    const appointment = { at: this.#now + Math.max(0, delay), tie: this.#random.next(), run };
    const heap = this.#heap;
    let index = heap.push(appointment) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Appointment;
      if (!isBefore(appointment, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = appointment;
  }

  /** Resolves after a delay in ms. */
  sleep(delay: number): Promise<void> {
    return new Promise((done) => this.after(delay, done));
  }

  /** Runs what is due until a time, all promises settled between two appointments. */
  async runUntil(until: number, isOver: () => boolean): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#take();
      this.#now = Math.max(this.#now, next.at);
      next.run();
      this.#kept += 1;
      await settled(this.#kept % ROUND_EACH === 0);
      if (isOver()) return;
    }
    this.#now = Math.max(this.#now, until);
  }

  #take(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      if (child === undefined) break;
      const right = heap[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex += 1;
      }
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}

/**
 * Every promise that can settle has settled: ticks come once no other job is left, and cost a fraction of a round of the
 * event loop.
 */
function settled(isRound: boolean): Promise<void> {
  return new Promise((done) => (isRound ? setImmediate(done) : process.nextTick(done)));
}

function isBefore(left: Appointment, right: Appointment): boolean {
  return left.at < right.at || (left.at === right.at && left.tie < right.tie);
}

// Sends unacknowledged events again after 2, 5, 10, then every 30 s: one timer for the whole gateway. Events with the
// same delay fall due in the order in which they were queued, so a queue a delay is all that it takes.

import { Fifo } from '../../actors/fifo.ts';
import type { Clock } from '../../switch/ports.ts';
import type { PendingEvent } from './pending.ts';

const DELAYS_MS = [2_000, 5_000, 10_000, 30_000] as const;
const TICK_MIN_MS = 50;

/** Whoever can send an event again. Answers whether it is to be sent again later. */
export interface Redeliverer {
  redeliver(pending: PendingEvent): boolean;
}

interface Entry {
  readonly pending: PendingEvent;
  readonly to: Redeliverer;
  readonly turn: number;
  readonly dueAt: number;
}

export class Redelivery {
  readonly #clock: Clock;
  readonly #queues: readonly Fifo<Entry>[] = DELAYS_MS.map(() => new Fifo());
  #cancelTick: (() => void) | null = null;
  #tickAt = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Schedules the next sending, by how often it was repeated; an earlier schedule of the event is forgotten. */
  schedule(pending: PendingEvent, to: Redeliverer): void {
    if (this.#isStopped) return;
    const level = Math.min(pending.repeats, DELAYS_MS.length - 1);
    const dueAt = this.#clock.monotonic() + (DELAYS_MS[level] ?? 0);
    pending.turn += 1;
    this.#queues[level]?.push({ pending, to, turn: pending.turn, dueAt });
    this.#arm(dueAt);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTick?.();
    this.#cancelTick = null;
    for (const queue of this.#queues) queue.clear();
  }

  #arm(dueAt: number): void {
    if (this.#cancelTick !== null && this.#tickAt <= dueAt) return;
    this.#cancelTick?.();
    this.#tickAt = dueAt;
    const delayMs = Math.max(TICK_MIN_MS, Math.ceil(dueAt - this.#clock.monotonic()));
    this.#cancelTick = this.#clock.after(delayMs, () => this.#tick());
  }

  #tick(): void {
    this.#cancelTick = null;
    this.#tickAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues) nextAt = Math.min(nextAt, this.#run(queue, now));
    if (Number.isFinite(nextAt) && !this.#isStopped) this.#arm(nextAt);
  }

  /** Runs what is due; returns when the next entry that still counts is. */
  #run(queue: Fifo<Entry>, now: number): number {
    for (;;) {
      const entry = queue.peek();
      if (entry === undefined) return Number.POSITIVE_INFINITY;
      const { pending } = entry;
      const counts = !pending.isDone && entry.turn === pending.turn;
      if (counts && entry.dueAt > now) return entry.dueAt;
      queue.shift();
      if (!counts || !entry.to.redeliver(pending)) continue;
      pending.repeats += 1;
      this.schedule(pending, entry.to);
    }
  }
}

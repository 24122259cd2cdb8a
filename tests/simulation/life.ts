// One life of a process, as its stores and its network see it: it may be paused, in which case everything waits for
// it, or over, in which case nothing reaches it any more. Its clocks are its own.

import type { Clock } from '../../src/switch/ports.ts';
import type { Agenda } from './agenda.ts';

/** The wall clock when the world begins. */
export const EPOCH_MS = 1_700_000_000_000;

export class Life implements Clock {
  /** Whose step is running, its promises' continuations included. */
  static current: Life | null = null;
  readonly name: string;
  readonly agenda: Agenda;
  readonly #monotonicBase: number;
  /** How far this machine's wall clock is from the world's. */
  wallShift = 0;
  #isOver = false;
  #isPaused = false;
  #deferred: (() => void)[] = [];

  constructor(name: string, agenda: Agenda, monotonicBase: number) {
    this.name = name;
    this.agenda = agenda;
    this.#monotonicBase = monotonicBase;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  wall(): number {
    return EPOCH_MS + this.agenda.now + this.wallShift;
  }

  monotonic(): number {
    return this.#monotonicBase + this.agenda.now;
  }

  after(delayMs: number, callback: () => void): () => void {
    let isCancelled = false;
    this.agenda.after(delayMs, () => {
      this.run(() => {
        if (!isCancelled) callback();
      });
    });
    return () => {
      isCancelled = true;
    };
  }

  /** Runs inside the process: now, after its pause, or never. */
  run(step: () => void): void {
    if (this.#isOver) return;
    if (this.#isPaused) {
      this.#deferred.push(step);
      return;
    }
    Life.current = this;
    step();
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** What came in meanwhile happens in the order in which it came, a turn of the event loop each. */
  resume(): void {
    this.#isPaused = false;
    for (const step of this.#deferred.splice(0)) this.agenda.after(0, () => this.run(step));
  }

  end(): void {
    this.#isOver = true;
    this.#deferred = [];
  }

  /**
   * A call to a store: `send` happens after `there`, its answer arrives after `back`. Nothing of it settles in a life
   * that is over.
   */
  call<Answer>(there: number, back: number, send: () => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.agenda.after(there, () => {
        try {
          const answer = send();
          this.agenda.after(back, () => this.run(() => resolve(answer)));
        } catch (error) {
          this.agenda.after(back, () => this.run(() => reject(error as Error)));
        }
      });
    });
  }

  /** A call that fails after a time, whatever became of it. */
  fail(after: number, error: Error): Promise<never> {
    return new Promise((_, reject) => {
      this.agenda.after(after, () => this.run(() => reject(error)));
    });
  }
}

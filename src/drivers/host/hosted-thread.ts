// A driver in a thread of its own, which is never a shard's: what it breaks is itself.
//
//   H1. A call has so long; after that it is unknown, whatever the driver does later.
//   H2. A thread that ends leaves what it was asked as unknown, and is made anew, later each time it ends soon. Meanwhile
//       nothing is sent, so calls are not done. One that is not ready when made anew is ended, and so made once more.
//       One that does not even say that it is there, as long again after a call was late, is ended.
//   H3. An answer that has not the shape of the contract is none: unknown.
//   H4. So many calls at once; more are not done.

import { Worker } from 'node:worker_threads';
import type { Clock } from '../../switch/ports.ts';
import { DriverRefused } from '../contract/open-driver.ts';
import type { KindShapes } from './kind-shapes.ts';
import { type FromThread, PING, type ThreadData } from './messages.ts';

export interface ThreadOptions extends ThreadData {
  /** The thread's program, built: `driver-thread.js`. */
  readonly program: URL;
  readonly clock: Pick<Clock, 'wall' | 'after'>;
  readonly callMs: number;
  readonly callsMax: number;
  readonly memoryMb: number;
  /** Told of what goes wrong in the thread, for the log. */
  readonly report: (what: string) => void;
  /** Told of each end that was not asked for. */
  readonly onEnded?: () => void;
}

/** What came of asking. `notDone`: it was never asked. `unknown`: it was, and has not answered as it should. */
export type Asked =
  | { readonly is: 'answered'; readonly answer: unknown }
  | { readonly is: 'notDone'; readonly code: 'unreachable' | 'busy'; readonly why: string }
  | { readonly is: 'unknown'; readonly why: string };

export interface Ready {
  readonly name: string;
  readonly capabilities: unknown;
}

interface Pending {
  readonly call: string;
  readonly cancelTimer: () => void;
  readonly settle: (asked: Asked) => void;
}

const START_MS = 30_000;
const LATE = `it is not ready after ${START_MS / 1_000} s`;
const RESTART_MIN_MS = 1_000;
const RESTART_MAX_MS = 300_000;
/** A thread that lived so long starts anew at once. */
const STEADY_MS = 60_000;

export class DriverThread {
  readonly #options: ThreadOptions;
  readonly #shapes: KindShapes;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #isReady = false;
  #isClosed = false;
  #calls = 0;
  #restarts = 0;
  #startedAt = 0;
  #cancelRestart: () => void = () => {};
  #cancelPing: (() => void) | undefined;
  #cancelStart: () => void = () => {};
  /** Told, until the driver was ready once, of what the thread says first. */
  #onFirst: ((ready: Ready | null, why: string) => void) | undefined;

  constructor(options: ThreadOptions, shapes: KindShapes) {
    this.#options = options;
    this.#shapes = shapes;
  }

  /** Starts the thread for the first time. Rejects with DriverRefused where the driver will never be ready. */
  start(): Promise<Ready> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.clock.after(START_MS, () => this.#onFirst?.(null, LATE));
      this.#onFirst = (ready, why) => {
        cancelTimer();
        this.#onFirst = undefined;
        if (ready !== null) return resolve(ready);
        void this.close();
        reject(new DriverRefused(why));
      };
      this.#begin();
    });
  }

  /** Never rejects. */
  ask(call: string, args: readonly unknown[]): Promise<Asked> {
    const { clock, callMs, callsMax } = this.#options;
    const worker = this.#worker;
    if (worker === undefined || !this.#isReady) {
      return Promise.resolve({ is: 'notDone', code: 'unreachable', why: 'the driver is away' });
    }
    if (this.#pending.size >= callsMax) {
      const why = 'the driver has enough to do';
      return Promise.resolve({ is: 'notDone', code: 'busy', why });
    }
    this.#calls += 1;
    const no = this.#calls;
    return new Promise((settle) => {
      const cancelTimer = clock.after(callMs, () => {
        this.#pending.delete(no);
        settle({ is: 'unknown', why: `the driver has not answered in ${callMs} ms` });
        this.#ping(worker);
      });
      this.#pending.set(no, { call, cancelTimer, settle });
      worker.postMessage({ no, call, args });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRestart();
    this.#cancelStart();
    this.#ponged();
    await this.#worker?.terminate();
  }

  #ping(worker: Worker): void {
    if (this.#cancelPing !== undefined) return;
    worker.postMessage(PING);
    this.#cancelPing = this.#options.clock.after(this.#options.callMs, () => {
      this.#cancelPing = undefined;
      void worker.terminate();
    });
  }

  #ponged(): void {
    this.#cancelPing?.();
    this.#cancelPing = undefined;
  }

  #begin(): void {
    const { program, kind, specifier, settings, tagKey, memoryMb, clock } = this.#options;
    this.#startedAt = clock.wall();
    const worker = new Worker(program, {
      workerData: { kind, specifier, settings, tagKey } satisfies ThreadData,
      // Other people's code gets none of our settings.
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    this.#worker = worker;
    this.#cancelStart = clock.after(START_MS, () => this.#refused(worker, LATE));
    worker.on('message', (message: FromThread) => {
      if (message.type === 'answer' || message.type === 'threw') return this.#answered(message);
      if (message.type === 'pong') return this.#ponged();
      this.#cancelStart();
      if (message.type === 'refused') return this.#refused(worker, message.why);
      if (!this.#shapes.areCapabilities(message.capabilities)) {
        return this.#refused(worker, 'its capabilities are none');
      }
      this.#isReady = true;
      this.#onFirst?.(message, '');
    });
    worker.on('error', (error) => this.#options.report(`${specifier}: ${String(error)}`));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#ended();
    });
  }

  /** Where it was ready before it may be again, so that what is amiss outside of it ends it for a while only. */
  #refused(worker: Worker, why: string): void {
    if (this.#onFirst !== undefined) {
      this.#onFirst(null, why);
      return;
    }
    this.#options.report(`${this.#options.specifier}: made anew, it cannot be used: ${why}`);
    void worker.terminate();
  }

  #answered(message: Extract<FromThread, { readonly no: number }>): void {
    const pending = this.#pending.get(message.no);
    if (pending === undefined) return;
    this.#pending.delete(message.no);
    pending.cancelTimer();
    if (message.type === 'answer' && this.#shapes.isAnswer(pending.call, message.answer)) {
      pending.settle({ is: 'answered', answer: message.answer });
      return;
    }
    const why = message.type === 'threw' ? message.why : `its answer to ${pending.call} is none`;
    this.#options.report(`${this.#options.specifier}: ${why}`);
    pending.settle({ is: 'unknown', why });
  }

  #ended(): void {
    this.#worker = undefined;
    this.#isReady = false;
    this.#cancelStart();
    this.#ponged();
    for (const { cancelTimer, settle } of this.#pending.values()) {
      cancelTimer();
      settle({ is: 'unknown', why: 'the driver has ended' });
    }
    this.#pending.clear();
    if (this.#isClosed) return;
    const { clock, report, onEnded, specifier } = this.#options;
    onEnded?.();
    this.#restarts = clock.wall() - this.#startedAt > STEADY_MS ? 0 : this.#restarts + 1;
    const afterMs =
      this.#restarts === 0
        ? 0
        : Math.min(RESTART_MIN_MS * 2 ** Math.min(this.#restarts - 1, 20), RESTART_MAX_MS);
    report(`${specifier}: its thread has ended, and is made anew in ${afterMs} ms`);
    this.#cancelRestart = clock.after(afterMs, () => this.#begin());
  }
}

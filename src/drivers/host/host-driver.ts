// A driver in a thread of its own, which is never a shard's: what it breaks is itself.
//
//   H1. A call has so long; after that it is unknown, whatever the driver does later.
//   H2. A thread that ends leaves what it was asked as unknown, and is made anew, later each time it ends soon. Meanwhile
//       nothing is sent, so calls are not done.
//       One that does not even say that it is there, as long again after a call was late, is ended.
//   H3. An answer that has not the shape of the contract is none: unknown.
//   H4. So many calls at once; more are not done.

import { Worker } from 'node:worker_threads';
import type { Clock } from '../../switch/ports.ts';
import {
  type BillDriver,
  type Capabilities,
  type NotificationReading,
  notDone,
  type Outcome,
  unknown,
} from '../contract/bill-driver.ts';
import { DriverRefused } from '../contract/open-driver.ts';
import {
  areCapabilities,
  type FromThread,
  type HostedCall,
  isAnswer,
  PING,
  type ThreadData,
} from './messages.ts';

export interface HostOptions extends ThreadData {
  /** The thread's program, built: `driver-thread.js`. */
  readonly program: URL;
  readonly clock: Pick<Clock, 'wall' | 'after'>;
  readonly callMs: number;
  readonly callsMax: number;
  readonly memoryMb: number;
  /** Told of what goes wrong in the thread, for the log. */
  readonly report: (what: string) => void;
}

interface Pending {
  readonly call: HostedCall;
  readonly cancelTimer: () => void;
  readonly settle: (answer: unknown) => void;
  readonly giveUp: (why: string) => void;
}

const START_MS = 30_000;
const RESTART_MIN_MS = 1_000;
const RESTART_MAX_MS = 300_000;
/** A thread that lived so long starts anew at once. */
const STEADY_MS = 60_000;
const ASK_AGAIN_MS = 5_000;

/** Resolves once the driver is ready; rejects with DriverRefused where it will never be. */
export async function hostDriver(options: HostOptions): Promise<BillDriver> {
  const thread = new DriverThread(options);
  const capabilities = await thread.start();
  const ask = <Value>(call: HostedCall, args: readonly unknown[]) =>
    thread.ask(call, args) as Promise<Outcome<Value>>;
  return {
    capabilities,
    register: (...args) => ask('register', args),
    look: (...args) => ask('look', args),
    cancel: (...args) => ask('cancel', args),
    refund: (...args) => ask('refund', args),
    readNotification: async (posted) => {
      const read = await thread.ask('readNotification', [posted]);
      return 'reply' in (read as object) ? (read as NotificationReading) : UNREAD;
    },
    close: () => thread.close(),
  };
}

/** Nobody could read it: who posted it does so again. */
const UNREAD: NotificationReading = {
  refused: 'the driver is away',
  reply: { status: 503, headers: {}, body: '' },
};

class DriverThread {
  readonly #options: HostOptions;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #isReady = false;
  #isClosed = false;
  #calls = 0;
  #restarts = 0;
  #startedAt = 0;
  #cancelRestart: () => void = () => {};
  #cancelPing: (() => void) | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
  }

  /** Starts the thread for the first time. */
  start(): Promise<Capabilities> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#options.clock.after(START_MS, () => {
        void this.close();
        reject(new DriverRefused(`it is not ready after ${START_MS / 1_000} s`));
      });
      this.#begin((message) => {
        cancelTimer();
        if (message.type === 'ready' && areCapabilities(message.capabilities)) {
          resolve(message.capabilities as Capabilities);
          return;
        }
        void this.close();
        const why = message.type === 'refused' ? message.why : 'its capabilities are none';
        reject(new DriverRefused(why));
      });
    });
  }

  ask(call: HostedCall, args: readonly unknown[]): Promise<unknown> {
    const { clock, callMs, callsMax } = this.#options;
    const worker = this.#worker;
    if (worker === undefined || !this.#isReady) {
      return Promise.resolve(
        notDone('unreachable', 'the driver is away', { afterMs: ASK_AGAIN_MS }),
      );
    }
    if (this.#pending.size >= callsMax) {
      return Promise.resolve(
        notDone('busy', 'the driver has enough to do', { afterMs: ASK_AGAIN_MS }),
      );
    }
    this.#calls += 1;
    const no = this.#calls;
    return new Promise((resolve) => {
      const giveUp = (why: string) => resolve(unknown(why, ASK_AGAIN_MS));
      const cancelTimer = clock.after(callMs, () => {
        this.#pending.delete(no);
        giveUp(`the driver has not answered in ${callMs} ms`);
        this.#ping(worker);
      });
      this.#pending.set(no, { call, cancelTimer, settle: resolve, giveUp });
      worker.postMessage({ no, call, args });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRestart();
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

  #begin(started: (message: FromThread) => void): void {
    const { program, specifier, settings, memoryMb, clock } = this.#options;
    this.#startedAt = clock.wall();
    const worker = new Worker(program, {
      workerData: { specifier, settings } satisfies ThreadData,
      // Other people's code gets none of our settings.
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    this.#worker = worker;
    worker.on('message', (message: FromThread) => {
      if (message.type === 'answer' || message.type === 'threw') return this.#answered(message);
      if (message.type === 'pong') return this.#ponged();
      this.#isReady = message.type === 'ready';
      started(message);
    });
    worker.on('error', (error) => this.#options.report(`${specifier}: ${String(error)}`));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#ended(started);
    });
  }

  #answered(message: Extract<FromThread, { readonly no: number }>): void {
    const pending = this.#pending.get(message.no);
    if (pending === undefined) return;
    this.#pending.delete(message.no);
    pending.cancelTimer();
    const isGood = message.type === 'answer' && isAnswer(pending.call, message.answer);
    if (isGood) {
      pending.settle(message.answer);
      return;
    }
    const why = message.type === 'threw' ? message.why : `its answer to ${pending.call} is none`;
    this.#options.report(`${this.#options.specifier}: ${why}`);
    pending.giveUp(why);
  }

  #ended(started: (message: FromThread) => void): void {
    this.#worker = undefined;
    this.#isReady = false;
    this.#ponged();
    for (const { cancelTimer, giveUp } of this.#pending.values()) {
      cancelTimer();
      giveUp('the driver has ended');
    }
    this.#pending.clear();
    if (this.#isClosed) return;
    const { clock, report, specifier } = this.#options;
    this.#restarts = clock.wall() - this.#startedAt > STEADY_MS ? 0 : this.#restarts + 1;
    const afterMs =
      this.#restarts === 0
        ? 0
        : Math.min(RESTART_MIN_MS * 2 ** Math.min(this.#restarts - 1, 20), RESTART_MAX_MS);
    report(`${specifier}: its thread has ended, and is made anew in ${afterMs} ms`);
    this.#cancelRestart = clock.after(afterMs, () => this.#begin(started));
  }
}

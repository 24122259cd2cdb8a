// The thread that sends webhooks, which is there once there is an endpoint to send to.

import { Worker } from 'node:worker_threads';
import type { Asked } from './drivers/host/hosted-thread.ts';
import { hasWebhooks } from './persistence/webhook-book.ts';
import type { DriverCall, Loaded } from './plugins.ts';
import type { DirectoryChange } from './switch/directory.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';
import type { Snapshot } from './telemetry/metrics.ts';
import type { FromWebhookThread, Setting, ToWebhookThread, WebhookTask } from './threads.ts';

const TELL_MS = 2_000;
const RESTART_MS = 1_000;

export interface WebhookEvents {
  /** The thread has begun and needs ports to the workers. */
  onBegun(send: (message: ToWebhookThread) => void): void;
  onEnded(): void;
  askDriver(call: DriverCall): Promise<Asked>;
}

interface Running {
  readonly thread: Worker;
  readonly ended: Promise<void>;
}

export class Webhooks {
  readonly #setting: Setting;
  readonly #drivers: Loaded;
  readonly #logger: Logger;
  readonly #events: WebhookEvents;
  #running: Running | null = null;
  #isStopping = false;
  #shards: readonly number[] = [];
  #seq = 0;
  readonly #told = new Map<number, (snapshot: Snapshot) => void>();

  constructor(options: {
    setting: Setting;
    drivers: Loaded;
    logger: Logger;
    events: WebhookEvents;
  }) {
    this.#setting = options.setting;
    this.#drivers = options.drivers;
    this.#logger = options.logger;
    this.#events = options.events;
  }

  /** Sends it a message, where it runs. */
  send(
    make: () => { message: ToWebhookThread; transfer?: Parameters<Worker['postMessage']>[1] },
  ): void {
    if (this.#running === null) return;
    const { message, transfer } = make();
    this.#running.thread.postMessage(message, transfer);
  }

  /** Which shards this node owns. */
  serve(shards: readonly number[]): void {
    if (shards.join() === this.#shards.join()) return;
    this.#shards = shards;
    this.send(() => ({ message: { type: 'shards', shards } }));
  }

  /** What has changed in the directory; null: anything may have. */
  hear(isHearing: boolean, changes: readonly DirectoryChange[] | null): void {
    if (!isHearing || this.#isStopping) return;
    const isConcerned = changes === null || changes.some(({ kind }) => kind === 'webhook');
    if (!isConcerned) return;
    if (this.#running !== null) this.send(() => ({ message: { type: 'look' } }));
    else void this.#beginIfNeeded();
  }

  /** Its metrics; undefined where it does not run, or does not answer in time. */
  tell(): Promise<Snapshot | undefined> {
    if (this.#running === null) return Promise.resolve(undefined);
    return new Promise((done) => {
      this.#seq += 1;
      const seq = this.#seq;
      const cancel = systemClock.after(TELL_MS, () => {
        this.#told.delete(seq);
        done(undefined);
      });
      this.#told.set(seq, (snapshot) => {
        cancel();
        done(snapshot);
      });
      this.send(() => ({ message: { type: 'tell', seq } }));
    });
  }

  /** Begins nothing new, and acknowledges what was taken. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.send(() => ({ message: { type: 'drain' } }));
    await this.#running?.ended;
  }

  async #beginIfNeeded(): Promise<void> {
    const { databaseUrl } = this.#setting;
    try {
      if (!(await hasWebhooks(databaseUrl))) return;
    } catch (error) {
      this.#logger.warn({ what: 'webhooks.unread', err: error }, 'webhooks.unread');
      systemClock.after(RESTART_MS, () => this.hear(true, null));
      return;
    }
    if (this.#running === null && !this.#isStopping) this.#begin();
  }

  #begin(): void {
    const task: WebhookTask = { setting: this.#setting, drivers: this.#drivers };
    const thread = new Worker(new URL('./webhook-thread.js', import.meta.url), {
      workerData: task,
    });
    const ended = new Promise<void>((done) => thread.once('exit', () => done()));
    this.#running = { thread, ended };
    thread.on('message', (message: FromWebhookThread) => {
      if (message.type === 'told') {
        this.#told.get(message.seq)?.(message.snapshot);
        this.#told.delete(message.seq);
        return;
      }
      if (message.type === 'askDriver') {
        const { seq } = message;
        void this.#events.askDriver(message).then((asked) => {
          thread.postMessage({ type: 'driverAsked', seq, asked } satisfies ToWebhookThread);
        });
        return;
      }
      this.#events.onBegun((answer) => {
        thread.postMessage(answer, answer.type === 'worker' ? [answer.port] : []);
      });
      thread.postMessage({ type: 'shards', shards: this.#shards } satisfies ToWebhookThread);
    });
    let reason = '';
    thread.once('error', (error) => {
      reason = error.message;
    });
    thread.once('exit', (code) => this.#ended(reason || `it ended with ${code}`));
  }

  #ended(reason: string): void {
    this.#running = null;
    if (this.#isStopping) return;
    this.#logger.error({ what: 'webhooks.ended', reason }, 'webhooks.ended');
    this.#events.onEnded();
    systemClock.after(RESTART_MS, () => {
      if (!this.#isStopping && this.#running === null) this.#begin();
    });
  }
}

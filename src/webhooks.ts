// The thread that sends webhooks, which is there once there is an endpoint to send to.

import type { Asked } from './drivers/host/hosted-process.ts';
import type { DriverCall, Loaded } from './loaded-drivers.ts';
import { hasWebhooks } from './persistence/webhook-book.ts';
import type { DirectoryChange } from './switch/directory.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';
import type { Snapshot } from './telemetry/metrics.ts';
import { KeptThread } from './thread-keeper.ts';
import type {
  FromWebhookThread,
  Setting,
  ToWebhookThread,
  WebhookTask,
  WorkerPort,
} from './threads.ts';

const RESTART_MS = 1_000;

export interface WebhookEvents {
  /** The thread has begun and needs ports to the workers. */
  onBegun(send: (message: WorkerPort) => void): void;
  onEnded(): void;
  askDriver(call: DriverCall): Promise<Asked>;
}

type Said = Exclude<FromWebhookThread, { type: 'told' }>;

export class Webhooks {
  readonly #databaseUrl: string;
  readonly #logger: Logger;
  readonly #events: WebhookEvents;
  readonly #thread: KeptThread<ToWebhookThread, FromWebhookThread>;
  #isStopping = false;
  #shards: readonly number[] = [];

  constructor(options: {
    setting: Setting;
    drivers: Loaded;
    logger: Logger;
    events: WebhookEvents;
  }) {
    const { setting, drivers, logger, events } = options;
    this.#databaseUrl = setting.databaseUrl;
    this.#logger = logger;
    this.#events = events;
    this.#thread = new KeptThread({
      program: './webhook-thread.js',
      task: (): WebhookTask => ({ setting, drivers }),
      restartMs: RESTART_MS,
      hear: (message, say) => this.#hearThread(message, say),
      ended: (reason) => {
        logger.error({ what: 'webhooks.ended', reason }, 'webhooks.ended');
        events.onEnded();
      },
    });
  }

  /** A worker has begun. */
  attach(makePort: () => WorkerPort): void {
    this.#thread.send(makePort);
  }

  /** Which shards this node owns. */
  serve(shards: readonly number[]): void {
    if (shards.join() === this.#shards.join()) return;
    this.#shards = shards;
    this.#thread.send(() => ({ type: 'shards', shards }));
  }

  /** What has changed in the directory; null: anything may have. */
  hear(isHearing: boolean, changes: readonly DirectoryChange[] | null): void {
    if (!isHearing || this.#isStopping) return;
    const isConcerned = changes === null || changes.some(({ kind }) => kind === 'webhook');
    if (!isConcerned) return;
    if (this.#thread.isRunning) this.#thread.send(() => ({ type: 'look' }));
    else void this.#beginIfNeeded();
  }

  /** Its metrics; undefined where it does not run, or does not answer in time. */
  tell(): Promise<Snapshot | undefined> {
    return this.#thread.tell();
  }

  /** Begins nothing new, and acknowledges what was taken. */
  stop(): Promise<void> {
    this.#isStopping = true;
    return this.#thread.stop();
  }

  async #beginIfNeeded(): Promise<void> {
    try {
      const place = { url: this.#databaseUrl, logger: this.#logger };
      if (!(await hasWebhooks(place))) return;
    } catch (error) {
      this.#logger.warn({ what: 'webhooks.unread', err: error }, 'webhooks.unread');
      systemClock.after(RESTART_MS, () => this.hear(true, null));
      return;
    }
    this.#thread.start();
  }

  #hearThread(message: Said, say: (message: ToWebhookThread) => void): void {
    if (message.type === 'begun') {
      this.#events.onBegun(say);
      say({ type: 'shards', shards: this.#shards });
      return;
    }
    const { seq } = message;
    void this.#events.askDriver(message).then((asked) => say({ type: 'driverAsked', seq, asked }));
  }
}

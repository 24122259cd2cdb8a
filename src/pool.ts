// The worker threads: one long task each in a Piscina pool. One that dies is begun anew under the same index, and the
// gateways get new ports to it.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { Questions } from './questions.ts';
import type { Agreement } from './switch/agreements.ts';
import { SuspendedSellers, type Suspensions } from './switch/sellers.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';
import type { Setting, ToWorkerThread, WorkerTask, WorkerTold } from './threads.ts';

const RESTART_MS = 250;
const TELL_MS = 2_000;

interface Running {
  readonly control: MessagePort;
  readonly ended: Promise<void>;
}

export class WorkerPool {
  readonly #setting: Setting;
  readonly #logger: Logger;
  readonly #onWorker: (index: number) => void;
  readonly #onEnded: (index: number) => void;
  readonly #piscina: Piscina;
  readonly #running = new Map<number, Running>();
  /** What a worker that begins must know at once. */
  #agreements: readonly Agreement[];
  readonly #suspended: SuspendedSellers;
  readonly #questions = new Questions<WorkerTold>();
  #isStopping = false;

  /** `onWorker` is called whenever a worker has begun; `onEnded` when one has died. */
  constructor(options: {
    setting: Setting;
    agreements: readonly Agreement[];
    suspensions: Suspensions;
    logger: Logger;
    onWorker: (index: number) => void;
    onEnded: (index: number) => void;
  }) {
    this.#setting = options.setting;
    this.#agreements = options.agreements;
    this.#suspended = new SuspendedSellers(options.suspensions);
    this.#logger = options.logger;
    this.#onWorker = options.onWorker;
    this.#onEnded = options.onEnded;
    const { workers, workerHeapMb } = options.setting.config;
    this.#piscina = new Piscina({
      filename: new URL('./worker.js', import.meta.url).href,
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: 1,
      // The default stops the worker's event loop between tasks: timers, sockets and ports would freeze.
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMb },
    });
  }

  start(): void {
    for (let index = 0; index < this.#setting.config.workers; index++) this.#begin(index, 1);
  }

  /** Makes a port by which a gateway talks to the worker; undefined while it does not run. */
  connect(index: number): MessagePort | undefined {
    const running = this.#running.get(index);
    if (running === undefined) return undefined;
    const { port1, port2 } = new MessageChannel();
    this.#say(running, { type: 'attach', port: port1 }, [port1]);
    return port2;
  }

  /** All agreements, as they now are. */
  tellAgreements(agreements: readonly Agreement[]): void {
    this.#agreements = agreements;
    for (const running of this.#running.values())
      this.#say(running, { type: 'agreements', agreements });
  }

  /** Who of all sellers is suspended, or of those that have changed. */
  tellSuspensions(suspensions: Suspensions): void {
    this.#suspended.learn(suspensions);
    for (const running of this.#running.values())
      this.#say(running, { type: 'suspensions', suspensions });
  }

  /** No worker takes shards any more. */
  standAside(): void {
    for (const running of this.#running.values()) this.#say(running, { type: 'standAside' });
  }

  /** What every worker tells of itself; one that does not answer in time is left out. */
  async tell(withMetrics: boolean): Promise<Map<number, WorkerTold>> {
    const all = await Promise.all(
      [...this.#running].map(
        async ([index, running]) => [index, await this.#ask(running, withMetrics)] as const,
      ),
    );
    return new Map(all.flatMap(([index, told]) => (told === undefined ? [] : [[index, told]])));
  }

  /** Lets every worker answer, for so long at most, flush and give up its shards. */
  async stop(withinMs: number): Promise<void> {
    this.#isStopping = true;
    const ended = [...this.#running.values()].map((running) => {
      this.#say(running, { type: 'stop', withinMs });
      return running.ended;
    });
    await Promise.allSettled(ended);
    await this.#piscina.destroy();
  }

  #begin(index: number, life: number): void {
    const { port1: control, port2 } = new MessageChannel();
    const task: WorkerTask = {
      setting: this.#setting,
      agreements: this.#agreements,
      suspensions: this.#suspended.all(),
      index,
      life,
      control: port2,
    };
    control.on('message', (told: WorkerTold) => this.#questions.hear(told.seq, told));
    const ended = this.#piscina.run(task, { name: 'runWorker', transferList: [port2] }).then(
      () => this.#ended(index, life, 'it returned'),
      (error: unknown) =>
        this.#ended(index, life, error instanceof Error ? error.message : String(error)),
    );
    this.#running.set(index, { control, ended });
    this.#onWorker(index);
  }

  #ended(index: number, life: number, reason: string): void {
    this.#running.get(index)?.control.close();
    this.#running.delete(index);
    if (this.#isStopping) return;
    this.#logger.error({ what: 'worker.ended', worker: index, life, reason }, 'worker.ended');
    this.#onEnded(index);
    systemClock.after(RESTART_MS, () => {
      if (!this.#isStopping) this.#begin(index, life + 1);
    });
  }

  #ask(running: Running, withMetrics: boolean): Promise<WorkerTold | undefined> {
    return this.#questions.askWithin(TELL_MS, (seq) => {
      this.#say(running, { type: 'tell', seq, withMetrics });
    });
  }

  #say(running: Running, message: ToWorkerThread, transfer: MessagePort[] = []): void {
    running.control.postMessage(message, transfer);
  }
}

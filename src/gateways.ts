// The gateway threads, all on one port, and what main tells them.

import { Worker } from 'node:worker_threads';
import type { Asked } from './drivers/host/hosted-thread.ts';
import type { DriverCall, Loaded } from './plugins.ts';
import type { Use } from './protocols/gateway/accounts.ts';
import { replayMemory } from './protocols/signatures/replays.ts';
import type { AcquirerReply, PostedToAcquirer } from './switch/acquirers.ts';
import type { DirectoryChange } from './switch/directory.ts';
import type { ToldTariff } from './switch/tariffs.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';
import type { Snapshot } from './telemetry/metrics.ts';
import type {
  FromGatewayThread,
  GatewayTask,
  Setting,
  SwitchState,
  ToGatewayThread,
} from './threads.ts';

const TELL_MS = 2_000;
const RESTART_MS = 250;

interface Running {
  readonly thread: Worker;
  readonly told: Map<number, (snapshot: Snapshot) => void>;
  readonly drained: Promise<void>;
}

export interface GatewayEvents {
  /** A gateway has begun and needs ports to the workers. */
  onGateway(send: (message: ToGatewayThread) => void): void;
  onEnded(index: number): void;
  metricsText(): Promise<string>;
  askDriver(call: DriverCall): Promise<Asked>;
  /** Somebody has posted to the address of an acquirer's notifications. */
  onPosted(token: string, posted: PostedToAcquirer): Promise<AcquirerReply | null | undefined>;
}

export class Gateways {
  readonly #setting: Setting;
  readonly #drivers: Loaded;
  readonly #logger: Logger;
  readonly #events: GatewayEvents;
  readonly #port: number;
  readonly #running = new Map<number, Running>();
  readonly #replays = replayMemory();
  readonly #signedSince = systemClock.wall();
  #isStopping = false;
  /** What a gateway that begins later must know at once. */
  #state: SwitchState | null = null;
  #isHearing = false;
  #tariffs: Map<string, ToldTariff>;
  #seq = 0;

  constructor(options: {
    setting: Setting;
    drivers: Loaded;
    port: number;
    tariffs: readonly ToldTariff[];
    logger: Logger;
    events: GatewayEvents;
  }) {
    this.#setting = options.setting;
    this.#drivers = options.drivers;
    this.#port = options.port;
    this.#logger = options.logger;
    this.#events = options.events;
    this.#tariffs = byId(options.tariffs);
  }

  /** Resolves once all of them listen; rejects with the reason where one cannot. */
  async start(): Promise<void> {
    const { gateways } = this.#setting.config;
    await Promise.all(Array.from({ length: gateways }, (_, index) => this.#begin(index)));
  }

  /** Sends every gateway a message of its own. */
  sendEach(
    make: () => { message: ToGatewayThread; transfer?: Parameters<Worker['postMessage']>[1] },
  ): void {
    for (const { thread } of this.#running.values()) {
      const { message, transfer } = make();
      thread.postMessage(message, transfer);
    }
  }

  /** The metrics of every gateway that answers in time, by thread. */
  async tell(): Promise<Map<string, Snapshot>> {
    const all = await Promise.all(
      [...this.#running].map(
        async ([index, running]) => [index, await this.#ask(running)] as const,
      ),
    );
    return new Map(
      all.flatMap(([index, told]) => (told === undefined ? [] : [[`gateway-${index}`, told]])),
    );
  }

  publish(state: SwitchState): void {
    this.#state = state;
    this.sendEach(() => ({ message: { type: 'state', state } }));
  }

  /** What has changed in the directory; null: anything may have. */
  tellDirectory(isHearing: boolean, changes: readonly DirectoryChange[] | null): void {
    this.#isHearing = isHearing;
    this.sendEach(() => ({ message: { type: 'directory', isHearing, changes } }));
  }

  /** Tariffs that have changed; or, as a whole, all that there are. */
  tellTariffs(tariffs: readonly ToldTariff[], isWhole: boolean): void {
    if (isWhole) this.#tariffs = byId(tariffs);
    for (const tariff of tariffs) {
      if (tariff.document === null) this.#tariffs.delete(tariff.id);
      else this.#tariffs.set(tariff.id, tariff);
    }
    this.sendEach(() => ({ message: { type: 'tariffs', tariffs, isWhole } }));
  }

  /** Takes nothing new, answers what is under way, closes every socket with a reason. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const running = [...this.#running.values()];
    this.sendEach(() => ({ message: { type: 'drain' } }));
    await Promise.all(running.map(({ drained }) => drained));
  }

  #begin(index: number): Promise<void> {
    const task: GatewayTask = {
      setting: this.#setting,
      drivers: this.#drivers,
      index,
      port: this.#port,
      tariffs: [...this.#tariffs.values()],
      replays: this.#replays,
      signedSince: this.#signedSince,
    };
    const thread = new Worker(new URL('./gateway-thread.js', import.meta.url), {
      workerData: task,
    });
    const told: Running['told'] = new Map();
    const drained = new Promise<void>((done) => thread.once('exit', () => done()));
    const running: Running = { thread, told, drained };
    this.#running.set(index, running);
    return new Promise((listening, failed) => {
      thread.on('message', (message: FromGatewayThread) => {
        if (message.type === 'listening') {
          this.#events.onGateway((answer) => {
            thread.postMessage(answer, answer.type === 'worker' ? [answer.port] : []);
          });
          const state = this.#state;
          if (state !== null)
            thread.postMessage({ type: 'state', state } satisfies ToGatewayThread);
          const isHearing = this.#isHearing;
          thread.postMessage({
            type: 'directory',
            isHearing,
            changes: null,
          } satisfies ToGatewayThread);
          this.#share(index, null);
          listening();
        } else if (message.type === 'failed') {
          failed(new Error(message.reason));
        } else {
          this.#hear(index, running, message);
        }
      });
      let reason = '';
      thread.once('error', (error) => {
        reason = error.message;
        failed(error);
      });
      thread.once('exit', (code) => this.#ended(index, reason || `it ended with ${code}`));
    });
  }

  #hear(index: number, { thread, told }: Running, message: FromGatewayThread): void {
    if (message.type === 'told') {
      told.get(message.seq)?.(message.snapshot);
      told.delete(message.seq);
    } else if (message.type === 'used') {
      this.#share(index, message.uses);
    } else if (message.type === 'askDriver') {
      const { seq } = message;
      void this.#events.askDriver(message).then((asked) => {
        thread.postMessage({ type: 'driverAsked', seq, asked } satisfies ToGatewayThread);
      });
    } else if (message.type === 'posted') {
      const { seq, token, posted } = message;
      void this.#events.onPosted(token, posted).then((reply) => {
        thread.postMessage({ type: 'replied', seq, reply } satisfies ToGatewayThread);
      });
    } else if (message.type === 'metrics') {
      const { seq } = message;
      this.#events.metricsText().then(
        (text) => thread.postMessage({ type: 'metrics', seq, text } satisfies ToGatewayThread),
        (error: unknown) =>
          this.#logger.error({ what: 'metrics.failed', err: error }, 'metrics.failed'),
      );
    }
  }

  /** Has the other gateways know what this one has taken of limits. */
  #share(gateway: number, uses: readonly Use[] | null): void {
    for (const [index, { thread }] of this.#running) {
      if (index === gateway) continue;
      thread.postMessage({ type: 'used', gateway, uses } satisfies ToGatewayThread);
    }
  }

  #ended(index: number, reason: string): void {
    this.#running.delete(index);
    if (this.#isStopping) return;
    this.#logger.error({ what: 'gateway.ended', gateway: index, reason }, 'gateway.ended');
    this.#events.onEnded(index);
    systemClock.after(RESTART_MS, () => {
      if (this.#isStopping) return;
      this.#begin(index).catch((error: unknown) => {
        this.#logger.error({ what: 'gateway.failed', err: error }, 'gateway.failed');
      });
    });
  }

  #ask(running: Running): Promise<Snapshot | undefined> {
    return new Promise((done) => {
      this.#seq += 1;
      const seq = this.#seq;
      const cancel = systemClock.after(TELL_MS, () => {
        running.told.delete(seq);
        done(undefined);
      });
      running.told.set(seq, (snapshot) => {
        cancel();
        done(snapshot);
      });
      running.thread.postMessage({ type: 'tell', seq } satisfies ToGatewayThread);
    });
  }
}

function byId(tariffs: readonly ToldTariff[]): Map<string, ToldTariff> {
  return new Map(tariffs.map((tariff) => [tariff.id, tariff]));
}

// The gateway threads, all on one port, and what main tells them.

import type { Asked } from './drivers/host/hosted-process.ts';
import type { DriverCall, Loaded } from './loaded-drivers.ts';
import type { Use } from './protocols/gateway/accounts.ts';
import { replayMemory } from './protocols/signatures/replays.ts';
import type { AcquirerReply, PostedToAcquirer } from './switch/acquirers.ts';
import type { DirectoryChange } from './switch/directory.ts';
import type { ToldTariff } from './switch/tariffs.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';
import type { Snapshot } from './telemetry/metrics.ts';
import { KeptThread } from './thread-keeper.ts';
import type {
  FromGatewayThread,
  GatewayTask,
  Setting,
  SwitchState,
  ToGatewayThread,
  WorkerPort,
} from './threads.ts';

const RESTART_MS = 250;

type Thread = KeptThread<ToGatewayThread, FromGatewayThread>;
type Said = Exclude<FromGatewayThread, { type: 'told' }>;
type Say = (message: ToGatewayThread) => void;

export interface GatewayEvents {
  /** A gateway has begun and needs ports to the workers. */
  onGateway(send: (message: WorkerPort) => void): void;
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
  readonly #threads = new Map<number, Thread>();
  readonly #replays = replayMemory();
  readonly #signedSince = systemClock.wall();
  /** What a gateway that begins later must know at once. */
  #state: SwitchState | null = null;
  #isHearing = false;
  #tariffs: Map<string, ToldTariff>;

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
  sendEach(make: () => ToGatewayThread): void {
    for (const thread of this.#threads.values()) thread.send(make);
  }

  /** The metrics of every gateway that answers in time, by thread. */
  async tell(): Promise<Map<string, Snapshot>> {
    const all = await Promise.all(
      [...this.#threads].map(async ([index, thread]) => [index, await thread.tell()] as const),
    );
    return new Map(
      all.flatMap(([index, told]) => (told === undefined ? [] : [[`gateway-${index}`, told]])),
    );
  }

  publish(state: SwitchState): void {
    this.#state = state;
    this.sendEach(() => ({ type: 'state', state }));
  }

  /** What has changed in the directory; null: anything may have. */
  tellDirectory(isHearing: boolean, changes: readonly DirectoryChange[] | null): void {
    this.#isHearing = isHearing;
    this.sendEach(() => ({ type: 'directory', isHearing, changes }));
  }

  /** Tariffs that have changed; or, as a whole, all that there are. */
  tellTariffs(tariffs: readonly ToldTariff[], isWhole: boolean): void {
    if (isWhole) this.#tariffs = byId(tariffs);
    for (const tariff of tariffs) {
      if (tariff.document === null) this.#tariffs.delete(tariff.id);
      else this.#tariffs.set(tariff.id, tariff);
    }
    this.sendEach(() => ({ type: 'tariffs', tariffs, isWhole }));
  }

  /** Takes nothing new, answers what is under way, closes every socket with a reason. */
  async stop(): Promise<void> {
    await Promise.all([...this.#threads.values()].map((thread) => thread.stop()));
  }

  #begin(index: number): Promise<void> {
    return new Promise((listening, failed) => {
      let isFirst = true;
      const thread: Thread = new KeptThread({
        program: './gateway-thread.js',
        task: () => this.#task(index),
        restartMs: RESTART_MS,
        hear: (message, say) => {
          if (message.type === 'listening') {
            isFirst = false;
            this.#greet(index, say);
            listening();
          } else if (message.type === 'failed') {
            const error = new Error(message.reason);
            if (isFirst) failed(error);
            else this.#logger.error({ what: 'gateway.failed', err: error }, 'gateway.failed');
          } else {
            this.#hear(index, message, say);
          }
        },
        ended: (reason) => {
          failed(new Error(reason));
          this.#logger.error({ what: 'gateway.ended', gateway: index, reason }, 'gateway.ended');
          this.#events.onEnded(index);
        },
      });
      this.#threads.set(index, thread);
      thread.start();
    });
  }

  #task(index: number): GatewayTask {
    return {
      setting: this.#setting,
      drivers: this.#drivers,
      index,
      port: this.#port,
      tariffs: [...this.#tariffs.values()],
      replays: this.#replays,
      signedSince: this.#signedSince,
    };
  }

  /** One that has begun learns what the others know. */
  #greet(index: number, say: Say): void {
    this.#events.onGateway(say);
    if (this.#state !== null) say({ type: 'state', state: this.#state });
    say({ type: 'directory', isHearing: this.#isHearing, changes: null });
    this.#share(index, null);
  }

  #hear(index: number, message: Exclude<Said, { type: 'listening' | 'failed' }>, say: Say): void {
    if (message.type === 'used') {
      this.#share(index, message.uses);
    } else if (message.type === 'askDriver') {
      const { seq } = message;
      void this.#events
        .askDriver(message)
        .then((asked) => say({ type: 'driverAsked', seq, asked }));
    } else if (message.type === 'posted') {
      const { seq, token, posted } = message;
      const reply = this.#events.onPosted(token, posted);
      void this.#settled('acquirer.unasked', reply, undefined).then((told) =>
        say({ type: 'replied', seq, reply: told }),
      );
    } else {
      const { seq } = message;
      const text = this.#events.metricsText();
      void this.#settled('metrics.failed', text, null).then((told) =>
        say({ type: 'metrics', seq, text: told }),
      );
    }
  }

  /** What went wrong here costs the gateway that asked its answer, and main goes on. */
  async #settled<Told, Failed>(
    what: string,
    asked: Promise<Told>,
    failed: Failed,
  ): Promise<Told | Failed> {
    try {
      return await asked;
    } catch (error) {
      this.#logger.error({ what, err: error }, what);
      return failed;
    }
  }

  /** Has the other gateways know what this one has taken of limits. */
  #share(gateway: number, uses: readonly Use[] | null): void {
    for (const [index, thread] of this.#threads) {
      if (index !== gateway) thread.send(() => ({ type: 'used', gateway, uses }));
    }
  }
}

function byId(tariffs: readonly ToldTariff[]): Map<string, ToldTariff> {
  return new Map(tariffs.map((tariff) => [tariff.id, tariff]));
}

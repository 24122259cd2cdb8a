// A running switch with its demo's till and wallet, however they talk to it.

import { Answers } from './answers.ts';
import { type Api, HttpParty, type Party, StreamParty } from './client.ts';
import type { RunningStores, SetUp } from './set-ups.ts';
import { SwitchProcess } from './switch-process.ts';

export const TRANSPORTS = ['HTTP', 'WebSocket with JSON', 'WebSocket with msgpack'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Stores with a switch on them, which may be killed and started again. */
export class World {
  readonly stores: RunningStores;
  readonly answers: Answers;
  /** The process that runs now. */
  process: SwitchProcess;
  #env: Readonly<Record<string, string>>;
  readonly #streams: StreamParty[] = [];

  private constructor(
    stores: RunningStores,
    running: SwitchProcess,
    answers: Answers,
    env: Readonly<Record<string, string>>,
  ) {
    this.stores = stores;
    this.#env = env;
    this.process = running;
    this.answers = answers;
  }

  static async start(setUp: SetUp, env: Readonly<Record<string, string>> = {}): Promise<World> {
    const stores = await setUp.start();
    const running = await SwitchProcess.start({ stores, env });
    return new World(stores, running, await Answers.of(running.baseUrl), env);
  }

  get keys(): Readonly<Record<Api, string>> {
    const { terminal, paychannel } = this.process.demo;
    return { terminal: terminal.key, paychannel: paychannel.key };
  }

  http(api: Api, key = this.keys[api]): HttpParty {
    return new HttpParty(this.process.baseUrl, api, key, this.answers);
  }

  async stream(
    api: Api,
    encoding: 'json' | 'msgpack' = 'json',
    key = this.keys[api],
  ): Promise<StreamParty> {
    const party = await StreamParty.connect(this.process.baseUrl, api, key, this.answers, encoding);
    this.#streams.push(party);
    return party;
  }

  party(api: Api, transport: Transport, key = this.keys[api]): Promise<Party> {
    if (transport === 'HTTP') return Promise.resolve(this.http(api, key));
    return this.stream(api, transport === 'WebSocket with JSON' ? 'json' : 'msgpack', key);
  }

  /** `kill -9`, and the same switch again. */
  async crash(meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> {
    await this.process.kill();
    await meanwhile();
    this.process = await this.process.restart();
  }

  /** Lets the switch run with these options, by SIGTERM and another start where it does not yet. */
  async runWith(env: Readonly<Record<string, string>>): Promise<void> {
    if (JSON.stringify(env) === JSON.stringify(this.#env)) return;
    this.#env = env;
    await this.process.stop();
    this.process = await this.process.restart(env);
  }

  async stop(): Promise<void> {
    for (const stream of this.#streams) stream.cut();
    await this.process.remove();
    await this.stores.stop();
  }
}

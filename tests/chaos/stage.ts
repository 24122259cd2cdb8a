// Everything that a run needs and may break: the stores, the switch, and the links between them.
//
//   clients ──link──► switch ──link──► Redis
//                        └─────link──► Postgres

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { SwitchProcess } from '../support/switch-process.ts';
import { familyOf, memoryMb, signalAll } from './processes.ts';
import { Link } from './proxy.ts';

export type StoresName = 'redis' | 'postgres';

export interface Links {
  readonly clients: Link;
  readonly postgres: Link;
  readonly redis: Link | null;
}

const LOOK_MS = 200;
const SAMPLE_MS = 1_000;
const START_TRIES = 50;

export class Stage {
  readonly links: Links;
  readonly redis: RedisServer | null;
  /** Where the audit looks, past the proxy. */
  readonly databaseUrl: string;
  /** Switches that ended although nobody had ended them, after they had served. */
  readonly deaths: string[] = [];
  /** Most memory seen, in MiB. */
  readonly peaks = { switch: 0, redis: 0, postgres: 0 };
  postgres: TestPostgres;
  process: SwitchProcess;
  readonly #folder: string;
  readonly #stores: { databaseUrl: string; redisUrl: string | null };
  readonly #past: SwitchProcess[] = [];
  #lives = 1;
  #hasServed = true;
  #isMeantToRun = true;
  #isOver = false;
  #watch: Promise<unknown> = Promise.resolve();

  private constructor(parts: {
    links: Links;
    redis: RedisServer | null;
    postgres: TestPostgres;
    process: SwitchProcess;
    folder: string;
    stores: { databaseUrl: string; redisUrl: string | null };
  }) {
    this.links = parts.links;
    this.redis = parts.redis;
    this.postgres = parts.postgres;
    this.process = parts.process;
    this.databaseUrl = parts.postgres.url;
    this.#folder = parts.folder;
    this.#stores = parts.stores;
    this.#watch = Promise.all([this.#keepAlive(), this.#sample()]);
  }

  static async raise(name: StoresName, folder: string): Promise<Stage> {
    const redis = name === 'redis' ? await startRedis() : null;
    const postgres = await startPostgres();
    const links: Links = {
      clients: await Link.start(0),
      postgres: await Link.start(postgres.port),
      redis: redis === null ? null : await Link.start(redis.port),
    };
    const databaseUrl = postgres.url.replace(`:${postgres.port}/`, `:${links.postgres.port}/`);
    const redisUrl = links.redis === null ? null : `redis://127.0.0.1:${links.redis.port}`;
    const stores = { databaseUrl, redisUrl };
    const dataDir = mkdtempSync(join(folder, 'switch-1-'));
    const process = await SwitchProcess.start({ stores, env: envOf(1), dataDir });
    links.clients.target = process.port;
    return new Stage({ links, redis, postgres, process, folder, stores });
  }

  /** All switches that run: a deposed one may live on beside its successor for a while. */
  get switches(): readonly SwitchProcess[] {
    return [this.process, ...this.#past].filter((each) => !each.hasEnded);
  }

  // --------------------------------------------------------------------------------------------- the switch --

  /** SIGKILL; it stays down until `startSwitch`. */
  async killSwitch(): Promise<void> {
    this.#isMeantToRun = false;
    await this.process.kill();
  }

  async terminateSwitch(): Promise<void> {
    this.#isMeantToRun = false;
    await this.process.stop();
  }

  /** Starts it and does not wait until it serves. */
  async startSwitch(): Promise<void> {
    const { port, dataDir } = this.process;
    await this.#launch({ port, dataDir });
    this.#isMeantToRun = true;
  }

  /** Another switch on the same stores, beside the one that was; clients reach the new one from now on. */
  async startSuccessor(): Promise<SwitchProcess> {
    this.#isMeantToRun = false;
    const before = this.process;
    this.#past.push(before);
    await this.#launch({ dataDir: mkdtempSync(join(this.#folder, `switch-${this.#lives + 1}-`)) });
    this.links.clients.target = this.process.port;
    this.#isMeantToRun = true;
    return before;
  }

  async isReady(): Promise<boolean> {
    return (await this.process.readiness())?.status === 200;
  }

  async #launch(where: { port?: number; dataDir: string }): Promise<void> {
    this.#lives += 1;
    this.#hasServed = false;
    this.process = await SwitchProcess.launch({
      stores: this.#stores,
      env: envOf(this.#lives),
      ...where,
    });
  }

  /** What systemd would do: a switch that ends by itself (say, because no store answered at its start) is started again. */
  async #keepAlive(): Promise<void> {
    while (!this.#isOver) {
      await pause(LOOK_MS);
      if (!this.#isMeantToRun) continue;
      if (!this.process.hasEnded) {
        this.#hasServed ||= await this.isReady();
        continue;
      }
      if (this.#hasServed) this.deaths.push(this.process.tail());
      await this.startSwitch();
    }
  }

  // --------------------------------------------------------------------------------------------- the stores --

  get postgresFamily(): number[] {
    return familyOf(this.postgres.pid);
  }

  async killPostgres(): Promise<void> {
    const family = this.postgresFamily;
    const killed = this.postgres.kill();
    signalAll(family, 'SIGKILL');
    await killed;
  }

  async startPostgres(): Promise<void> {
    const { dir, port } = this.postgres;
    for (let i = 1; ; i++) {
      try {
        this.postgres = await startPostgres({ dir, port });
        return;
      } catch (error) {
        // The kernel may not have buried the last of the old one yet.
        if (i === START_TRIES) throw error;
        await pause(LOOK_MS);
      }
    }
  }

  async #sample(): Promise<void> {
    while (!this.#isOver) {
      const seen = {
        switch: memoryMb([this.process.pid]),
        redis: this.redis === null ? 0 : memoryMb([this.redis.pid]),
        postgres: memoryMb(this.postgresFamily),
      };
      for (const name of ['switch', 'redis', 'postgres'] as const) {
        this.peaks[name] = Math.max(this.peaks[name], seen[name]);
      }
      await pause(SAMPLE_MS);
    }
  }

  // ------------------------------------------------------------------------------------------------ the end --

  /** Whatever is stopped goes on, and the weather is fair. */
  heal(): void {
    for (const link of [this.links.clients, this.links.postgres, this.links.redis]) link?.heal();
    for (const each of this.switches) each.signal('SIGCONT');
    if (this.redis !== null) signalAll([this.redis.pid], 'SIGCONT');
    signalAll(this.postgresFamily, 'SIGCONT');
  }

  async strike(options: { keepsFolder: boolean }): Promise<void> {
    this.#isOver = true;
    this.#isMeantToRun = false;
    this.heal();
    await this.#watch;
    for (const each of [this.process, ...this.#past]) await each.kill();
    for (const link of [this.links.clients, this.links.postgres, this.links.redis]) {
      await link?.close();
    }
    await this.redis?.stop();
    await this.postgres.stop();
    if (!options.keepsFolder) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A folder for one run, with the logs and histories in it. */
export function runFolder(): string {
  return mkdtempSync(join(tmpdir(), 'qrswitch-chaos-'));
}

function envOf(life: number): Record<string, string> {
  return { QRSWITCH_DEMO: '0', QRSWITCH_NODE_NAME: `chaos-${life}` };
}

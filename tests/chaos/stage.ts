// Everything that a run needs and may break: the stores, the switch, and the links between them.
//
//   clients ──link──► switch ──link──► Redis
//                        └─────link──► Postgres

import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import { migrate } from '../../src/persistence/migrate.ts';
import { startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { SwitchProcess } from '../support/switch-process.ts';
import { now } from './memory.ts';
import { familyOf, memoryMb, signalAll } from './processes.ts';
import { Link } from './proxy.ts';
import { type Credentials, drawCredentials, type Spoken } from './secrets.ts';

export type StoresName = 'redis' | 'postgres';

export interface Links {
  readonly clients: Link;
  readonly postgres: Link;
  readonly redis: Link | null;
}

/** What there is before the first switch starts: a database in form, and where clients will reach it. */
export interface Place {
  readonly databaseUrl: string;
  readonly credentials: Credentials;
  readonly folder: string;
  readonly port: number;
}

const LOOK_MS = 200;
const SAMPLE_MS = 1_000;
const START_TRIES = 50;
/** Every so many samples what the switch measures is kept, too. */
const SCRAPE_SAMPLES = 4;
const METRICS = 'metrics.txt';
/** Postgres writes what it has to say into its own folder. */
const POSTGRES_LOG = { logging_collector: 'on', log_filename: 'server.log' };

export class Stage {
  readonly links: Links;
  readonly redis: RedisServer | null;
  readonly credentials: Credentials;
  /** Where the audit looks, past the proxy. */
  readonly databaseUrl: string;
  /** Switches that ended although nobody had ended them, after they had served. */
  readonly deaths: string[] = [];
  /** When switches were started again, monotonic µs. */
  readonly restarts: number[] = [];
  /** Most memory seen, in MiB. */
  readonly peaks = { switch: 0, redis: 0, postgres: 0 };
  postgres: TestPostgres;
  process: SwitchProcess;
  readonly #folder: string;
  readonly #stores: { databaseUrl: string; redisUrl: string | null };
  readonly #env: Readonly<Record<string, string>>;
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
    credentials: Credentials;
    databaseUrl: string;
    env: Readonly<Record<string, string>>;
  }) {
    this.links = parts.links;
    this.redis = parts.redis;
    this.postgres = parts.postgres;
    this.process = parts.process;
    this.databaseUrl = parts.databaseUrl;
    this.credentials = parts.credentials;
    this.#folder = parts.folder;
    this.#stores = parts.stores;
    this.#env = parts.env;
    this.#watch = Promise.all([this.#keepAlive(), this.#sample()]);
  }

  /** `prepare` fills the place, and says what else the switch is to be told in its environment. */
  static async raise(
    name: StoresName,
    folder: string,
    prepare: (place: Place) => Promise<Readonly<Record<string, string>>>,
  ): Promise<Stage> {
    const credentials = drawCredentials();
    const { redisPassword, postgresPassword } = credentials;
    const redis = name === 'redis' ? await startRedis({ requirepass: redisPassword }) : null;
    const server = await startPostgres({ settings: POSTGRES_LOG });
    const direct = await withPassword(server.url, postgresPassword);
    const links: Links = {
      clients: await Link.start(0),
      postgres: await Link.start(server.port),
      redis: redis === null ? null : await Link.start(redis.port),
    };
    const databaseUrl = direct.replace(`:${server.port}/`, `:${links.postgres.port}/`);
    const redisUrl =
      links.redis === null ? null : `redis://:${redisPassword}@127.0.0.1:${links.redis.port}`;
    const stores = { databaseUrl, redisUrl };
    const dataDir = mkdtempSync(join(folder, 'switch-1-'));
    await migrate(direct);
    const { port } = links.clients;
    const prepared = await prepare({ databaseUrl: direct, credentials, folder, port });
    const env = { ...envOf(1, credentials), ...prepared };
    const process = await SwitchProcess.start({ stores, env, dataDir });
    links.clients.target = process.port;
    const around = { links, redis, process, folder, stores, credentials, env: prepared };
    return new Stage({ ...around, postgres: server, databaseUrl: direct });
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

  /** Another switch on the same stores, beside the one that was, which it answers; clients reach the new one from now on. */
  async startSuccessor({ takesClients = true } = {}): Promise<SwitchProcess> {
    this.#isMeantToRun = false;
    const before = this.process;
    this.#past.push(before);
    await this.#launch({ dataDir: mkdtempSync(join(this.#folder, `switch-${this.#lives + 1}-`)) });
    if (takesClients) this.lead(this.process);
    return before;
  }

  /** Of the switches that run it is the one that clients reach from now on. */
  lead(process: SwitchProcess): void {
    if (this.process !== process) {
      this.#past.push(this.process);
      this.#past.splice(this.#past.indexOf(process), 1);
    }
    this.process = process;
    this.links.clients.target = process.port;
    this.#isMeantToRun = true;
  }

  async isReady(): Promise<boolean> {
    return (await this.process.readiness())?.status === 200;
  }

  async #launch(where: { port?: number; dataDir: string }): Promise<void> {
    this.#lives += 1;
    this.restarts.push(now());
    this.#hasServed = false;
    this.process = await SwitchProcess.launch({
      stores: this.#stores,
      env: { ...envOf(this.#lives, this.credentials), ...this.#env },
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
        this.postgres = await startPostgres({ dir, port, settings: POSTGRES_LOG });
        return;
      } catch (error) {
        // The kernel may not have buried the last of the old one yet.
        if (i === START_TRIES) throw error;
        await pause(LOOK_MS);
      }
    }
  }

  async #sample(): Promise<void> {
    for (let i = 1; !this.#isOver; i++) {
      const seen = {
        switch: memoryMb([this.process.pid]),
        redis: this.redis === null ? 0 : memoryMb([this.redis.pid]),
        postgres: memoryMb(this.postgresFamily),
      };
      for (const name of ['switch', 'redis', 'postgres'] as const) {
        this.peaks[name] = Math.max(this.peaks[name], seen[name]);
      }
      if (i % SCRAPE_SAMPLES === 0) await this.#scrape();
      await pause(SAMPLE_MS);
    }
  }

  async #scrape(): Promise<void> {
    const signal = AbortSignal.timeout(SAMPLE_MS);
    const answer = await fetch(`${this.process.baseUrl}/metrics`, { signal }).catch(() => null);
    const text = await answer?.text().catch(() => null);
    if (typeof text === 'string') appendFileSync(join(this.#folder, METRICS), text);
  }

  /** All that the processes have printed and measured. */
  async spoken(): Promise<Spoken[]> {
    await this.#scrape();
    const texts = (folder: string, file: string): Spoken => ({
      by: file,
      text: readFileSync(join(folder, file), 'utf8'),
    });
    const lives = readdirSync(this.#folder).filter((name) => name.startsWith('switch-'));
    return [
      ...lives.map((name) => texts(this.#folder, join(name, 'switch.log'))),
      texts(this.#folder, METRICS),
      texts(join(this.postgres.dir, 'cluster', 'log'), POSTGRES_LOG.log_filename),
      ...(this.redis === null ? [] : [{ by: 'Redis', text: this.redis.output }]),
    ];
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

function envOf(life: number, { pepper }: Credentials): Record<string, string> {
  return {
    QRSWITCH_DEMO: '0',
    QRSWITCH_NODE_NAME: `chaos-${life}`,
    QRSWITCH_KEY_PEPPERS: pepper,
    QRSWITCH_WEBHOOK_ALLOW: '127.0.0.0/8',
    QRSWITCH_WEBHOOK_FIRST_RETRY_MS: '20',
  };
}

/** The server takes another password from now on; the URL with it. */
async function withPassword(url: string, password: string): Promise<string> {
  const changed = new URL(url);
  const sql = postgres(url, { max: 1 });
  try {
    await sql.unsafe(`alter role ${changed.username} password '${password}'`);
  } finally {
    await sql.end();
  }
  changed.password = password;
  return changed.href;
}

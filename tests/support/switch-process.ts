// The built switch as its users run it: a child process, started, asked whether it is ready, killed, stopped.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DemoData } from '../../src/persistence/demo-data.ts';
import { freePort } from './ports.ts';
import type { Stores } from './set-ups.ts';

/** Folder of the build that is tested. */
export const DIST = process.env.E2E_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));

const READY_MS = 60_000;
const END_MS = 60_000;
/** At first and, as a wait goes on, at most: each look takes time from what is waited for. */
const POLL_MS = 10;
const POLL_MAX_MS = 80;
const SHOWN_LINES = 40;
/** Threads have 2 s to tell their metrics. */
const TOLD_WITHIN_MS = 1_900;
const SCRAPES_MAX = 10;

export interface SwitchOptions {
  readonly stores: Stores;
  /** More of the environment; `QRSWITCH_…` options above all. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of a switch that ran before, to start it again as it was. */
  readonly dataDir?: string;
  readonly port?: number;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of the switch, which may be starting, serving, waiting or gone. */
export class SwitchProcess {
  readonly port: number;
  readonly dataDir: string;
  readonly #options: SwitchOptions;
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;
  readonly #lastResort: () => void;
  #output = '';

  private constructor(options: SwitchOptions, port: number, dataDir: string) {
    this.#options = options;
    this.port = port;
    this.dataDir = dataDir;
    const { stores } = options;
    // Without the maps of its sources, which `./start` has it read: they are a fifth of a start, of which there are hundreds.
    this.#child = spawn(process.execPath, [join(DIST, 'main.js')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '',
        PORT: String(port),
        DATABASE_URL: stores.databaseUrl,
        ...(stores.redisUrl === null ? {} : { REDIS_URL: stores.redisUrl }),
        QRSWITCH_DATA_DIR: dataDir,
        QRSWITCH_DEMO: '1',
        QRSWITCH_LOG_LEVEL: 'info',
        ...options.env,
      },
    });
    const hear = (chunk: Buffer): void => {
      this.#output += chunk.toString();
      appendFileSync(join(dataDir, 'switch.log'), chunk);
    };
    this.#child.stdout?.on('data', hear);
    this.#child.stderr?.on('data', hear);
    // The output is whole only once its pipes are closed.
    this.#ended = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }));
    this.#lastResort = () => this.#child.kill('SIGKILL');
    process.once('exit', this.#lastResort);
    void this.#ended.then(() => process.off('exit', this.#lastResort));
  }

  /** Starts the process and returns at once. */
  static async launch(options: SwitchOptions): Promise<SwitchProcess> {
    const port = options.port ?? (await freePort());
    const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'qrswitch-e2e-'));
    return new SwitchProcess(options, port, dataDir);
  }

  /** Starts the process and resolves once it serves. */
  static async start(options: SwitchOptions): Promise<SwitchProcess> {
    const launched = await SwitchProcess.launch(options);
    await launched.ready();
    return launched;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** All that it has printed. */
  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get demo(): DemoData {
    return JSON.parse(readFileSync(join(this.dataDir, 'demo.json'), 'utf8')) as DemoData;
  }

  /** Log lines of one kind, by their `what`. */
  logged(what: string): Record<string, unknown>[] {
    return this.#output
      .split('\n')
      .filter((line) => line.includes(`"${what}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line.what === what);
  }

  async ready(): Promise<void> {
    // A process that has never said so need not be asked.
    await this.until('ready', async () => {
      return this.#output.includes('"switch.ready"') && (await this.readiness())?.status === 200;
    });
  }

  /** What /readyz says; undefined where nobody answers. */
  async readiness(): Promise<{ status: number; body: Record<string, unknown> } | undefined> {
    try {
      const answer = await fetch(`${this.baseUrl}/readyz`);
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    } catch {
      return undefined;
    }
  }

  /** Resolves once the condition holds; rejects where the process ends first. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_MS;
    for (let wait = POLL_MS; !(await holds()); wait = Math.min(1.5 * wait, POLL_MAX_MS)) {
      if (this.hasEnded) throw new Error(`the switch ended before it was ${what}\n${this.tail()}`);
      if (performance.now() > deadline) {
        throw new Error(`the switch was not ${what} in time\n${this.tail()}`);
      }
      await pause(wait);
    }
  }

  /** SIGKILL; resolves once the process is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Without waiting for the end. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** How it ended; rejects where it does not. */
  async ended(): Promise<Ended> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_done, failed) => {
      timer = setTimeout(
        () => failed(new Error(`the switch does not end\n${this.tail()}`)),
        END_MS,
      );
    });
    try {
      return await Promise.race([this.#ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** SIGTERM; resolves once it has drained. */
  async stop(): Promise<Ended> {
    this.signal('SIGTERM');
    return this.ended();
  }

  /** The same switch again; it may refuse to serve. */
  relaunch(): Promise<SwitchProcess> {
    const { port, dataDir } = this;
    return SwitchProcess.launch({ ...this.#options, port, dataDir });
  }

  /** The same switch again, on its stores, port and folder; other settings where they are given. */
  async restart(env?: Readonly<Record<string, string>>): Promise<SwitchProcess> {
    const { port, dataDir } = this;
    return SwitchProcess.start({ ...this.#options, port, dataDir, ...(env && { env }) });
  }

  /** For the end of a test file: no process and no folder stay. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** The last lines of its log. */
  tail(): string {
    return this.#output
      .split('\n')
      .filter((line) => /^(?:\{|qrswitch cannot|\s+at |\w*Error)/.test(line))
      .filter((line) => !line.includes('"shard.state"') || line.includes('"level":"error"'))
      .slice(-SHOWN_LINES)
      .join('\n');
  }
}

/** The value of a metric, summed over its labels; 0 where there is none. */
export async function metric(baseUrl: string, name: string): Promise<number> {
  const text = await scrape(baseUrl);
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) {
      sum += Number(line.slice(line.lastIndexOf(' ') + 1));
    }
  }
  return sum;
}

/** Of all threads: one that is too busy to tell is left out of a scrape, which has waited for it, so it is asked again. */
async function scrape(baseUrl: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const askedAt = performance.now();
    const text = await (await fetch(`${baseUrl}/metrics`)).text();
    if (performance.now() - askedAt < TOLD_WITHIN_MS || tries === SCRAPES_MAX) return text;
  }
}

// A real Redis of one's own: its own port, its own folder, gone with `stop`.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';

/** Lines of a redis.conf, by name. What is left out is as a durable switch needs it. */
export interface RedisSettings {
  readonly appendonly?: 'yes' | 'no';
  readonly appendfsync?: 'always' | 'everysec' | 'no';
  readonly 'no-appendfsync-on-rewrite'?: 'yes' | 'no';
  readonly maxmemory?: string;
  readonly 'maxmemory-policy'?: string;
  readonly [setting: string]: string | undefined;
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Where the append-only file lies. */
  readonly dir: string;
  readonly config: Readonly<Record<string, string>>;
  readonly pid: number;
  /** What it has printed since it was last started. */
  readonly output: string;
  readonly hasEnded: boolean;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL; port and folder stay for `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder, after `kill`. */
  restart(): Promise<void>;
}

type Environment = Readonly<Record<string, string>>;

interface Launch {
  readonly config: Readonly<Record<string, string>>;
  readonly dir: string;
  readonly env: Environment;
}

const DURABLE: RedisSettings = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  'maxmemory-policy': 'noeviction',
  save: '',
};
const START_MS = 10_000;
const OUTPUT_MAX = 20_000;
/** What each process has printed, for as long as somebody has the process. */
const outputs = new WeakMap<ChildProcess, () => string>();
const STARTS_MAX = 5;

/**
 * Starts a Redis and resolves once it answers. Needs `redis-server` on the PATH. `env`: more of its environment, such
 * as a disk that fails.
 */
export async function startRedis(
  settings: RedisSettings = {},
  env: Environment = {},
): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'qrswitch-redis-'));
  const config: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...DURABLE, ...settings })) {
    if (value !== undefined) config[name] = value;
  }
  const { child, port } = await launchOnFreePort({ config, dir, env });
  return runningServer(child, port, { config, dir, env });
}

function runningServer(first: ChildProcess, port: number, how: Launch): RedisServer {
  const { config, dir } = how;
  let child = first;
  // A test run that is cut off must not leave a server behind.
  const onExit = () => child.kill('SIGKILL');
  process.once('exit', onExit);

  const kill = () => end(child, 'SIGKILL');
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    dir,
    config,
    get pid() {
      return child.pid ?? 0;
    },
    get output() {
      return outputs.get(child)?.() ?? '';
    },
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    kill,
    async stop() {
      process.removeListener('exit', onExit);
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
    async restart() {
      child = await launch(how, port);
    },
  };
}

/** Another process may take the free port before Redis does; then there is another one. */
async function launchOnFreePort(how: Launch): Promise<{ child: ChildProcess; port: number }> {
  for (let start = 1; ; start++) {
    const port = await freePort();
    try {
      return { child: await launch(how, port), port };
    } catch (error) {
      if (start < STARTS_MAX && String(error).includes('Address already in use')) continue;
      await rm(how.dir, { recursive: true, force: true });
      throw error;
    }
  }
}

async function launch({ config, dir, env }: Launch, port: number): Promise<ChildProcess> {
  const options = Object.entries(config).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(
    'redis-server',
    ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir, ...options],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
  );
  await ready(child);
  return child;
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`did not start within ${START_MS} ms`);
    }, START_MS);
    const fail = (why: string) => {
      clearTimeout(timer);
      reject(new Error(`redis-server ${why}\n${output}`));
    };
    outputs.set(child, () => output);
    // The pipes must go on being read, or Redis stops once they are full.
    const listen = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_MAX);
      if (!output.includes('Ready to accept connections')) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('error', (error: NodeJS.ErrnoException) => {
      fail(
        error.code === 'ENOENT'
          ? 'is not on the PATH: install it (Debian: apt-get install redis-server)'
          : String(error),
      );
    });
    child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

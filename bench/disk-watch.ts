// What the disk did while a run took place: a small append with its fdatasync, all the time, beside the stores'. Where
// these stall, so does every durable answer, whatever the switch does.

import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Histogram } from 'hdr-histogram-js';

const SYNC_BYTES = 512;
/** Fifty a second: a stall of 20 ms is not missed, and the disk does not notice. */
const PAUSE_MS = 20;
const US_PER_MS = 1_000;
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlay',
};

/** What one append and its sync took. */
export interface Syncs {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What the stores' temporary folders lie on. */
export function fileSystem(): string {
  const { type } = statfsSync(tmpdir());
  return FILE_SYSTEMS[type] ?? `of type 0x${type.toString(16)}`;
}

/** Runs something, and tells what the file system of the stores did meanwhile. */
export async function watchDisk<T>(run: () => Promise<T>): Promise<{ result: T; syncs: Syncs }> {
  const took = build({ numberOfSignificantValueDigits: 3 });
  let isOver = false;
  const watching = appendUntil(() => isOver, took);
  try {
    const result = await run();
    isOver = true;
    await watching;
    const at = (percentile: number): number => took.getValueAtPercentile(percentile) / US_PER_MS;
    return { result, syncs: { p50Ms: at(50), p99Ms: at(99), maxMs: at(100) } };
  } finally {
    isOver = true;
  }
}

async function appendUntil(isOver: () => boolean, took: Histogram): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'qrswitch-disk-'));
  const file = await open(join(dir, 'log'), 'a');
  const bytes = Buffer.alloc(SYNC_BYTES, 1);
  try {
    do {
      const begun = performance.now();
      await file.write(bytes);
      await file.datasync();
      took.recordValue(Math.round((performance.now() - begun) * US_PER_MS));
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    } while (!isOver());
  } finally {
    await file.close();
    rmSync(dir, { recursive: true });
  }
}

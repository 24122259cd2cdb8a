import { describe, expect, test } from 'vitest';
import { fileSystem, watchDisk } from './disk-watch.ts';

describe('a watch on the disk', () => {
  test('tells what its appends took, in order', async () => {
    const { result, syncs } = await watchDisk(async () => 'done');
    const { p50Ms, p99Ms, maxMs } = syncs;
    expect(result).toBe('done');
    expect(p50Ms).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    expect(maxMs).toBeGreaterThanOrEqual(p99Ms);
  });

  test('names the file system', () => {
    expect(fileSystem()).not.toBe('');
  });
});

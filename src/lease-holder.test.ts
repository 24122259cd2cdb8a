import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  describeHolder,
  formatHolder,
  isGone,
  isOfProcess,
  type LeaseHolder,
  makeHolder,
} from './lease-holder.ts';

const self = makeHolder({ node: 'a', process: 'p', worker: 1, life: 2 });

function another(changes: Partial<LeaseHolder>): string {
  return formatHolder({ ...self, process: 'another', ...changes });
}

describe('a holder', () => {
  test('is not gone while its process runs', () => {
    expect(isGone(another({}), self)).toBe(false);
  });

  test('is gone once its process has ended', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    const { pid } = child;
    await once(child, 'exit');
    expect(isGone(another({ pid: pid ?? 0 }), self)).toBe(true);
  });

  test('is gone where its pid belongs to a later process', () => {
    expect(isGone(another({ begun: '1' }), self)).toBe(true);
  });

  test('of another machine is never known to be gone', () => {
    expect(isGone(another({ machine: 'elsewhere', begun: '1' }), self)).toBe(false);
  });

  test('of the same process is gone only where it is an earlier life of the same worker', () => {
    expect(isGone(formatHolder({ ...self, life: 1 }), self)).toBe(true);
    expect(isGone(formatHolder({ ...self, life: 2 }), self)).toBe(false);
    expect(isGone(formatHolder({ ...self, worker: 0, life: 1 }), self)).toBe(false);
  });

  test('is of the same process whichever worker of it it is, and in whichever life', () => {
    expect(isOfProcess(formatHolder({ ...self, worker: 0, life: 7 }), self)).toBe(true);
    expect(isOfProcess(another({}), self)).toBe(false);
    expect(isOfProcess('someone', self)).toBe(false);
  });

  test('that cannot be read is not known to be gone, and is shown as it is', () => {
    expect(isGone('someone', self)).toBe(false);
    expect(isGone('{"pid":1}', self)).toBe(false);
    expect(describeHolder('someone')).toBe('someone');
  });

  test('is shown by its node, pid and worker', () => {
    expect(describeHolder(formatHolder({ ...self, pid: 7 }))).toBe('a (pid 7, worker 1)');
  });
});

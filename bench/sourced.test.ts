import { describe, expect, test } from 'vitest';
import { sourcedBy, threadName } from './sourced.ts';

describe('a place in a bundle', () => {
  const url = 'file:///project/dist/worker.js';
  // Its second line is the third of the source.
  const map = { version: 3, sources: ['../src/switch/shard.ts'], names: [], mappings: ';AAEA' };
  const sourced = sourcedBy((file) =>
    file === '/project/dist/worker.js.map' ? JSON.stringify(map) : null,
  );
  const at = { functionName: 'take', url, lineNumber: 1, columnNumber: 7 };

  test('is told as the place in the source', () => {
    expect(sourced(at)).toMatchObject({
      functionName: 'take',
      url: 'file:///project/src/switch/shard.ts',
      lineNumber: 2,
    });
  });

  test('stays what it is where no map knows it', () => {
    const other = { ...at, url: 'file:///project/dist/other.js' };
    expect(sourced(other)).toEqual(other);
    const native = { ...at, url: '' };
    expect(sourced(native)).toEqual(native);
  });
});

test('a thread is named by the program that it runs', () => {
  const shared = 'file:///project/dist/shared-1.js';
  expect(threadName([shared, 'file:///project/dist/worker.js'])).toBe('a worker');
  expect(threadName([shared, 'file:///project/dist/main.js'])).toBe('the main thread');
  expect(threadName([shared])).toBe('a thread of a driver');
});

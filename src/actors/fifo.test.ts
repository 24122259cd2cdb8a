import { describe, expect, test } from 'vitest';
import { Fifo } from './fifo.ts';

describe('a queue', () => {
  test('gives back what came first', () => {
    const queue = new Fifo<number>();
    for (const item of [1, 2, 3]) queue.push(item);
    expect([queue.peek(), queue.last()]).toEqual([1, 3]);
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([
      1,
      2,
      3,
      undefined,
    ]);
    expect(queue.last()).toBeUndefined();
  });

  test('is empty once drained, and goes on', () => {
    const queue = new Fifo<number>();
    for (let i = 0; i < 5; i++) queue.push(i);
    queue.shift();
    expect(queue.drain()).toEqual([1, 2, 3, 4]);
    expect(queue.size).toBe(0);
    expect(queue.peek()).toBeUndefined();
    queue.push(9);
    expect(queue.shift()).toBe(9);
  });

  test('keeps its order while it drifts, because it lets go of what was taken out', () => {
    const queue = new Fifo<number>();
    let next = 0;
    let expected = 0;
    for (let round = 0; round < 6_000; round++) {
      for (let i = 0; i < 3 && queue.size < 5_000; i++) {
        queue.push(next);
        next += 1;
      }
      expect(queue.shift()).toBe(expected);
      expected += 1;
    }
    expect([...queue]).toEqual(Array.from({ length: next - expected }, (_, i) => expected + i));
  });
});

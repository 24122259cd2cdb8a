import { describe, expect, test } from 'vitest';
import { type Timed, TimerHeap } from './timer-heap.ts';

interface Item extends Timed {
  readonly name: number;
}

const makeItem = (name: number): Item => ({ name, dueAt: 0, heapIndex: -1 });

describe('a timer heap', () => {
  test('gives the item that is due first', () => {
    const heap = new TimerHeap<Item>();
    const items = [5, 1, 4, 2, 3].map((due, name) => ({ item: makeItem(name), due }));
    for (const { item, due } of items) heap.set(item, due);
    expect(drain(heap)).toEqual([1, 2, 3, 4, 5]);
  });

  test('moves an item that is set again, to earlier and to later', () => {
    const heap = new TimerHeap<Item>();
    const [a, b, c] = [makeItem(1), makeItem(2), makeItem(3)];
    heap.set(a, 10);
    heap.set(b, 20);
    heap.set(c, 30);
    heap.set(c, 5);
    expect(heap.peek()).toBe(c);
    heap.set(c, 15);
    expect(heap.size).toBe(3);
    expect(drain(heap)).toEqual([10, 15, 20]);
  });

  test('lets any item go, and one that is not in it alone', () => {
    const heap = new TimerHeap<Item>();
    const [a, b] = [makeItem(1), makeItem(2)];
    heap.set(a, 1);
    heap.remove(b);
    heap.remove(a);
    heap.remove(a);
    expect(heap.size).toBe(0);
    expect(a.heapIndex).toBe(-1);
  });

  test('can take an item again after it was cleared', () => {
    const heap = new TimerHeap<Item>();
    const item = makeItem(1);
    heap.set(item, 7);
    heap.clear();
    expect(heap.peek()).toBeUndefined();
    heap.set(item, 3);
    expect(heap.peek()).toBe(item);
  });
});

function drain(heap: TimerHeap<Item>): number[] {
  const dues: number[] = [];
  for (let item = heap.peek(); item !== undefined; item = heap.peek()) {
    dues.push(item.dueAt);
    heap.remove(item);
    expect(item.heapIndex).toBe(-1);
  }
  return dues;
}

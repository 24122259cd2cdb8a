import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Timed, TimerHeap } from './timer-heap.ts';

interface Item extends Timed {
  readonly name: number;
}

const makeItem = (name: number): Item => ({ name, dueAt: 0, heapIndex: -1 });

describe('a timer heap', () => {
  test('agrees with a sorted list, whatever is set and removed', () => {
    const steps = fc.array(
      fc.record({ name: fc.nat({ max: 15 }), due: fc.option(fc.nat({ max: 9 }), { freq: 3 }) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (plan) => {
        const heap = new TimerHeap<Item>();
        const items = Array.from({ length: 16 }, (_, name) => makeItem(name));
        const model = new Map<number, number>();
        for (const { name, due } of plan) {
          const item = items[name] as Item;
          if (due === null) {
            heap.remove(item);
            model.delete(name);
          } else {
            heap.set(item, due);
            model.set(name, due);
          }
          expect(heap.size).toBe(model.size);
          if (model.size > 0) expect(heap.peek()?.dueAt).toBe(Math.min(...model.values()));
        }
        expect(drain(heap)).toEqual([...model.values()].sort((left, right) => left - right));
      }),
    );
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

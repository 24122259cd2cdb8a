import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SlotHeap } from './slot-heap.ts';

describe('a heap of slots', () => {
  test('agrees with a sorted list, whatever is added and removed', () => {
    const steps = fc.array(
      fc.record({ slot: fc.nat({ max: 99 }), due: fc.option(fc.nat({ max: 9 }), { freq: 3 }) }),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, (plan) => {
        const heap = new SlotHeap();
        const model = new Map<number, number>();
        for (const { slot, due } of plan) {
          if (due === null || model.has(slot)) {
            heap.remove(slot);
            model.delete(slot);
          } else {
            heap.add(slot, due);
            model.set(slot, due);
          }
          expect(heap.size).toBe(model.size);
          expect(heap.has(slot)).toBe(model.has(slot));
          if (model.size > 0) expect(model.get(heap.first)).toBe(Math.min(...model.values()));
        }
        expect(drain(heap)).toEqual([...model.values()].sort((left, right) => left - right));
        expect(heap.first).toBe(-1);
      }),
    );
  });
});

function drain(heap: SlotHeap): number[] {
  const dues: number[] = [];
  for (let slot = heap.first; slot !== -1; slot = heap.first) {
    dues.push(heap.dueAt(slot));
    heap.remove(slot);
    expect(heap.has(slot)).toBe(false);
  }
  return dues;
}

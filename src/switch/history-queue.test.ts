import { describe, expect, test } from 'vitest';
import type { Reference, TerminalId } from '../domain/ids.ts';
import { millis } from '../domain/time.ts';
import { type EntryId, entryId } from './entry-id.ts';
import { type CommittedEntry, HistoryQueue, weightOf } from './history-queue.ts';

const id = (sequence: number): EntryId => entryId(1, sequence);

function entry(sequence: number, transitions: number): CommittedEntry {
  const transition = {
    kind: 'orderVoided',
    terminalId: 'till' as TerminalId,
    orderId: 'order' as Reference,
    at: millis(sequence),
    actor: 'terminal:till',
    requestId: 'r',
  } as const;
  const items = Array.from({ length: transitions }, () => ({ kind: 'order', transition }) as const);
  return { entry: id(sequence), at: sequence, weight: items.length, items };
}

describe('an entry', () => {
  test('weighs as many transitions as it has, or as would take so many bytes if they were large for usual ones', () => {
    expect(weightOf(30, 30 * 200)).toBe(30);
    expect(weightOf(30, 30 * 512)).toBe(30);
    expect(weightOf(30, 30 * 512 + 1)).toBe(31);
    expect(weightOf(1, 60_000)).toBe(118);
  });
});

describe('a history queue', () => {
  test('counts transitions, not entries', () => {
    const queue = new HistoryQueue();
    expect(queue.isEmpty).toBe(true);
    queue.push(entry(1, 3));
    queue.push(entry(2, 0));
    queue.push(entry(3, 2));
    expect(queue.depth).toBe(5);
    expect([queue.first?.entry, queue.last?.entry]).toEqual([id(1), id(3)]);
  });

  test('shows its head up to a number of transitions, one entry at the least', () => {
    const queue = new HistoryQueue();
    for (const [sequence, count] of [
      [1, 3],
      [2, 3],
      [3, 3],
    ] as const) {
      queue.push(entry(sequence, count));
    }
    expect(queue.head(1).map((each) => each.entry)).toEqual([id(1)]);
    expect(queue.head(6).map((each) => each.entry)).toEqual([id(1), id(2)]);
    expect(queue.depth).toBe(9);
  });

  test('gives out all up to an entry, and no more', () => {
    const queue = new HistoryQueue();
    for (let i = 1; i <= 4; i++) queue.push(entry(i, 1));
    expect(queue.takeThrough(id(2)).map((each) => each.entry)).toEqual([id(1), id(2)]);
    expect(queue.has(id(2))).toBe(false);
    expect(queue.has(id(3))).toBe(true);
    expect(queue.depth).toBe(2);
    expect(queue.takeThrough(id(9))).toHaveLength(2);
    expect(queue.isEmpty).toBe(true);
    expect(queue.last).toBeUndefined();
  });

  test('keeps its order over a long life', () => {
    const queue = new HistoryQueue();
    let taken = 0;
    for (let i = 1; i <= 5_000; i++) {
      queue.push(entry(i, 1));
      if (i % 2 === 0) {
        const [first, ...rest] = queue.takeThrough(id(taken + 1));
        expect(first?.entry).toBe(id(taken + 1));
        expect(rest).toEqual([]);
        taken += 1;
      }
    }
    expect(queue.depth).toBe(5_000 - taken);
  });
});

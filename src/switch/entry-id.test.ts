import { describe, expect, test } from 'vitest';
import {
  entryId,
  epochOf,
  formatEntryId,
  isLastOfEpoch,
  NO_ENTRY,
  readEntryId,
  sequenceOf,
} from './entry-id.ts';

const LAST = 2 ** 32 - 1;

describe('an entry id', () => {
  test('keeps its epoch and its sequence, the largest ones too', () => {
    for (const [epoch, sequence] of [
      [0, 0],
      [1, LAST],
      [2 ** 21 - 1, LAST],
    ] as const) {
      const id = entryId(epoch, sequence);
      expect(Number.isSafeInteger(id)).toBe(true);
      expect([epochOf(id), sequenceOf(id)]).toEqual([epoch, sequence]);
      expect(readEntryId(formatEntryId(id))).toBe(id);
    }
  });

  test('is ordered by epoch, then by sequence', () => {
    expect(entryId(1, LAST)).toBeLessThan(entryId(2, 0));
    expect(entryId(2, 3)).toBeLessThan(entryId(2, 4));
    expect(NO_ENTRY).toBeLessThan(entryId(0, 1));
  });

  test('knows when its epoch has no more', () => {
    expect(isLastOfEpoch(entryId(3, LAST))).toBe(true);
    expect(isLastOfEpoch(entryId(3, LAST - 1))).toBe(false);
  });

  test('is refused where it would lose exactness, and where it is no id', () => {
    expect(() => entryId(2 ** 21, 0)).toThrow('epoch out of range');
    expect(() => entryId(1, 2 ** 32)).toThrow('sequence out of range');
    expect(() => readEntryId('12')).toThrow('not an entry id');
    expect(() => readEntryId('a-b')).toThrow('out of range');
  });
});

import { describe, expect, test } from 'vitest';
import { ratioOf, shown, spreadOf, table } from './report.ts';

describe('a spread', () => {
  test('has the middle value, or the mean of the two in the middle', () => {
    expect(spreadOf([30, 10, 20])).toEqual({ median: 20, min: 10, max: 30 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7 });
  });

  test('of nothing is refused', () => {
    expect(() => spreadOf([])).toThrow('nothing');
  });

  test('is shown with its ends', () => {
    expect(shown({ median: 1.234, min: 1, max: 2 }, 2)).toBe('1.23 (1.00-2.00)');
  });
});

describe('a ratio', () => {
  test('is taken within each round, not between medians', () => {
    // The machine was twice as fast in the second round: both doubled, the ratio stayed.
    expect(ratioOf([300, 600], [100, 200])).toEqual({ median: 3, min: 3, max: 3 });
  });
});

describe('a table', () => {
  test('is aligned Markdown', () => {
    expect(
      table(
        ['what', 'n'],
        [
          ['a', '1'],
          ['longer', ''],
        ],
      ),
    ).toBe('| what   | n |\n|--------|---|\n| a      | 1 |\n| longer |   |');
  });
});

import { describe, expect, test } from 'vitest';
import { formatTime, parseTime } from './wire-time.ts';

describe('a time on the wire', () => {
  test.each([
    ['1970-01-01T00:00:00Z', 0],
    ['2026-01-05T12:00:00.5Z', 1_767_614_400_500],
    ['2026-01-05T12:00:00.123456789Z', 1_767_614_400_123],
    ['2026-01-05T14:30:00+02:30', 1_767_614_400_000],
    ['2026-01-05t12:00:00z', 1_767_614_400_000],
    ['2024-02-29T00:00:00Z', 1_709_164_800_000],
    ['2999-12-31T23:59:59.999Z', 32_503_679_999_999],
  ])('%s is read', (text, at) => {
    expect(parseTime(text)).toBe(at);
  });

  test.each([
    '',
    'yesterday',
    '2026-01-05',
    '2026-01-05T12:00:00',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-05T24:00:00Z',
    '2026-01-05T12:60:00Z',
    '2016-12-31T23:59:60Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+00:01',
    '3000-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '+12026-01-05T12:00:00Z',
  ])('“%s” is none', (text) => {
    expect(parseTime(text)).toBeUndefined();
  });

  test('is shown with milliseconds, also where two share a slot of the cache', () => {
    for (const at of [0, 1_024, 0, 1_767_614_400_000, 1_767_614_401_024]) {
      expect(formatTime(at)).toBe(new Date(at).toISOString());
    }
  });
});

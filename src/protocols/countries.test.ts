import { describe, expect, test } from 'vitest';
import { isCountry } from './countries.ts';

describe('a country', () => {
  test('is named by two letters of ISO 3166-1', () => {
    expect(
      ['LV', 'RU', 'US', 'GB', 'AX', 'BQ', 'SS', 'TW'].filter((code) => !isCountry(code)),
    ).toEqual([]);
  });

  test('is nothing else that looks so: lower case, regions, what was given up or never given', () => {
    const none = [
      'lv',
      'LVA',
      '',
      'EU',
      'UN',
      'UK',
      'SU',
      'YU',
      'DD',
      'ZZ',
      'QM',
      'XX',
      'AA',
      'L1',
    ];
    expect(none.filter(isCountry)).toEqual([]);
  });

  test('is one of 249', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    const all = letters.flatMap((first) => letters.map((second) => first + second));
    expect(all.filter(isCountry)).toHaveLength(249);
  });
});

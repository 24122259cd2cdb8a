import { describe, expect, test } from 'vitest';
import type { ToldTariff } from '../switch/tariffs.ts';
import { TariffBook } from './tariff-book.ts';

function told(more: Partial<ToldTariff> = {}, amount = 100): ToldTariff {
  const version = {
    effectiveFrom: '2026-01-01T00:00:00Z',
    graceSeconds: 0,
    quoteSeconds: 0,
    rules: [{ name: 'Always', phases: [{ amount }] }],
  };
  const document = { currency: 'EUR', timeZone: 'Europe/Riga', versions: [version] };
  return { id: 'trf_1', merchantId: 'mer_1', name: 'town', revision: 1, document, ...more };
}

const priceIn = (book: TariffBook, merchantId = 'mer_1', name = 'town') =>
  book.find(merchantId, name)?.versions[0]?.rules[0]?.phases[0]?.amount;

describe('a book of tariffs', () => {
  test('has the newest revision that it was told of, which says whence it is', () => {
    const book = new TariffBook();
    book.learn([told(), told({ merchantId: 'mer_2', name: 'town' }, 300)], true);
    book.learn([told({ revision: 2 }, 200)], false);
    expect(priceIn(book)).toBe(200);
    expect(book.find('mer_1', 'town')?.origin).toEqual({ name: 'town', revision: 2 });
    expect(priceIn(book, 'mer_2')).toBe(300);
    expect(book.find('mer_1', 'other')).toBeUndefined();
    expect(book.find('mer_3', 'town')).toBeUndefined();
  });

  test('reads a revision once, however often it is asked for', () => {
    const book = new TariffBook();
    book.learn([told()], true);
    expect(book.find('mer_1', 'town')).toBe(book.find('mer_1', 'town'));
  });

  test('forgets what has ended, and what is not there as a whole', () => {
    const book = new TariffBook();
    book.learn([told(), told({ name: 'night' })], true);
    book.learn([told({ document: null })], false);
    expect(priceIn(book)).toBeUndefined();
    expect(priceIn(book, 'mer_1', 'night')).toBe(100);
    book.learn([told()], true);
    expect(priceIn(book, 'mer_1', 'night')).toBeUndefined();
    expect(priceIn(book)).toBe(100);
  });

  test('says what it cannot read, and goes on by no older revision', () => {
    const book = new TariffBook();
    book.learn([told()], true);
    const odd = told({ revision: 2, document: { fromLater: true } });
    expect(book.learn([odd], false)).toEqual([odd]);
    expect(priceIn(book)).toBeUndefined();
  });
});

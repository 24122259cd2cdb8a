import { describe, expect, test } from 'vitest';
import { HOUR_MS } from '../domain/time.ts';
import { FILTER_SPAN_MS, OrderFilter } from './order-filter.ts';

const NOW = 1_700_000_000_000;

describe('the filter of recent orders', () => {
  test('never says no of an order that it has seen, however overfilled', () => {
    for (const ordersMax of [1, 100_000]) {
      const filter = new OrderFilter(ordersMax);
      for (let i = 0; i < 20_000; i++) filter.add(`order-${i}`, NOW + (i % 10) * HOUR_MS);
      const orders = Array.from({ length: 20_000 }, (_, i) => `order-${i}`);
      expect(orders.filter((order) => !filter.mayKnow(order, NOW + 10 * HOUR_MS))).toEqual([]);
    }
  });

  test('says yes of few orders that it has not seen', () => {
    const filter = new OrderFilter(100_000);
    for (let i = 0; i < 10_000; i++) filter.add(`till-1\u0000order-${i}`, NOW);
    let wrong = 0;
    for (let i = 0; i < 10_000; i++) if (filter.mayKnow(`till-2\u0000order-${i}`, NOW)) wrong += 1;
    expect(wrong).toBeLessThan(300);
  });

  test('remembers an order for 25 hours, and its memory comes back after that', () => {
    const filter = new OrderFilter(1_000);
    filter.add('early', NOW);
    expect(filter.mayKnow('early', NOW + FILTER_SPAN_MS)).toBe(true);
    const later = NOW + FILTER_SPAN_MS + 2 * HOUR_MS;
    expect(filter.mayKnow('early', later)).toBe(false);
    expect(filter.bytes).toBe(0);
  });

  test('grows with what it holds, and stops growing at its limit', () => {
    const filter = new OrderFilter(5_000);
    for (let i = 0; i < 5_000; i++) filter.add(`order-${i}`, NOW);
    const full = filter.bytes;
    for (let i = 0; i < 50_000; i++) filter.add(`more-${i}`, NOW);
    expect(filter.bytes).toBe(full);
  });
});

import { describe, expect, test } from 'vitest';
import { lineChart, spreadChart } from './charts.ts';

describe('a plot', () => {
  test('of lines is an SVG with its title, its axes and its legend', () => {
    const svg = lineChart('Throughput', { name: 'in flight' }, { name: 'a second' }, [
      {
        name: 'over HTTP',
        points: [
          [8, 900],
          [32, 2_100],
        ],
      },
    ]);
    expect(svg).toMatch(/^<svg /);
    for (const text of ['Throughput', 'in flight', 'a second', 'over HTTP']) {
      expect(svg).toContain(text);
    }
  });

  test('of spreads names each bar and its median', () => {
    const svg = spreadChart('Ratios', 'times', [
      { name: 'to pgbench', median: 3.25, min: 2.5, max: 4 },
    ]);
    for (const text of ['Ratios', 'to pgbench', '3.25']) expect(svg).toContain(text);
  });
});

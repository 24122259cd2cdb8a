import { describe, expect, test } from 'vitest';
import { type StepPlot, stepPlot } from './step-plot.ts';

function plot(parts: Partial<StepPlot>): string {
  const lines = stepPlot({ values: [], height: 4, valueText: String, marks: [], ...parts });
  return `\n${lines.join('\n')}\n`;
}

describe('a plot of steps', () => {
  test('goes up where the value does, and names each row by what is drawn in it', () => {
    const marks = [
      { column: 0, text: '10:00' },
      { column: 3, text: 'no room' },
      { column: 8, text: '12' },
    ];

    expect(plot({ values: [0, 0, 2, 2, 2, 4, 4, 4, 12, 12], marks })).toBe(`
12 ┤        ╭─
   │        │
 4 ┤  ╭─────╯
 0 ┤──╯
   └┬───────┬─
    10:00   12
`);
  });

  test('of one value is a line', () => {
    expect(plot({ values: [5, 5, 5] })).toBe('\n5 ┤───\n  │\n  │\n  │\n  └───\n');
  });

  test('of nothing but zeros is one row', () => {
    expect(plot({ values: [0, 0, 0] })).toBe('\n0 ┤───\n  └───\n');
  });
});

// A plot of something that goes up in steps, drawn in text:
//
//   6.00 EUR ┤          ╭──────
//   4.00 EUR ┤    ╭─────╯
//   0.00 EUR ┼────╯
//            └┬────────┬───────
//             10:00    12:00

export interface StepPlot {
  /** The value at each column, never falling. */
  readonly values: readonly number[];
  readonly height: number;
  readonly valueText: (value: number) => string;
  /** What is written below a column; what does not fit is left out. */
  readonly marks: readonly { readonly column: number; readonly text: string }[];
}

/** The lines of the plot. A row is named by the highest value that is drawn in it. */
export function stepPlot({ values, height, valueText, marks }: StepPlot): string[] {
  const top = values.at(-1) ?? 0;
  const levels = values.map((value) => (top === 0 ? 0 : Math.round((value / top) * (height - 1))));
  const rows = top === 0 ? [0] : Array.from({ length: height }, (_, row) => height - 1 - row);
  const names = rows.map((row) => {
    const drawn = values.filter((_, column) => levels[column] === row).at(-1);
    return drawn === undefined ? '' : valueText(drawn);
  });
  const margin = Math.max(...names.map((name) => name.length));
  const lines = rows.map((row, index) => {
    const name = names[index] ?? '';
    return `${name.padStart(margin)} ${name === '' ? '│' : '┤'}${drawRow(levels, row)}`.trimEnd();
  });
  return [
    ...lines,
    ...axis(values.length, marks).map((line) => `${' '.repeat(margin)} ${line}`.trimEnd()),
  ];
}

function drawRow(levels: readonly number[], row: number): string {
  return levels
    .map((level, column) => {
      const before = levels[column - 1] ?? level;
      if (level === row) return before < level ? '╭' : '─';
      if (before === row) return '╯';
      return before < row && row < level ? '│' : ' ';
    })
    .join('');
}

function axis(width: number, marks: StepPlot['marks']): string[] {
  const line = Array.from({ length: width }, () => '─');
  let text = ' ';
  for (const mark of marks) {
    if (mark.column + 1 < text.length || mark.column + mark.text.length > width) continue;
    line[mark.column] = '┬';
    text = `${text.padEnd(mark.column + 1)}${mark.text} `;
  }
  return text.trim() === '' ? [`└${line.join('')}`] : [`└${line.join('')}`, text];
}

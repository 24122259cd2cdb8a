// Reads CSV (RFC 4180): cells between commas, quotes around what holds commas, quotes or line ends.

const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;

/** The rows of a text, empty ones left out. Throws where a quote is not closed or stands inside a plain cell. */
export function readCsv(text: string): string[][] {
  const whole = text.replace(/^\ufeff/, '');
  const rows: string[][] = [];
  let row: string[] = [];
  CELL.lastIndex = 0;
  while (CELL.lastIndex < whole.length) {
    const at = CELL.lastIndex;
    const cell = CELL.exec(whole);
    if (cell === null) {
      throw new Error(`row ${rows.length + 1} cannot be read at “${whole.slice(at, at + 20)}”`);
    }
    const [, inQuotes, plain = '', end] = cell;
    row.push(inQuotes === undefined ? plain.trim() : inQuotes.replaceAll('""', '"'));
    if (end === ',' && CELL.lastIndex < whole.length) continue;
    if (end === ',') row.push('');
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}

// A row of a CSV file, as every spreadsheet reads it.

/** Ends with a newline. Null and undefined are empty cells. */
export function csvLine(cells: readonly unknown[]): string {
  return `${cells.map((cell) => cellText(String(cell ?? ''))).join(',')}\n`;
}

/** What a spreadsheet would take for a formula is text all the same; orders may begin with a dash. */
function cellText(text: string): string {
  const safe = /^[=+@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

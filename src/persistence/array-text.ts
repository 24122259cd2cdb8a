/** An array as Postgres reads it from text: connections of the small pools do not ask it what an array is. */
export function arrayText(items: readonly (string | number)[]): string {
  return `{${items.map((item) => (typeof item === 'number' ? item : quoted(item))).join(',')}}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

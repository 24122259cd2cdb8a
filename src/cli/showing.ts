// What a command was told, for people or for programs.

import type { Io } from './io.ts';
import type { Shown, TargetOptions } from './operator-client.ts';
import { type Column, table } from './table.ts';

/** One thing: its fields as lines, or as JSON. */
export function show(io: Io, { json }: TargetOptions, shown: Shown): void {
  if (json === true) {
    io.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
    return;
  }
  const fields = Object.entries(shown).filter(([, value]) => value !== null && value !== '');
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, value] of fields) {
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    io.stdout.write(`${name.padEnd(width)}  ${text}\n`);
  }
  if (typeof shown.key === 'string') io.stderr.write('The key is shown this once: keep it.\n');
}

/** A list: as a table, or as JSON. */
export async function showAll<Item>(
  io: Io,
  { json }: TargetOptions,
  all: AsyncIterable<Item>,
  columns: readonly Column[],
  cells: (item: Item) => string[],
): Promise<void> {
  const items: Item[] = [];
  for await (const item of all) items.push(item);
  const text =
    json === true ? JSON.stringify(items, null, 2) : table(columns, items.map(cells)).join('\n');
  io.stdout.write(`${text}\n`);
}

/** A time as people read it; empty where there is none. */
export function cell(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 16).replace('T', ' ') : '';
}

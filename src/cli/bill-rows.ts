// A CSV file as requests for bills: a row a bill, a column a field of the request, by its name. What a field takes is
// known from the schema of the create, and judged by the switch alone: a cell that does not fit is sent as it is, and
// comes back with the problem that names it.

import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { billCreate } from '../protocols/schemas/new-bill-request.ts';
import { CommandFailure } from './io.ts';

export interface BillRow {
  /** Where the row ends in the file, as an editor counts. */
  readonly line: number;
  readonly request: Readonly<Record<string, unknown>>;
}

type Fields = Record<string, unknown>;

interface FieldSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly patternProperties?: Readonly<Record<string, FieldSchema>>;
}

const ROW_BYTES_MAX = 1_048_576;
const DELIMITERS = [',', ';', '\t'] as const;
const HEADER_BYTES = 65_536;

/** The rows of a file. Empty cells and empty rows are left out; a file that is no such CSV throws a CommandFailure. */
export async function* readBillRows(file: string): AsyncGenerator<BillRow> {
  const parser = parse({
    bom: true,
    columns: checkedHeader,
    delimiter: delimiterOf(file),
    info: true,
    max_record_size: ROW_BYTES_MAX,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    trim: true,
  });
  // What ends the file early ends the parser, and is thrown where its rows are read.
  pipeline(createReadStream(file), parser, () => undefined);
  try {
    for await (const row of parser as AsyncIterable<CsvRow>) {
      yield { line: row.info.lines, request: requestOf(row.record) };
    }
  } catch (error) {
    if (error instanceof CsvError) throw new CommandFailure(`${file}: ${error.message}`);
    throw error;
  }
}

interface CsvRow {
  readonly info: { readonly lines: number };
  readonly record: Readonly<Record<string, string>>;
}

/** The fields of a request: `metadata.table` is the field `table` of `metadata`. */
export function requestOf(cells: Readonly<Record<string, string>>): Fields {
  const request = emptyFields();
  for (const [column, text] of Object.entries(cells)) {
    if (text === '') continue;
    const path = column.split('.');
    const name = path.pop() ?? '';
    let fields = request;
    let schema: FieldSchema | undefined = billCreate as FieldSchema;
    for (const outer of path) {
      schema = fieldOf(schema, outer);
      fields[outer] ??= emptyFields();
      fields = fields[outer] as Fields;
    }
    fields[name] = typed(fieldOf(schema, name), text);
  }
  return request;
}

/** A column may be called anything: even `__proto__` is a field like others here, for the switch to refuse. */
function emptyFields(): Fields {
  return Object.create(null) as Fields;
}

function fieldOf(schema: FieldSchema | undefined, name: string): FieldSchema | undefined {
  return schema?.properties?.[name] ?? Object.values(schema?.patternProperties ?? {})[0];
}

function typed(schema: FieldSchema | undefined, text: string): unknown {
  switch (schema?.type) {
    case 'integer':
    case 'number':
      return numberOf(text);
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'array':
    case 'object':
      return jsonOf(text);
    default:
      return text;
  }
}

function numberOf(text: string): number | string {
  const value = Number(text);
  const isExact = !Number.isInteger(value) || Number.isSafeInteger(value);
  return /^-?\d+(?:\.\d+)?$/.test(text) && isExact ? value : text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function checkedHeader(columns: string[]): string[] {
  const faults = [
    ...(columns.includes('orderId') ? [] : ['there is no column orderId: it names each bill']),
    ...(columns.includes('') ? ['a column has no name'] : []),
    ...columns
      .filter((name, index) => columns.indexOf(name) !== index)
      .map((name) => `there are two columns ${name}`),
    ...columns
      .filter((name) => columns.some((other) => other.startsWith(`${name}.`)))
      .map((name) => `the column ${name} does not go with those of its fields`),
  ];
  if (faults.length > 0) throw new CommandFailure(`The first row: ${faults.join('; ')}.`);
  return columns;
}

/** Spreadsheets of half the world write semicolons. No name of a field has any of these in it. */
function delimiterOf(file: string): string {
  const header = Buffer.alloc(HEADER_BYTES);
  const descriptor = openSync(file, 'r');
  const length = readSync(descriptor, header, 0, HEADER_BYTES, 0);
  closeSync(descriptor);
  const [first = ''] = header.toString('utf8', 0, length).split(/\r?\n/);
  return DELIMITERS.find((delimiter) => first.includes(delimiter)) ?? ',';
}

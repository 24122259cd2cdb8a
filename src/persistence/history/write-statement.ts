// The one statement that writes a batch (A6), and its parameters.
//
//   W1. Every row hangs on its shard's watermark having moved from exactly the entry expected.
//   W2. The statement is durable when it answers, whatever synchronous_commit is by default.
//   W3. A row of the same or a later entry is left as it is.
//
// A table's rows travel as one array a column, joined again by unnest; bytes as one value a table, cut by place and
// length. Measured for 2,000 event rows (Node + Postgres, µs of CPU a row): so 6 to 8; arrays with the bytes inside 9;
// one JSON text a table 9 to 11, of which Postgres's share, the scarcer one, is the double.

import { assert } from '../../domain/assert.ts';
import type { HistoryBatch } from '../../switch/ports.ts';
import type { BillCodec } from './bill-codec.ts';
import {
  billsTable,
  type Column,
  creditsTable,
  eventEndColumns,
  eventsTable,
  moveColumns,
  ordersTable,
  paymentsTable,
  refsTable,
  type Table,
  transitionsTable,
  type Value,
} from './tables.ts';

export type Parameter = string | Buffer;

/** Work that may be left at each yield and taken up again: a thousand rows at once would keep every answer waiting. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

export interface WriteStatement {
  readonly text: string;
  parametersOf(batch: HistoryBatch): Steps<Parameter[]>;
}

/** A part of the statement: its text, and what a batch puts into its parameters. */
interface Part {
  readonly text: string;
  readonly fill: (batch: HistoryBatch, into: Parameter[]) => Steps<void>;
}

/** Rows between two yields, where each row is packed. */
const ROWS_A_STEP = 64;

interface Sharded {
  readonly shard: number;
}

/** With `trimsLog` the statement also deletes the log entries that it covers, the watermark's own excepted. */
export function makeWriteStatement(codec: BillCodec, trimsLog: boolean): WriteStatement {
  const numbers = new Numbers();
  const parts: Part[] = [
    movePart(numbers),
    tablePart(numbers, billsTable(codec), (batch) => batch.bills),
    tablePart(numbers, paymentsTable, (batch) => batch.payments),
    tablePart(numbers, creditsTable, (batch) => batch.credits),
    tablePart(numbers, eventsTable(codec), (batch) => batch.events),
    eventEndPart(numbers),
    tablePart(numbers, ordersTable, (batch) => batch.orders),
    tablePart(numbers, refsTable(codec), (batch) => batch.references),
    tablePart(numbers, transitionsTable, (batch) => batch.transitions),
    ...(trimsLog ? [trimPart] : []),
  ];
  return {
    text: `with ${parts.map(({ text }) => text).join(',\n')}\nselect shard from moved`,
    *parametersOf(batch) {
      const parameters: Parameter[] = [];
      for (const { fill } of parts) yield* fill(batch, parameters);
      return parameters;
    },
  };
}

/** Gives out the numbers of parameters, in the order in which they are filled. */
class Numbers {
  #last = 0;

  next(type: string): string {
    this.#last++;
    return `$${this.#last}::${type}`;
  }
}

/** W1 and W2. A watermark that does not exist yet is inserted, and only where none is expected. */
function movePart(numbers: Numbers): Part {
  const text = `durable as materialized (
  select set_config(
    'synchronous_commit',
    -- remote_apply waits for more than on does: it stays.
    case current_setting('synchronous_commit') when 'remote_apply' then 'remote_apply' else 'on' end,
    true
  ) as setting
),
moves as materialized (
  select shard, from_entry, to_entry, at from ${unnest(numbers, moveColumns)}
  where (select setting from durable) is not null
),
advanced as (
  update watermarks w set entry = m.to_entry, at = m.at
  from moves m
  where w.shard = m.shard and w.entry = m.from_entry
  returning w.shard
),
opened as (
  insert into watermarks (shard, entry, at)
  select shard, to_entry, at from moves where from_entry = 0
  on conflict do nothing
  returning shard
),
moved as materialized (
  select shard from advanced union all select shard from opened
)`;
  return { text, fill: (batch, into) => fillColumns(moveColumns, batch.moves, into) };
}

/** Only what stood between the two watermarks is looked at: what earlier moves deleted is not waded through again. */
const trimPart: Part = {
  text: `trimmed as (
  delete from log_entries l using moves m
  where l.shard = m.shard and l.entry >= m.from_entry and l.entry < m.to_entry
    and m.shard = any(array(select shard from moved))
)`,
  *fill() {},
};

/** An event that an earlier batch wrote: an UPDATE does not see what its own statement inserts. */
function eventEndPart(numbers: Numbers): Part {
  const columns = gated(eventEndColumns);
  const text = `ended as (
  update events e set pending = false, acknowledged_at = r.acknowledged_at
  from ${unnest(numbers, columns)}
  where e.bill_id = r.bill_id and e.no = r.no and e.pending and ${GATE}
)`;
  return { text, fill: (batch, into) => fillColumns(columns, batch.eventEnds, into) };
}

function tablePart<Row extends Sharded>(
  numbers: Numbers,
  table: Table<Row>,
  rowsOf: (batch: HistoryBatch) => readonly Row[],
): Part {
  const columns = gated(table.columns);
  const stored = table.storesShard ? columns : table.columns;
  const bytes = columns.find(({ type }) => type === 'bytea');
  const blob = bytes === undefined ? '' : numbers.next('bytea');
  const values = stored.map(({ name, type }) =>
    type === 'bytea' ? `substring(${blob} from r.${name}_from for r.${name}_length)` : `r.${name}`,
  );
  const text = `put_${table.name} as (
  insert into ${table.name} (${stored.map(({ name }) => name).join(', ')})
  select ${values.join(', ')}
  from ${unnest(numbers, columns)}
  where ${GATE}
  on conflict (${table.key.join(', ')}) ${conflictOf(table, stored)}
)`;
  return { text, fill: (batch, into) => fillColumns(columns, rowsOf(batch), into) };
}

const GATE = 'r.shard = any(array(select shard from moved))';

function gated<Row extends Sharded>(columns: readonly Column<Row>[]): readonly Column<Row>[] {
  return [{ name: 'shard', type: 'integer', of: (row) => row.shard }, ...columns];
}

/** W3. */
function conflictOf<Row>(table: Table<Row>, stored: readonly Column<Row>[]): string {
  if (table.keeps === 'once') return 'do nothing';
  const changes = stored
    .filter((column) => !table.key.includes(column.name) && !('isOfFirst' in column))
    .map(({ name }) => `${name} = excluded.${name}`);
  return `do update set ${changes.join(', ')} where ${table.name}.entry < excluded.entry`;
}

function unnest<Row>(numbers: Numbers, columns: readonly Column<Row>[]): string {
  const types: string[] = [];
  const names: string[] = [];
  for (const { name, type } of columns) {
    if (type === 'bytea') {
      types.push('integer[]', 'integer[]');
      names.push(`${name}_from`, `${name}_length`);
    } else {
      types.push(`${type}[]`);
      names.push(name);
    }
  }
  const arrays = types.map((type) => numbers.next(type));
  return `unnest(${arrays.join(', ')}) as r(${names.join(', ')})`;
}

/** Must follow the order in which `tablePart` and `unnest` number the parameters: the bytes, then the columns. */
function* fillColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  into: Parameter[],
): Steps<void> {
  const arrays: string[] = [];
  for (const column of columns) {
    yield;
    if (column.type === 'bytea') {
      const pieces: Uint8Array[] = [];
      for (const row of rows) {
        pieces.push(column.of(row));
        if (pieces.length % ROWS_A_STEP === 0) yield;
      }
      into.push(Buffer.concat(pieces));
      arrays.push(...placesOf(pieces));
    } else if (column.type === 'text') {
      arrays.push(textArray(rows, column.of));
    } else {
      arrays.push(plainArray(rows, column.of));
    }
  }
  for (const array of arrays) into.push(array);
}

/** Where each piece begins in the joined bytes, counted from 1 as SQL does, and how long it is. */
function placesOf(pieces: readonly Uint8Array[]): [from: string, length: string] {
  let at = 1;
  const from = pieces.map(({ length }) => {
    const start = at;
    at += length;
    return start;
  });
  return [`{${from.join(',')}}`, `{${pieces.map(({ length }) => length).join(',')}}`];
}

/** Numbers and booleans. Neighbours are often equal (an entry, a time), and large numbers are slow to spell. */
function plainArray<Row>(rows: readonly Row[], of: (row: Row) => Value): string {
  const items: string[] = [];
  let last: Value | undefined;
  let spelled = '';
  for (const row of rows) {
    const value = of(row);
    if (value !== last) {
      assert(value !== undefined, 'a value is missing');
      last = value;
      spelled = value === null ? 'NULL' : String(value);
    }
    items.push(spelled);
  }
  return `{${items.join(',')}}`;
}

/** Every text is quoted: without quotes NULL, braces and commas would mean something. */
function textArray<Row>(rows: readonly Row[], of: (row: Row) => Value): string {
  const texts: (string | null)[] = [];
  let hasNull = false;
  for (const row of rows) {
    const value = of(row);
    assert(value === null || typeof value === 'string', 'a text is missing');
    if (value === null) hasNull = true;
    texts.push(value !== null && SPECIAL.test(value) ? value.replace(SPECIALS, '\\$&') : value);
  }
  if (hasNull) return `{${texts.map((text) => (text === null ? 'NULL' : `"${text}"`)).join(',')}}`;
  // One join is far cheaper than quotes around each.
  return texts.length === 0 ? '{}' : `{"${texts.join('","')}"}`;
}

const SPECIAL = /["\\]/;
const SPECIALS = /["\\]/g;

// What every list out of history is bounded by.

import type { PendingQuery, Row, Sql } from 'postgres';
import type { ListFilter } from '../../switch/listings-port.ts';

/** A piece of a statement. */
export type Fragment = PendingQuery<Row[]>;

/** The bounds and the status of a list; begins with `and`. */
export function timesOf(
  sql: Sql,
  column: 'created_at' | 'received_at' | 'requested_at',
  { asOf, from, to, status }: ListFilter,
): Fragment {
  const at = sql.unsafe(column);
  return sql`
    and ${at} <= ${asOf}
    ${from === null ? sql`` : sql`and ${at} >= ${from}`}
    ${to === null ? sql`` : sql`and ${at} < ${to}`}
    ${status === null ? sql`` : sql`and status = ${status}`}`;
}

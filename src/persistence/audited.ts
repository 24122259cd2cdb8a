// A change of the directory by an operator: one statement, and the line of the audit that tells of it stands in the same
// one. So there is none without the other, whatever becomes of the connection.

import type { ISql, PendingQuery, Row } from 'postgres';
import { readBack } from '../switch/failures.ts';
import { Fault } from '../switch/faults.ts';
import type { Acting } from '../switch/operator-desk.ts';

/** What the audit is told of a change. */
export interface Told {
  readonly action: string;
  readonly kind: string;
  readonly id: string;
  readonly institutionId: string | null;
  readonly detail: object;
}

/** The statement of a change: it answers the id of what it was about. */
export type Change = () => PromiseLike<readonly { readonly id?: unknown }[]>;

export type Made = { readonly id: string; readonly isFirst: boolean } | 'reused';

/** Runs a change unless its key says that it has been: then that is what it was about. */
export async function runOnce(sql: ISql, acting: Acting, run: Change): Promise<Made> {
  const before = await repeated(sql, acting);
  if (before !== null) return before;
  try {
    const [row] = await run();
    return { id: String(row?.id), isFirst: true };
  } catch (error) {
    if (!isTwice(error)) throw asFault(error);
    const twin = await readBack(repeated(sql, acting));
    // Its twin was quicker; or what is there already is in the way.
    if (twin === null) throw error;
    return twin;
  }
}

/**
 * The line of the audit, as a part of the change's statement. `found` is what only the statement knows, as jsonb: it is
 * told among the details.
 */
export function told(sql: ISql, acting: Acting, what: Told, found?: PendingQuery<Row[]>) {
  const { operator, requestId, idempotencyKey, digest } = acting;
  const said = JSON.stringify({ operator: operator.id, role: operator.role, requestId, ...what });
  const whole =
    found === undefined
      ? sql`${said}::text::jsonb`
      : sql`jsonb_set(${said}::text::jsonb, '{detail}', ${JSON.stringify(what.detail)}::text::jsonb || ${found})`;
  return sql`audit_append(${whole}, ${operator.id}, ${what.id}, ${idempotencyKey}, ${digest})`;
}

/** What a call with this key was about; null where there was none. */
export async function repeated(
  sql: ISql,
  { operator, idempotencyKey, digest }: Acting,
): Promise<Made | null> {
  if (idempotencyKey === null) return null;
  const [row] = await sql<{ digest: string; subject_id: string }[]>`
    select digest, subject_id from audit
    where actor = ${operator.id} and idempotency_key = ${idempotencyKey}`;
  if (row === undefined) return null;
  return row.digest === digest ? { id: row.subject_id, isFirst: false } : 'reused';
}

const UNIQUE_VIOLATION = '23505';

/** Whether something is there already that can be there only once. */
export function isTwice(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION;
}

/**
 * What Postgres itself refused was not done; where the connection was lost, nobody knows. So it is where Postgres ends the
 * connection (FATAL), which may be when the statement has committed.
 */
function asFault(error: unknown): unknown {
  const wasRefused = error instanceof Error && 'severity' in error && error.severity === 'ERROR';
  if (wasRefused) return error;
  return new Fault('outcome.unknown', 'the connection to Postgres was lost', error);
}

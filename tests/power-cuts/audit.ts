// After a cut: is all that was acknowledged still there, and there once? Asked of the switch by reference, and of
// Postgres by SQL.

import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { type Answer, type Load, question, type Sale } from './load.ts';

export interface Verdict {
  /** Acknowledged, and not there. One line each. */
  readonly lost: string[];
  /** There, and more than was asked for. */
  readonly doubled: string[];
}

/** Sales whose every step is asked for again; the rest is looked up in Postgres. */
const ASKED_MAX = 400;
const TURNS_MAX = 100;
const RETRY_MS = 50;

/** Needs a load that is paused and connected. */
export async function audit(
  load: Load,
  sql: Sql,
  historyIsWhole: () => Promise<void>,
): Promise<Verdict> {
  // Events go on being acknowledged; those from here on are for the next audit.
  const ends = load.endedEvents.splice(0);
  const sales = [...load.touched].filter(({ step }) => step > 0);
  const asked = [...load.underWay.filter(({ step }) => step > 0), ...sales.slice(-ASKED_MAX)];
  const contradicted = await lostByReference(load, [...new Set(asked)]);
  await historyIsWhole();
  const lost = [...contradicted, ...(await lostRows(sql, sales)), ...(await lostEnds(sql, ends))];
  const doubled = await doubledPayments(sql, sales);
  // Sales go on, so what is under way is looked at again.
  load.touched = new Set(load.underWay.filter(({ step }) => step > 0));
  return { lost, doubled };
}

/** Every acknowledged step again, with its own reference: it must have the outcome that it had. */
async function lostByReference(load: Load, sales: readonly Sale[]): Promise<string[]> {
  const found = await Promise.all(
    sales.flatMap((sale) =>
      Array.from({ length: sale.step }, (_, step) => differenceAt(load, sale, step)),
    ),
  );
  return found.filter((line) => line !== null);
}

/** What is different about an acknowledged step when it is asked again; null where nothing is. */
async function differenceAt(load: Load, sale: Sale, step: number): Promise<string | null> {
  const { api, op, body } = question({ ...sale, step });
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    const answer = await load.ask(api, op, body);
    if (answer === null) return `${op} of ${sale.orderId} is not answered`;
    if (answer.status < 500) return difference(sale, step, answer);
    // Not done, or unknown: asked again.
    await pause(RETRY_MS);
  }
  return `${op} of ${sale.orderId} is answered 503 for ever`;
}

function difference(sale: Sale, step: number, { status, body }: Answer): string | null {
  if (status === 200 && (step > 0 || String(body.id) === sale.billId)) return null;
  const said = JSON.stringify(body).slice(0, 200);
  return `step ${step} of ${sale.orderId} (${sale.billId}) was acknowledged, and is now answered ${status}: ${said}`;
}

async function lostRows(sql: Sql, sales: readonly Sale[]): Promise<string[]> {
  const ids = sales.map(({ billId }) => billId);
  const bills = new Map(
    (
      await sql<{ id: string; order_id: string; paid: string; confirmed: string }[]>`
        select id, order_id, paid, confirmed from bills where id = any(${ids})`
    ).map((row) => [row.id, row]),
  );
  const lost: string[] = [];
  for (const { billId, orderId, parts, kept, step } of sales) {
    const row = bills.get(billId);
    const paid = parts.slice(0, Math.max(0, step - 1)).reduce((sum, part) => sum + part, 0);
    const confirmed = step === parts.length + 2 ? kept : 0;
    const isThere =
      row?.order_id === orderId && Number(row.paid) >= paid && Number(row.confirmed) >= confirmed;
    if (!isThere) lost.push(`bill ${billId} of ${orderId}, ${step} steps: ${JSON.stringify(row)}`);
  }
  return lost;
}

/** Acknowledged acknowledgements: an event that was done with must not come back. */
async function lostEnds(sql: Sql, ids: readonly string[]): Promise<string[]> {
  const bills = ids.map((id) => id.slice(0, 26));
  const numbers = ids.map((id) => Number(id.slice(id.indexOf('-e') + 2)));
  const rows = await sql<{ id: string }[]>`
    select a.bill_id || '-e' || a.no as id
    from unnest(${bills}::text[], ${numbers}::int[]) as a (bill_id, no)
    left join events e on e.bill_id = a.bill_id and e.no = a.no
    where e.pending is distinct from false`;
  return rows.map(({ id }) => `the acknowledgement of event ${id}`);
}

async function doubledPayments(sql: Sql, sales: readonly Sale[]): Promise<string[]> {
  const ids = sales.map(({ billId }) => billId);
  const rows = await sql<{ bill_id: string; payment_ref: string; count: string }[]>`
    select bill_id, payment_ref, count(*) from payments
    where bill_id = any(${ids}) group by 1, 2 having count(*) > 1`;
  const over = await sql<{ id: string; paid: string; amount: string }[]>`
    select id, paid, amount from bills where id = any(${ids}) and paid > amount`;
  return [...rows, ...over].map((row) => JSON.stringify(row));
}

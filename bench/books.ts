// Whether what the generator counted is in Postgres, and adds up. A run whose books do not balance is no measurement.

import { setTimeout as pause } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import type { LoadOutcome } from './load/messages.ts';

const POLL_MS = 20;
const GIVE_UP_MS = 120_000;

/** Resolves with how long after the last answer history held it all, ms; throws where the books do not balance. */
export async function checkBooks(options: {
  url: string;
  run: string;
  terminals: readonly string[];
  outcome: LoadOutcome;
}): Promise<number> {
  const { outcome } = options;
  const sql = postgres(options.url, { max: 1 });
  try {
    const lagMs = await caughtUp(sql, outcome);
    const books = await readBooks(sql, options.run, options.terminals);
    const expected = {
      bills: outcome.completed,
      owed: String(outcome.amount),
      confirmed: String(outcome.amount),
      payments: outcome.completed,
      paid: String(outcome.amount),
      events: outcome.completed,
      orders: outcome.completed,
      refs: outcome.completed,
      created: outcome.completed,
      received: outcome.completed,
      acknowledged: outcome.completed,
      ended: outcome.completed,
    };
    const wrong = Object.entries(expected).filter(([name, value]) => books[name] !== value);
    if (wrong.length > 0) {
      throw new Error(
        `the books do not balance: expected ${JSON.stringify(Object.fromEntries(wrong))}, found ${JSON.stringify(books)}`,
      );
    }
    return lagMs;
  } finally {
    await sql.end();
  }
}

/** The same for a hot bill's run: every part and its event, of bills that say so themselves. */
export async function checkHotBooks(options: {
  url: string;
  run: string;
  outcome: LoadOutcome;
}): Promise<number> {
  const { outcome } = options;
  const sql = postgres(options.url, { max: 1 });
  const expected = outcome.completed;
  try {
    for (;;) {
      const [row] = await sql`
        with own as (select id, paid from bills where order_id like ${`${options.run}-%`})
        select
          (select coalesce(sum(paid), 0)::int from own) as paid,
          (select count(*)::int from payments p join own on own.id = p.bill_id) as payments,
          (select count(*)::int from refs r join own on own.id = r.bill_id) as refs,
          (select count(*)::int from events e join own on own.id = e.bill_id
            where e.acknowledged_at is not null) as events`;
      const lagMs = Date.now() - outcome.endedAt;
      const counts = Object.values(row ?? {});
      if (counts.every((count) => count === expected)) return lagMs;
      if (counts.some((count) => count > expected) || lagMs > GIVE_UP_MS) {
        throw new Error(
          `the hot bills' books do not balance: expected ${expected}, found ${JSON.stringify(row)}`,
        );
      }
      await pause(POLL_MS);
    }
  } finally {
    await sql.end();
  }
}

/** Waits until history has all bills of a fill, open as they were left; throws where it no longer comes nearer to that. */
export async function checkFilled(url: string, run: string, count: number): Promise<void> {
  const sql = postgres(url, { max: 1 });
  let written = 0;
  let until = Date.now() + GIVE_UP_MS;
  try {
    for (;;) {
      const [row] = await sql`
        select count(*)::int as count from bills
        where order_id like ${`${run}-%`} and status = 'open'`;
      if (row?.count === count) return;
      if (row?.count > written) until = Date.now() + GIVE_UP_MS;
      if (Date.now() > until) {
        throw new Error(`history has ${row?.count} of ${count} bills that were created`);
      }
      written = row?.count;
      await pause(POLL_MS * 10);
    }
  } finally {
    await sql.end();
  }
}

/** Waits until the bills that were confirmed last stand confirmed in history. */
async function caughtUp(sql: Sql, outcome: LoadOutcome): Promise<number> {
  for (;;) {
    const [row] = await sql`
      select count(*)::int as count from bills
      where id = any(${[...outcome.lastBills]}) and status = 'confirmed'`;
    const lagMs = Date.now() - outcome.endedAt;
    if (row?.count === outcome.lastBills.length) return lagMs;
    if (lagMs > GIVE_UP_MS) throw new Error(`history is more than ${GIVE_UP_MS} ms behind`);
    await pause(POLL_MS);
  }
}

async function readBooks(
  sql: Sql,
  run: string,
  terminals: readonly string[],
): Promise<Record<string, unknown>> {
  const orders = `${run}-%`;
  const [row] = await sql`
    with own as (
      select id, amount, confirmed, status from bills
      where terminal_id = any(${[...terminals]}) and order_id like ${orders}
    ),
    steps as (
      select t.type, count(*)::int as count from transitions t join own on own.id = t.bill_id
      where t.at >= (select min(created_at) from bills where order_id like ${orders})
      group by t.type
    )
    select
      (select count(*)::int from own where status = 'confirmed') as bills,
      (select sum(amount)::text from own) as owed,
      (select sum(confirmed)::text from own) as confirmed,
      (select count(*)::int from payments p join own on own.id = p.bill_id
        where p.status = 'confirmed' and p.notified_at is not null) as payments,
      (select sum(p.amount)::text from payments p join own on own.id = p.bill_id) as paid,
      (select count(*)::int from events e join own on own.id = e.bill_id
        where e.type = 'bill.paid' and e.acknowledged_at is not null) as events,
      (select count(*)::int from orders o join own on own.id = o.bill_id) as orders,
      (select count(*)::int from refs r join own on own.id = r.bill_id) as refs,
      (select count from steps where type = 'CreateBill') as created,
      (select count from steps where type = 'PayBill') as received,
      (select count from steps where type = 'AcknowledgeEvents') as acknowledged,
      (select count from steps where type = 'ConfirmBill') as ended`;
  return { ...row };
}

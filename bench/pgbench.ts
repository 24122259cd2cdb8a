// The same lifecycle as plain SQL, driven by pgbench: no HTTP, no JSON, no program in between.

import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import postgres from 'postgres';

const run = promisify(execFile);
const SCRIPTS = new URL('../../sql/', import.meta.url);

export type SqlStyle = 'interactive' | 'single';
/** Whole lifecycles, each of a bill of its own, or parts of one bill that all clients pay. */
export type SqlWork = 'lifecycles' | 'hot';

export interface SqlOutcome {
  readonly measured: number;
  readonly windowMs: number;
  readonly latencyMs: number;
}

/** Bytes of what the switch packs: a bill's further terms (it keeps 490 with its copy of the rest), an event, an outcome. */
const STATE_BYTES = 150;
const BODY_BYTES = 150;
const OUTCOME_BYTES = 80;
const SAID_MAX = 1_000;

export function pgbenchVersion(): string {
  try {
    return execFileSync('pgbench', ['--version'], { encoding: 'utf8' }).trim();
  } catch {
    throw new Error('pgbench is not on the PATH: install it (Debian: apt-get install postgresql)');
  }
}

/** Runs lifecycles for some seconds; throws where one has failed, or the books are not as they must be. */
export async function runPgbench(options: {
  url: string;
  work: SqlWork;
  style: SqlStyle;
  clients: number;
  seconds: number;
}): Promise<SqlOutcome> {
  const { url, work, style, clients, seconds } = options;
  const address = new URL(url);
  // Grows with time, so that indexes are filled as the switch fills them.
  const base = BigInt(Date.now()) * 1_000_000n;
  const bill = `peer-hot-${base}`;
  if (work === 'hot') await makeHotBill(url, bill);
  const script = work === 'hot' ? `hot-${style}` : style;
  const filler = (bytes: number): string => `\\x${'5a'.repeat(bytes)}`;
  const args = [
    ...['-h', address.hostname, '-p', address.port, '-U', address.username],
    ...['-n', '-M', 'prepared', '-c', String(clients), '-j', '1', '-T', String(seconds)],
    ...['-f', fileURLToPath(new URL(`${script}.sql`, SCRIPTS))],
    ...['-D', 'i=0', '-D', `base=${base}`],
    ...(work === 'hot' ? ['-D', `bill=${bill}`] : []),
    ...['-D', `state=${filler(STATE_BYTES)}`, '-D', `body=${filler(BODY_BYTES)}`],
    ...['-D', `outcome=${filler(OUTCOME_BYTES)}`],
    address.pathname.slice(1),
  ];
  const env = { PATH: process.env.PATH, PGPASSWORD: address.password };
  const { stdout } = await run('pgbench', args, { env }).catch((error: unknown) => {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new Error(`pgbench ${script} failed: ${said.slice(0, SAID_MAX)}`);
  });
  const measured = Number(/actually processed: (\d+)/.exec(stdout)?.[1]);
  const perSecond = Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
  const latencyMs = Number(/latency average = ([\d.]+)/.exec(stdout)?.[1]);
  if (!(measured > 0) || !/failed transactions: 0 /.test(stdout)) {
    throw new Error(`pgbench failed: ${stdout}`);
  }
  if (work === 'hot') await checkHotBooks(url, bill, measured);
  else await checkBooks(url, base, measured);
  return { measured, windowMs: (measured / perSecond) * 1000, latencyMs };
}

/** Every row that a lifecycle leaves behind, for exactly the lifecycles that were counted. */
async function checkBooks(url: string, base: bigint, lifecycles: number): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    const from = `peer-b-${base}`;
    // Hot bills stand beyond it.
    const to = 'peer-c';
    const [row] = await sql`
      with own as (select * from bills where id >= ${from} and id < ${to})
      select
        count(*) filter (where status = 'confirmed' and paid = amount and confirmed = amount)::int
          as confirmed,
        count(*)::int as bills,
        sum(amount)::text as owed,
        (select sum(amount)::text from payments
          where bill_id >= ${from} and bill_id < ${to} and status = 'confirmed' and notified_at is not null) as paid,
        (select count(*)::int from events
          where bill_id >= ${from} and bill_id < ${to} and not pending) as events,
        (select count(*)::int from refs where bill_id >= ${from} and bill_id < ${to}) as refs,
        (select count(*)::int from orders where bill_id >= ${from} and bill_id < ${to}) as orders,
        (select count(*)::int from transitions where shard = 0 and entry >= ${String(base)}) as transitions
      from own`;
    const { confirmed, bills, owed, paid, events, refs, orders, transitions } = row ?? {};
    const counts = [confirmed, bills, events, refs, orders, transitions / 4];
    if (counts.some((count) => count !== lifecycles) || owed !== paid) {
      throw new Error(
        `pgbench's books do not balance: ${lifecycles} counted, ${JSON.stringify(row)}`,
      );
    }
  } finally {
    await sql.end();
  }
}

async function makeHotBill(url: string, id: string): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    await sql`
      insert into bills (id, shard, entry, institution_id, merchant_id, terminal_id, order_id, type, purpose, status, version,
        currency, amount, paid, confirmed, reversed, refunded, unreturned, created_at, expires_at, next_due_at, spilled, state)
      values (${id}, 0, 1, 'institution-1', 'merchant-1', 'terminal-0', ${id}, 'dynamic', 'sale', 'open', 1, 'EUR',
        1000000000000, 0, 0, 0, 0, 0, ${Date.now()}, ${Date.now() + 900_000}, null, false, ${Buffer.alloc(STATE_BYTES)})`;
  } finally {
    await sql.end();
  }
}

async function checkHotBooks(url: string, bill: string, payments: number): Promise<void> {
  const sql = postgres(url, { max: 1 });
  try {
    const [row] = await sql`
      select b.paid::int as paid, b.version - 1 as versions,
        (select sum(amount)::int from payments where bill_id = b.id) as payments,
        (select count(*)::int from events where bill_id = b.id) as events,
        (select count(*)::int from refs where bill_id = b.id) as refs,
        (select count(*)::int from transitions where bill_id = b.id) as transitions
      from bills b where b.id = ${bill}`;
    if (Object.values(row ?? { paid: -1 }).some((count) => count !== payments)) {
      throw new Error(
        `pgbench's hot bill does not balance: ${payments} counted, ${JSON.stringify(row)}`,
      );
    }
  } finally {
    await sql.end();
  }
}

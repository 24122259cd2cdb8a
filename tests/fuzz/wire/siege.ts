// What all attacks on a running switch share: its keys, its contract, what was planted to be looked for afterwards, and
// what was refused and must have left nothing behind.

import { existsSync, readFileSync } from 'node:fs';
import postgres from 'postgres';
import type { Answers, Seen } from '../../support/answers.ts';
import { faultsInBooks, historyIsWhole } from '../../support/books.ts';
import type { Institution } from '../../support/onboarding.ts';
import { metric, type SwitchProcess } from '../../support/switch-process.ts';
import { BrokenPromise, promise } from '../target.ts';

/** Stands in keys and texts that no log line and no problem document may repeat. */
export const CANARY = 'kanarienvogel';

/** What no answer to a stranger shows: stacks, sources, statements, folders. */
const LEAKS =
  /node_modules|\.(?:ts|js):\d+|\bat (?:\w+\.)*\w+ \(|\bselect\b.+\bfrom\b|postgres(?:ql)?:\/\/|redis:\/\/|\/(?:home|tmp|var|usr|root)\//i;
/** What a request may be answered with; 503 belongs to overload, which no attack here makes by itself. */
const STATUSES = new Set([200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429]);

export interface SiegeOptions {
  readonly process: SwitchProcess;
  readonly databaseUrl: string;
  readonly answers: Answers;
  /** Somebody with a key of each kind, of another institution than the customers'. */
  readonly institution: Institution;
}

export class Siege {
  readonly process: SwitchProcess;
  readonly port: number;
  readonly answers: Answers;
  readonly institution: Institution;
  readonly databaseUrl: string;
  readonly #counts = new Map<string, number>();
  readonly #refusedOrders = new Set<string>();
  readonly #possibleOrders = new Set<string>();
  readonly #createdBills = new Set<string>();
  /** Bills to aim at. */
  readonly bills: string[] = [];

  constructor(options: SiegeOptions) {
    this.process = options.process;
    this.port = options.process.port;
    this.answers = options.answers;
    this.institution = options.institution;
    this.databaseUrl = options.databaseUrl;
  }

  get inputs(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  count(what: string, inputs = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + inputs);
  }

  /** Holds one answer against the contract of its operation; null: whatever was asked, it is a problem. */
  check(operation: string | null, seen: Seen, input: unknown): void {
    promise(STATUSES.has(seen.status), `answered ${seen.status}`, [input, seen.body]);
    try {
      if (operation !== null) this.answers.check(operation, seen);
      else this.answers.checkIsProblem('a bad request', seen.body);
    } catch (error) {
      throw new BrokenPromise(`${(error as Error).message} after ${JSON.stringify(input)}`);
    }
    if (seen.status < 400) return;
    const text = JSON.stringify(seen.body);
    promise(!LEAKS.test(text), 'a problem tells of our insides', [input, text]);
    promise(!text.includes(CANARY), 'a problem repeats what was sent', [input, text]);
  }

  /** Keeps what a create was answered, to look whether it is so. */
  noteCreate(orderId: unknown, status: number | null, body: unknown): void {
    if (typeof orderId === 'string') {
      const isRefused = status !== null && status >= 400 && status < 500 && status !== 409;
      (isRefused ? this.#refusedOrders : this.#possibleOrders).add(orderId);
    }
    if (status !== 201) return;
    const { id } = body as { id: string };
    this.#createdBills.add(id);
    this.bills.push(id);
    if (this.bills.length > 50) this.bills.shift();
  }

  /** Resolves once nothing is under way; then the switch must be as it was before. */
  async aftermath(given: { rssMaxMb: number }): Promise<void> {
    const { process } = this;
    const { baseUrl } = process;
    // The question itself is one that is held.
    await process.until(
      'quiet',
      async () => (await metric(baseUrl, 'qrswitch_requests_held')) <= 1,
    );
    await process.until(
      'rid of all streams',
      async () => (await metric(baseUrl, 'qrswitch_connections_held')) === 0,
    );
    await historyIsWhole(process);
    promise(!process.hasEnded, 'the process has ended', process.tail());
    promise(
      (await metric(baseUrl, 'qrswitch_workers_ended_total')) === 0,
      'a worker has ended',
      '',
    );
    const rss = rssMb(process.pid);
    promise(
      rss <= given.rssMaxMb,
      `it holds ${rss} MB, at most ${given.rssMaxMb} were expected`,
      '',
    );
    this.#checkLog();
    await this.#checkBooks();
  }

  #checkLog(): void {
    const keys = Object.values(this.institution).flatMap((each) =>
      typeof each === 'string' ? [] : [(each as { key?: string }).key],
    );
    for (const line of this.process.output.split('\n')) {
      promise(!line.includes('"level":"error"'), 'an error in the log', line);
      promise(!line.includes(CANARY), 'the log tells what was sent', line);
      promise(!/unhandled/i.test(line), 'a rejection that nobody handled', line);
      promise(
        !keys.some((key) => key !== undefined && line.includes(key)),
        'a key in the log',
        line,
      );
    }
  }

  async #checkBooks(): Promise<void> {
    const sql = postgres(this.databaseUrl, { max: 1, onnotice: () => undefined });
    try {
      const faults = await faultsInBooks(sql);
      promise(faults.length === 0, 'the books do not balance', faults);
      const refused = [...this.#refusedOrders].filter((order) => !this.#possibleOrders.has(order));
      const { id } = this.institution.terminal;
      const half = await sql`
        select order_id from bills where terminal_id = ${id} and order_id = any(${refused})`;
      promise(half.length === 0, 'a refused create has left a bill', half);
      const made = [...this.#createdBills];
      const [found] = await sql`select count(*)::int as n from bills where id = any(${made})`;
      promise(found?.n === made.length, 'a bill that was acknowledged is not there', found);
    } finally {
      await sql.end();
    }
  }
}

/** Memory that a process holds; on systems without /proc, nothing can be said. */
export function rssMb(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(file, 'utf8'))?.[1];
  return Math.round(Number(kilobytes ?? 0) / 1_024);
}

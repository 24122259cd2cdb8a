// What clients asked about one bill and what they were told, as it stood on the wire: the checker's only input.

/** Operations by their names on the WebSocket, and those that HTTP alone has. */
export type Op =
  | 'bill.create'
  | 'order.resolve'
  | 'order.get'
  | 'order.check'
  | 'sale.made'
  | 'order.cancel'
  | 'bill.get'
  | 'bill.view'
  | 'bill.resolve'
  | 'bill.reserve'
  | 'bill.release'
  | 'payment.create'
  | 'payment.get'
  | 'payment.void'
  | 'bill.confirm'
  | 'bill.cancel'
  | 'bill.refund'
  | 'bill.receipt'
  | 'payment.confirm'
  | 'payment.cancel'
  | 'payment.refund'
  | 'bill.arm'
  | 'sticker.begin'
  | 'sticker.end'
  | 'credit.get'
  | 'credit.settle';

export const NEVER = Number.POSITIVE_INFINITY;

export type Body = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly body: Body;
}

export interface Call {
  /** The terminal's or paychannel's id: what references are unique for. */
  readonly client: string;
  readonly op: Op;
  /** As over WebSocket: what stands in paths, queries and the key's header is in it too. */
  readonly body: Body;
  /** Null: none ever came, or it said that the outcome is not known. */
  readonly answer: Answer | null;
  readonly invokedAt: number;
  /** Ignored where there is no answer: what was asked may happen at any time, or never. */
  readonly returnedAt: number;
  /** What tells this body from another one under the same reference; the body itself where left out. */
  readonly digest?: string;
}

/** Answers after which nothing has happened and nothing will. */
const NOT_DONE: ReadonlySet<number> = new Set([400, 401, 403, 413, 429, 503]);

/** The calls that say something about the bill, those without an outcome marked as such. */
export function telling(calls: readonly Call[]): Call[] {
  const kept: Call[] = [];
  for (const call of calls) {
    if (call.answer === null || call.answer.status >= 500) {
      if (call.answer?.status === 503 || READS.has(call.op)) continue;
      kept.push({ ...call, answer: null, returnedAt: NEVER });
    } else if (!NOT_DONE.has(call.answer.status)) {
      kept.push(call);
    }
  }
  return kept.sort((left, right) => left.invokedAt - right.invokedAt);
}

/** They change nothing: one without an answer says nothing. */
const READS: ReadonlySet<Op> = new Set<Op>([
  'order.get',
  'order.check',
  'bill.get',
  'bill.view',
  'bill.resolve',
  'payment.get',
  'credit.get',
]);

/** The number of a part in its id, which ends in it; 0 where it names none. */
export function numberIn(id: unknown): number {
  const digits = typeof id === 'string' ? /(\d+)$/.exec(id.split('-')[1] ?? '') : null;
  return digits === null ? 0 : Number(digits[1]);
}

export function textIn(body: Body, name: string): string {
  const value = body[name];
  return typeof value === 'string' ? value : '';
}

/** Null where the client left it out. */
export function amountIn(body: Body, name = 'amount'): number | null {
  const value = body[name];
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null;
}

/** A moment, in ms; null where the client left it out. */
export function timeIn(body: Body, name: string): number | null {
  const value = body[name];
  if (typeof value === 'string') return Date.parse(value);
  return typeof value === 'number' ? value : null;
}

/** The same for two bodies that say the same, whatever the order of their members. */
export function plain(value: unknown): string {
  return JSON.stringify(value, (_, nested: unknown) => {
    if (typeof nested === 'bigint') return Number(nested);
    if (typeof nested !== 'object' || nested === null || Array.isArray(nested)) return nested;
    return Object.fromEntries(Object.entries(nested).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export function digestOf(call: Call): string {
  return call.digest ?? plain(call.body);
}

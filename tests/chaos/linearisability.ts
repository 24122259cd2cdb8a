// Whether what the clients of each bill were told can have come about one call after another: the run's calls as the
// checker in tests/linearisability takes them.

import type { Call as Checked } from '../linearisability/calls.ts';
import { checkHistory, describe } from '../linearisability/check.ts';
import { historiesOf } from '../linearisability/histories.ts';
import { idOf } from './evidence.ts';
import { type Call, isDone } from './memory.ts';

export interface Linearisability {
  readonly histories: number;
  /** Histories that need more search than they are given. */
  readonly gaveUp: number;
  readonly wrong: readonly string[];
}

const STATES_MAX = 20_000;
const CALLS_SHOWN = 12;
/** Each state of a long history is dear: a crowd before a billboard makes hundreds of calls. */
const LONG = 150;
const STATES_OF_LONG_MAX = 500;
/** How far the switch's clock may be from the clients': they share a machine, but processes are held up for seconds. */
const SKEW_MS = 300_000;

/** Said of the bill or its order; lists and events are of many. */
const OPS: ReadonlySet<string> = new Set<Checked['op']>([
  'bill.create',
  'order.resolve',
  'bill.get',
  'bill.view',
  'bill.arm',
  'bill.reserve',
  'bill.release',
  'payment.create',
  'payment.get',
  'payment.void',
  'bill.confirm',
  'bill.cancel',
  'bill.refund',
  'payment.confirm',
  'payment.cancel',
  'payment.refund',
  'credit.settle',
]);

export function linearisabilityOf(calls: readonly Call[]): Linearisability {
  const stays = staysIn(calls);
  const known = calls.filter((call) => !stays.has(subjectOf(call)));
  const histories = historiesOf([...known.flatMap(checked), ...voidings(known)]);
  const wrong: string[] = [];
  let gaveUp = 0;
  for (const history of histories) {
    const statesMax = history.length > LONG ? STATES_OF_LONG_MAX : STATES_MAX;
    const verdict = checkHistory(history, { statesMax, skewMs: SKEW_MS });
    if (verdict.ok === 'gaveUp') gaveUp += 1;
    else if (!verdict.ok) {
      const story = verdict.prefix.slice(-CALLS_SHOWN).map(describe).join('\n    ');
      wrong.push(`${verdict.why}\n    ${story}`);
    }
  }
  return { histories: histories.length, gaveUp, wrong };
}

/** Bills and orders whose price a tariff tells, or whose money a bank: the plain model knows neither. */
function staysIn(calls: readonly Call[]): Set<string> {
  const found = new Set<string>();
  for (const { op, body, client, answer } of calls) {
    const isOther = body.type === 'timer' || body.acquirer !== undefined;
    if (op !== 'bill.create' || !isOther) continue;
    found.add(`${client} ${body.orderId}`);
    const { id, billId } = (answer ?? {}) as { readonly id?: string; readonly billId?: string };
    if (id !== undefined) found.add(id);
    if (billId !== undefined) found.add(billId);
  }
  return found;
}

function subjectOf({ billId, client, orderId }: Call): string {
  return billId ?? `${client} ${orderId}`;
}

/** As the checker takes it; nothing where a stranger was told that there is no such bill. */
function checked(call: Call): Checked[] {
  const { op, body, billId, status, answer } = call;
  if (!OPS.has(op) || (op === 'bill.view' && status === 404)) return [];
  const asked = asChecked(call, op as Checked['op'], billId === null ? body : { ...body, billId });
  if (op === 'bill.arm') return armed(call, asked);
  const { id } = (answer ?? {}) as { readonly id?: unknown };
  // Whoever looks at a sticker sees its sale.
  const isElsewhere = op === 'bill.view' && status === 200 && typeof id === 'string';
  return [isElsewhere ? { ...asked, body: { ...asked.body, billId: id } } : asked];
}

/**
 * An arm spans bills. At its sticker it begins, which nobody is told, and ends; and a bill is made of its order, by this
 * call or by whoever drove it on.
 */
function armed(call: Call, asked: Checked): Checked[] {
  const { orderId, amount, ttl } = call.body;
  const attempt = `${asked.client} ${orderId}`;
  const { id, code, status } = (call.answer ?? {}) as Readonly<Record<string, unknown>>;
  // What else it says is the sale's.
  const isOver = call.status === 200 && (status === 'cancelled' || status === 'expired');
  const body = { id, code, ...(isOver && { isOver }) } as Checked['body'];
  const heard = call.status === null ? null : { status: call.status, body };
  const whole = { ...asked, body: { ...asked.body, attempt }, answer: heard };
  const unheard = { answer: null, returnedAt: Number.POSITIVE_INFINITY };
  const begin: Checked = { ...whole, op: 'sticker.begin', digest: `${amount}`, ...unheard };
  const isRefused = call.status !== null && call.status >= 400 && call.status < 500;
  if (isRefused) return [begin, whole];
  const terms = { orderId, amount, currency: 'EUR', expiresIn: ttl };
  const told = isDone(call) ? { answer: heard } : unheard;
  // A sale that is over may have been on the sticker, and its arm been heard by nobody.
  const before: Checked[] = isOver ? [{ ...whole, ...unheard }] : [];
  return [
    begin,
    ...before,
    whole,
    { ...asked, op: 'sale.made', body: terms, digest: `${amount}`, ...told },
  ];
}

/** Each arm may void the sale before its own, whether or not anybody heard of it. */
function voidings(calls: readonly Call[]): Checked[] {
  const sales = new Map<string, Set<string>>();
  const arms = calls.filter(({ op }) => op === 'bill.arm');
  for (const { billId, answer } of arms) {
    const { id } = (answer ?? {}) as { readonly id?: unknown };
    const known = sales.get(billId ?? '') ?? new Set();
    sales.set(billId ?? '', known);
    if (typeof id === 'string') known.add(id);
  }
  return arms.flatMap((arm) => {
    const { id } = (arm.answer ?? {}) as { readonly id?: unknown };
    const others = [...(sales.get(arm.billId ?? '') ?? [])].filter((sale) => sale !== id);
    return others.map((billId) => ({
      ...asChecked(arm, 'order.cancel', { billId }),
      answer: null,
      returnedAt: Number.POSITIVE_INFINITY,
    }));
  });
}

function asChecked(call: Call, op: Checked['op'], body: Checked['body']): Checked {
  const { client, status, answer, invokedAt, returnedAt } = call;
  return {
    client: idOf(client),
    op,
    body,
    answer: status === null ? null : { status, body: (answer ?? {}) as Checked['body'] },
    invokedAt: wallMs(invokedAt),
    returnedAt: returnedAt === null ? Number.POSITIVE_INFINITY : wallMs(returnedAt),
  };
}

function wallMs(monotonicUs: number): number {
  return performance.timeOrigin + monotonicUs / 1_000;
}

// Whether stays have cost what was told: by the tariff at the time of the question, by a quote until it ends, by a
// reservation that froze the price while it lived.

import { type Evidence, type Findings, tell } from './evidence.ts';
import { type Call, isDefinite, isDone } from './memory.ts';
import type { PaymentLine, TransitionLine } from './rows.ts';

type Shown = Readonly<Record<string, unknown>>;

/** A timer bill with all that Postgres has of it. */
interface Stay {
  readonly id: string;
  readonly terms: Shown;
  readonly payments: readonly PaymentLine[];
  readonly transitions: readonly TransitionLine[];
}

interface Quote {
  readonly id: string;
  readonly amount: number;
  readonly until: string;
}

/** A quote that was paid: when it was told and when it was brought, monotonic µs. */
export interface Honoured {
  readonly toldAt: number;
  readonly paidAt: number;
}

export function stays(evidence: Evidence, findings: Findings): void {
  const known = new Map(staysIn(evidence).map((each) => [each.id, each]));
  const ofStays = evidence.calls.filter((call) => known.has(call.billId ?? '') && isDefinite(call));
  const quotes = told(ofStays, 'bill.view', (call) => quoteIn(call)?.id);
  const holds = told(ofStays, 'bill.reserve', ({ answer }) => (answer as Shown).id);
  for (const call of ofStays) {
    const stay = known.get(call.billId ?? '');
    if (stay === undefined || !isDone(call) || call.op !== 'bill.view') continue;
    findings.stays.push(...mispriced(call, stay));
  }
  for (const call of ofStays.filter(({ op }) => op === 'payment.create')) {
    const stay = known.get(call.billId ?? '');
    const view = quotes.get(call.body.quoteId);
    const hold = holds.get(call.body.reservationId);
    if (stay === undefined) continue;
    if (view !== undefined) findings.stays.push(...dishonoured(call, view, stay));
    if (hold !== undefined) findings.stays.push(...unfrozen(call, hold, stay));
  }
  for (const stay of known.values()) findings.stays.push(...dunned(stay, ofStays));
}

/** Quotes by which something was paid: when they were told and when they were brought, monotonic µs. */
export function honouredIn(calls: readonly Call[]): Honoured[] {
  const quotes = told(calls, 'bill.view', (call) => quoteIn(call)?.id);
  return calls.flatMap((call) => {
    const view = quotes.get(call.body.quoteId);
    if (call.op !== 'payment.create' || view === undefined || !isDone(call)) return [];
    return [{ toldAt: view.returnedAt ?? 0, paidAt: call.invokedAt }];
  });
}

/** By what they told of: the first answers of an operation. */
function told(
  calls: readonly Call[],
  op: Call['op'],
  idOf: (call: Call) => unknown,
): Map<unknown, Call> {
  const found = new Map<unknown, Call>();
  for (const call of calls) {
    if (call.op !== op || !isDone(call)) continue;
    const id = idOf(call);
    if (id !== undefined && !found.has(id)) found.set(id, call);
  }
  return found;
}

function staysIn({ rows, transitions }: Evidence): Stay[] {
  const terms = new Map<string, Shown>();
  for (const [call, changes] of transitions) {
    const made = changes.find(({ type }) => type === 'CreateBill');
    if (typeof made?.bill_id === 'string') terms.set(made.bill_id, call.body);
  }
  return rows.bills
    .filter(({ type, id }) => type === 'timer' && terms.has(id))
    .map(({ id }) => ({
      id,
      terms: terms.get(id) ?? {},
      payments: rows.payments.filter(({ bill_id }) => bill_id === id),
      transitions: rows.transitions.filter(({ bill_id }) => bill_id === id),
    }));
}

// ------------------------------------------------------------------------------------------------------ the price --

/** By hand: one unit after another is charged once some of it has been used. */
function priceOf({ tariff, startedAt }: Shown, at: number): number {
  const { versions } = tariff as {
    readonly versions: readonly {
      readonly first?: readonly Phase[];
      readonly rules: readonly { readonly phases: readonly Phase[] }[];
    }[];
  };
  const [version] = versions;
  const phases = [...(version?.first ?? []), ...(version?.rules[0]?.phases ?? [])];
  let begins = Date.parse(String(startedAt));
  let total = 0;
  for (const { amount, perMinutes = Infinity, forMinutes = Infinity } of phases) {
    const ends = begins + forMinutes * 60_000;
    for (let unit = begins; unit < ends && unit < at; unit += perMinutes * 60_000) total += amount;
    begins = ends;
  }
  return total;
}

interface Phase {
  readonly amount: number;
  readonly perMinutes?: number;
  readonly forMinutes?: number;
}

/** Nobody has paid or reserved anything of it, ever: then a view asks for what the tariff says. */
function mispriced(call: Call, { terms, transitions }: Stay): string[] {
  const { due, now, status } = call.answer as Shown;
  const isTouched = transitions.some(({ type }) => type === 'ReserveBill' || type === 'PayBill');
  if (isTouched || status !== 'open') return [];
  const price = priceOf(terms, Date.parse(String(now)));
  return due === price ? [] : [`the tariff says ${price}: ${tell(call)}`];
}

// ------------------------------------------------------------------------------------------------------ the quote --

function quoteIn({ answer }: Call): Quote | null {
  return ((answer as Shown).quote as Quote | null | undefined) ?? null;
}

/** Whoever brought what was told before its end has paid, where nobody else had come in between. */
function dishonoured(call: Call, view: Call, stay: Stay): string[] {
  const quote = quoteIn(view);
  const row = rowOf(call, stay);
  if (quote === null || row === undefined || call.body.currency !== 'EUR') return [];
  const isTooLate = row.received_at >= Date.parse(quote.until);
  if (isTooLate || call.body.amount !== quote.amount) return [];
  if (row.code === 'quote.expired') return [`it had not ended: ${tell(view)}, then ${tell(call)}`];
  if (!isFirst(call, stay)) return [];
  return isPaid(call) ? [] : [`${tell(view)}, then ${tell(call)}`];
}

/** What was reserved with a quote is taken, however long the debit takes, and pays for the stay. */
function unfrozen(call: Call, hold: Call, stay: Stay): string[] {
  const { amount, expiresAt } = hold.answer as Shown;
  const row = rowOf(call, stay);
  if (row === undefined || hold.client !== call.client || hold.body.quoteId === undefined)
    return [];
  const isTooLate = row.received_at >= Date.parse(String(expiresAt));
  if (isTooLate || call.body.amount !== amount || call.body.currency !== 'EUR') return [];
  const others = stay.transitions.filter(
    ({ type, outcome }) => HOLDS.has(type) || CLOSES.has(outcome),
  );
  // Its own reservation, and nothing that could have ended it.
  if (others.length !== 1 || !isFirst(call, stay)) return [];
  return isPaid(call) ? [] : [`${tell(hold)}, then ${tell(call)}`];
}

const HOLDS: ReadonlySet<string> = new Set(['ReserveBill', 'ReleaseReservation']);
const CLOSES: ReadonlySet<string> = new Set(['BillCancelled', 'BillExpired', 'BillConfirmed']);

/** Whether nothing but what leads up to it had happened to the bill when this payment came. */
function isFirst(call: Call, { transitions }: Stay): boolean {
  for (const { type, request_id, actor, outcome } of transitions) {
    if (request_id === call.requestId) return true;
    const isOwn = actor === call.client && type === 'ReserveBill';
    if (type !== 'CreateBill' && type !== 'AcknowledgeEvents' && !isOwn) return false;
    if (CLOSES.has(outcome)) return false;
  }
  // It was another sending of the same payment that came.
  return false;
}

function isPaid(call: Call): boolean {
  const { status } = ((call.answer as Shown).bill ?? {}) as Shown;
  return isDone(call) && (status === 'paid' || status === 'confirmed');
}

function rowOf({ client, body }: Call, { payments }: Stay): PaymentLine | undefined {
  return payments.find(
    ({ paychannel_id, payment_ref }) =>
      client === `paychannel:${paychannel_id}` && payment_ref === body.paymentRef,
  );
}

// ------------------------------------------------------------------------------------------------------- the grace --

/** Until the time by which one was told to leave, nothing more becomes due. */
function dunned({ id, transitions }: Stay, calls: readonly Call[]): string[] {
  const found: string[] = [];
  const timers = transitions.filter(
    ({ type, outcome }) => type === 'RunTimer' && outcome === 'StayCharged',
  );
  if (timers.length === 0) return found;
  for (const call of calls) {
    if (call.billId !== id || call.op !== 'payment.create' || !isDone(call)) continue;
    const { version, clearUntil } = ((call.answer as Shown).bill ?? {}) as Shown;
    if (typeof clearUntil !== 'string') continue;
    const next = timers.find((row) => row.version > Number(version));
    if (next !== undefined && next.at <= Date.parse(clearUntil)) {
      found.push(`${tell(call)}, then ${JSON.stringify(next)}`);
    }
  }
  return found;
}

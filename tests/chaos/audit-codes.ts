// Whether printed codes have kept what they promise: a range is kept, a limit is never passed, a code that was withdrawn
// takes nothing, and what each payment came to adds up.

import { confirmedIn } from './audit-answers.ts';
import { type Evidence, type Findings, tell } from './evidence.ts';
import { type Call, isDone } from './memory.ts';
import type { BillLine, CreditLine, PaymentLine, TransitionLine } from './rows.ts';

type Shown = Readonly<Record<string, unknown>>;

/** A static bill with all that Postgres has of it. */
interface Code {
  readonly bill: BillLine;
  /** What its create asked for, as it was sent. */
  readonly terms: Shown;
  readonly payments: readonly PaymentLine[];
  readonly credits: readonly CreditLine[];
  readonly transitions: readonly TransitionLine[];
  /** Events that told its terminal of a payment. */
  readonly told: number;
}

export function printedCodes(evidence: Evidence, findings: Findings): void {
  const closed = closings(evidence);
  for (const code of codesIn(evidence, findings)) {
    findings.limits.push(...beyondOffer(code), ...afterEnd(code));
    findings.limits.push(...afterAcknowledged(code, closed.get(code.bill.id), evidence));
    findings.books.push(...unbalanced(code));
    const { bill, payments, told } = code;
    if (isForMany(code) && told !== payments.length) {
      findings.undelivered.push(
        `${bill.id} took ${payments.length} payments and told its terminal of ${told}`,
      );
    }
  }
}

function codesIn(evidence: Evidence, findings: Findings): Code[] {
  const { rows, transitions } = evidence;
  const terms = new Map<string, Shown>();
  for (const [call, changes] of transitions) {
    const made = changes.find(({ type }) => type === 'CreateBill');
    if (typeof made?.bill_id === 'string') terms.set(made.bill_id, call.body);
  }
  const accepted = rows.payments.filter(({ status }) => status !== 'refused');
  const payments = byBill(accepted);
  const credits = byBill(rows.credits);
  const changes = byBill(rows.transitions);
  const received = byBill(rows.events.filter(({ type }) => type === 'payment.received'));
  const codes: Code[] = [];
  for (const bill of rows.bills.filter(({ type }) => type === 'static')) {
    const asked = terms.get(bill.id);
    if (asked === undefined) findings.uninvited.push(`nobody created the static bill ${bill.id}`);
    else {
      codes.push({
        bill,
        terms: asked,
        payments: payments.get(bill.id) ?? [],
        credits: credits.get(bill.id) ?? [],
        transitions: changes.get(bill.id) ?? [],
        told: received.get(bill.id)?.length ?? 0,
      });
    }
  }
  return codes;
}

function isForMany({ terms }: Code): boolean {
  return terms.usage === 'many';
}

// ------------------------------------------------------------------------------------------------------ the offer --

function beyondOffer(code: Code): string[] {
  const { bill, terms, payments } = code;
  const found: string[] = [];
  const least = numberIn(terms.amount ?? terms.minAmount, 0);
  const most = numberIn(terms.amount ?? terms.maxAmount, 0);
  for (const payment of payments) {
    if (payment.amount < least || payment.amount > most) {
      found.push(`outside of ${least} to ${most}: ${JSON.stringify(payment)}`);
    }
  }
  const places = isForMany(code) ? numberIn(terms.maxPayments, Number.POSITIVE_INFINITY) : 1;
  if (payments.length > places) {
    found.push(`${bill.id} took ${payments.length} payments, and ${places} is its limit`);
  }
  const total = numberIn(terms.maxTotal, Number.POSITIVE_INFINITY);
  const paid = sum(payments);
  if (paid > total) found.push(`${bill.id} took ${paid}, and ${total} is its limit`);
  return found;
}

// -------------------------------------------------------------------------------------------------------- the end --

/** By the log's order: nothing is taken by a later version than the one that closed the bill. */
function afterEnd({ bill, transitions }: Code): string[] {
  const ends = transitions.filter(({ outcome }) => CLOSES.has(outcome));
  const end = Math.min(...ends.map(({ version }) => version));
  return transitions
    .filter(({ type, outcome, version }) => {
      return type === 'PayBill' && TAKES.has(outcome) && version >= end;
    })
    .map((row) => `${bill.id} was closed by version ${end}, then ${JSON.stringify(row)}`);
}

const CLOSES: ReadonlySet<string> = new Set(['BillCancelled', 'BillExpired']);
/** What a payment that is taken begins with: the end of the reservation that it names. */
const TAKES: ReadonlySet<string> = new Set(['PaymentAccepted', 'ReservationEnded']);

/** By the clients' clock: who began to pay after anybody was told that the bill is closed has paid nothing. */
function afterAcknowledged(
  { payments }: Code,
  closing: Call | undefined,
  { byReference }: Evidence,
): string[] {
  if (closing === undefined) return [];
  const found: string[] = [];
  for (const { bill_id, paychannel_id, payment_ref } of payments) {
    const reference = `payment ${bill_id} paychannel:${paychannel_id} ${payment_ref}`;
    const calls = (byReference.get(reference) ?? []).filter(({ op }) => op === 'payment.create');
    const [first] = calls;
    if (first !== undefined && first.invokedAt > (closing.returnedAt ?? 0)) {
      found.push(`${tell(closing)}, then ${tell(calls.find(isDone) ?? first)}`);
    }
  }
  return found;
}

/** By bill: the first answer that showed it cancelled or expired. */
function closings({ calls }: Evidence): Map<string, Call> {
  const first = new Map<string, Call>();
  for (const call of calls) {
    if (!isDone(call)) continue;
    const answer = (call.answer ?? {}) as Shown;
    const { id, status } = (answer.bill ?? answer) as Shown;
    if (typeof id !== 'string' || (status !== 'cancelled' && status !== 'expired')) continue;
    if ((call.returnedAt ?? 0) < (first.get(id)?.returnedAt ?? Number.POSITIVE_INFINITY)) {
      first.set(id, call);
    }
  }
  return first;
}

// ------------------------------------------------------------------------------------------------------- the sums --

function unbalanced(code: Code): string[] {
  const { bill, payments, credits } = code;
  const found: string[] = [];
  for (const payment of payments) {
    const own = credits.filter(({ payment_no }) => payment_no === payment.no);
    if (sum(own) !== payment.credited || !isEndedRight(payment, own)) {
      found.push(`${JSON.stringify(payment)} with ${JSON.stringify(own)}`);
    }
  }
  const ofKind = (kind: string): number => sum(credits.filter((credit) => credit.kind === kind));
  const sums = {
    paid: sum(payments),
    reversed: ofKind('reversal'),
    refunded: ofKind('refund'),
    unreturned: sum(credits.filter(({ status }) => status === 'rejected')),
    confirmed: payments.reduce((total, payment) => total + confirmedOf(payment, credits), 0),
  };
  for (const [name, value] of Object.entries(sums)) {
    if (bill[name as keyof typeof sums] === value) continue;
    found.push(`${name} of ${JSON.stringify(bill)} is ${value} by its payments and credits`);
  }
  return found;
}

/** Whether the status is what the payment's credits make of it. */
function isEndedRight({ status, amount, credited }: PaymentLine, own: readonly CreditLine[]) {
  const kinds = new Set(own.map(({ kind }) => kind));
  switch (status) {
    case 'accepted':
      return credited === 0;
    case 'reversed':
      return credited === amount && !kinds.has('refund');
    case 'refunded':
      return credited === amount && kinds.has('refund');
    default:
      return status === 'confirmed' && credited < amount;
  }
}

function confirmedOf(payment: PaymentLine, credits: readonly CreditLine[]): number {
  if (payment.status !== 'confirmed' && payment.status !== 'refunded') return 0;
  const reversals = credits.filter(
    ({ payment_no, kind }) => payment_no === payment.no && kind === 'reversal',
  );
  return payment.amount - sum(reversals);
}

/** What Postgres lacks of what a till was told of one payment that it ended; null where nothing. */
export function endedAs(call: Call, { rows, payments }: Evidence): string | null {
  const answer = (call.answer ?? {}) as Shown;
  const shown = (answer.payment ?? {}) as Shown;
  const row = payments.get(`${call.billId} ${shown.paychannelId} ${shown.paymentRef}`);
  if (row === undefined || row.status === 'refused') return 'the payment is not there';
  const own = rows.credits.filter(
    ({ bill_id, payment_no }) => bill_id === row.bill_id && payment_no === row.no,
  );
  const isAsFar = row.credited >= Number(shown.credited) && STEPS.indexOf(row.status) > 0;
  const isSum = shown.status === 'reversed' || confirmedOf(row, own) === confirmedIn(answer);
  const isFinal = shown.status === 'confirmed' || row.status === shown.status;
  return isAsFar && isSum && isFinal ? null : `the payment is ${JSON.stringify(row)}`;
}

const STEPS: readonly string[] = ['accepted', 'confirmed', 'reversed', 'refunded'];

function byBill<Row extends { readonly bill_id: string | null }>(
  rows: readonly Row[],
): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const known = found.get(row.bill_id ?? '');
    if (known === undefined) found.set(row.bill_id ?? '', [row]);
    else known.push(row);
  }
  return found;
}

function numberIn(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

function sum(lines: readonly { readonly amount: number }[]): number {
  return lines.reduce((total, { amount }) => total + amount, 0);
}

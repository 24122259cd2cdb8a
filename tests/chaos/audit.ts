// The audit: everything that a client was told against everything that Postgres has, by names and not by numbers.

import { agree } from './audit-answers.ts';
import { atBanks } from './audit-banks.ts';
import { endedAs, printedCodes } from './audit-codes.ts';
import { delivered } from './audit-events.ts';
import { endpointsServed } from './audit-hooks.ts';
import { doneOnce, uninvited } from './audit-rows.ts';
import { sales } from './audit-sales.ts';
import { stays } from './audit-stays.ts';
import { Evidence, type Findings, idOf, noFindings, type Recollection, tell } from './evidence.ts';
import { type Call, isDone } from './memory.ts';
import type { Rows } from './rows.ts';

/** All that is wrong. `books` is what the bookkeeper found by SQL. */
export function audit(memory: Recollection, rows: Rows, books: readonly string[]): Findings {
  const evidence = new Evidence(memory, rows);
  const findings = noFindings();
  findings.books.push(...books);
  findings.uninvited.push(...evidence.strange, ...uninvited(evidence), ...memory.forged);
  for (const call of evidence.calls) {
    const missing = missingOf(call, evidence);
    if (missing !== null) findings.lost.push(`${missing}: ${tell(call)}`);
  }
  doneOnce(evidence, findings);
  agree(evidence, findings);
  delivered(evidence, findings);
  endpointsServed(evidence, findings);
  printedCodes(evidence, findings);
  stays(evidence, findings);
  sales(evidence, findings);
  findings.banks.push(...atBanks(memory, rows));
  return findings;
}

export function isClean(findings: Findings): boolean {
  return Object.values(findings).every((lines: readonly string[]) => lines.length === 0);
}

// ------------------------------------------------------------------------------------------------------------ lost --

type Shown = Readonly<Record<string, unknown>>;
type Check = (call: Call, answer: Shown, evidence: Evidence) => string | null;

/** Refusals that are recorded, and so must be found. */
export const REFUSALS: ReadonlySet<unknown> = new Set([
  'bill.notPayable',
  'payment.exceedsDue',
  'payment.currencyMismatch',
  'payment.outOfRange',
  'payment.partForbidden',
  'quote.expired',
  'reservation.expired',
]);
const KEPT_REFUSALS: ReadonlySet<unknown> = new Set([
  'bill.notRefundable',
  'refund.exceedsConfirmed',
  'cancel.amountBeforeConfirm',
  'payment.notRefundable',
]);

const checks: Readonly<Record<string, Check>> = {
  'bill.create': created,
  'bill.arm': armed,
  'order.resolve': resolved,
  'payment.create': paid,
  'payment.get': fated,
  'payment.void': fated,
  'bill.reserve': (call, _answer, evidence) => kept(call, evidence),
  'bill.refund': (call, _answer, evidence) => kept(call, evidence),
  'bill.cancel': cancelled,
  'bill.confirm': confirmed,
  'payment.confirm': endedOne,
  'payment.cancel': endedOne,
  'payment.refund': endedOne,
  'credit.settle': settled,
  'event.ack': acknowledged,
};

/** What Postgres lacks of what this call was told; null where nothing. */
function missingOf(call: Call, evidence: Evidence): string | null {
  const answer = (call.answer ?? {}) as Shown;
  if (isDone(call)) {
    return checks[call.op]?.(call, answer, evidence) ?? versionMissing(answer, evidence);
  }
  if (call.op === 'payment.create' && REFUSALS.has(answer.code)) {
    const row = paymentOf(call, evidence);
    return row?.status === 'refused' && row.code === answer.code
      ? null
      : 'the refusal is not there';
  }
  const isKept =
    (call.op === 'payment.create' && answer.code === 'payment.void') ||
    (call.reference?.startsWith('key ') === true && KEPT_REFUSALS.has(answer.code));
  return isKept && !evidence.refs.has(call.reference ?? '') ? 'its reference is not there' : null;
}

function created(call: Call, answer: Shown, evidence: Evidence): string | null {
  const bill = evidence.bills.get(String(answer.id));
  if (bill === undefined) return 'the bill is not there';
  const isSame =
    bill.order_id === call.orderId &&
    bill.terminal_id === idOf(call.client) &&
    bill.amount === (call.body.amount ?? 0) &&
    bill.currency === call.body.currency;
  if (!isSame) return `the bill is another: ${JSON.stringify(bill)}`;
  return changedBy(call, 'CreateBill', evidence) ? null : 'no transition made the bill';
}

/** The sale's bill, which whoever came by may have made. */
function armed(call: Call, answer: Shown, evidence: Evidence): string | null {
  const bill = evidence.bills.get(String(answer.id));
  if (bill === undefined) return 'the sale is not there';
  const isSame = bill.order_id === call.orderId && bill.terminal_id === idOf(call.client);
  return isSame && bill.amount === call.body.amount
    ? null
    : `the sale is another: ${JSON.stringify(bill)}`;
}

function resolved(call: Call, answer: Shown, evidence: Evidence): string | null {
  if (answer.status !== 'void') {
    return evidence.bills.has(String(answer.id)) ? null : 'the bill is not there';
  }
  const order = evidence.orders.get(`${idOf(call.client)} ${call.orderId}`);
  return order?.bill_id === null ? null : 'the tombstone is not there';
}

function paid(call: Call, answer: Shown, evidence: Evidence): string | null {
  const row = paymentOf(call, evidence);
  const { id } = (answer.payment ?? {}) as Shown;
  if (row === undefined || row.status === 'refused') return 'the payment is not there';
  if (row.amount !== call.body.amount || `${row.bill_id}-p${row.no}` !== id) {
    return `the payment is another: ${JSON.stringify(row)}`;
  }
  if (!changedBy(call, 'PayBill', evidence)) return 'no transition made the payment';
  return versionMissing(answer.bill as Shown, evidence);
}

function fated(call: Call, answer: Shown, evidence: Evidence): string | null {
  const row = paymentOf(call, evidence);
  if (!evidence.refs.has(call.reference ?? '')) return 'its reference is not there';
  if (answer.id === null) return row === undefined ? null : 'a voided payment is there';
  const isSame = (row?.status === 'refused') === (answer.status === 'refused');
  return row !== undefined && isSame && row.amount === answer.amount
    ? null
    : `the payment is ${JSON.stringify(row)}`;
}

function kept(call: Call, evidence: Evidence): string | null {
  if (!evidence.refs.has(call.reference ?? '')) return 'its reference is not there';
  return evidence.changes(call.reference) > 0 ? null : 'no transition did it';
}

function cancelled(call: Call, _answer: Shown, evidence: Evidence): string | null {
  if (call.reference?.startsWith('key ') === true) return kept(call, evidence);
  const status = evidence.bills.get(call.billId ?? '')?.status;
  return status === 'cancelled' || status === 'refunded' ? null : `the bill is ${status}`;
}

function confirmed(call: Call, answer: Shown, evidence: Evidence): string | null {
  const bill = evidence.bills.get(call.billId ?? '');
  if (bill === undefined) return 'the bill is not there';
  const isConfirmed = bill.status === 'confirmed' || bill.status === 'refunded';
  const isRight = answer.status === 'cancelled' ? bill.status === 'cancelled' : isConfirmed;
  const isSum = bill.confirmed === answer.confirmed;
  return isRight && isSum ? null : `the bill is ${bill.status}, ${bill.confirmed} confirmed`;
}

/** One payment, ended by itself. */
function endedOne(call: Call, answer: Shown, evidence: Evidence): string | null {
  const missing = call.reference?.startsWith('key ') ? kept(call, evidence) : null;
  return missing ?? endedAs(call, evidence) ?? versionMissing(answer.bill as Shown, evidence);
}

function settled(call: Call, _answer: Shown, evidence: Evidence): string | null {
  const { creditId, status, reference } = call.body;
  const row = evidence.credits.get(String(creditId));
  if (row?.status !== status || row?.reference !== reference) {
    return `the credit is ${JSON.stringify(row)}`;
  }
  return evidence.changes(call.reference) > 0 ? null : 'no transition did it';
}

function acknowledged(call: Call, _answer: Shown, evidence: Evidence): string | null {
  const ids = call.body.ids as readonly string[];
  const pending = ids.filter((id) => {
    const event = evidence.events.get(id);
    return event?.recipient === call.client && event.pending;
  });
  return pending.length === 0 ? null : `still pending: ${pending.join(', ')}`;
}

function versionMissing(shown: Shown | undefined, evidence: Evidence): string | null {
  if (typeof shown?.id !== 'string' || typeof shown.version !== 'number') return null;
  const bill = evidence.bills.get(shown.id);
  if (bill === undefined || bill.version < shown.version) {
    return `the bill is at version ${bill?.version}`;
  }
  return evidence.versions.has(`${shown.id} ${shown.version}`) ? null : 'its version is not there';
}

function paymentOf({ client, body }: Call, { payments }: Evidence) {
  return payments.get(`${body.billId} ${idOf(client)} ${body.paymentRef}`);
}

function changedBy({ reference }: Call, type: string, evidence: Evidence): boolean {
  const calls = evidence.byReference.get(reference ?? '') ?? [];
  return calls.some((call) => evidence.transitions.get(call)?.some((row) => row.type === type));
}

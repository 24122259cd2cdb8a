// Whether Postgres has anything twice, or anything that no client ever meant.

import { type Evidence, type Findings, tell } from './evidence.ts';
import { type Call, isUndone } from './memory.ts';
import type { TransitionLine } from './rows.ts';

/** Each sending changes something at most once, each reference too; what was refused changes nothing. */
export function doneOnce(evidence: Evidence, findings: Findings): void {
  const { doubled, contradictions } = findings;
  for (const [call, rows] of evidence.transitions) {
    if (rows.length > 1) doubled.push(`${rows.length} transitions of ${tell(call)}`);
    if (isUndone(call)) contradictions.push(`refused, and done all the same: ${tell(call)}`);
    if (isToldNo(call, rows)) contradictions.push(`told no, and done all the same: ${tell(call)}`);
  }
  doubled.push(...endedTwice(evidence), ...referencesUsedTwice(evidence));
  const seen = new Set<string>();
  for (const { bill_id, paychannel_id, payment_ref } of evidence.rows.payments) {
    const name = `${bill_id} ${paychannel_id} ${payment_ref}`;
    if (seen.has(name)) doubled.push(`two payments: ${name}`);
    seen.add(name);
  }
}

/** A refusal may be written down, as itself and nothing else. */
function isToldNo(call: Call, rows: readonly TransitionLine[]): boolean {
  const { code } = (call.answer ?? {}) as { readonly code?: string };
  const isRefused = call.status !== null && call.status >= 400 && call.status < 500;
  return isRefused && rows.some(({ outcome }) => outcome !== code);
}

/** A bill is confirmed once and cancelled once, whoever asks and however often. */
function endedTwice({ transitions }: Evidence): string[] {
  const ends = new Map<string, Call[]>();
  for (const [call, rows] of transitions) {
    const isInPart = call.op === 'bill.cancel' && call.body.amount !== undefined;
    for (const { type, bill_id } of rows) {
      if (isInPart || (type !== 'CancelBill' && type !== 'ConfirmBill')) continue;
      const name = `${type} ${bill_id}`;
      ends.set(name, [...(ends.get(name) ?? []), call]);
    }
  }
  return [...ends]
    .filter(([, calls]) => calls.length > 1)
    .map(([name, calls]) => `${name} by ${calls.map(tell).join(' and ')}`);
}

function referencesUsedTwice({ byReference, transitions }: Evidence): string[] {
  const found: string[] = [];
  for (const [reference, calls] of byReference) {
    const types = calls.flatMap((call) => transitions.get(call)?.map(({ type }) => type) ?? []);
    // An order may be made, and cancelled by a later question about it.
    const many = reference.startsWith('order ')
      ? types.filter((type, index) => types.indexOf(type) !== index)
      : types.slice(1);
    if (many.length > 0) found.push(`${reference}: ${types.join(', ')}`);
  }
  return found;
}

const MAKES: ReadonlySet<string> = new Set(['bill.create', 'bill.arm']);

/** Rows whose reference or amount no client ever sent. */
export function uninvited({ rows, bills, byReference, listeners }: Evidence): string[] {
  const found: string[] = [];
  const meant = (reference: string, isMeant: (call: Call) => boolean): boolean =>
    byReference.get(reference)?.some(isMeant) === true;
  const check = (isMeant: boolean, what: string, row: object): void => {
    if (!isMeant) found.push(`${what} that nobody meant: ${JSON.stringify(row)}`);
  };
  for (const row of rows.bills) {
    const of = `order terminal:${row.terminal_id} ${row.order_id}`;
    check(
      meant(of, ({ op, body }) => MAKES.has(op) && (body.amount ?? 0) === row.amount),
      'a bill',
      row,
    );
  }
  // What comes from a bank is held against its books (audit-banks.ts).
  const isAtBank = (id: string): boolean => bills.get(id)?.acquirer != null;
  for (const row of rows.payments) {
    if (isAtBank(row.bill_id) && row.paychannel_id.startsWith('acq_')) continue;
    const of = `payment ${row.bill_id} paychannel:${row.paychannel_id} ${row.payment_ref}`;
    check(
      meant(of, ({ op, body }) => op === 'payment.create' && body.amount === row.amount),
      'a payment',
      row,
    );
  }
  for (const row of rows.credits) {
    if (row.status === 'pending' || isAtBank(row.bill_id)) continue;
    const of = `credit ${row.bill_id}-c${row.no}`;
    check(
      meant(of, ({ body }) => body.status === row.status && body.reference === row.reference),
      'a settlement',
      row,
    );
  }
  for (const row of rows.refs) {
    const of = `${row.kind} ${row.bill_id} ${row.kind === 'key' ? 'terminal' : 'paychannel'}`;
    check(byReference.has(`${of}:${row.scope} ${row.ref}`), 'a reference', row);
  }
  for (const row of rows.orders) {
    check(byReference.has(`order terminal:${row.terminal_id} ${row.order_id}`), 'an order', row);
  }
  for (const row of rows.events) check(listeners.includes(row.recipient), 'an event', row);
  return found;
}

// Who may see which bill, and whose events. What is another's is as unknown as what is not there.

import { unreachable } from '../domain/assert.ts';
import { type Bill, isPresent, type PresentBill } from '../domain/bill/state.ts';
import type { Recipient } from '../domain/bill/vocabulary.ts';
import type { Principal } from './principal.ts';
import type { Operation, SwitchRejection } from './requests.ts';

/** Whose events a principal reads. Undefined for those that have no stream. */
export function recipientOf(principal: Principal): Recipient | undefined {
  if (principal.kind === 'terminal') return `terminal:${principal.id}`;
  if (principal.kind === 'paychannel') return `paychannel:${principal.id}`;
  return undefined;
}

/** Whether the principal may see the bill; another's bill is as unknown as none at all. */
export function maySee(
  principal: Principal | null,
  bill: PresentBill,
  op: Operation['op'],
): boolean {
  if (principal === null) return op === 'bill.page' || op === 'sticker.get';
  const terms = bill.terms;
  if (principal.role === 'system') return true;
  if (principal.institutionId !== terms.institutionId) return false;
  switch (principal.kind) {
    case 'paychannel':
      return true;
    case 'operator':
      return principal.merchantId === null || principal.merchantId === terms.merchantId;
    case 'merchant':
      return principal.merchantId === terms.merchantId;
    case 'terminal':
      if (principal.restricted) return principal.id === terms.terminalId;
      return principal.merchantId === terms.merchantId;
    default:
      return unreachable(principal.kind);
  }
}

/** What is said of a bill that is not there, or not for the principal to see: never which of the two. */
export function unseen(op: Operation['op']): SwitchRejection {
  const isOfCredit = op === 'credit.get' || op === 'credit.settle';
  return { rejected: isOfCredit ? 'credit.notFound' : 'bill.notFound' };
}

/** The bill if the principal may see it. */
export function visible(
  bill: Bill,
  principal: Principal | null,
  op: Operation['op'],
): PresentBill | null {
  return isPresent(bill) && maySee(principal, bill, op) ? bill : null;
}

// Who may see which bill, and whose events. What is another's is as unknown as what is not there.

import { unreachable } from '../domain/assert.ts';
import { type Bill, isPresent, type PresentBill } from '../domain/bill/state.ts';
import type { Recipient, Terms } from '../domain/bill/vocabulary.ts';
import type { Millis } from '../domain/time.ts';
import type { Agreements, Reach } from './agreements.ts';
import type { Principal } from './principal.ts';
import type { Operation, SwitchRejection } from './requests.ts';
import type { SuspendedSellers } from './sellers.ts';
import { AGREEMENT_ENDED, SUSPENDED } from './suspension.ts';

/** Whose events a principal reads. Undefined for those that have no stream. */
export function recipientOf(principal: Principal): Recipient | undefined {
  if (principal.kind === 'terminal') return `terminal:${principal.id}`;
  if (principal.kind === 'paychannel') return `paychannel:${principal.id}`;
  return undefined;
}

/** Who asks what. */
interface Asking {
  readonly principal: Principal | null;
  readonly operation: Operation;
}

/** A bill within the reach of whoever asks. */
export interface Seen {
  readonly bill: PresentBill;
  /** Why they begin nothing new with it; null: they may. */
  readonly bar: SwitchRejection | null;
}

/** The bill as whoever asks may have to do with it; null: to them it is as unknown as none at all. */
export function seenBy(
  { principal, operation }: Asking,
  bill: Bill,
  { agreements, suspended }: { agreements: Agreements; suspended: SuspendedSellers },
  now: Millis,
): Seen | null {
  if (!isPresent(bill)) return null;
  const reach = reachOf(principal, bill, operation.op, agreements, now);
  if (reach === 'none') return null;
  const isUnsold = principal?.kind === 'paychannel' && suspended.haveSold(bill.terms);
  if (isUnsold || principal?.suspended === true) return { bill, bar: SUSPENDED };
  return { bill, bar: reach === 'begun' ? AGREEMENT_ENDED : null };
}

/** Whether the bill is there for whoever asks. Every request is asked this, so that it makes nothing. */
export function sees(
  { principal, operation }: Asking,
  bill: Bill,
  agreements: Agreements,
  time: { now(): Millis },
): boolean {
  if (!isPresent(bill)) return false;
  const { institutionId, createdAt } = bill.terms;
  // Agreements alone ask what time it is.
  const isAbroad = principal?.kind === 'paychannel' && principal.institutionId !== institutionId;
  const now = isAbroad ? time.now() : createdAt;
  return reachOf(principal, bill, operation.op, agreements, now) !== 'none';
}

/** What anybody may ask, and what only our own threads do. */
const OURS: ReadonlySet<Operation['op']> = new Set<Operation['op']>([
  'bill.page',
  'sticker.get',
  'acquiring.begin',
  'acquiring.finish',
]);

function reachOf(
  principal: Principal | null,
  bill: PresentBill,
  op: Operation['op'],
  agreements: Agreements,
  now: Millis,
): Reach {
  if (principal === null) return OURS.has(op) ? 'whole' : 'none';
  if (principal.kind === 'paychannel') return agreements.reach(principal, bill, now);
  return isOfHouse(principal, principal.kind, bill.terms) ? 'whole' : 'none';
}

/** Whether the bill is one of those that the seller's side of an institution sees. */
function isOfHouse(
  principal: Principal,
  kind: Exclude<Principal['kind'], 'paychannel'>,
  terms: Terms,
): boolean {
  if (principal.role === 'system') return true;
  if (principal.institutionId !== terms.institutionId) return false;
  switch (kind) {
    case 'operator':
      return principal.merchantId === null || principal.merchantId === terms.merchantId;
    case 'merchant':
      return principal.merchantId === terms.merchantId;
    case 'terminal':
      if (principal.restricted) return principal.id === terms.terminalId;
      return principal.merchantId === terms.merchantId;
    default:
      return unreachable(kind);
  }
}

/** What is said of a bill that is not there, or not for the principal to see: never which of the two. */
export function unseen(op: Operation['op']): SwitchRejection {
  if (op === 'event.resend') return { rejected: 'event.notFound' };
  return { rejected: op.startsWith('credit.') ? 'credit.notFound' : 'bill.notFound' };
}

// Rows of payments and credits, read back into what they were.

import type {
  Credit,
  CreditResolution,
  Payment,
  RefusedPayment,
} from '../../domain/bill/vocabulary.ts';
import type { InstitutionId, PaychannelId, Reference } from '../../domain/ids.ts';
import type { Minor } from '../../domain/money.ts';
import { type Millis, millis } from '../../domain/time.ts';
import { restoreRejection } from './part-tuples.ts';

export const PAYMENT_COLUMNS =
  'no, paychannel_id, payment_ref, amount, credited, status, method, payer, paid_at, received_at, notified_at, subscribed, rejection, excess, tip, tip_returned, paying_institution_id';
export const CREDIT_COLUMNS =
  'no, kind, payment_no, paychannel_id, payment_ref, amount, status, reason, settled_reason, reference, requested_at, settled_at, repeats, is_tip, replaces, replaced_by, returned_reference, returned_at, origin';

/** Numbers come as text from a row, as numbers from JSON. */
type Whole = string | number;

export interface PaymentColumns {
  readonly no: number;
  readonly paychannel_id: PaychannelId;
  readonly payment_ref: Reference;
  readonly amount: Whole;
  readonly credited: Whole;
  readonly status: Payment['status'] | 'refused';
  readonly method: string | null;
  readonly payer: string | null;
  readonly paid_at: Whole | null;
  readonly received_at: Whole;
  readonly notified_at: Whole | null;
  readonly subscribed: boolean;
  readonly rejection: string | null;
  readonly excess: Whole;
  readonly tip: Whole;
  readonly tip_returned: boolean;
  /** Null: the bill's own. */
  readonly paying_institution_id: InstitutionId | null;
}

export function paymentOf(row: PaymentColumns): Payment | RefusedPayment {
  const both = {
    no: row.no,
    paychannelId: row.paychannel_id,
    paymentRef: row.payment_ref,
    amount: Number(row.amount) as Minor,
    method: row.method,
    receivedAt: millis(Number(row.received_at)),
    ...(row.paying_institution_id === null ? {} : { institutionId: row.paying_institution_id }),
  };
  const tip = Number(row.tip) as Minor;
  if (row.status === 'refused') {
    const refused = { ...both, rejection: restoreRejection(row.rejection ?? '') };
    return tip === 0 ? refused : { ...refused, tip };
  }
  const payment: { -readonly [Key in keyof Payment]: Payment[Key] } = {
    ...both,
    credited: Number(row.credited) as Minor,
    payer: row.payer,
    paidAt: timeOf(row.paid_at),
    status: row.status,
    notifiedAt: timeOf(row.notified_at),
    subscribed: row.subscribed,
  };
  const excess = Number(row.excess) as Minor;
  if (excess > 0) payment.excess = excess;
  if (tip > 0) payment.tip = tip;
  if (row.tip_returned) payment.isTipReturned = true;
  return payment;
}

export interface CreditColumns {
  readonly no: number;
  readonly kind: Credit['kind'];
  readonly payment_no: number;
  readonly paychannel_id: PaychannelId;
  readonly payment_ref: Reference;
  readonly amount: Whole;
  readonly status: Credit['status'] | 'returnedOtherwise';
  readonly reason: string | null;
  readonly settled_reason: string | null;
  readonly reference: string | null;
  readonly requested_at: Whole;
  readonly settled_at: Whole | null;
  readonly repeats: number;
  readonly is_tip: boolean;
  readonly replaces: number | null;
  readonly replaced_by: number | null;
  readonly returned_reference: string | null;
  readonly returned_at: Whole | null;
  readonly origin: 'external' | null;
}

export function creditOf(row: CreditColumns): Credit {
  const credit: { -readonly [Key in keyof Credit]: Credit[Key] } = {
    no: row.no,
    kind: row.kind,
    paymentNo: row.payment_no,
    paychannelId: row.paychannel_id,
    paymentRef: row.payment_ref,
    amount: Number(row.amount) as Minor,
    status: row.status === 'returnedOtherwise' ? 'rejected' : row.status,
    reason: row.reason,
    settledReason: row.settled_reason,
    reference: row.reference,
    requestedAt: millis(Number(row.requested_at)),
    settledAt: timeOf(row.settled_at),
    repeats: row.repeats,
  };
  if (row.is_tip) credit.isTip = true;
  if (row.replaces !== null) credit.replaces = row.replaces;
  const resolution = resolutionOf(row);
  if (resolution !== null) credit.resolution = resolution;
  if (row.origin !== null) credit.origin = row.origin;
  return credit;
}

function resolutionOf(row: CreditColumns): CreditResolution | null {
  const { replaced_by: creditNo, returned_reference: reference, returned_at: at } = row;
  if (creditNo !== null) return { how: 'requestedAgain', creditNo };
  if (reference === null) return null;
  return { how: 'returnedOtherwise', reference, at: millis(Number(at)) };
}

function timeOf(at: Whole | null): Millis | null {
  return at === null ? null : millis(Number(at));
}

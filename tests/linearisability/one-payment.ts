// What a terminal may do to one payment of a bill: confirm, cancel, refund. And what it may do to a code for many as a
// whole, which is to withdraw it.

import {
  type BillModel,
  type BillTurn,
  giveBack,
  giveTipsBack,
  isBeingPaid,
  isForMany,
  keep,
  type PaymentLine,
  recall,
  refused,
  shown,
  shownPayment,
  type Told,
} from './bill.ts';
import { amountIn, type Call, digestOf, numberIn, textIn } from './calls.ts';
import { returnsTip } from './tips.ts';

/** Of a bill for many payments; those that end whole are in sellers.ts. */
export function sellerOfManySays(bill: BillModel, call: Call): BillTurn {
  switch (call.op) {
    case 'bill.confirm':
      return confirmNothing(bill, call);
    case 'bill.cancel':
      return amountIn(call.body) === null
        ? withdraw(bill)
        : { bill, told: refused('refund.paymentRequired') };
    case 'bill.refund':
      if (call.body.paymentId == null) return { bill, told: refused('refund.paymentRequired') };
      return keyed(bill, call, null);
    case 'payment.refund':
      return keyed(bill, call, null);
    case 'payment.confirm':
      return confirmOne(bill, call);
    default:
      return amountIn(call.body) === null
        ? cancelOne(bill, call)
        : keyed(bill, call, refused('cancel.amountBeforeConfirm'));
  }
}

/** The code takes nothing any more; what was paid stays as it is. */
function withdrawn(bill: BillModel): BillModel {
  const version = bill.version + 1;
  return { ...bill, status: 'cancelled', cause: 'terminal', holds: [], version };
}

export function paymentConfirmed(bill: BillModel, payment: PaymentLine, amount: number): BillModel {
  const { no } = payment;
  const payments = bill.payments.map((each) =>
    each.no === no ? ({ ...each, state: 'confirmed' } as const) : each,
  );
  const version = bill.version + 1;
  const next: BillModel = { ...bill, payments, confirmed: bill.confirmed + amount, version };
  return giveBack(next, 'reversal', mostOf(payment) - amount, no);
}

export function paymentReversed(bill: BillModel, payment: PaymentLine): BillModel {
  const next = { ...bill, version: bill.version + 1 };
  const returned = giveBack(next, 'reversal', mostOf(payment), payment.no);
  return giveTipsBack(returned, 'reversal', payment.no);
}

/** The most that can be confirmed of a payment. */
export function mostOf({ amount, excess }: PaymentLine): number {
  return amount - excess;
}

function confirmNothing(bill: BillModel, { body }: Call): BillTurn {
  if (amountIn(body) !== 0 || bill.status === 'expired') {
    return { bill, told: refused('bill.notConfirmable') };
  }
  return whole(isBeingPaid(bill) ? withdrawn(bill) : bill);
}

function withdraw(bill: BillModel): BillTurn {
  if (bill.status === 'expired') return { bill, told: refused('bill.notCancellable') };
  return whole(isBeingPaid(bill) ? withdrawn(bill) : bill);
}

function whole(bill: BillModel): BillTurn {
  return { bill, told: shown(bill) };
}

function confirmOne(bill: BillModel, call: Call): BillTurn {
  const payment = namedIn(bill, call);
  if (payment === null) return { bill, told: refused('payment.notFound') };
  const amount = amountIn(call.body) ?? mostOf(payment);
  if (payment.state !== 'accepted') {
    return confirmedOf(bill, payment) === amount
      ? one(bill, payment)
      : { bill, told: refused('payment.notConfirmable') };
  }
  if (amount > mostOf(payment)) {
    return { bill, told: refused('confirm.exceedsPaid', { paid: mostOf(payment) }) };
  }
  if (amount === 0) return one(paymentReversed(bill, payment), payment);
  return one(paymentConfirmed(bill, payment, amount), payment);
}

function cancelOne(bill: BillModel, call: Call): BillTurn {
  const payment = namedIn(bill, call);
  if (payment === null) return { bill, told: refused('payment.notFound') };
  if (payment.state === 'accepted') return one(paymentReversed(bill, payment), payment);
  if (payment.state !== 'confirmed') return one(bill, payment);
  return one(refunded(bill, payment, payment.amount - payment.credited), payment);
}

function keyed(bill: BillModel, call: Call, notConfirmed: Told | null): BillTurn {
  const key = `key ${call.client} ${textIn(call.body, 'idempotencyKey')}`;
  const digest = `${call.op} ${digestOf(call)}`;
  const payment = namedIn(bill, call);
  const kept = recall(bill, key);
  if (kept !== undefined) {
    if (kept.digest !== digest) return { bill, told: refused('idempotency.reused') };
    return kept.kind === 'refused' ? { bill, told: kept.told } : answered(bill, call, payment);
  }
  const refusal = refusalOf(bill, payment, call, notConfirmed);
  if (refusal !== null || payment === null) {
    const told = refusal ?? refused('payment.notFound');
    return { bill: keep(bill, key, { digest, told, kind: 'refused', no: 0 }), told };
  }
  const left = payment.amount - payment.credited;
  const returned = refunded(bill, payment, amountIn(call.body) ?? left);
  const next = call.body.tip === true ? giveTipsBack(returned, 'refund', payment.no) : returned;
  const told: Told = { status: 200, body: {} };
  return answered(keep(next, key, { digest, told, kind: 'done', no: 0 }), call, payment);
}

function refusalOf(
  bill: BillModel,
  payment: PaymentLine | null,
  call: Call,
  notConfirmed: Told | null,
): Told | null {
  if (payment === null) return refused('payment.notFound');
  if (payment.state === 'accepted' || payment.state === 'reversed') {
    return notConfirmed ?? refused('payment.notRefundable');
  }
  const left = payment.amount - payment.credited;
  const amount = amountIn(call.body) ?? left;
  const isNothing = amount === 0 && !returnsTip(bill, call, payment.no);
  return isNothing || amount > left ? refused('refund.exceedsConfirmed', { left }) : null;
}

function refunded(bill: BillModel, { no }: PaymentLine, amount: number): BillModel {
  return giveBack({ ...bill, version: bill.version + 1 }, 'refund', amount, no);
}

/** A refund of the bill that names a payment shows the bill, one of the payment shows the payment. */
function answered(bill: BillModel, { op }: Call, payment: PaymentLine | null): BillTurn {
  return op === 'bill.refund' || payment === null ? whole(bill) : one(bill, payment);
}

/** The payment as it now is. */
function one(bill: BillModel, { no }: PaymentLine): BillTurn {
  const payment = bill.payments.find((each) => each.no === no);
  if (payment === undefined) return { bill, told: refused('payment.notFound') };
  return { bill, told: shownPayment(bill, payment) };
}

/** What of a payment was confirmed; 0 of one that was reversed whole. */
function confirmedOf(bill: BillModel, { no, amount }: PaymentLine): number {
  let left = amount;
  for (const credit of bill.credits) {
    const isReversal = credit.kind === 'reversal' && !credit.isTip;
    if (credit.paymentNo === no && isReversal) left -= credit.amount;
  }
  return left;
}

function namedIn(bill: BillModel, { body }: Call): PaymentLine | null {
  const no = numberIn(body.paymentId);
  return bill.payments.find((payment) => payment.no === no) ?? null;
}

// ------------------------------------------------------------------------------------ where the bill has one payment --

/** What of a bill that ends whole is asked by its payment. */
export function wholeByPayment(
  bill: BillModel,
  call: Call,
  asWhole: (call: Call) => BillTurn,
): BillTurn {
  const payment = namedIn(bill, call);
  const hasAmount = amountIn(call.body) !== null;
  const isKeyed = call.op === 'payment.refund' || (call.op === 'payment.cancel' && hasAmount);
  if (isKeyed)
    return shownBy(call, asWhole({ ...call, op: 'bill.refund', digest: digestOf(call) }));
  if (payment === null) return { bill, told: refused('payment.notFound') };
  const isConfirm = call.op === 'payment.confirm';
  // What ends the only payment of a static bill ends the bill.
  if (bill.offer !== null && !isForMany(bill)) {
    return shownBy(call, asWhole({ ...call, op: isConfirm ? 'bill.confirm' : 'bill.cancel' }));
  }
  return { bill, told: refused(isConfirm ? 'payment.notConfirmable' : 'payment.notCancellable') };
}

function shownBy(call: Call, { bill, told }: BillTurn): BillTurn {
  const payment = namedIn(bill, call);
  if (told.status === 'refused') return { bill, told };
  return payment === null ? { bill, told: refused('payment.notFound') } : one(bill, payment);
}

// What a terminal may do to a bill: confirm, cancel, refund, attach a receipt.

import {
  type BillModel,
  type BillTurn,
  cancelled,
  confirmed,
  dueOf,
  giveBack,
  giveTipsBack,
  heldOf,
  isBeingPaid,
  isForMany,
  keep,
  NO_RECEIPT,
  recall,
  refused,
  shown,
  type Told,
} from './bill.ts';
import { amountIn, type Call, digestOf, numberIn, plain, textIn } from './calls.ts';
import { sellerOfManySays, wholeByPayment } from './one-payment.ts';
import { returnsTip } from './tips.ts';

export function sellerSays(bill: BillModel, call: Call): BillTurn {
  if (isForMany(bill) && call.op !== 'bill.receipt') return sellerOfManySays(bill, call);
  switch (call.op) {
    case 'payment.confirm':
    case 'payment.cancel':
    case 'payment.refund':
      return wholeByPayment(bill, call, (whole) => sellerSays(bill, whole));
    case 'bill.confirm':
      return confirm(bill, call);
    case 'bill.cancel':
      return amountIn(call.body) === null
        ? cancel(bill)
        : keyed(bill, call, refused('cancel.amountBeforeConfirm'));
    case 'bill.refund':
      return keyed(bill, call, refused('bill.notRefundable'));
    default: {
      const next = withReceipt(bill, receiptIn(call));
      const isNew = next !== bill;
      return done(isNew ? { ...next, version: bill.version + 1 } : bill);
    }
  }
}

function done(bill: BillModel): BillTurn {
  return { bill, told: shown(bill) };
}

function confirm(bill: BillModel, call: Call): BillTurn {
  const amount = amountIn(call.body);
  const receipt = receiptIn(call);
  const no = (told: Told): BillTurn => ({ bill, told });
  if (!isBeingPaid(bill) && bill.status !== 'paid') {
    const isRepeat = isConfirmedSo(bill, amount) && isKnown(bill, receipt);
    return isRepeat ? done(bill) : no(refused('bill.notConfirmable'));
  }
  if (amount === 0) return done(cancelled(withReceipt(bill, receipt), 'terminal'));
  if (bill.paid === 0) return no(refused('bill.notPaid'));
  const due = dueOf(bill);
  if (amount === null && due > 0) return no(refused('bill.stillDue', { due }));
  const paid = heldOf(bill);
  if (amount !== null && amount > paid) return no(refused('confirm.exceedsPaid', { paid }));
  return done(confirmed(withReceipt(bill, receipt), amount ?? paid, 'terminal'));
}

/** Whether the bill has ended as this confirm would end it. */
function isConfirmedSo(bill: BillModel, amount: number | null): boolean {
  if (bill.status === 'cancelled') return amount === 0;
  if (bill.status === 'expired') return false;
  return (
    (amount ?? (bill.offer === null ? bill.amount : bill.paid - bill.excess)) === bill.confirmed
  );
}

function cancel(bill: BillModel): BillTurn {
  switch (bill.status) {
    case 'cancelled':
    case 'refunded':
      return done(bill);
    case 'expired':
      return { bill, told: refused('bill.notCancellable') };
    case 'confirmed':
      return done(refunded(bill, bill.confirmed - bill.refunded, null));
    default:
      return done(cancelled(bill, 'terminal'));
  }
}

function keyed(bill: BillModel, call: Call, notConfirmed: Told): BillTurn {
  const key = `key ${call.client} ${textIn(call.body, 'idempotencyKey')}`;
  const digest = digestOf(call);
  const kept = recall(bill, key);
  if (kept !== undefined) {
    if (kept.digest !== digest) return { bill, told: refused('idempotency.reused') };
    return kept.kind === 'refused' ? { bill, told: kept.told } : done(bill);
  }
  const refusal = refusalOf(bill, call, notConfirmed);
  if (refusal !== null) {
    const next = keep(bill, key, { digest, told: refusal, kind: 'refused', no: 0 });
    return { bill: next, told: refusal };
  }
  const paymentNo = namedPayment(call);
  const amount = amountIn(call.body) ?? leftOf(bill, paymentNo);
  const returned = refunded(bill, amount, paymentNo);
  const whole = call.body.tip === true ? giveTipsBack(returned, 'refund', paymentNo) : returned;
  const next = withReceipt(whole, receiptIn(call));
  const told: Told = { status: 200, body: {} };
  return done(keep(next, key, { digest, told, kind: 'done', no: 0 }));
}

function refusalOf(bill: BillModel, call: Call, notConfirmed: Told): Told | null {
  if (bill.status !== 'confirmed' && bill.status !== 'refunded') return notConfirmed;
  const paymentNo = namedPayment(call);
  if (paymentNo !== null && !bill.payments.some(({ no }) => no === paymentNo)) {
    return refused('payment.notFound');
  }
  const left = leftOf(bill, paymentNo);
  const amount = amountIn(call.body) ?? left;
  const isNothing = amount === 0 && !returnsTip(bill, call, paymentNo);
  return isNothing || amount > left ? refused('refund.exceedsConfirmed', { left }) : null;
}

function namedPayment({ body }: Call): number | null {
  return body.paymentId == null ? null : numberIn(body.paymentId);
}

function leftOf(bill: BillModel, paymentNo: number | null): number {
  const payment = bill.payments.find(({ no }) => no === paymentNo);
  if (payment !== undefined) return payment.amount - payment.credited;
  return bill.confirmed - bill.refunded;
}

function refunded(bill: BillModel, amount: number, paymentNo: number | null): BillModel {
  const next = giveBack(bill, 'refund', amount, paymentNo);
  const status = next.refunded === next.confirmed ? 'refunded' : 'confirmed';
  return { ...next, status, version: bill.version + 1 };
}

function receiptIn({ body }: Call): string {
  return plain(body.receipt ?? null);
}

function withReceipt(bill: BillModel, receipt: string): BillModel {
  if (receipt === NO_RECEIPT || receipt === bill.receipt) return bill;
  const hasEnded = !isBeingPaid(bill) && bill.status !== 'paid';
  const keepsFirst = hasEnded && bill.replacedReceipt === NO_RECEIPT;
  const replacedReceipt = keepsFirst ? bill.receipt : bill.replacedReceipt;
  return { ...bill, receipt, replacedReceipt };
}

function isKnown(bill: BillModel, receipt: string): boolean {
  return [NO_RECEIPT, bill.receipt, bill.replacedReceipt].includes(receipt);
}

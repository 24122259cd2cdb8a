// What wallets may do to a bill: view, hold, pay, give up, settle.

import {
  type BillModel,
  type BillTurn,
  confirmed,
  creditLineOf,
  dueOf,
  giveBack,
  type Hold,
  heldBy,
  heldOf,
  isBeingPaid,
  isForMany,
  keep,
  lineOf,
  type Offer,
  type PaymentLine,
  recall,
  refused,
  type Told,
  whenOf,
} from './bill.ts';
import { amountIn, type Call, digestOf, numberIn, textIn } from './calls.ts';
import { mostFor, unmet } from './offers.ts';
import { shownInstead } from './stickers.ts';
import { tipIn, tipRefusal } from './tips.ts';

export function payerSays(bill: BillModel, call: Call): BillTurn {
  switch (call.op) {
    case 'bill.reserve':
      return reserve(bill, call);
    case 'bill.release':
      return release(bill, call);
    case 'payment.create':
      return pay(bill, call);
    case 'payment.get':
      return { bill, told: fateOf(bill, call) ?? refused('payment.notFound') };
    case 'payment.void':
      return giveUp(bill, call);
    case 'credit.settle':
      return settle(bill, call);
    case 'credit.get':
      return { bill, told: creditTold(bill, call) };
    default:
      return { bill, told: view(bill, call) };
  }
}

function view(bill: BillModel, { client }: Call): Told {
  const sale = shownInstead(bill);
  if (sale !== null) return { status: 200, body: { elsewhere: sale.billId } };
  const reason = unpayableFor(bill, client);
  const { status, currency, offer } = bill;
  const amount = bill.amount === 0 ? null : bill.amount;
  const seen = { status, amount, currency, payable: reason === null, reason, elsewhere: null };
  if (offer === null) {
    const due = Math.max(0, dueOf(bill) - heldBy(bill, client));
    return { status: 200, body: { ...seen, due } };
  }
  const most = mostFor(bill, offer, client);
  const due = most === 0 ? 0 : dueOf(bill);
  if (amount !== null) return { status: 200, body: { ...seen, due } };
  const range = { minAmount: offer.min, maxAmount: most === 0 ? offer.max : most };
  return { status: 200, body: { ...seen, due, ...range } };
}

function unpayableFor(bill: BillModel, client: string): string | null {
  const closed = closedFor(bill);
  if (closed !== null) return closed;
  if (bill.holds.some(({ channel }) => channel === client)) return null;
  if (bill.isLate) return 'expired';
  if (bill.sticker !== null) return 'armed';
  if (bill.offer !== null) return bill.isEarly ? 'notYetValid' : unmet(bill, bill.offer, client);
  return dueOf(bill) === heldBy(bill, client) ? 'reserved' : null;
}

function closedFor(bill: BillModel): string | null {
  if (isBeingPaid(bill)) return null;
  if (bill.status === 'cancelled') return isForMany(bill) ? 'withdrawn' : 'cancelled';
  return bill.status === 'expired' ? 'expired' : 'paid';
}

function notPayable(reason: string): Told {
  return refused('bill.notPayable', { reason });
}

function reserve(bill: BillModel, call: Call): BillTurn {
  const key = `hold ${call.client} ${textIn(call.body, 'reservationRef')}`;
  const kept = recall(bill, key);
  if (kept !== undefined) {
    const isSame = kept.digest === digestOf(call);
    return {
      bill,
      told: isSame ? ({ ...kept.told, status: 200 } as Told) : refused('reservation.refReused'),
    };
  }
  const closed = closedFor(bill) ?? unready(bill);
  if (closed !== null) return { bill, told: notPayable(closed) };
  const amount = amountToHold(bill, amountIn(call.body));
  if (typeof amount !== 'number') return { bill, told: amount };

  const no = bill.holdsMade + 1;
  const told: Told = { status: 201, body: { no, amount } };
  const hold = { no, channel: call.client, amount, made: whenOf(call) };
  const next = { ...bill, holdsMade: no, holds: [...bill.holds, hold], version: bill.version + 1 };
  return { bill: keep(next, key, { digest: digestOf(call), told, kind: 'reserved', no }), told };
}

function unready({ isEarly, isLate, sticker }: BillModel): string | null {
  if (isEarly) return 'notYetValid';
  if (isLate) return 'expired';
  return sticker === null ? null : 'armed';
}

function amountToHold(bill: BillModel, asked: number | null): number | Told {
  if (bill.offer !== null) {
    const most = mostFor(bill, bill.offer, null);
    const amount = asked ?? most;
    if (most === 0) return notPayable(unmet(bill, bill.offer, null) ?? 'limit');
    return unfit(bill, bill.offer, amount, null) ?? amount;
  }
  const due = dueOf(bill);
  const free = due - heldBy(bill);
  const amount = asked ?? free;
  if (free === 0) return notPayable('reserved');
  if (amount > due) return refused('reservation.exceedsDue', { due });
  if (bill.forbidsParts && amount < due) return refused('payment.partForbidden');
  return amount > free ? notPayable('reserved') : amount;
}

/** Why an amount cannot be taken beside what others hold. */
function unfit(bill: BillModel, offer: Offer, amount: number, own: Hold | null): Told | null {
  const { min, max } = offer;
  if (amount < min || amount > max) {
    return refused('payment.outOfRange', { minAmount: min, maxAmount: max });
  }
  const reason = unmet(bill, offer, own, amount);
  return reason === null ? null : notPayable(reason);
}

function release(bill: BillModel, call: Call): BillTurn {
  const no = numberIn(call.body.reservationId);
  if (no < 1 || no > bill.holdsMade) return { bill, told: refused('reservation.notFound') };
  const hold = bill.holds.find((each) => each.no === no);
  const told: Told = { status: 204, body: {} };
  if (hold === undefined) return { bill, told };
  if (hold.channel !== call.client) return { bill, told: refused('reservation.notFound') };
  const holds = bill.holds.filter((each) => each !== hold);
  return { bill: { ...bill, holds, version: bill.version + 1 }, told };
}

function pay(bill: BillModel, call: Call): BillTurn {
  const key = paymentKey(call);
  const digest = digestOf(call);
  const kept = recall(bill, key);
  if (kept !== undefined) {
    if (kept.kind === 'voided') return { bill, told: refused('payment.void') };
    if (kept.digest !== digest) return { bill, told: refused('payment.refReused') };
    return {
      bill,
      told: kept.kind === 'accepted' ? ({ ...kept.told, status: 200 } as Told) : kept.told,
    };
  }
  const no = bill.paymentsSeen + 1;
  const refusal = refusalOf(bill, call) ?? tipRefusal(bill, call);
  if (refusal !== null) {
    const seen = { ...bill, paymentsSeen: no };
    return { bill: keep(seen, key, { digest, told: refusal, kind: 'refused', no }), told: refusal };
  }
  const next = accepted(bill, call, no);
  const { status, version, paid } = next;
  const made = next.payments.at(-1);
  const payment = made === undefined ? {} : lineOf(made);
  const told: Told = {
    status: 201,
    body: { payment, bill: { status, version, paid, due: dueOf(next) } },
  };
  return { bill: keep(next, key, { digest, told, kind: 'accepted', no }), told };
}

function refusalOf(bill: BillModel, call: Call): Told | null {
  const { body } = call;
  if (body.currency !== bill.currency) return refused('payment.currencyMismatch');
  const closed = closedFor(bill) ?? (bill.isEarly ? 'notYetValid' : null);
  if (closed !== null) return notPayable(closed);
  const hold = namedHold(bill, call);
  if (body.reservationId != null && hold === null) return refused('reservation.expired');
  const barred = hold === null ? unready(bill) : null;
  if (barred !== null) return notPayable(barred);
  const asked = amountIn(body) ?? 0;
  const amount = keptOf(bill, asked);
  if (bill.offer !== null) return unfit(bill, bill.offer, amount, hold);
  const due = dueOf(bill);
  if (amount > due) return refused('payment.exceedsDue', { due });
  if (bill.forbidsParts && amount < due) return refused('payment.partForbidden', { due });
  return amount > due - heldBy(bill) + (hold?.amount ?? 0) ? notPayable('reserved') : null;
}

/** What of an amount the bill keeps: what is too much goes back at once, where it takes it at all. */
function keptOf(bill: BillModel, amount: number): number {
  if (!bill.reversesExcess) return amount;
  return Math.min(amount, bill.offer === null ? dueOf(bill) : bill.offer.max);
}

function namedHold(bill: BillModel, call: Call): Hold | null {
  const no = numberIn(call.body.reservationId);
  return bill.holds.find((each) => each.no === no && each.channel === call.client) ?? null;
}

function accepted(bill: BillModel, call: Call, no: number): BillModel {
  const amount = amountIn(call.body) ?? 0;
  const kept = keptOf(bill, amount);
  const used = namedHold(bill, call);
  const payment: PaymentLine = {
    no,
    channel: call.client,
    ref: textIn(call.body, 'paymentRef'),
    amount,
    excess: amount - kept,
    credited: 0,
    state: isForMany(bill) && bill.isAuto ? 'confirmed' : 'accepted',
    received: isForMany(bill) && !bill.isAuto ? whenOf(call) : null,
    tip: tipIn(call),
    isTipReturned: false,
  };
  const isPaid = !isForMany(bill) && (bill.offer !== null || heldOf(bill) + kept === bill.amount);
  const taken: BillModel = {
    ...bill,
    paid: bill.paid + amount,
    excess: bill.excess + payment.excess,
    paymentsSeen: no,
    payments: [...bill.payments, payment],
    holds: bill.holds.filter((hold) => hold !== used),
    version: bill.version + 1,
  };
  const next = giveBack(taken, 'reversal', payment.excess, no);
  // The code stays open for the next.
  if (isForMany(bill)) return { ...next, confirmed: bill.confirmed + (bill.isAuto ? kept : 0) };
  if (!isPaid) return { ...next, status: 'partiallyPaid' };
  const paid: BillModel = { ...next, status: 'paid', paidAt: whenOf(call) };
  return bill.isAuto ? { ...confirmed(paid, heldOf(paid), null), version: paid.version } : paid;
}

function giveUp(bill: BillModel, call: Call): BillTurn {
  const fate = fateOf(bill, call);
  if (fate !== null) return { bill, told: fate };
  const told = refused('payment.void');
  const next = keep(bill, paymentKey(call), { digest: '', told, kind: 'voided', no: 0 });
  return { bill: next, told: fateOf(next, call) ?? told };
}

/** What became of a payment; null: not seen. */
function fateOf(bill: BillModel, call: Call): Told | null {
  const kept = recall(bill, paymentKey(call));
  if (kept === undefined) return null;
  if (kept.told.status === 'refused') {
    return { status: 200, body: { status: 'refused', code: kept.told.code } };
  }
  const payment = bill.payments.find(({ no }) => no === kept.no);
  if (payment === undefined) return null;
  return { status: 200, body: { ...lineOf(payment), code: null } };
}

function settle(bill: BillModel, call: Call): BillTurn {
  const { body, client } = call;
  const no = numberIn(body.creditId);
  const credit = bill.credits[no - 1];
  if (credit === undefined || credit.channel !== client) {
    return { bill, told: refused('credit.notFound') };
  }
  const status = body.status === 'rejected' ? 'rejected' : 'settled';
  const settledAs = digestOf(call);
  if (credit.status !== 'pending') {
    const isSame = credit.settledAs === settledAs;
    return { bill, told: isSame ? creditTold(bill, call) : refused('credit.settledOtherwise') };
  }
  const credits = bill.credits.map((each) =>
    each === credit ? ({ ...each, status, settledAs } as const) : each,
  );
  const isMissing = status === 'rejected' && !credit.isTip;
  const unreturned = bill.unreturned + (isMissing ? credit.amount : 0);
  const next: BillModel = { ...bill, credits, unreturned, version: bill.version + 1 };
  return { bill: next, told: creditTold(next, call) };
}

function creditTold(bill: BillModel, { body, client }: Call): Told {
  const credit = bill.credits[numberIn(body.creditId) - 1];
  if (credit === undefined || credit.channel !== client) return refused('credit.notFound');
  return { status: 200, body: creditLineOf(credit) };
}

function paymentKey({ client, body }: Call): string {
  return `payment ${client} ${textIn(body, 'paymentRef')}`;
}

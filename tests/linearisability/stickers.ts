// A sticker: a code that carries one sale at a time, each a bill of its own. Seen from the sticker alone, an arm begins,
// and ends with a sale or without one; what lies between is other bills' business.

import {
  type BillModel,
  type BillTurn,
  isBeingPaid,
  refused,
  type SaleLine,
  type Shown,
  type Told,
  whenOf,
} from './bill.ts';
import { type Call, digestOf, textIn } from './calls.ts';

export function stickerSays(bill: BillModel, call: Call): BillTurn {
  switch (call.op) {
    case 'sticker.begin':
      return begin(bill, call);
    case 'sticker.end':
      return end(bill, call);
    default:
      return arm(bill, call);
  }
}

/** What the sticker shows in its place; null where it shows itself. */
export function shownInstead({ status, sticker }: BillModel): SaleLine | null {
  return status === 'open' ? (sticker?.carried ?? null) : null;
}

/** Nothing is refused once the arm has begun; another one under way is told of, and nothing else happens. */
function begin(bill: BillModel, call: Call): BillTurn {
  const sale = saleIn(call);
  const { carried, arming } = bill.sticker ?? NO_SALES;
  if (carried !== null && !carried.isOld && isSaleOf(carried, sale)) {
    return { bill, told: carried.digest === sale.digest ? standing(bill, sale) : REUSED };
  }
  if (arming !== null) return { bill, told: standing(bill, sale) };
  const reason = unarmableFor(bill);
  if (reason !== null) return { bill, told: refused('bill.notArmable', { reason }) };
  const next: BillModel = { ...bill, sticker: { carried, arming: sale } };
  return { bill: next, told: standing(next, sale) };
}

/** Ends the arm that is meant, if it is still under way. */
function end(bill: BillModel, call: Call): BillTurn {
  const { arming } = bill.sticker ?? NO_SALES;
  const order = saleIn(call);
  if (arming === null || arming.billId !== order.billId) {
    return { bill, told: standing(bill, order) };
  }
  const saleId = call.body.saleId;
  if (typeof saleId !== 'string' || bill.status !== 'open') {
    const next = givenUp(bill);
    return { bill: next, told: standing(next, order) };
  }
  const next = withSale(bill, { ...arming, billId: saleId });
  return { bill: next, told: standing(next, order) };
}

/** As its till knows it, which is told of the end alone; its beginning stands as a call of its own. */
function arm(bill: BillModel, call: Call): BillTurn {
  const order = saleIn(call);
  const known = bill.armed[nameOf(order)];
  const { arming } = bill.sticker ?? NO_SALES;
  const isBegun = arming !== null && isSaleOf(arming, order);
  if ((call.answer?.status ?? 0) >= 300) {
    return { bill: isBegun ? givenUp(bill) : bill, told: asSaid(call) };
  }
  if (known !== undefined) return { bill, told: armedBefore(known, call) };
  // The sale came and went without having been on the sticker, which was withdrawn meanwhile, or too late for it.
  if (call.answer?.body.isOver === true) {
    return { bill: isBegun ? givenUp(bill) : bill, told: asSaid(call) };
  }
  if (!isBegun) return { bill, told: refused('never') };
  const saleId = textIn(call.answer?.body ?? {}, 'id');
  const armed = { ...bill.armed, [nameOf(order)]: saleId };
  return { bill: withSale({ ...bill, armed }, { ...arming, billId: saleId }), told: asSaid(call) };
}

/** The same sale again; which one it is may not have been heard. */
function armedBefore(saleId: string, { answer }: Call): Told {
  const body = saleId === '' ? {} : { id: saleId };
  return { status: answer?.status === 201 ? 201 : 200, body };
}

function givenUp(bill: BillModel): BillModel {
  const carried = bill.sticker?.carried ?? null;
  return { ...bill, sticker: carried === null ? null : { carried, arming: null } };
}

function withSale(bill: BillModel, sale: SaleLine): BillModel {
  return { ...bill, sticker: { carried: sale, arming: null }, version: bill.version + 1 };
}

/** Of another bill, of which another history tells. */
function asSaid({ answer }: Call): Told {
  if (answer === null || answer.status < 300) {
    return { status: answer?.status === 200 ? 200 : 201, body: {} };
  }
  return refused(String(answer.body.code));
}

/** How the sticker stands to whoever asks for an order. */
function standing({ sticker, version }: BillModel, order: SaleLine): Told {
  const { carried, arming } = sticker ?? NO_SALES;
  const isCarried = carried !== null && isSaleOf(carried, order);
  const isUnderWay = arming !== null && isSaleOf(arming, order);
  const body: Shown = {
    version,
    saleId: isCarried && !isUnderWay ? carried.billId : null,
    carriedId: carried?.billId ?? null,
    armingId: arming?.billId ?? null,
  };
  return { status: 200, body };
}

function unarmableFor(bill: BillModel): string | null {
  if (!isBeingPaid(bill)) {
    if (bill.status === 'cancelled') return bill.offer?.isForMany ? 'withdrawn' : 'cancelled';
    return bill.status === 'expired' ? 'expired' : 'paid';
  }
  if (bill.offer === null) return 'notStatic';
  if (bill.isEarly) return 'notYetValid';
  if (bill.isLate) return 'expired';
  return bill.holds.length > 0 ? 'reserved' : null;
}

function saleIn(call: Call): SaleLine {
  const { client, body } = call;
  return {
    terminal: client,
    orderId: textIn(body, 'orderId'),
    digest: digestOf(call),
    billId: textIn(body, 'attempt'),
    since: whenOf(call),
    isOld: false,
  };
}

function isSaleOf(sale: SaleLine, other: SaleLine): boolean {
  return sale.orderId === other.orderId && sale.terminal === other.terminal;
}

function nameOf({ terminal, orderId }: SaleLine): string {
  return `${terminal} ${orderId}`;
}

const NO_SALES = { carried: null, arming: null } as const;
const REUSED = refused('order.reused');

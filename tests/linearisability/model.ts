// One order and its bill, dynamic or static, as API.md tells of them, one call after another: what a reader of the contract would
// expect.

import {
  type BillModel,
  type BillTurn,
  cancelled,
  type Model,
  NO_RECEIPT,
  type Offer,
  refused,
  shown,
  type Told,
  type Turn,
  type When,
  whenOf,
} from './bill.ts';
import { amountIn, type Body, type Call, digestOf, NEVER, textIn, timeIn } from './calls.ts';
import { payerSays } from './payers.ts';
import { sellerSays } from './sellers.ts';
import { stickerSays } from './stickers.ts';
import { tipMaxIn } from './tips.ts';

/** What a call does and is told, if nothing else happens meanwhile. */
export function say(model: Model, call: Call): Turn {
  const { op } = call;
  if (op === 'bill.create') return create(model, call);
  if (op === 'order.resolve' || op === 'order.get') return order(model, call);
  if (op === 'order.check') return check(model, call);
  if (op === 'sale.made') return makeSale(model, call);
  if (model.is !== 'bill') {
    const isOfCredit = op === 'credit.get' || op === 'credit.settle';
    return { model, told: refused(isOfCredit ? 'credit.notFound' : 'bill.notFound') };
  }
  const { bill, told } = onBill(model.bill, call);
  return { model: bill === model.bill ? model : { is: 'bill', bill }, told };
}

function onBill(bill: BillModel, call: Call): BillTurn {
  switch (call.op) {
    case 'bill.get':
      return { bill, told: shown(bill) };
    case 'bill.confirm':
    case 'bill.cancel':
    case 'bill.refund':
    case 'bill.receipt':
    case 'payment.confirm':
    case 'payment.cancel':
    case 'payment.refund':
      return sellerSays(bill, call);
    case 'order.cancel':
      return cancelUnpaid(bill);
    case 'bill.arm':
    case 'sticker.begin':
    case 'sticker.end':
      return stickerSays(bill, call);
    default:
      return payerSays(bill, call);
  }
}

function create(model: Model, call: Call): Turn {
  if (model.is === 'void') return { model, told: refused('order.void') };
  if (model.is === 'bill') {
    const { bill } = model;
    if (bill.digest === digestOf(call)) return { model, told: shown(bill) };
    return { model, told: refused('order.reused') };
  }
  const bill = billOf(call);
  return { model: { is: 'bill', bill }, told: { ...shown(bill), status: 201 } as Told };
}

function billOf(call: Call): BillModel {
  const { body } = call;
  const policies = body.policies as { readonly [policy: string]: string } | undefined;
  const offer = offerIn(body);
  return {
    amount: amountIn(body) ?? 0,
    offer,
    currency: textIn(body, 'currency'),
    isAuto: (body.capture ?? (offer === null ? 'manual' : 'auto')) === 'auto',
    reversesUnconfirmed: policies?.unconfirmed === 'reverse',
    reversesExcess: policies?.excess === 'reverse',
    forbidsParts: policies?.part === 'forbid',
    tipMax: tipMaxIn(body),
    confirmWithinMs: Number(body.confirmWithin ?? 86_400) * 1_000,
    digest: digestOf(call),
    ends: policies?.late === 'accept' ? { from: NEVER, to: NEVER } : endOf(call),
    paidAt: null,
    status: 'open',
    version: 1,
    paid: 0,
    excess: 0,
    confirmed: 0,
    reversed: 0,
    refunded: 0,
    unreturned: 0,
    isEarly: (offer?.validFrom ?? null) !== null,
    isLate: false,
    cause: null,
    holds: [],
    holdsMade: 0,
    payments: [],
    paymentsSeen: 0,
    credits: [],
    sticker: null,
    armed: {},
    receipt: NO_RECEIPT,
    replacedReceipt: NO_RECEIPT,
    references: null,
  };
}

function offerIn(body: Body): Offer | null {
  if (body.type !== 'static') return null;
  const fixed = amountIn(body);
  return {
    isForMany: body.usage === 'many',
    min: fixed ?? amountIn(body, 'minAmount') ?? 0,
    max: fixed ?? amountIn(body, 'maxAmount') ?? 0,
    maxPayments: amountIn(body, 'maxPayments'),
    maxTotal: amountIn(body, 'maxTotal'),
    validFrom: timeIn(body, 'validFrom'),
  };
}

/** When its time is over, the last moment of its creation counted; a static bill may have no end. */
function endOf(call: Call): When {
  const { body } = call;
  const until = timeIn(body, 'validUntil');
  if (until !== null) return { from: until, to: until };
  const isEndless = body.type === 'static' && body.expiresIn === undefined;
  const lifeMs = isEndless ? NEVER : Number(body.expiresIn ?? 900) * 1_000;
  const { from, to } = whenOf(call);
  return { from: from + lifeMs, to: to + lifeMs };
}

function order(model: Model, call: Call): Turn {
  if (model.is === 'bill') {
    const { bill } = model;
    const cancels = call.op === 'order.resolve' && call.body.cancelIfUnpaid === true;
    if (!cancels) return { model, told: shown(bill) };
    const { bill: ended, told } = cancelUnpaid(bill);
    return { model: ended === bill ? model : { is: 'bill', bill: ended }, told };
  }
  if (call.op === 'order.get') return { model, told: refused('order.notFound') };
  const told: Told = { status: 200, body: { status: 'void' } };
  return { model: model.is === 'void' ? model : { is: 'void', since: whenOf(call) }, told };
}

/** Whether the order is free for this body. */
function check(model: Model, call: Call): Turn {
  if (model.is === 'nothing') return { model, told: refused('order.notFound') };
  return create(model, call);
}

/** The bill of a sticker's sale, as whoever armed that was told of it: made by that call, or by another. */
function makeSale(model: Model, call: Call): Turn {
  if (model.is === 'void') return { model, told: refused('order.void') };
  const status = call.answer?.status === 200 ? 200 : 201;
  const told: Told = { status, body: {} };
  return model.is === 'bill' ? { model, told } : { ...create(model, call), told };
}

function cancelUnpaid(bill: BillModel): BillTurn {
  if (bill.status !== 'open' || bill.paid > 0) return { bill, told: shown(bill) };
  const ended = cancelled(bill, 'terminal');
  return { bill: ended, told: shown(ended) };
}

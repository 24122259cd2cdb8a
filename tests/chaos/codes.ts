// What becomes of a printed code: wallets race for it, its payments are ended one by one, it is withdrawn while some still
// pay, and whoever comes after that is turned away.

import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { Body, Payment } from '../support/client.ts';
import { billIn, createBill, debit, giveBack, look, type Parties } from './journeys.ts';

interface Code {
  readonly billId: string;
  readonly terms: Body;
  readonly isForMany: boolean;
}

const PRICE = 250;
const RANGE = { minAmount: 100, maxAmount: 500 };
/** A crowd is more than what a bill keeps at hand of payments, references and events. */
const CROWD = { places: 70, payers: 100, atOnce: 20 };

/** One code, from its printing on. */
export async function code(parties: Parties): Promise<void> {
  const { till, random } = parties;
  const isCrowded = random.chance(0.02);
  const order = orderOf(till.fresh('code'), isCrowded, random);
  const bill = await createBill(till, order, random);
  if (bill === null) return;
  const printed = { billId: bill.id, terms: order, isForMany: order.usage === 'many' };
  await look(parties, bill);
  if (isCrowded) await crowd(parties, printed);
  else if (printed.isForMany && random.chance(0.25)) {
    await Promise.all([race(parties, printed), withdraw(parties, printed, random.between(0, 300))]);
  } else await race(parties, printed);
  await endPayments(parties, printed);
  if (random.chance(0.3)) await till.settle('bill.get', { billId: bill.id });
  if (random.chance(0.7)) await withdraw(parties, printed, 0);
  if (random.chance(0.4)) await endPayments(parties, printed);
}

/** One code with a payment for each way to end it, then withdrawn. */
export async function codeInCalm({ till, wallets, random }: Parties): Promise<void> {
  const terms = {
    type: 'static',
    currency: 'EUR',
    amount: PRICE,
    usage: 'many',
    capture: 'manual',
  };
  const bill = billIn(
    await till.ask('bill.create', { orderId: till.fresh('code'), ...terms }, 'http'),
  );
  if (bill === null) return;
  const billId = bill.id;
  for (const op of ['payment.confirm', 'payment.cancel', 'payment.refund'] as const) {
    const wallet = random.pick(wallets);
    const paid = { billId, paymentRef: wallet.fresh('pay'), amount: PRICE, currency: 'EUR' };
    const { answer } = await wallet.ask('payment.create', paid, 'http');
    const { payment } = answer as { payment: Payment };
    const one = { billId, paymentId: payment.id };
    if (op === 'payment.refund') await till.ask('payment.confirm', one, 'http');
    const key = op === 'payment.refund' ? { idempotencyKey: till.fresh('key') } : {};
    await till.ask(op, { ...one, ...key }, 'http');
  }
  await till.ask('bill.cancel', { billId }, 'http');
}

function orderOf(orderId: string, isCrowded: boolean, random: Random): Body {
  const order = { orderId, type: 'static', currency: 'EUR', ...priceOf(random) };
  if (isCrowded) return { ...order, usage: 'many', maxPayments: CROWD.places };
  const capture = random.chance(0.5) ? { capture: random.pick(['auto', 'manual']) } : {};
  const times = random.chance(0.08) ? { expiresIn: random.between(2, 6) } : {};
  const beginning = random.chance(0.04) ? { validFrom: inMs(random.between(200, 2_000)) } : {};
  const printed = { ...order, ...capture, ...times, ...beginning };
  if (random.chance(0.25)) return printed;
  return { ...printed, usage: 'many', ...limitsOf(random) };
}

function priceOf(random: Random): Body {
  return random.chance(0.5) ? { amount: PRICE } : RANGE;
}

function limitsOf(random: Random): Body {
  const dice = random.below(100);
  if (dice < 45) return { maxPayments: random.between(1, 4) };
  if (dice < 75) return { maxTotal: random.between(500, 1_200) };
  return dice < 85 ? { maxPayments: 3, maxTotal: 900 } : {};
}

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

// ----------------------------------------------------------------------------------------------------- the payers --

/** More wallets than there is room for, all at once. */
async function race(parties: Parties, printed: Code): Promise<void> {
  const { random } = parties;
  const payers = printed.isForMany ? random.between(2, 6) : random.between(1, 3);
  await Promise.all(Array.from({ length: payers }, () => comer(parties, printed)));
}

async function comer(parties: Parties, { billId, terms }: Code): Promise<void> {
  const { wallets, random } = parties;
  const wallet = random.pick(wallets);
  const amount = amountOf(terms, random);
  if (!random.chance(0.2)) return await debit(parties, wallet, { billId, amount });
  const asked = random.chance(0.7) ? { amount } : {};
  const held = await wallet.settle('bill.reserve', {
    billId,
    reservationRef: wallet.fresh('hold'),
    ...asked,
  });
  const made = held?.status === 201 || held?.status === 200 ? (held.answer as Body) : null;
  if (made === null) return;
  const reservationId = made.id;
  if (random.chance(0.3)) await wallet.settle('bill.release', { billId, reservationId });
  await debit(parties, wallet, { billId, amount: made.amount, reservationId });
}

/** Mostly what is asked for; sometimes outside of it. */
function amountOf({ amount }: Body, random: Random): unknown {
  const { minAmount, maxAmount } = RANGE;
  if (random.chance(0.06)) return random.pick([minAmount - 1, maxAmount + 1]);
  return amount ?? random.pick([minAmount, 200, 300, maxAmount]);
}

async function crowd(parties: Parties, printed: Code): Promise<void> {
  const left = Array.from({ length: CROWD.payers }, () => () => comer(parties, printed));
  const one = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await next();
  };
  await Promise.all(Array.from({ length: CROWD.atOnce }, one));
}

// -------------------------------------------------------------------------------------------------------- the end --

/** Whoever scans the code after its till was told that it is withdrawn, or over, is turned away. */
async function withdraw(parties: Parties, printed: Code, afterMs: number): Promise<void> {
  const { till, random } = parties;
  const { billId } = printed;
  await pause(afterMs);
  await till.settle('bill.cancel', { billId });
  if (random.chance(0.6)) await comer(parties, printed);
}

/** Each payment that the till sees ends by itself; of a code for one, with its bill. */
async function endPayments(parties: Parties, { billId, isForMany }: Code): Promise<void> {
  const { till, random } = parties;
  const bill = billIn(await till.settle('bill.get', { billId }));
  if (bill === null) return;
  for (const payment of bill.payments) {
    if (random.chance(0.8)) await endOne(parties, billId, payment);
  }
  if (isForMany || bill.payments.length === 0) return;
  if (random.chance(0.5)) await till.settle('bill.confirm', { billId });
  if (random.chance(0.3)) await giveBack(parties, { ...bill, amount: bill.paid });
}

async function endOne({ till, random }: Parties, billId: string, payment: Payment): Promise<void> {
  const paymentId = payment.id;
  const one = { billId, paymentId };
  const part = Math.max(1, Number(payment.amount) - 50);
  const dice = random.below(100);
  if (dice < 30) await till.settle('payment.confirm', one);
  else if (dice < 42) await till.settle('payment.confirm', { ...one, amount: part });
  else if (dice < 45) await till.settle('payment.confirm', { ...one, amount: 0 });
  else if (dice < 60) await till.settle('payment.cancel', one);
  else if (dice < 75) {
    const refund = { ...one, idempotencyKey: till.fresh('key'), amount: 60 };
    await till.settle('payment.refund', refund);
    if (random.chance(0.2)) await till.settle('payment.refund', refund);
    if (random.chance(0.1)) await till.settle('payment.refund', { ...refund, amount: 61 });
  } else if (dice < 85) {
    await till.settle('payment.refund', { ...one, idempotencyKey: till.fresh('key') });
  } else if (dice < 93) {
    await till.settle('payment.cancel', { ...one, idempotencyKey: till.fresh('key'), amount: 40 });
  } else {
    // Two minds at one till.
    await Promise.all([till.settle('payment.confirm', one), till.settle('payment.cancel', one)]);
  }
}

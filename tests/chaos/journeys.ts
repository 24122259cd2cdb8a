// What tills and wallets do with a bill, from the order to the last credit: the whole repertoire, mistakes included.

import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { Bill, Body, Event } from '../support/client.ts';
import type { Client } from './clients.ts';
import { type Call, isDone } from './memory.ts';
import { CONFIDENCES } from './secrets.ts';

/** A till and the wallets of its institution, and one wallet of another. */
export interface Parties {
  readonly till: Client;
  readonly wallets: readonly Client[];
  readonly stranger: Client;
  readonly random: Random;
}

const AMOUNTS = [400, 1_000, 1_250, 9_999] as const;

/** One sale. Ends early where somebody gives up. */
export async function sale(parties: Parties): Promise<void> {
  const { till, random } = parties;
  const order = orderOf(till, random);
  const bill = await createBill(till, order, random);
  if (bill === null) return;
  await look(parties, bill);
  if (random.chance(0.06)) return;
  const reserved = random.chance(0.25) ? await reserve(parties, bill) : null;
  await pay(parties, bill, reserved);
  if (random.chance(0.3)) await till.settle('bill.get', { billId: bill.id });
  if (random.chance(0.1)) return;
  await end(parties, bill);
  if (random.chance(0.35)) await giveBack(parties, bill);
}

// ------------------------------------------------------------------------------------------------------ the order --

function orderOf(till: Client, random: Random): Body {
  return {
    orderId: till.fresh('order'),
    amount: random.pick(AMOUNTS),
    currency: 'EUR',
    ...(random.chance(0.15) ? { capture: 'auto' } : {}),
    // Some run out while they are being paid.
    ...(random.chance(0.08) ? { expiresIn: random.between(2, 6) } : {}),
    ...(random.chance(0.1) ? { purpose: 'prepayment' } : {}),
    ...(random.chance(0.2) ? { metadata: CONFIDENCES.metadata } : {}),
  };
}

export async function createBill(till: Client, order: Body, random: Random): Promise<Bill | null> {
  const { orderId } = order;
  // Given up before it arrives: the create that follows must be refused.
  if (random.chance(0.03)) await till.settle('order.resolve', { orderId });
  let call = await till.settle('bill.create', order, random.chance(0.2) ? 1 : undefined);
  if (call === null && random.chance(0.6)) {
    call = await till.settle('order.resolve', { orderId, cancelIfUnpaid: random.chance(0.3) });
  }
  if (random.chance(0.03)) await till.settle('bill.create', { ...order, description: 'another' });
  return billIn(call);
}

export function billIn(call: Call | null): Bill | null {
  if (call === null || !isDone(call)) return null;
  const { answer } = call;
  return typeof answer === 'object' && answer !== null && 'id' in answer ? (answer as Bill) : null;
}

// ---------------------------------------------------------------------------------------------------- the payment --

export async function look({ wallets, stranger, random }: Parties, { id }: Bill): Promise<void> {
  await random.pick(wallets).settle('bill.view', { billId: id }, 2);
  if (random.chance(0.02)) await stranger.settle('bill.view', { billId: id }, 2);
}

interface Reserved {
  readonly wallet: Client;
  readonly reservationId: string;
  readonly amount: number;
}

async function reserve({ wallets, random }: Parties, bill: Bill): Promise<Reserved | null> {
  const wallet = random.pick(wallets);
  const amount = random.chance(0.6) ? {} : { amount: Math.ceil(bill.amount / 2) };
  const body = { billId: bill.id, reservationRef: wallet.fresh('hold'), ...amount };
  const call = await wallet.settle('bill.reserve', body);
  if (call === null || !isDone(call)) return null;
  const made = call.answer as { id: string; amount: number };
  const reserved = { wallet, reservationId: made.id, amount: made.amount };
  if (!random.chance(0.3)) return reserved;
  await wallet.settle('bill.release', { billId: bill.id, reservationId: made.id });
  return null;
}

async function pay(parties: Parties, bill: Bill, reserved: Reserved | null): Promise<void> {
  const { wallets, random } = parties;
  const dice = random.below(100);
  if (reserved !== null) {
    const { wallet, amount, reservationId } = reserved;
    await debit(parties, wallet, { billId: bill.id, amount, reservationId });
    const rest = bill.amount - amount;
    if (rest > 0) await debit(parties, random.pick(wallets), { billId: bill.id, amount: rest });
  } else if (dice < 60) {
    await debit(parties, random.pick(wallets), { billId: bill.id, amount: bill.amount });
  } else if (dice < 90) {
    await split(parties, bill);
  } else {
    await debit(parties, random.pick(wallets), { billId: bill.id, amount: bill.amount + 1 });
  }
}

/** Two or three wallets, at once or one after the other; together what is owed, or a little more. */
async function split(parties: Parties, bill: Bill): Promise<void> {
  const { wallets, random } = parties;
  const parts = random.between(2, 3);
  const each = Math.floor(bill.amount / parts);
  const payments = Array.from({ length: parts }, (_, index) => {
    const amount = index === 0 ? bill.amount - each * (parts - 1) : each;
    return () => debit(parties, random.pick(wallets), { billId: bill.id, amount });
  });
  if (random.chance(0.2)) payments.push(...payments.slice(0, 1));
  if (random.chance(0.5)) await Promise.all(payments.map((payment) => payment()));
  else for (const payment of payments) await payment();
}

export async function debit(parties: Parties, wallet: Client, what: Body): Promise<void> {
  const { random } = parties;
  const paymentRef = wallet.fresh('pay');
  const { billId } = what;
  const currency = random.chance(0.02) ? 'USD' : 'EUR';
  const payer = random.chance(0.2) ? { payer: CONFIDENCES.payer } : {};
  const body = { ...what, paymentRef, currency, ...payer };
  if (random.chance(0.02)) await wallet.settle('payment.void', { billId, paymentRef });
  const call = await wallet.settle('payment.create', body, random.chance(0.2) ? 1 : undefined);
  // The debit's outcome is not known: ask, or make sure that it never will be taken.
  if (call === null && random.chance(0.6)) {
    await wallet.settle(random.chance(0.5) ? 'payment.get' : 'payment.void', {
      billId,
      paymentRef,
    });
  }
  if (random.chance(0.05)) await wallet.settle('payment.create', body);
  if (random.chance(0.02)) await wallet.settle('payment.create', { ...body, amount: 78 });
  if (random.chance(0.03)) await wallet.settle('payment.void', { billId, paymentRef });
}

// -------------------------------------------------------------------------------------------------------- the end --

export async function end({ till, random }: Parties, bill: Bill): Promise<void> {
  const billId = bill.id;
  const dice = random.below(100);
  const { receipt } = CONFIDENCES;
  if (dice < 10) await till.settle('bill.confirm', { billId, receipt });
  else if (dice < 45) await till.settle('bill.confirm', { billId });
  else if (dice < 60) await till.settle('bill.confirm', { billId, amount: bill.amount - 100 });
  else if (dice < 68) await till.settle('bill.confirm', { billId, amount: bill.amount });
  else if (dice < 74) await till.settle('bill.confirm', { billId, amount: 0 });
  else if (dice < 86) await till.settle('bill.cancel', { billId });
  else if (dice < 92) {
    await till.settle('order.resolve', { orderId: bill.orderId, cancelIfUnpaid: true });
  } else {
    // Two minds at one till.
    await Promise.all([
      till.settle('bill.confirm', { billId, amount: bill.amount - 100 }),
      till.settle('bill.cancel', { billId }),
    ]);
  }
}

export async function giveBack(
  { till, random }: Parties,
  bill: Pick<Bill, 'id' | 'amount'>,
): Promise<void> {
  const billId = bill.id;
  const idempotencyKey = till.fresh('key');
  const amount = random.between(1, bill.amount);
  const dice = random.below(100);
  if (dice < 50) {
    const body = { billId, idempotencyKey, amount };
    await till.settle('bill.refund', body);
    if (random.chance(0.15)) await till.settle('bill.refund', body);
    if (random.chance(0.05)) await till.settle('bill.refund', { ...body, amount: amount + 1 });
  } else if (dice < 65) await till.settle('bill.refund', { billId, idempotencyKey });
  else if (dice < 85) await till.settle('bill.cancel', { billId, idempotencyKey, amount });
  else await till.settle('bill.cancel', { billId });
}

// ---------------------------------------------------------------------------------------------------- the credits --

/** What a wallet does when it is told to give money back: it does so, once, and says so. */
export async function settleCredit(wallet: Client, event: Event): Promise<void> {
  const credit = event.data.credit;
  if (event.type !== 'credit.requested' || credit === undefined) return;
  const { random } = wallet;
  await pause(random.between(0, 1_500));
  if (random.chance(0.05)) return;
  const creditId = credit.id;
  const status = random.chance(0.9) ? 'settled' : 'rejected';
  const body = { creditId, status, reference: wallet.fresh('credit') };
  await wallet.settle('credit.settle', body);
  if (random.chance(0.05)) await wallet.settle('credit.settle', { ...body, status: 'rejected' });
}

/** Lists, now and then. */
export async function readLists({ till, wallets, random }: Parties): Promise<void> {
  await till.ask('bill.list', { limit: 20 });
  const wallet = random.pick(wallets);
  await wallet.ask(random.chance(0.5) ? 'paychannel.payments' : 'paychannel.credits', {
    limit: 20,
  });
}

// One customer with a simulated wallet, from the scan of a code to the money that is debited or stays.
//
//   scan ──▶ look ──▶ (reserve ──▶ (go away)) ──▶ pay, in one or two parts ──▶ taken, or refused: then the wallet itself
//                                                                              gives the customer the money back

import { setTimeout as pause } from 'node:timers/promises';
import type { SeededRandom } from '../random.ts';
import { type Caller, callOf, GaveUp, isDone, isFinal } from './caller.ts';
import { type Answer, type Json, numberOf, partOf, textOf } from './link.ts';
import { happens, type WalletRates } from './rates.ts';
import type { Tally } from './tally.ts';
import type { Payment, WalletBooks } from './wallet-books.ts';

const THINK_MS = 50;
const AGAIN_MS = 20;
const TAKEN = new Set(['accepted', 'confirmed', 'reversed', 'refunded']);

export interface PurchaseContext {
  readonly caller: Caller;
  readonly tally: Tally;
  readonly rates: WalletRates;
  readonly books: WalletBooks;
  readonly patienceMs: number;
  /** Of the keys: whose customer it is. */
  readonly channel: number;
  /** Begins all references. */
  readonly run: string;
  readonly drop: (no: number) => void;
}

/** What the life of one scan needs. */
interface Life {
  readonly no: number;
  readonly via: number;
  readonly random: SeededRandom;
}

/** Never rejects: what goes wrong is told to the tally. */
export async function purchase(
  qr: string,
  no: number,
  context: PurchaseContext,
  random: SeededRandom,
): Promise<void> {
  try {
    await buy(qr, { no, via: no, random }, context);
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
    context.tally.contradiction(error.message);
  }
}

async function buy(qr: string, life: Life, context: PurchaseContext): Promise<void> {
  const { caller, tally, rates } = context;
  const { random, no } = life;
  tally.done('codes scanned');
  const plan = planOf(rates, random);
  if (plan.isDropped) context.drop(no);
  const looked = await caller.ask(callOf('bill.resolve', { qr }, life));
  if (!isDone(looked)) {
    tally.done(`codes not read: ${textOf(looked.body, 'code')}`);
    return;
  }
  const view = looked.body;
  if (view.payable !== true) {
    tally.done(`turned away: ${String(view.reason)}`);
    return;
  }
  await pause(random.below(THINK_MS));
  const amount = wantedOf(view, random);
  const held = plan.reserves ? await reserve(view, amount, life, context) : null;
  if (held !== null && plan.isAbandoned) {
    await goAway(held, view, life, context);
    return;
  }
  const parts = plan.isSplit && amount > 1 && held === null ? halves(amount) : [amount];
  for (const [at, part] of parts.entries()) {
    const isOver = plan.isOver && held === null;
    const payment: Payment = {
      ref: `${context.run}-p${no}-${at}`,
      billId: textOf(view, 'id'),
      amount: isOver ? part + 1 : part,
      currency: textOf(view, 'currency'),
      channel: context.channel,
      outcome: 'unknown',
      id: '',
      code: '',
    };
    const isTaken = await pay(payment, { view, held }, life, context);
    if (!isTaken) return;
  }
}

function planOf(rates: WalletRates, random: SeededRandom) {
  const does = (fault: keyof WalletRates): boolean => happens(random, rates[fault]);
  return {
    isDropped: does('drop'),
    reserves: does('reserve'),
    isAbandoned: does('abandon'),
    isSplit: does('split'),
    isOver: does('over'),
  };
}

/** What is due; where the payer chooses, something of the range. */
function wantedOf(view: Json, random: SeededRandom): number {
  const [due, most] = [numberOf(view, 'due'), numberOf(view, 'maxAmount')];
  const isRange = view.amount === null && most > due;
  return Math.max(1, isRange ? due + random.below(most - due + 1) : due);
}

function halves(amount: number): number[] {
  const first = Math.floor(amount / 2);
  return [first, amount - first];
}

/** The reservation's id; null where somebody else was first. */
async function reserve(
  view: Json,
  amount: number,
  life: Life,
  { caller, tally, run }: PurchaseContext,
): Promise<string | null> {
  const body = { billId: textOf(view, 'id'), reservationRef: `${run}-h${life.no}`, amount };
  const answer = await caller.ask(callOf('bill.reserve', body, life));
  if (!isDone(answer)) {
    tally.done(`not reserved: ${textOf(answer.body, 'code')}`);
    return null;
  }
  tally.done('reserved');
  return textOf(answer.body, 'id');
}

/** Half of those who go away say so. */
async function goAway(
  reservationId: string,
  view: Json,
  life: Life,
  { caller, tally }: PurchaseContext,
): Promise<void> {
  tally.fault('abandon');
  if (!happens(life.random, 0.5)) return;
  await pause(life.random.below(THINK_MS));
  await caller.ask(callOf('bill.release', { billId: textOf(view, 'id'), reservationId }, life));
  tally.done('reservations released');
}

/** Until it is known what became of it: sent again, asked about, or given up if it has not arrived. */
async function pay(
  payment: Payment,
  of: { readonly view: Json; readonly held: string | null },
  life: Life,
  context: PurchaseContext,
): Promise<boolean> {
  const { books, caller, rates, patienceMs } = context;
  const { ref: paymentRef, billId, amount, currency } = payment;
  const quoteId = textOf(partOf(of.view, 'quote'), 'id');
  const body = {
    billId,
    paymentRef,
    amount,
    currency,
    ...(of.held === null ? {} : { reservationId: of.held }),
    ...(quoteId === '' ? {} : { quoteId }),
  };
  books.begin(payment);
  const call = callOf('payment.create', body, life);
  const until = performance.now() + patienceMs;
  for (;;) {
    const answer = await caller.once(call);
    if (answer !== null && isFinal(answer)) return settle(payment, answer, context);
    caller.giveUpAfter(until, call, answer);
    const isVoided = happens(life.random, rates.void);
    const isAsked = happens(life.random, 0.5);
    if (answer === null && (isVoided || isAsked)) {
      const known = await ask(payment, isVoided, life, context);
      if (known !== null) return known;
    }
    await pause(AGAIN_MS);
  }
}

/** Null: the switch has not seen it. */
async function ask(
  payment: Payment,
  isVoided: boolean,
  life: Life,
  { caller, tally, books }: PurchaseContext,
): Promise<boolean | null> {
  const { billId, ref: paymentRef } = payment;
  const op = isVoided ? 'payment.void' : 'payment.get';
  const answer = await caller.ask(callOf(op, { billId, paymentRef }, life));
  tally.done(isVoided ? 'payments voided, or seen' : 'payments asked about');
  if (!isDone(answer)) return null;
  const isTaken = TAKEN.has(textOf(answer.body, 'status'));
  books.settle(payment, answer.body, isTaken, textOf(answer.body, 'code'));
  return isTaken;
}

function settle(payment: Payment, answer: Answer, { books }: PurchaseContext): boolean {
  const isTaken = isDone(answer);
  const told = isTaken ? partOf(answer.body, 'payment') : {};
  books.settle(payment, told, isTaken, textOf(answer.body, 'code'));
  return isTaken;
}

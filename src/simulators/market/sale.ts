// One sale of a simulated till, from the order to the last credit, and what the till knows of it.
//
//   create ──▶ show the code ──▶ paid ──▶ confirm (all, or less) ──▶ refund (a part, or all)
//                    └── cancel ◀──┴── not paid in time, or thought better of it

import { setTimeout as pause } from 'node:timers/promises';
import type { SeededRandom } from '../random.ts';
import { type Call, type Caller, callOf, GaveUp, isDone, isFinal } from './caller.ts';
import {
  type Answer,
  type Json,
  numberOf,
  type Op,
  type PushedEvent,
  partOf,
  textOf,
} from './link.ts';
import { happens, type TerminalRates } from './rates.ts';
import type { Tally } from './tally.ts';

const AMOUNT_MIN = 100;
const AMOUNT_SPAN = 9_900;
const OPEN_MS = 100;
const CONFIRM_LATE_MS = 1_500;
const CONFIRM_MS = 30;
const REFUND_MS = 500;
const AGAIN_MS = 20;

export interface SaleContext {
  readonly caller: Caller;
  readonly tally: Tally;
  readonly rates: TerminalRates;
  /** For answers, and for credits to be settled. */
  readonly patienceMs: number;
  /** For the customer to pay. */
  readonly waitMs: number;
  readonly currency: string;
  /** Of a bill that is there: the till's customer sees the code. */
  readonly show: (sale: Sale, qr: string) => void;
  /** The till cuts a socket. */
  readonly drop: (no: number) => void;
}

/** The switch has an order of this name, and this run has not made it: its books would never agree. */
export class RunUsed extends Error {
  override readonly name = 'RunUsed';
}

/** What the till did about it in the end. `unknown`: the switch has not answered for good. */
export type SaleEnd = 'underWay' | 'void' | 'confirmed' | 'cancelled' | 'unknown';

export class Sale {
  readonly no: number;
  readonly orderId: string;
  readonly amount: number;
  end: SaleEnd = 'underWay';
  billId = '';
  /** By the switch's clock. */
  createdAt = '';
  isPaid = false;
  confirmed = 0;
  refunded = 0;
  /** Money that the till was told of, by payment. */
  readonly payments = new Map<string, number>();
  /** Credits that it was told the end of. */
  readonly credits = new Map<string, { readonly amount: number; readonly status: string }>();
  #waiting: { holds: () => boolean; done: (held: boolean) => void }[] = [];

  constructor(of: { no: number; orderId: string; amount: number }) {
    this.no = of.no;
    this.orderId = of.orderId;
    this.amount = of.amount;
  }

  get paid(): number {
    return sum([...this.payments.values()]);
  }

  /** What has gone back, or could not. */
  get returned(): number {
    return sum([...this.credits.values()].map(({ amount }) => amount));
  }

  hear({ type, data }: PushedEvent): void {
    const payment = partOf(data, 'payment');
    const credit = partOf(data, 'credit');
    if (type === 'bill.paid' || type === 'payment.received') {
      this.payments.set(textOf(payment, 'id'), numberOf(payment, 'amount'));
    }
    if (type === 'bill.paid') this.isPaid = true;
    if (type === 'credit.settled' || type === 'credit.rejected') {
      const status = type.slice('credit.'.length);
      this.credits.set(textOf(credit, 'id'), { amount: numberOf(credit, 'amount'), status });
    }
    for (const each of this.#waiting) if (each.holds()) each.done(true);
    this.#waiting = this.#waiting.filter(({ holds }) => !holds());
  }

  /** Whether it came to be so in time. */
  until(holds: () => boolean, withinMs: number): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    return new Promise((done) => {
      const late = setTimeout(() => done(false), withinMs);
      this.#waiting.push({
        holds,
        done: (held) => {
          clearTimeout(late);
          done(held);
        },
      });
    });
  }
}

export function saleOf(no: number, run: string, random: SeededRandom): Sale {
  const amount = AMOUNT_MIN + random.below(AMOUNT_SPAN);
  return new Sale({ no, orderId: `${run}-o${no}`, amount });
}

/** What goes wrong is told to the tally. Rejects with `RunUsed` alone. */
export async function live(sale: Sale, context: SaleContext, random: SeededRandom): Promise<void> {
  try {
    await sell(sale, context, random);
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
    sale.end = 'unknown';
    context.tally.contradiction(error.message);
  }
}

async function sell(sale: Sale, context: SaleContext, random: SeededRandom): Promise<void> {
  const { rates, tally, patienceMs, waitMs } = context;
  const plan = planOf(rates, random);
  const qr = await create(sale, context, random);
  if (qr === null) return;
  context.show(sale, qr);
  tally.done('bills shown');
  if (plan.isDropped) context.drop(sale.no);
  if (plan.cancelsOpen) await pause(random.below(OPEN_MS));
  else await sale.until(() => sale.isPaid, waitMs);
  if (!sale.isPaid || plan.cancelsOpen || plan.cancelsPaid) {
    await cancel(sale, context, random);
  } else {
    tally.done('bills paid');
    await pause(random.below(plan.confirmsLate ? CONFIRM_LATE_MS : CONFIRM_MS));
    await confirm(sale, context, plan, random);
    if (plan.refunds) await refund(sale, context, random);
  }
  const owed = sale.paid - sale.confirmed + sale.refunded;
  const isAll = await sale.until(() => sale.returned >= owed, patienceMs);
  if (!isAll) tally.done('bills left with credits pending');
}

/** All dice at once, so that a plan does not hang on how it goes. */
function planOf(rates: TerminalRates, random: SeededRandom) {
  const does = (fault: keyof TerminalRates): boolean => happens(random, rates[fault]);
  return {
    isDropped: does('drop'),
    cancelsOpen: does('cancelOpen'),
    cancelsPaid: does('cancelPaid'),
    confirmsLate: does('lateConfirm'),
    isBelow: does('below'),
    refunds: does('refund'),
  };
}

/** The code; null where the order was given up before a bill came. */
async function create(
  sale: Sale,
  context: SaleContext,
  random: SeededRandom,
): Promise<string | null> {
  const { caller, tally, currency, patienceMs } = context;
  const { orderId, amount } = sale;
  const of = { via: sale.no, random };
  const call = callOf('bill.create', { orderId, amount, currency }, of);
  const until = performance.now() + patienceMs;
  for (;;) {
    const answer = await caller.once(call);
    if (answer !== null && isFinal(answer)) return created(sale, call, answer, tally);
    caller.giveUpAfter(until, call, answer);
    if (answer === null && happens(random, 0.5)) {
      tally.done('orders asked about');
      const ask = callOf('order.resolve', { orderId }, of);
      return created(sale, ask, await caller.ask(ask), tally);
    }
    await pause(AGAIN_MS);
  }
}

function created(sale: Sale, call: Call, answer: Answer, tally: Tally): string | null {
  const { body } = answer;
  if (textOf(body, 'status') === 'void') {
    sale.end = 'void';
    tally.done('orders given up');
    return null;
  }
  if (isOfAnotherRun(call, answer)) {
    sale.end = 'unknown';
    throw new RunUsed(`the order ${sale.orderId} is there already: this run's name is used`);
  }
  if (!isDone(answer)) {
    sale.end = 'unknown';
    tally.contradiction(unexpected(call, answer));
    return null;
  }
  sale.billId = textOf(body, 'id');
  sale.createdAt = textOf(body, 'createdAt');
  tally.done('bills created');
  if (body.amount !== sale.amount) tally.contradiction(unexpected(call, answer));
  return textOf(partOf(body, 'qr'), 'payload');
}

/** What was sent but once cannot be a repeat, and says that it is one. */
function isOfAnotherRun({ op, sent }: Call, { status, body }: Answer): boolean {
  if (op !== 'bill.create' || sent > 1) return false;
  return status === 200 || textOf(body, 'code') === 'order.reused';
}

async function confirm(
  sale: Sale,
  context: SaleContext,
  plan: { readonly isBelow: boolean },
  random: SeededRandom,
): Promise<void> {
  const { tally, rates } = context;
  const part = 1 + random.below(sale.amount - 1);
  const amount = plan.isBelow ? part : sale.amount;
  if (plan.isBelow && rates.below > 0) tally.done('bills confirmed below');
  const body = plan.isBelow ? { billId: sale.billId, amount } : { billId: sale.billId };
  const answer = await change('bill.confirm', body, sale, context, random);
  if (answer === null) return;
  sale.end = 'confirmed';
  sale.confirmed = amount;
  tally.done('bills confirmed');
  if (answer.confirmed !== amount) {
    tally.contradiction(`bill ${sale.billId}: confirmed ${amount}, answered ${answer.confirmed}`);
  }
}

async function cancel(sale: Sale, context: SaleContext, random: SeededRandom): Promise<void> {
  const body = { billId: sale.billId };
  const answer = await change('bill.cancel', body, sale, context, random);
  if (answer === null) return;
  sale.end = 'cancelled';
  context.tally.done(numberOf(answer, 'paid') > 0 ? 'bills cancelled, paid' : 'bills cancelled');
  // What was paid until then goes back, and the till is told of both.
  await sale.until(() => sale.paid >= numberOf(answer, 'paid'), context.patienceMs);
}

async function refund(sale: Sale, context: SaleContext, random: SeededRandom): Promise<void> {
  if (sale.end !== 'confirmed') return;
  await pause(random.below(REFUND_MS));
  const isWhole = happens(random, 0.3);
  const amount = isWhole ? sale.confirmed : 1 + random.below(sale.confirmed);
  const body = { billId: sale.billId, amount, idempotencyKey: `${sale.orderId}-r` };
  const answer = await change('bill.refund', body, sale, context, random);
  if (answer === null) return;
  sale.refunded = amount;
  context.tally.done('refunds');
}

/** A change that nothing forbids: null, and a contradiction, where it is refused all the same. */
async function change(
  op: Op,
  body: Json,
  sale: Sale,
  { caller, tally }: SaleContext,
  random: SeededRandom,
): Promise<Json | null> {
  const call = callOf(op, body, { via: sale.no, random });
  const answer = await caller.ask(call);
  if (isDone(answer)) return answer.body;
  sale.end = 'unknown';
  tally.contradiction(unexpected(call, answer));
  return null;
}

function unexpected({ op, body }: Call, answer: Answer): string {
  return `${op} ${JSON.stringify(body)} was answered ${answer.status} ${JSON.stringify(answer.body)}`;
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

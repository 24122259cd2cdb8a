// Given, when, then for bills. A step of the arrangement is a command with its time rather than its facts, since one
// transition of a bill is several facts; each is decided and evolved as the switch does it, due timers first.

import { expect } from 'vitest';
import { must } from '../../src/domain/assert.ts';
import { decide, evolve, nextDueOf } from '../../src/domain/bill/bill.ts';
import { ABSENT, type Bill, isPresent, type PresentBill } from '../../src/domain/bill/state.ts';
import {
  type Actor,
  type BillCommand,
  type BillDecision,
  type BillEvent,
  type BillFact,
  type BillRejection,
  type CommandOf,
  isRejection,
  type KeptReference,
  type Moment,
  type Offer,
  type Stay,
  type Terms,
} from '../../src/domain/bill/vocabulary.ts';
import type {
  BillId,
  InstitutionId,
  MerchantId,
  PaychannelId,
  Reference,
  TerminalId,
} from '../../src/domain/ids.ts';
import type { Currency, Minor } from '../../src/domain/money.ts';
import { lastChargeable } from '../../src/domain/tariff/tariff.ts';
import { DAY_MS, type Millis, millis, NEVER, plus } from '../../src/domain/time.ts';
import { free, per, rule, tariffOf } from './tariffs.ts';

// ------------------------------------------------------------------------------------------------- a small world --

export const TERMINAL = 'term-1' as TerminalId;
export const ALFA = 'alfa' as PaychannelId;
export const BETA = 'beta' as PaychannelId;

export const TILL: Actor = { kind: 'terminal', id: TERMINAL };
export const OTHER_TILL: Actor = { kind: 'terminal', id: 'term-2' };
export const MERCHANT: Actor = { kind: 'merchant', id: 'merchant-1' };
export const OPERATOR: Actor = { kind: 'operator', id: 'operator-1' };

/** When the bill of `terms()` is made; it expires 15 minutes later. */
export const START = millis(Date.UTC(2030, 0, 1));
export const EXPIRY = plus(START, 900_000);

export const ref = (text: string): Reference => text as Reference;
export const money = (amount: number): Minor => amount as Minor;
/** A time so many seconds after START. */
export const inSeconds = (seconds: number): Millis => plus(START, seconds * 1_000);

export function terms(changes: Partial<Terms> = {}): Terms {
  return {
    id: '01JGF0000000000000000000AA' as BillId,
    type: 'dynamic',
    institutionId: 'inst-1' as InstitutionId,
    merchantId: 'merchant-1' as MerchantId,
    terminalId: TERMINAL,
    merchant: { name: 'Corner shop', city: 'Riga' },
    orderId: ref('order-1'),
    digest: 'create',
    purpose: 'sale',
    amount: money(1000),
    currency: 'EUR' as Currency,
    description: null,
    lines: [],
    metadata: null,
    capture: 'manual',
    confirmWithinMs: DAY_MS,
    unconfirmed: 'confirm',
    qrFormat: 'url',
    returnUrl: null,
    relatedBillId: null,
    createdAt: START,
    expiresAt: EXPIRY,
    ...changes,
  };
}

type Changes<T extends BillCommand['type']> = Partial<Omit<CommandOf<T>, 'type'>>;

export function create(changes: Partial<Terms> = {}): BillCommand {
  return { type: 'CreateBill', terms: terms(changes) };
}

export function reserve(amount: number | null, changes: Changes<'ReserveBill'> = {}): BillCommand {
  return {
    type: 'ReserveBill',
    paychannelId: ALFA,
    reservationRef: ref('r1'),
    digest: `reserve ${amount}`,
    amount: amount === null ? null : money(amount),
    ...changes,
  };
}

export function release(no: number, paychannelId = ALFA): BillCommand {
  return { type: 'ReleaseReservation', paychannelId, reservationNo: no };
}

export function pay(amount: number, changes: Changes<'PayBill'> = {}): CommandOf<'PayBill'> {
  return {
    type: 'PayBill',
    paychannelId: ALFA,
    paymentRef: ref('p1'),
    digest: `pay ${amount}`,
    amount: money(amount),
    currency: 'EUR' as Currency,
    reservationNo: null,
    method: 'debit',
    payer: 'J** D**',
    paidAt: null,
    subscribed: false,
    ...changes,
  };
}

export function voidPayment(paymentRef = 'p1', paychannelId = ALFA): BillCommand {
  return { type: 'VoidPayment', paychannelId, paymentRef: ref(paymentRef) };
}

export function confirm(
  amount: number | null = null,
  changes: Changes<'ConfirmBill'> = {},
): BillCommand {
  const named = amount === null ? null : money(amount);
  return { type: 'ConfirmBill', by: TILL, amount: named, receipt: null, ...changes };
}

export function cancel(changes: Changes<'CancelBill'> = {}): BillCommand {
  return {
    type: 'CancelBill',
    by: TILL,
    amount: null,
    key: null,
    digest: `cancel ${changes.amount ?? null}`,
    onlyIfUnpaid: false,
    ...changes,
  };
}

export function refund(amount: number | null, changes: Changes<'RefundBill'> = {}): BillCommand {
  return {
    type: 'RefundBill',
    by: TILL,
    amount: amount === null ? null : money(amount),
    paymentNo: null,
    reason: null,
    receipt: null,
    key: ref('k1'),
    digest: `refund ${amount}`,
    ...changes,
  };
}

export function settle(no: number, changes: Changes<'SettleCredit'> = {}): BillCommand {
  return {
    type: 'SettleCredit',
    paychannelId: ALFA,
    creditNo: no,
    status: 'settled',
    reference: null,
    reason: null,
    ...changes,
  };
}

export function requestAgain(creditNo: number): BillCommand {
  return { type: 'RequestCreditAgain', by: OPERATOR, creditNo };
}

export function closeCredit(creditNo: number, reference = 'T1'): BillCommand {
  return { type: 'CloseCredit', creditNo, reference };
}

export function acknowledge(
  nos: readonly number[],
  recipient: CommandOf<'AcknowledgeEvents'>['recipient'] = `terminal:${TERMINAL}`,
): BillCommand {
  return { type: 'AcknowledgeEvents', recipient, nos };
}

export function confirmPayment(
  paymentNo: number,
  changes: Changes<'ConfirmPayment'> = {},
): BillCommand {
  return { type: 'ConfirmPayment', by: TILL, paymentNo, amount: null, ...changes };
}

export function cancelPayment(
  paymentNo: number,
  changes: Changes<'CancelPayment'> = {},
): BillCommand {
  const rest = { amount: null, key: null, digest: '', ...changes };
  return { type: 'CancelPayment', by: TILL, paymentNo, ...rest };
}

/** The terms of a static bill: many payments of 100 each, unless changed. */
export function staticTerms(offer: Partial<Offer> = {}, changes: Partial<Terms> = {}): Terms {
  return terms({
    type: 'static',
    amount: money(100),
    capture: 'auto',
    expiresAt: NEVER,
    offer: {
      usage: 'many',
      minAmount: money(100),
      maxAmount: money(100),
      maxPayments: null,
      maxTotal: null,
      validFrom: null,
      ...offer,
    },
    ...changes,
  });
}

export function createStatic(
  offer: Partial<Offer> = {},
  changes: Partial<Terms> = {},
): BillCommand {
  return { type: 'CreateBill', terms: staticTerms(offer, changes) };
}

/** 15 minutes of grace and 5 of quotes: 1.00 for each started half hour, after 10 minutes for nothing. */
export const PARKING = tariffOf('Europe/Riga', {
  first: [free(10)],
  rules: [rule('Always', null, per(30, 100))],
});

/** A stay that starts with its bill, and is charged by PARKING, unless changed. */
export function createTimer(
  stay: Partial<Stay> = {},
  changes: Partial<Terms> = {},
): CommandOf<'CreateBill'> {
  const whole = { tariff: PARKING, startedAt: START, ...stay };
  const expiresAt = lastChargeable(whole.startedAt);
  const own = { type: 'timer', amount: money(0), expiresAt, stay: whole } as const;
  return { type: 'CreateBill', terms: terms({ ...own, ...changes }) };
}

export const RUN_TIMER: BillCommand = { type: 'RunTimer' };

// ------------------------------------------------------------------------------------------------ given, when, then --

/** A command at its time; without a time, one second after the last. */
export type Step = BillCommand | readonly [BillCommand, Millis];

export function given(...steps: readonly Step[]): Given {
  let bill: Bill = ABSENT;
  let now = START;
  for (const step of steps) {
    const [command, at] = isTimed(step) ? step : [step, plus(now, 1_000)];
    now = at;
    bill = withTimersRun(bill, now);
    const decision = decide(bill, command, now);
    if (isRejection(decision)) {
      throw new Error(`${command.type} cannot be given: ${JSON.stringify(decision)}`);
    }
    bill = evolve(bill, decision, momentOf(now));
  }
  return new Given(bill, now);
}

/** The bill after all timers due by a time, each at that time. */
export function withTimersRun(bill: Bill, now: Millis): Bill {
  let current = bill;
  while (nextDueOf(current) <= now) {
    const decision = decide(current, RUN_TIMER, now);
    if (isRejection(decision) || decision.length === 0) throw new Error('a due timer does nothing');
    current = evolve(current, decision, momentOf(now));
  }
  return current;
}

export function momentOf(at: Millis): Moment {
  return { at, requestId: `req-${at}` };
}

export class Given {
  readonly #bill: Bill;
  readonly #now: Millis;

  constructor(bill: Bill, now: Millis) {
    this.#bill = bill;
    this.#now = now;
  }

  get bill(): PresentBill {
    return present(this.#bill);
  }

  /** The bill a while later, its timers run. */
  later(at: Millis): Given {
    return new Given(withTimersRun(this.#bill, at), at);
  }

  when(command: BillCommand, at?: Millis, recalled: KeptReference | null = null): Then {
    const now = at ?? plus(this.#now, 1_000);
    return new Then(this.#bill, decide(this.#bill, command, now, recalled), now);
  }
}

export class Then {
  readonly decision: BillDecision;
  readonly #before: Bill;
  readonly #now: Millis;

  constructor(before: Bill, decision: BillDecision, now: Millis) {
    this.#before = before;
    this.decision = decision;
    this.#now = now;
  }

  get facts(): readonly BillFact[] {
    if (isRejection(this.decision)) throw new Error(`rejected: ${JSON.stringify(this.decision)}`);
    return this.decision;
  }

  /** The bill after the decision. */
  get bill(): PresentBill {
    return present(evolve(this.#before, this.facts, momentOf(this.#now)));
  }

  /** Events that the decision raised, as `recipient type`. */
  get told(): string[] {
    return this.#raised().map(({ recipient, type }) => `${recipient} ${type}`);
  }

  /** The names of all facts, in order. */
  decides(...types: readonly BillFact['type'][]): this {
    expect(this.facts.map(({ type }) => type)).toEqual(types);
    return this;
  }

  decidesNothing(): this {
    expect(this.decision).toEqual([]);
    return this;
  }

  rejects(rejection: BillRejection): this {
    expect(this.decision).toEqual(rejection);
    return this;
  }

  /** A refusal that is kept for its payment reference. */
  refuses(rejection: BillRejection): this {
    this.decides('PaymentRefused');
    expect(this.facts[0]).toMatchObject({ payment: { rejection } });
    return this;
  }

  /** A refusal that is kept under its key. */
  refusesUnderKey(rejection: BillRejection): this {
    this.decides('KeyUsed');
    expect(this.facts[0]).toMatchObject({ rejection });
    return this;
  }

  and(check: (bill: PresentBill) => void): this {
    check(this.bill);
    return this;
  }

  #raised(): readonly BillEvent[] {
    const last = isPresent(this.#before) ? this.#before.counts.events : 0;
    return this.bill.outbox.filter(({ no }) => no > last);
  }
}

function present(bill: Bill): PresentBill {
  return must(isPresent(bill) ? bill : null, 'a bill that exists');
}

function isTimed(step: Step): step is readonly [BillCommand, Millis] {
  return Array.isArray(step);
}

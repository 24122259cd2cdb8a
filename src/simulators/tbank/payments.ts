// The simulated bank's books: payments by SBP and what becomes of them, by the statuses of T-Bank’s v2 documentation.
//
//   NEW > FORM_SHOWED > AUTHORIZED > CONFIRMED > (ASYNC_REFUNDING >) PARTIAL_REFUNDED > REFUNDED
//    └ CANCELED, DEADLINE_EXPIRED, REJECTED (three attempts failed)
//
// Statuses that last no time here (AUTHORIZING, CONFIRMING) are passed over, as a caller who polls would.

import type { SimulatorClock } from '../clock.ts';
import { dynamicLink } from '../nspk-link.ts';
import type { SeededRandom } from '../random.ts';
import { refuse, type TbankErrorCode, type TbankRefusal } from './errors.ts';
import type { TbankSettings } from './settings.ts';

export type TbankStatus =
  | 'NEW'
  | 'FORM_SHOWED'
  | 'AUTHORIZED'
  | 'CONFIRMED'
  | 'ASYNC_REFUNDING'
  | 'PARTIAL_REFUNDED'
  | 'REFUNDED'
  | 'CANCELED'
  | 'DEADLINE_EXPIRED'
  | 'REJECTED';

export interface TbankRefund {
  readonly amount: number;
  readonly at: number;
  /** Who asked for it: the API, or somebody at the bank. */
  readonly by: 'api' | 'hand';
  status: 'underway' | 'done' | 'failed';
  code: TbankErrorCode | undefined;
}

export interface TbankPayment {
  readonly paymentId: string;
  readonly terminalKey: string;
  readonly orderId: string;
  readonly amount: number;
  readonly createdAt: number;
  readonly dueAt: number;
  readonly notificationUrl: string | undefined;
  status: TbankStatus;
  payload: string | undefined;
  failedAttempts: number;
  paidAt: number | undefined;
  /** 32 characters, once it is paid. */
  sbpPaymentId: string | undefined;
  refunded: number;
  readonly refunds: TbankRefund[];
}

export type NewPayment = Pick<
  TbankPayment,
  'terminalKey' | 'orderId' | 'amount' | 'dueAt' | 'notificationUrl'
>;

const PAYER_ATTEMPTS_MAX = 3;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const ID_DIGITS = 10;

export interface PaymentsOptions {
  readonly settings: TbankSettings;
  readonly clock: SimulatorClock;
  readonly random: SeededRandom;
  /** Told of each status that a payment takes. */
  readonly changed: (payment: TbankPayment) => void;
}

export class TbankPayments {
  readonly #options: PaymentsOptions;
  readonly #byId = new Map<string, TbankPayment>();
  readonly #byOrder = new Map<string, TbankPayment[]>();
  #refusals: TbankErrorCode[] = [];

  constructor(options: PaymentsOptions) {
    this.#options = options;
  }

  get all(): TbankPayment[] {
    return [...this.#byId.values()].map((payment) => this.#today(payment));
  }

  find(paymentId: string): TbankPayment | undefined {
    const payment = this.#byId.get(paymentId);
    return payment === undefined ? undefined : this.#today(payment);
  }

  ofOrder(terminalKey: string, orderId: string): TbankPayment[] {
    const found = this.#byOrder.get(orderKey(terminalKey, orderId)) ?? [];
    return found.map((payment) => this.#today(payment));
  }

  /** The next refunds are refused so: those that take time fail at their end. */
  refuseRefunds(code: TbankErrorCode, count: number): void {
    for (let i = 0; i < count; i++) this.#refusals.push(code);
  }

  create(facts: NewPayment): TbankPayment {
    const { clock, random } = this.#options;
    const payment: TbankPayment = {
      ...facts,
      paymentId: String(random.below(9) + 1) + random.digits(ID_DIGITS - 1),
      createdAt: clock.wall(),
      status: 'NEW',
      payload: undefined,
      failedAttempts: 0,
      paidAt: undefined,
      sbpPaymentId: undefined,
      refunded: 0,
      refunds: [],
    };
    this.#byId.set(payment.paymentId, payment);
    const key = orderKey(facts.terminalKey, facts.orderId);
    this.#byOrder.set(key, [...(this.#byOrder.get(key) ?? []), payment]);
    return payment;
  }

  /** The text of its code, the same each time. */
  payloadOf(payment: TbankPayment): string {
    const { random, settings } = this.#options;
    payment.payload ??= dynamicLink({
      tail: random.letters(28),
      bank: settings.bankMember,
      sumKopecks: payment.amount,
    });
    if (settings.qrShowsForm) this.#show(payment);
    return payment.payload;
  }

  /** A payer pays; the refusal says that it is too late, or that there is no code to scan. */
  pay(payment: TbankPayment): TbankRefusal | undefined {
    if (!isOpen(payment) || payment.payload === undefined) return refuse('8');
    const { clock, random } = this.#options;
    payment.paidAt = clock.wall();
    payment.sbpPaymentId = random.letters(32);
    // Both come nearly together.
    this.#move(payment, 'AUTHORIZED');
    this.#move(payment, 'CONFIRMED');
    return undefined;
  }

  /** A payer's attempt fails; after the third the payment is over. */
  failAttempt(payment: TbankPayment): TbankRefusal | undefined {
    if (!isOpen(payment)) return refuse('8');
    this.#show(payment);
    payment.failedAttempts += 1;
    if (payment.failedAttempts === PAYER_ATTEMPTS_MAX) this.#move(payment, 'REJECTED');
    return undefined;
  }

  reject(payment: TbankPayment): TbankRefusal | undefined {
    if (!isOpen(payment)) return refuse('8');
    this.#move(payment, 'REJECTED');
    return undefined;
  }

  expire(payment: TbankPayment): TbankRefusal | undefined {
    if (!isOpen(payment)) return refuse('8');
    this.#move(payment, 'DEADLINE_EXPIRED');
    return undefined;
  }

  /** What Cancel does depends on the status: it ends what is unpaid, and gives back what is paid. */
  cancel(payment: TbankPayment, amount: number): TbankRefusal | undefined {
    const { formShownCancels } = this.#options.settings;
    if (payment.status === 'NEW' || (payment.status === 'FORM_SHOWED' && formShownCancels)) {
      this.#move(payment, 'CANCELED');
      return undefined;
    }
    return this.refund(payment, { amount, by: 'api' });
  }

  refund(
    payment: TbankPayment,
    { amount, by }: Pick<TbankRefund, 'amount' | 'by'>,
  ): TbankRefusal | undefined {
    if (payment.status === 'ASYNC_REFUNDING') return refuse('4');
    if (payment.status !== 'CONFIRMED' && payment.status !== 'PARTIAL_REFUNDED') return refuse('8');
    if (amount > payment.amount - payment.refunded) return refuse('330');
    const usedUp = by === 'api' ? this.#attemptsUsedUp(payment) : undefined;
    if (usedUp !== undefined) return refuse(usedUp);

    const { clock, settings } = this.#options;
    const code = by === 'api' ? this.#refusals.shift() : undefined;
    const refund: TbankRefund = { amount, by, at: clock.wall(), status: 'underway', code };
    payment.refunds.push(refund);
    if (settings.refundDelayMs > 0 && by === 'api') {
      const before = payment.status;
      this.#move(payment, 'ASYNC_REFUNDING');
      clock.after(settings.refundDelayMs, () => void this.#endRefund(payment, refund, before));
      return undefined;
    }
    return this.#endRefund(payment, refund, payment.status);
  }

  #endRefund(
    payment: TbankPayment,
    refund: TbankRefund,
    before: TbankStatus,
  ): TbankRefusal | undefined {
    if (refund.code !== undefined) {
      refund.status = 'failed';
      payment.status = before;
      return refuse(refund.code);
    }
    refund.status = 'done';
    payment.refunded += refund.amount;
    this.#move(payment, payment.refunded === payment.amount ? 'REFUNDED' : 'PARTIAL_REFUNDED');
    return undefined;
  }

  /** SBP counts failed attempts: one an hour and five a day for a payment. */
  #attemptsUsedUp(payment: TbankPayment): TbankErrorCode | undefined {
    const { clock, settings } = this.#options;
    const failedSince = (ms: number) =>
      payment.refunds.filter(({ status, at }) => status === 'failed' && at > clock.wall() - ms)
        .length;
    if (failedSince(DAY_MS) >= settings.refundAttemptsPerDay) return '3030';
    return failedSince(HOUR_MS) >= settings.refundAttemptsPerHour ? '3029' : undefined;
  }

  #show(payment: TbankPayment): void {
    if (payment.status === 'NEW') this.#move(payment, 'FORM_SHOWED');
  }

  #today(payment: TbankPayment): TbankPayment {
    if (isOpen(payment) && this.#options.clock.wall() > payment.dueAt) {
      this.#move(payment, 'DEADLINE_EXPIRED');
    }
    return payment;
  }

  #move(payment: TbankPayment, status: TbankStatus): void {
    payment.status = status;
    this.#options.changed(payment);
  }
}

/** What a state and a notification call the amount: one of two readings of the paper (settings.ts). */
export function shownAmount(payment: TbankPayment, settings: TbankSettings): number {
  if (!settings.amountIsCurrent) return payment.amount;
  const left = payment.amount - payment.refunded;
  return settings.refundShowsAtOnce ? left - underwayOf(payment) : left;
}

function underwayOf({ refunds }: TbankPayment): number {
  return refunds.reduce((sum, { amount, status }) => sum + (status === 'underway' ? amount : 0), 0);
}

function orderKey(terminalKey: string, orderId: string): string {
  return `${terminalKey} ${orderId}`;
}

export function isOpen({ status }: TbankPayment): boolean {
  return status === 'NEW' || status === 'FORM_SHOWED';
}

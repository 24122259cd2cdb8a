// The domain's nouns as API.md shows them, in its order. One builder serves both encodings: `m` makes amounts fit the
// encoding (msgpackr writes large numbers as floats, so for msgpack they become wide integers).

import { isOverdue } from '../domain/bill/credits.ts';
import { payableReason } from '../domain/bill/payable.ts';
import { dueOf, type PresentBill, reservedOf } from '../domain/bill/state.ts';
import type {
  Credit,
  Json,
  Payment,
  PaymentAnswer,
  Purpose,
  RefusedPayment,
  Reservation,
  Terms,
} from '../domain/bill/vocabulary.ts';
import { type BillId, type PaychannelId, partId, type Reference } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { StreamedEvent } from '../switch/ports.ts';
import type { QrCodes } from '../switch/qr.ts';
import { wide, widenAll } from './msgpack.ts';
import { formatTime, formatTimeOrNull } from './wire-time.ts';

/** How many payments and credits a bill shows: the latest. */
export const LATEST_MAX = 20;

/** What an encoding makes of numbers. */
export interface Numbers {
  readonly amount: (value: number) => number | bigint;
  readonly json: (value: Json) => unknown;
}

export const JSON_NUMBERS: Numbers = { amount: (value) => value, json: (value) => value };
export const MSGPACK_NUMBERS: Numbers = { amount: wide, json: widenAll };

export type Shape = Record<string, unknown>;

export class Shapes {
  readonly #base: string;
  readonly #codes: QrCodes;
  readonly #n: Numbers;

  /** `publicBaseUrl` has no slash at its end. */
  constructor(of: { publicBaseUrl: string; codes: QrCodes }, numbers: Numbers) {
    this.#base = of.publicBaseUrl;
    this.#codes = of.codes;
    this.#n = numbers;
  }

  bill(bill: PresentBill, now: Millis): Shape {
    const { terms, books, ending } = bill;
    const m = this.#n.amount;
    return {
      id: terms.id,
      type: terms.type,
      status: bill.status,
      version: bill.version,
      orderId: terms.orderId,
      purpose: terms.purpose,
      amount: m(terms.amount),
      minAmount: null,
      maxAmount: null,
      currency: terms.currency,
      due: m(dueOf(bill)),
      paid: m(books.paid),
      confirmed: m(books.confirmed),
      reversed: m(books.reversed),
      refunded: m(books.refunded),
      unreturned: m(books.unreturned),
      reserved: m(reservedOf(bill)),
      description: terms.description,
      lines: this.#lines(bill),
      metadata: terms.metadata,
      capture: terms.capture,
      policies: { unconfirmed: terms.unconfirmed },
      terminalId: terms.terminalId,
      merchantId: terms.merchantId,
      institutionId: terms.institutionId,
      relatedBillId: terms.relatedBillId,
      createdAt: formatTime(terms.createdAt),
      expiresAt: formatTime(terms.expiresAt),
      paidAt: formatTimeOrNull(ending.paidAt),
      confirmedAt: formatTimeOrNull(ending.confirmedAt),
      closedAt: formatTimeOrNull(ending.closedAt),
      cause: ending.cause,
      receipt: this.#n.json(ending.receipt),
      payments: latest(bill.payments).map((payment) => this.payment(terms.id, payment)),
      credits: latest(bill.credits).map((credit) =>
        this.credit(terms.id, credit, terms.purpose, now),
      ),
      qr: this.#qr(terms),
    };
  }

  payment(billId: BillId, payment: Payment | RefusedPayment): Shape {
    const isRefused = 'rejection' in payment;
    return {
      id: partId(billId, 'p', payment.no),
      paychannelId: payment.paychannelId,
      paymentRef: payment.paymentRef,
      amount: this.#n.amount(payment.amount),
      credited: isRefused ? 0 : this.#n.amount(payment.credited),
      method: payment.method,
      status: isRefused ? 'refused' : payment.status,
      code: isRefused ? payment.rejection.rejected : null,
      receivedAt: formatTime(payment.receivedAt),
      merchantNotifiedAt: isRefused ? null : formatTimeOrNull(payment.notifiedAt),
    };
  }

  /** A reference that was given up before any payment came for it. */
  voidedPayment(paychannelId: PaychannelId, paymentRef: Reference, at: Millis): Shape {
    return {
      id: null,
      paychannelId,
      paymentRef,
      amount: null,
      credited: 0,
      method: null,
      status: 'refused',
      code: 'payment.void',
      receivedAt: formatTime(at),
      merchantNotifiedAt: null,
    };
  }

  credit(billId: BillId, credit: Credit, purpose: Purpose, now: Millis): Shape {
    return {
      id: partId(billId, 'c', credit.no),
      kind: credit.kind,
      paymentId: partId(billId, 'p', credit.paymentNo),
      paymentRef: credit.paymentRef,
      amount: this.#n.amount(credit.amount),
      purpose,
      status: credit.status,
      reason: credit.settledReason ?? credit.reason,
      reference: credit.reference,
      requestedAt: formatTime(credit.requestedAt),
      settledAt: formatTimeOrNull(credit.settledAt),
      overdue: isOverdue(credit, now),
    };
  }

  /** A credit as its paychannel reads it by itself: with the bill and the currency that it belongs to. */
  paychannelCredit(bill: PresentBill, credit: Credit, now: Millis): Shape {
    const { id, currency, purpose } = bill.terms;
    return { ...this.credit(id, credit, purpose, now), billId: id, currency };
  }

  /** A payment as its paychannel's list shows it. */
  paychannelPayment(bill: PresentBill, payment: Payment | RefusedPayment): Shape {
    const { id, currency } = bill.terms;
    return { ...this.payment(id, payment), billId: id, currency };
  }

  view(bill: PresentBill, paychannelId: PaychannelId, now: Millis): Shape {
    const { terms } = bill;
    const m = this.#n.amount;
    const reason = payableReason(bill, paychannelId, now);
    return {
      id: terms.id,
      type: terms.type,
      status: bill.status,
      merchant: { name: terms.merchant.name, city: terms.merchant.city },
      description: terms.description,
      lines: this.#lines(bill),
      currency: terms.currency,
      amount: m(terms.amount),
      due: m(Math.max(0, dueOf(bill) - reservedOf(bill, paychannelId))),
      minAmount: null,
      maxAmount: null,
      part: 'allow',
      payable: reason === null,
      reason,
      retryAt: reason === 'reserved' ? earliestEnd(bill.reservations) : null,
      now: formatTime(now),
      expiresAt: formatTime(terms.expiresAt),
      quote: null,
    };
  }

  reservation(billId: BillId, reservation: Reservation): Shape {
    return {
      id: partId(billId, 'r', reservation.no),
      amount: this.#n.amount(reservation.amount),
      expiresAt: formatTime(reservation.expiresAt),
    };
  }

  /** What the paychannel was told when its payment was taken. */
  paymentAnswer(bill: PresentBill, answer: PaymentAnswer): Shape {
    const m = this.#n.amount;
    return {
      payment: this.payment(bill.terms.id, answer.payment),
      bill: {
        id: bill.terms.id,
        status: answer.status,
        version: answer.version,
        amount: m(bill.terms.amount),
        currency: bill.terms.currency,
        paid: m(answer.paid),
        due: m(answer.due),
      },
    };
  }

  event(streamed: StreamedEvent): Shape {
    const { bill, event } = streamed;
    const m = this.#n.amount;
    const data: Shape = {
      bill: {
        id: bill.id,
        status: event.status,
        version: event.version,
        orderId: bill.orderId,
        amount: m(bill.amount),
        currency: bill.currency,
        paid: m(event.paid),
        due: m(event.due),
      },
    };
    if (event.cause !== null) data.cause = event.cause;
    if (event.payment !== null) data.payment = this.payment(bill.id, event.payment);
    if (event.credit !== null) {
      data.credit = this.credit(bill.id, event.credit, bill.purpose, event.occurredAt);
    }
    if (event.receipt !== null) data.receipt = this.#n.json(event.receipt);
    return {
      id: partId(bill.id, 'e', event.no),
      type: event.type,
      billId: bill.id,
      billVersion: event.version,
      occurredAt: formatTime(event.occurredAt),
      requestId: event.requestId,
      data,
    };
  }

  /** What anybody's camera is shown. */
  page(bill: PresentBill, now: Millis): Shape {
    const { terms } = bill;
    return {
      id: terms.id,
      status: bill.status,
      merchant: { name: terms.merchant.name, city: terms.merchant.city },
      description: terms.description,
      currency: terms.currency,
      amount: this.#n.amount(terms.amount),
      due: this.#n.amount(dueOf(bill)),
      isLate: now >= terms.expiresAt,
    };
  }

  #lines(bill: PresentBill): Shape[] {
    const m = this.#n.amount;
    return bill.terms.lines.map((line) => ({
      name: line.name,
      quantity: line.quantity,
      price: m(line.price),
      amount: m(line.amount),
    }));
  }

  #qr(terms: Terms): Shape {
    const address = `${this.#base}/v1/terminal/bills/${terms.id}`;
    return {
      format: terms.qrFormat,
      payload: this.#codes.payloadOf(terms),
      svg: `${address}/qr.svg`,
      png: `${address}/qr.png`,
    };
  }
}

function latest<T>(items: readonly T[]): readonly T[] {
  return items.length > LATEST_MAX ? items.slice(-LATEST_MAX) : items;
}

function earliestEnd(reservations: readonly Reservation[]): string | null {
  let earliest = Number.POSITIVE_INFINITY;
  for (const reservation of reservations) earliest = Math.min(earliest, reservation.expiresAt);
  return Number.isFinite(earliest) ? formatTime(earliest) : null;
}

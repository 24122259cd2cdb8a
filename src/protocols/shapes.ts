// The domain's nouns as API.md shows them, in its order. One builder serves both encodings: `m` makes amounts fit the
// encoding (msgpackr writes large numbers as floats, so for msgpack they become wide integers).

import { dueAt, freeUntil, owedAt, quoteFor } from '../domain/bill/charging.ts';
import { isOverdue } from '../domain/bill/credits.ts';
import { mostFrom } from '../domain/bill/offer.ts';
import { isPayableBySome, payableReason } from '../domain/bill/payable.ts';
import { allPoliciesOf, openUntil, policiesOf } from '../domain/bill/policies.ts';
import { dueOf, type PresentBill, reservedOf } from '../domain/bill/state.ts';
import { NO_TIPS } from '../domain/bill/tips.ts';
import type {
  Credit,
  Json,
  Offer,
  Payment,
  PaymentAnswer,
  Purpose,
  RefusedPayment,
  Reservation,
  Terms,
} from '../domain/bill/vocabulary.ts';
import { type BillId, type PaychannelId, partId, type Reference } from '../domain/ids.ts';
import type { Minor } from '../domain/money.ts';
import type { Millis } from '../domain/time.ts';
import type { StreamedEvent } from '../switch/ports.ts';
import type { QrCodes } from '../switch/qr.ts';
import { wide, widenAll } from './msgpack.ts';
import { quoteIdOf } from './quote-ids.ts';
import {
  acquirerOf,
  earliestEnd,
  endOf,
  isUnusual,
  latest,
  type OfBill,
  type Payer,
  payloadOf,
  qrOf,
  type Shape,
  stayOf,
  tariffOf,
  timeOrNever,
  tipOf,
  tipsOf,
  unusualOf,
  whoseOf,
} from './shape-parts.ts';
import { formatTime, formatTimeOrNull } from './wire-time.ts';

/** What an encoding makes of numbers. */
export interface Numbers {
  readonly amount: (value: number) => number | bigint;
  readonly json: (value: Json) => unknown;
}

export const JSON_NUMBERS: Numbers = { amount: (value) => value, json: (value) => value };
export const MSGPACK_NUMBERS: Numbers = { amount: wide, json: widenAll };

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
    const shape: Shape = {
      id: terms.id,
      type: terms.type,
      status: bill.status,
      version: bill.version,
      orderId: terms.orderId,
      purpose: terms.purpose,
      amount: this.#fixed(terms.amount),
      minAmount: null,
      maxAmount: null,
      currency: terms.currency,
      due: m(dueAt(bill, now)),
      paid: m(books.paid),
      confirmed: m(books.confirmed),
      reversed: m(books.reversed),
      refunded: m(books.refunded),
      unreturned: m(books.unreturned),
      reserved: m(reservedOf(bill)),
      description: terms.description,
      lines: this.#lines(bill),
      metadata: terms.metadata,
      returnUrl: terms.returnUrl,
      capture: terms.capture,
      policies: allPoliciesOf(terms),
      terminalId: terms.terminalId,
      merchantId: terms.merchantId,
      institutionId: terms.institutionId,
      mode: terms.mode ?? 'live',
      relatedBillId: terms.relatedBillId,
      createdAt: formatTime(terms.createdAt),
      expiresAt: endOf(terms),
      paidAt: formatTimeOrNull(ending.paidAt),
      confirmedAt: formatTimeOrNull(ending.confirmedAt),
      closedAt: formatTimeOrNull(ending.closedAt),
      cause: ending.cause,
      receipt: this.#n.json(ending.receipt),
      payments: latest(bill.payments).map((payment) => this.payment(terms, payment)),
      credits: latest(bill.credits).map((credit) =>
        this.credit(terms.id, credit, terms.purpose, now),
      ),
      qr: qrOf(bill, this.#base, this.#codes),
    };
    if (bill.acquiring !== undefined) Object.assign(shape, acquirerOf(bill));
    if (terms.tipMax !== undefined) {
      shape.tip = tipOf(terms.tipMax, m);
      shape.tips = tipsOf(books.tips ?? NO_TIPS, m);
    }
    if (terms.stay !== undefined) {
      return { ...shape, ...stayOf(bill, terms.stay), tariff: tariffOf(terms.stay) };
    }
    return terms.offer === undefined ? shape : this.#withOffer(shape, bill, terms.offer);
  }

  /** What a static bill shows beside: of a dynamic one, these fields would only say that they are not. */
  #withOffer(shape: Shape, { terms, counts, sticker }: PresentBill, offer: Offer): Shape {
    const m = this.#n.amount;
    const { maxPayments, maxTotal } = offer;
    const total = maxTotal === null ? null : m(maxTotal);
    const limits = { maxPayments, maxTotal: total, paymentCount: counts.accepted };
    const range = this.#rangeOf(terms, offer, offer.maxAmount);
    return { ...shape, ...range, ...limits, saleId: sticker?.carried?.billId ?? null };
  }

  #rangeOf(terms: Terms, { usage, minAmount, validFrom }: Offer, most: Minor): Shape {
    const m = this.#n.amount;
    const range = terms.amount === 0 ? { minAmount: m(minAmount), maxAmount: m(most) } : {};
    return { ...range, usage, validFrom: formatTimeOrNull(validFrom), validUntil: endOf(terms) };
  }

  /** 0 stands for no fixed amount. */
  #fixed(amount: number): number | bigint | null {
    return amount === 0 ? null : this.#n.amount(amount);
  }

  payment(bill: OfBill, payment: Payment | RefusedPayment): Shape {
    const isRefused = 'rejection' in payment;
    const shape: Shape = {
      id: partId(bill.id, 'p', payment.no),
      paychannelId: payment.paychannelId,
      payingInstitutionId: payment.institutionId ?? bill.institutionId,
      billingInstitutionId: bill.institutionId,
      paymentRef: payment.paymentRef,
      amount: this.#n.amount(payment.amount),
      credited: isRefused ? 0 : this.#n.amount(payment.credited),
      method: payment.method,
      status: isRefused ? 'refused' : payment.status,
      code: isRefused ? payment.rejection.rejected : null,
      receivedAt: formatTime(payment.receivedAt),
      merchantNotifiedAt: isRefused ? null : formatTimeOrNull(payment.notifiedAt),
    };
    if (payment.tip !== undefined) {
      shape.tip = this.#n.amount(payment.tip);
      shape.tipReturned = !isRefused && payment.isTipReturned === true;
    }
    return shape;
  }

  /** A reference that was given up before any payment came for it. */
  voidedPayment(bill: OfBill, by: Payer, paymentRef: Reference, at: Millis): Shape {
    return {
      id: null,
      paychannelId: by.paychannelId,
      payingInstitutionId: by.institutionId,
      billingInstitutionId: bill.institutionId,
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
    const shape: Shape = {
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
    if (credit.isTip) shape.tip = true;
    if (isUnusual(credit)) Object.assign(shape, unusualOf(billId, credit));
    return shape;
  }

  /** A credit as its paychannel reads it by itself: with the bill and the currency that it belongs to. */
  paychannelCredit(bill: PresentBill, credit: Credit, now: Millis): Shape {
    const { id, purpose } = bill.terms;
    return { ...this.credit(id, credit, purpose, now), ...whoseOf(bill) };
  }

  /** A payment as its paychannel's list shows it. */
  paychannelPayment(bill: PresentBill, payment: Payment | RefusedPayment): Shape {
    return { ...this.payment(bill.terms, payment), ...whoseOf(bill) };
  }

  view(bill: PresentBill, paychannelId: PaychannelId, now: Millis): Shape {
    const { terms } = bill;
    const m = this.#n.amount;
    const owed = terms.stay === undefined ? undefined : owedAt(bill, now);
    const reason = payableReason(bill, paychannelId, now, owed);
    const shape: Shape = {
      id: terms.id,
      type: terms.type,
      status: bill.status,
      mode: terms.mode ?? 'live',
      merchant: { name: terms.merchant.name, city: terms.merchant.city },
      description: terms.description,
      lines: this.#lines(bill),
      currency: terms.currency,
      amount: this.#fixed(terms.amount),
      due: m(Math.max(0, (owed?.due ?? dueOf(bill)) - reservedOf(bill, paychannelId))),
      minAmount: null,
      maxAmount: null,
      part: policiesOf(terms).part,
      payable: reason === null,
      reason,
      retryAt: reason === 'reserved' ? earliestEnd(bill.reservations) : null,
      now: formatTime(now),
      expiresAt: endOf(terms),
      returnUrl: terms.returnUrl,
      quote: null,
    };
    if (terms.tipMax !== undefined) shape.tip = tipOf(terms.tipMax, m);
    if (owed !== undefined) {
      const told = quoteFor(bill, paychannelId, now, owed);
      const { retryAt } = shape;
      const freed = reason === 'notYetValid' ? formatTimeOrNull(freeUntil(owed)) : retryAt;
      return this.#quoted({ ...shape, retryAt: freed }, bill, told);
    }
    return terms.offer === undefined
      ? shape
      : this.#offered(shape, bill, terms.offer, mostFrom(bill, terms.offer, paychannelId));
  }

  /** `most`: what the channel could bring now; 0 where nothing. */
  #offered(shape: Shape, bill: PresentBill, offer: Offer, most: Minor): Shape {
    const { terms } = bill;
    const due = most === 0 ? 0 : dueOf(bill);
    return {
      ...shape,
      ...this.#rangeOf(terms, offer, most === 0 ? offer.maxAmount : most),
      due: this.#n.amount(due),
      retryAt: shape.reason === 'notYetValid' ? formatTimeOrNull(offer.validFrom) : shape.retryAt,
    };
  }

  #quoted(shape: Shape, bill: PresentBill, told: ReturnType<typeof quoteFor>): Shape {
    const { id, stay } = bill.terms;
    if (told === null) return { ...shape, ...stayOf(bill, stay) };
    const quote = {
      id: quoteIdOf(this.#codes, id, told.quote),
      amount: this.#n.amount(told.amount),
      until: formatTime(told.quote.until),
    };
    return { ...shape, quote, ...stayOf(bill, stay) };
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
    const shown: Shape = {
      id: bill.terms.id,
      status: answer.status,
      version: answer.version,
      amount: this.#fixed(bill.terms.amount),
      currency: bill.terms.currency,
      paid: m(answer.paid),
      due: m(answer.due),
    };
    if (answer.clearUntil !== undefined) shown.clearUntil = timeOrNever(answer.clearUntil);
    return { payment: this.payment(bill.terms, answer.payment), bill: shown };
  }

  /** One payment for its terminal: as it now is, with its credits. */
  terminalPayment(bill: PresentBill, payment: Payment, now: Millis): Shape {
    const { terms, books, status, version } = bill;
    const m = this.#n.amount;
    const credits = bill.credits.filter(({ paymentNo }) => paymentNo === payment.no);
    const shown: Shape = {
      id: terms.id,
      status,
      version,
      currency: terms.currency,
      paid: m(books.paid),
      confirmed: m(books.confirmed),
      reversed: m(books.reversed),
      refunded: m(books.refunded),
    };
    if (terms.tipMax !== undefined) shown.tips = tipsOf(books.tips ?? NO_TIPS, m);
    return {
      payment: this.payment(terms, payment),
      credits: latest(credits).map((credit) => this.credit(terms.id, credit, terms.purpose, now)),
      bill: shown,
    };
  }

  event(streamed: StreamedEvent): Shape {
    const { bill, event } = streamed;
    const m = this.#n.amount;
    const shown: Shape = {
      id: bill.id,
      status: event.status,
      version: event.version,
      orderId: bill.orderId,
      amount: this.#fixed(bill.amount),
      currency: bill.currency,
      paid: m(event.paid),
      due: m(event.due),
      policies: bill.policies,
      mode: bill.mode,
    };
    if (event.tips !== undefined) shown.tips = tipsOf(event.tips, m);
    const data: Shape = { bill: shown };
    if (event.clearUntil !== undefined) data.clearUntil = timeOrNever(event.clearUntil);
    if (event.cause !== null) data.cause = event.cause;
    if (event.payment !== null) data.payment = this.payment(bill, event.payment);
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
    const owed = owedAt(bill, now);
    const { asked, due } = owed;
    const isPayable = isPayableBySome(bill, now, owed);
    return {
      id: terms.id,
      institutionId: terms.institutionId,
      status: bill.status,
      mode: terms.mode ?? 'live',
      merchant: { name: terms.merchant.name, city: terms.merchant.city },
      description: terms.description,
      currency: terms.currency,
      amount: this.#n.amount(asked),
      minAmount: this.#n.amount(terms.offer?.minAmount ?? asked),
      maxAmount: this.#n.amount(terms.offer?.maxAmount ?? asked),
      due: this.#n.amount(due),
      isLate: now >= openUntil(terms),
      isPayable,
      isByAcquirer: terms.acquirer !== undefined,
      payload: isPayable ? payloadOf(bill, this.#codes) : null,
      tipMax: terms.tipMax === undefined ? null : this.#n.amount(terms.tipMax),
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
}

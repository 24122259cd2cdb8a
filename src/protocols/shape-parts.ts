// Pieces of shapes that are the same for all that show them.

import type { PresentBill } from '../domain/bill/state.ts';
import {
  type Credit,
  LATEST_KEPT,
  type Reservation,
  type Stay,
  type Terms,
  type Tips,
} from '../domain/bill/vocabulary.ts';
import { type BillId, type InstitutionId, type PaychannelId, partId } from '../domain/ids.ts';
import { AMOUNT_MAX, type Minor } from '../domain/money.ts';
import { type Millis, NEVER } from '../domain/time.ts';
import type { QrCodes } from '../switch/qr.ts';
import { formatTime, formatTimeOrNull } from './wire-time.ts';

export type Shape = Record<string, unknown>;

/** What of its bill a payment shows. */
export interface OfBill {
  readonly id: BillId;
  readonly institutionId: string;
}

/** Through whom a payment came. */
export interface Payer {
  readonly paychannelId: PaychannelId;
  readonly institutionId: InstitutionId;
}

/** What a paychannel's lists say of the bill that a payment or credit belongs to. */
export function whoseOf({ terms }: PresentBill): Shape {
  return { billId: terms.id, currency: terms.currency, mode: terms.mode ?? 'live' };
}

/** What an encoding makes of an amount. */
type Amount = (value: number) => number | bigint;

/** What the bill allows; null: no payment can bring more than any may. */
export function tipOf(max: Minor, m: Amount): Shape {
  return { allowed: true, max: max === AMOUNT_MAX ? null : m(max) };
}

export function tipsOf({ paid, returned, unreturned }: Tips, m: Amount): Shape {
  return { paid: m(paid), returned: m(returned), unreturned: m(unreturned) };
}

/** Null: the bill has no end. */
export function endOf({ expiresAt }: Terms): string | null {
  return timeOrNever(expiresAt);
}

export function timeOrNever(at: Millis): string | null {
  return at === NEVER ? null : formatTime(at);
}

/** Whence the tariff of a timer bill is: for its terminal, not for wallets. */
export function tariffOf({ tariff }: Stay): Shape | null {
  const { origin } = tariff;
  return origin === undefined ? null : { name: origin.name, revision: origin.revision };
}

/** What a timer bill shows beside. */
export function stayOf({ charged }: PresentBill, stay: Stay | undefined): Shape {
  const until = charged?.clearUntil ?? NEVER;
  return { startedAt: formatTimeOrNull(stay?.startedAt ?? null), clearUntil: timeOrNever(until) };
}

export function latest<T>(items: readonly T[]): readonly T[] {
  return items.length > LATEST_KEPT ? items.slice(-LATEST_KEPT) : items;
}

/** A bill at an acquirer has the acquirer's own code, once it has one. */
export function payloadOf({ terms, acquiring }: PresentBill, codes: QrCodes): string | null {
  const registered = acquiring?.record.registration;
  if (registered === null) return null;
  return registered?.payload ?? codes.payloadOf(terms);
}

export function qrOf(bill: PresentBill, base: string, codes: QrCodes): Shape | null {
  const { terms, acquiring } = bill;
  const payload = payloadOf(bill, codes);
  if (payload === null) return null;
  const address = `${base}/v1/terminal/bills/${terms.id}`;
  return {
    format: acquiring === undefined ? terms.qrFormat : 'acquirer',
    payload,
    svg: `${address}/qr.svg`,
    png: `${address}/qr.png`,
  };
}

/** What a bill at an acquirer shows beside. */
export function acquirerOf({ terms, acquiring }: PresentBill): Shape {
  return { acquirer: terms.acquirer?.name, failure: acquiring?.record.reason ?? null };
}

export function isUnusual({ replaces, resolution, origin }: Credit): boolean {
  return replaces !== undefined || resolution !== undefined || origin !== undefined;
}

/**
 * What a rejected credit shows once an operator has dealt with it, the one that took its place, and one that nobody here
 * asked for.
 */
export function unusualOf(billId: BillId, { replaces, resolution, origin }: Credit): Shape {
  const shape: Shape = {};
  if (origin !== undefined) shape.origin = origin;
  if (replaces !== undefined) shape.replaces = partId(billId, 'c', replaces);
  if (resolution?.how === 'requestedAgain') {
    shape.replacedBy = partId(billId, 'c', resolution.creditNo);
  } else if (resolution !== undefined) {
    shape.status = resolution.how;
    shape.reference = resolution.reference;
    shape.settledAt = formatTime(resolution.at);
  }
  return shape;
}

export function earliestEnd(reservations: readonly Reservation[]): string | null {
  let earliest = Number.POSITIVE_INFINITY;
  for (const reservation of reservations) earliest = Math.min(earliest, reservation.expiresAt);
  return Number.isFinite(earliest) ? formatTime(earliest) : null;
}

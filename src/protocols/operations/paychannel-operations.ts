// What paychannels ask: what is owed, holds on it, payments and credits.

import type { Reference } from '../../domain/ids.ts';
import type { Currency, Minor } from '../../domain/money.ts';
import type { Principal } from '../../switch/principal.ts';
import type { DriverAway, QrReading } from '../../switch/qr.ts';
import { digestOf } from '../digest.ts';
import { withQuote } from '../quote-ids.ts';
import type { PaychannelRequest } from '../schemas/paychannel-requests.ts';
import { asBody } from '../schemas/validation.ts';
import { parseTime } from '../wire-time.ts';
import {
  onBill,
  onCredit,
  partNo,
  type Read,
  type ReadersOf,
  type ReadingContext,
} from './addressing.ts';

const BILL_NAMES = ['billId'] as const;

export const paychannelReaders: ReadersOf<PaychannelRequest> = {
  'bill.resolve': (body, principal, context) => {
    if (principal.suspended) return { code: 'request.suspended' };
    const { qr } = asBody('bill.resolve', body);
    const reading = context.codes.read(qr);
    const hosted = reading === 'foreign' ? context.hosted.read(qr) : undefined;
    return hosted?.then((found) => viewOf(found, context)) ?? viewOf(reading, context);
  },
  'bill.view': (body, principal, context) => {
    if (principal.suspended) return { code: 'request.suspended' };
    const { billId } = asBody('bill.view', body);
    return onBill(billId, context, (id) => ({ op: 'bill.view', billId: id }));
  },
  'bill.reserve': (body, _principal, context) => {
    const request = asBody('bill.reserve', body);
    return onBill(request.billId, context, (id) => {
      const operation = {
        op: 'bill.reserve',
        billId: id,
        reservationRef: request.reservationRef as Reference,
        digest: digestOf(request, BILL_NAMES),
        amount: (request.amount ?? null) as Minor | null,
      } as const;
      return withQuote(operation, request, context);
    });
  },
  'bill.release': (body, _principal, context) => {
    const { billId, reservationId } = asBody('bill.release', body);
    return onBill(billId, context, (id) => ({
      op: 'bill.release',
      billId: id,
      reservationNo: partNo(reservationId, id, 'r'),
    }));
  },
  'payment.create': readPay,
  'payment.get': (body, _principal, context) => {
    const { billId, paymentRef } = asBody('payment.get', body);
    return onBill(billId, context, (id) => ({
      op: 'payment.get',
      billId: id,
      paymentRef: paymentRef as Reference,
    }));
  },
  'payment.void': (body, _principal, context) => {
    const { billId, paymentRef } = asBody('payment.void', body);
    return onBill(billId, context, (id) => ({
      op: 'payment.void',
      billId: id,
      paymentRef: paymentRef as Reference,
    }));
  },
  'credit.get': (body, _principal, context) => {
    const { creditId } = asBody('credit.get', body);
    return onCredit(creditId, context, (billId, creditNo) => ({
      op: 'credit.get',
      billId,
      creditNo,
    }));
  },
  'credit.settle': (body, _principal, context) => {
    const { creditId, status, reference, reason } = asBody('credit.settle', body);
    return onCredit(creditId, context, (billId, creditNo) => ({
      op: 'credit.settle',
      billId,
      creditNo,
      status,
      reference: reference ?? null,
      reason: reason ?? null,
    }));
  },
};

/** The view of the bill that a scanned text names. */
function viewOf(reading: QrReading | DriverAway, context: ReadingContext): Read {
  if (reading === 'foreign') return { code: 'bill.notFound' };
  if (reading === 'tampered') return { code: 'qr.tampered' };
  if ('away' in reading) return { code: 'driver.away', detail: reading.away };
  return onBill(reading.billId, context, (billId) => ({ op: 'bill.view', billId }));
}

function readPay(body: unknown, { id: paychannelId }: Principal, context: ReadingContext): Read {
  const request = asBody('payment.create', body);
  const { payers } = context;
  const { reservationId, paidAt, payer, paymentRef, tip = 0 } = request;
  return onBill(request.billId, context, (id) => {
    const operation = {
      op: 'payment.create',
      billId: id,
      paymentRef: paymentRef as Reference,
      digest: digestOf(
        payer === undefined ? request : { ...request, payer: payers.digest(payer) },
        BILL_NAMES,
      ),
      amount: request.amount as Minor,
      currency: request.currency as Currency,
      reservationNo: reservationId === undefined ? null : partNo(reservationId, id, 'r'),
      method: request.method ?? null,
      payer:
        payer === undefined ? null : payers.seal(payer, { billId: id, paychannelId, paymentRef }),
      paidAt: paidAt === undefined ? null : (parseTime(paidAt) ?? null),
    } as const;
    const tipped = tip === 0 ? operation : { ...operation, tip: tip as Minor };
    return withQuote(tipped, request, context);
  });
}

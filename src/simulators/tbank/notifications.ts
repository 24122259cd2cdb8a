// The bank's notifications (T-Bank’s v2 documentation): signed as calls are, taken by the bare text OK, repeated until
// then. Nothing in them says when they were made, so that an old one can be played again.

import type { Parcel } from '../courier.ts';
import { shownAmount, type TbankPayment, type TbankStatus } from './payments.ts';
import type { TbankSettings } from './settings.ts';
import { tokenOf } from './token.ts';

const NOTIFIED: ReadonlySet<TbankStatus> = new Set<TbankStatus>([
  'AUTHORIZED',
  'CONFIRMED',
  'CANCELED',
  'PARTIAL_REFUNDED',
  'REFUNDED',
  'REJECTED',
]);

/** What the bank tells of the status that a payment has taken, if it tells of it and knows whom. */
export function notificationOf(payment: TbankPayment, settings: TbankSettings): Parcel | undefined {
  const { notificationUrl, status, terminalKey } = payment;
  const isTold =
    NOTIFIED.has(status) || (status === 'DEADLINE_EXPIRED' && settings.notifiesDeadline);
  const terminal = settings.terminals.find((one) => one.terminalKey === terminalKey);
  if (notificationUrl === undefined || !isTold || terminal === undefined) return undefined;
  const message = {
    TerminalKey: terminalKey,
    OrderId: payment.orderId,
    Success: status !== 'REJECTED',
    Status: status,
    PaymentId: Number(payment.paymentId),
    ErrorCode: status === 'REJECTED' ? '3009' : '0',
    Amount: shownAmount(payment, settings),
    // For SBP the place of the card's number may hold a phone's.
    Pan: '+7 (***) ***-**-17',
    Data: { Source: 'qrsbp' },
  };
  return {
    url: notificationUrl,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...message, Token: tokenOf(message, terminal.password) }),
  };
}

// Every way to say no, in one table: code -> status, title, what it means and what to do. A code without its row does
// not compile, so each `type` of a problem document (RFC 9457) leads to a page.

import type { FaultCode } from '../switch/faults.ts';
import type { SwitchRejection } from '../switch/requests.ts';

type RejectionCode = Exclude<SwitchRejection['rejected'], 'forbidden'>;

/** What the gateway itself refuses, and what later bill types will say. */
type EdgeCode =
  | 'request.invalid'
  | 'request.keyMissing'
  | 'request.unauthenticated'
  | 'request.certificateInvalid'
  | 'request.signatureMissing'
  | 'request.signatureInvalid'
  | 'request.signatureExpired'
  | 'request.signatureReplayed'
  | 'request.forbidden'
  | 'request.unsupportedType'
  | 'route.notFound'
  | 'method.notAllowed'
  | 'body.tooLarge'
  | 'bill.amountZero'
  | 'qr.notReady'
  | 'qr.tampered'
  | 'qr.tooDense'
  | 'rate.limited'
  | 'party.notFound'
  | 'key.notFound'
  | 'agreement.notFound'
  | 'agreement.exists'
  | 'agreement.modesDiffer'
  | 'webhook.notFound'
  | 'tariff.notFound'
  | 'internal';

export type ProblemCode = RejectionCode | FaultCode | EdgeCode;

export interface ProblemSpec {
  readonly status: number;
  /** Never changes for a code. */
  readonly title: string;
  /** Whether the same request, sent again unchanged, may succeed. */
  readonly retryable: boolean;
  /** What it means and what to do, for a person. */
  readonly meaning: string;
}

const NO = { retryable: false } as const;
const AGAIN = { retryable: true } as const;

export const problems = {
  'request.invalid': {
    ...NO,
    status: 400,
    title: 'The request is not well-formed',
    meaning:
      'Each entry of `errors` names a field, parameter or header and what is wrong with it. Mend the request.',
  },
  'request.keyMissing': {
    ...NO,
    status: 400,
    title: 'The call needs an Idempotency-Key',
    meaning:
      'A refund, and a cancel with an amount, must be safe to retry: send an `Idempotency-Key` header (over WebSocket `idempotencyKey` in the body), and the same one on every retry.',
  },
  'request.unauthenticated': {
    ...NO,
    status: 401,
    title: 'The key is missing or unknown',
    meaning:
      'Send `Authorization: Bearer <key>` with a key that the operator has given out and not withdrawn.',
  },
  'request.certificateInvalid': {
    ...NO,
    status: 401,
    title: 'The connection shows no client certificate of the paychannel',
    meaning:
      'This paychannel’s connections must come over the TLS port of the switch and show a client certificate that the operator has named, of now. This one showed none, another, or one that has ended.',
  },
  'request.signatureMissing': {
    ...NO,
    status: 401,
    title: 'The request is not signed',
    meaning:
      'This paychannel’s requests must be signed (RFC 9421, hmac-sha256): send `Signature-Input` and `Signature`, with the id of a signing secret as `keyid`. `docs/signed-requests.md` shows how.',
  },
  'request.signatureInvalid': {
    ...NO,
    status: 401,
    title: 'The signature is not one of this request',
    meaning:
      'No signature that came with the request fits it and a live signing secret of this paychannel, or it leaves out what it must cover: `@method`, `@path`, `@query` where there is one, and `content-digest` where there is a body.',
  },
  'request.signatureExpired': {
    ...NO,
    status: 401,
    title: 'The signature is not of now',
    meaning:
      '`created` must lie within 60 seconds of the switch’s clock, and not before its last start. Sign the request again; if that does not help, set the clock.',
  },
  'request.signatureReplayed': {
    ...NO,
    status: 401,
    title: 'The signature has been used',
    meaning:
      'A signature is taken once. Sign each attempt anew, with a `nonce` where two may be made in one second.',
  },
  'request.forbidden': {
    ...NO,
    status: 403,
    title: 'The key may not make this call',
    meaning:
      'The key belongs to another kind of party: terminals use the Terminal API, wallets the Paychannel API; a merchant or operator key creates no bills and receives no events; and an operator does what its role takes in.',
  },
  'request.suspended': {
    ...NO,
    status: 403,
    title: 'The party is suspended',
    meaning:
      'This key’s terminal, paychannel, merchant or institution, or those whose bill it is, begin nothing new: no bills, views or reservations, and no payments but under a live reservation. What has begun goes on to its end. A payment that was refused so has not been taken: void it, and give the money back.',
  },
  'request.unsupportedType': {
    ...NO,
    status: 415,
    title: 'The body is of a type that is not taken',
    meaning:
      'Send the body as `Content-Type: application/json`, in UTF-8 and not compressed; the lines of a batch as `application/x-ndjson`.',
  },
  'route.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such address',
    meaning: 'The path is none of this interface. `/docs` lists all calls.',
  },
  'method.notAllowed': {
    ...NO,
    status: 405,
    title: 'The address does not take this method',
    meaning: 'The `Allow` header of the answer lists the methods that it takes.',
  },
  'body.tooLarge': {
    ...NO,
    status: 413,
    title: 'The request is too large',
    meaning: 'Bodies are limited to 64 KB, receipts to 8 KB of JSON.',
  },
  'bill.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such bill',
    meaning:
      'No bill has this id, or it is not visible to this key; the answer does not tell which.',
  },
  'bill.amountZero': {
    ...NO,
    status: 422,
    title: 'A dynamic bill needs an amount above zero',
    meaning:
      'The amount of a dynamic bill is known when it is created. Send what is owed, in minor units.',
  },
  'bill.notPayable': {
    ...NO,
    status: 409,
    title: 'The bill cannot be paid now',
    meaning:
      '`reason` says why: `expired`, `cancelled`, `paid`, `reserved` (others hold what is due: try a new payment later), `withdrawn`, `notYetValid` (of a timer bill: nothing has become due yet), `limit` (the bill takes no more payments, or no more money), `armed` (it carries sales: look at it again and pay the bill that the view names), `acquirer` (it is paid by the code of its own bank, and by no other way). For a payment it is final for its `paymentRef`: give the money back to the customer.',
  },
  'bill.notArmable': {
    ...NO,
    status: 409,
    title: 'The bill cannot be armed for a sale',
    meaning:
      '`reason` says why. `paid`: the sale before it, `saleId`, has been paid in whole or in part: confirm or cancel that bill first. (Without `saleId` it is the static bill itself that was paid.) `reserved`: a wallet is about to pay the static bill itself. `withdrawn`, `cancelled`, `expired`, `notYetValid`: the code is not in force. `notStatic`: only static bills are armed. Nothing was changed; the same order may be tried again.',
  },
  'bill.stillDue': {
    ...NO,
    status: 409,
    title: 'Part of the bill is still due',
    meaning:
      'A confirm without `amount` needs the whole bill paid. Wait, or confirm with an amount up to what is paid.',
  },
  'bill.notPaid': {
    ...NO,
    status: 409,
    title: 'Nothing has been paid',
    meaning: 'There is nothing to confirm. Wait for a payment, or cancel the bill.',
  },
  'bill.notConfirmable': {
    ...NO,
    status: 409,
    title: 'The bill can no longer be confirmed so',
    meaning:
      'It has ended, or has been confirmed otherwise: with another amount, or with another receipt. `billStatus` is what it is now. A receipt that comes later is put to the bill by a call of its own.',
  },
  'bill.notCancellable': {
    ...NO,
    status: 409,
    title: 'The bill can no longer be cancelled',
    meaning: 'It has ended already. `billStatus` is what it is now.',
  },
  'bill.notRefundable': {
    ...NO,
    status: 409,
    title: 'The bill cannot be refunded',
    meaning:
      'Only a confirmed bill is refunded; before that, cancel it. `billStatus` is what it is now.',
  },
  'bill.limitReached': {
    ...NO,
    status: 409,
    title: 'The bill has reached a limit',
    meaning: '`of` names what the bill can take no more of, and `limit` how many it takes.',
  },
  'order.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such order',
    meaning: 'This terminal has created no bill for the order.',
  },
  'order.reused': {
    ...NO,
    status: 409,
    title: 'The order has another bill',
    meaning:
      'The same `orderId` came with another body within 24 hours. `billId` is the bill that it has. Use a new `orderId` for a new sale.',
  },
  'order.void': {
    ...NO,
    status: 409,
    title: 'The order was given up',
    meaning:
      'The order was resolved before any bill came for it, so none will be made. Use a new `orderId`.',
  },
  'payment.exceedsDue': {
    ...NO,
    status: 422,
    title: 'The payment is more than is due',
    meaning:
      '`due` is what could be paid. The refusal is final for this `paymentRef`: give the money back, and pay anew with another reference.',
  },
  'payment.outOfRange': {
    ...NO,
    status: 422,
    title: 'The payment is outside of the bill’s range',
    meaning:
      'The bill takes an amount from `minAmount` to `maxAmount`, which are the same where it is fixed. The refusal is final for this `paymentRef`.',
  },
  'payment.currencyMismatch': {
    ...NO,
    status: 422,
    title: 'The payment is in another currency',
    meaning: '`currency` is the bill’s. The refusal is final for this `paymentRef`.',
  },
  'payment.tipForbidden': {
    ...NO,
    status: 422,
    title: 'The bill takes no tip',
    meaning:
      'Its view says so: it has no `tip`. The refusal is final for this `paymentRef`: return all that was debited, the tip too.',
  },
  'payment.tipExceedsMax': {
    ...NO,
    status: 422,
    title: 'The tip is more than the bill allows',
    meaning:
      '`max` is the most that a payment may bring on top of its amount. The refusal is final for this `paymentRef`: return all that was debited, the tip too.',
  },
  'payment.partForbidden': {
    ...NO,
    status: 422,
    title: 'The bill is not paid in parts',
    meaning: 'Pay all that is due at once. The refusal is final for this `paymentRef`.',
  },
  'payment.notConfirmable': {
    ...NO,
    status: 409,
    title: 'The payment can no longer be confirmed so',
    meaning:
      'It has ended, has been confirmed with another amount, or belongs to a bill that is confirmed as a whole. `paymentStatus` is what it is now.',
  },
  'payment.notCancellable': {
    ...NO,
    status: 409,
    title: 'The payment cannot be cancelled by itself',
    meaning:
      'It belongs to a bill that is cancelled as a whole. `paymentStatus` is what it is now.',
  },
  'payment.notRefundable': {
    ...NO,
    status: 409,
    title: 'The payment cannot be refunded',
    meaning:
      'Only a confirmed payment is refunded; before that, cancel it. `paymentStatus` is what it is now.',
  },
  'payment.refReused': {
    ...NO,
    status: 409,
    title: 'The payment reference was used with another body',
    meaning:
      'The first call with this `paymentRef` stands. Ask what became of it, and use a new reference for a new payment.',
  },
  'payment.void': {
    ...NO,
    status: 409,
    title: 'The payment was given up',
    meaning:
      'The reference was voided before the payment arrived, so the payment is refused for ever. Give the money back.',
  },
  'payment.notFound': {
    ...NO,
    status: 404,
    title: 'The payment has not been seen',
    meaning:
      'The bill has no payment of this id, or none with this reference has arrived yet. A wallet that asks by its reference sends the payment again, or voids it; a till takes ids from the bill’s `payments`.',
  },
  'reservation.expired': {
    ...NO,
    status: 409,
    title: 'The reservation has ended',
    meaning:
      'It ran out, was let go or used, or is not this channel’s. Reserve again with a new reference.',
  },
  'reservation.exceedsDue': {
    ...NO,
    status: 422,
    title: 'The reservation is more than is due',
    meaning: '`due` is what could be reserved.',
  },
  'reservation.refReused': {
    ...NO,
    status: 409,
    title: 'The reservation reference was used with another body',
    meaning:
      'The first call with this `reservationRef` stands. Use a new reference for a new reservation.',
  },
  'reservation.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such reservation',
    meaning: 'No reservation of this channel has this id.',
  },
  'quote.expired': {
    ...NO,
    status: 409,
    title: 'The quote has run out',
    meaning:
      'It has ended, or is none of this bill’s. The refusal is final for this reference: give the money back. View the bill again and pay what it then says, with another reference.',
  },
  'confirm.exceedsPaid': {
    ...NO,
    status: 422,
    title: 'The confirmed amount is more than was paid',
    meaning: '`paid` is the most that can be confirmed.',
  },
  'refund.exceedsConfirmed': {
    ...NO,
    status: 422,
    title: 'The refund is more than is left',
    meaning: '`left` is what can still be refunded (of the payment, where one is named).',
  },
  'refund.paymentRequired': {
    ...NO,
    status: 422,
    title: 'The refund must name a payment',
    meaning: 'A bill with many payers is refunded payment by payment: send `paymentId`.',
  },
  'refund.partForbidden': {
    ...NO,
    status: 422,
    title: 'The acquirer gives back all or nothing',
    meaning:
      'The bank through which this bill was paid gives no part of it back. `left` is what can be given back, whole: confirm all and refund all, or cancel.',
  },
  'cancel.amountBeforeConfirm': {
    ...NO,
    status: 422,
    title: 'A bill that is not confirmed is cancelled whole',
    meaning: 'Cancel without `amount`, or confirm with the lower amount: the rest is reversed.',
  },
  'idempotency.reused': {
    ...NO,
    status: 409,
    title: 'The Idempotency-Key was used with another body',
    meaning: 'The first call with this key stands. Use a new key for another call.',
  },
  'credit.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such credit',
    meaning: 'No credit has this id, or it is not this channel’s.',
  },
  'event.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such event',
    meaning:
      'No event has this id, or it is not visible to this key; the answer does not tell which.',
  },
  'credit.notRejected': {
    ...NO,
    status: 409,
    title: 'The credit does not wait for an operator',
    meaning:
      'Only a credit that its wallet rejected is requested again or closed, and once: `creditStatus` says what became of it. requestedAgain: another credit has taken its place; name that one. returnedOtherwise: it has been closed, with a reference of its own.',
  },
  'credit.settledOtherwise': {
    ...NO,
    status: 409,
    title: 'The credit was settled otherwise',
    meaning: 'What was first said of a credit is final. `creditStatus` is what was said.',
  },
  'acquirer.unknown': {
    ...NO,
    status: 422,
    title: 'This terminal has no such acquirer',
    meaning:
      'No bank’s QR system of that name is set up for this terminal. Ask who runs the switch for its name, or leave `acquirer` out.',
  },
  'acquirer.unfit': {
    ...NO,
    status: 422,
    title: 'The acquirer cannot take such a bill',
    meaning:
      'Each entry of `errors` names a field that the bank’s QR system cannot carry, and what it takes.',
  },
  'qr.notReady': {
    ...AGAIN,
    status: 409,
    title: 'There is no code yet',
    meaning:
      'The bill’s acquirer has not given its code. `bill.opened` tells when it has; a bill that has ended before never gets one.',
  },
  'qr.formatUnfit': {
    ...NO,
    status: 422,
    title: 'The QR format cannot carry this bill',
    meaning:
      '`detail` says why: SBP moves roubles only and needs the institution’s member number, EMVCo needs a country. Ask for another `qrFormat`, or have the operator set what is missing. No bill was made.',
  },
  'driver.away': {
    ...AGAIN,
    status: 503,
    title: 'A driver does not answer',
    meaning:
      '`detail` says which, and what became of it: it is one that the operator has loaded, and it is away, late or broken. Nothing was done: no bill was made, no code was read. Try again in a moment; a create may ask for another `qrFormat`.',
  },
  'qr.tampered': {
    ...NO,
    status: 422,
    title: 'The QR code is not as it was issued',
    meaning:
      'It has the form of a code of this switch, but its checksum or tag does not agree with what it says: it was read wrongly, or changed. Scan it again; if that gives the same, take no money for it.',
  },
  'qr.tooDense': {
    ...NO,
    status: 422,
    title: 'The QR code does not fit that size',
    meaning:
      'Its modules would be less than two pixels wide, which scanners do not read. `sizeMin` is the least `size` for this bill with this margin and, where it was given, this `ecc`; it is left out where no size would do: ask for a lower `ecc`.',
  },
  'party.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such party',
    meaning:
      'No institution, merchant, terminal, paychannel or operator has this id, or this key does not see it; the answer does not tell which.',
  },
  'key.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such key',
    meaning: 'No key has this id, or it is not visible to yours; the answer does not tell which.',
  },
  'agreement.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such agreement',
    meaning: 'No agreement has this id, or it is between others; the answer does not tell which.',
  },
  'agreement.exists': {
    ...NO,
    status: 409,
    title: 'The institutions have an agreement',
    meaning:
      'One between these two, in this direction, has not ended: `agreementId` names it. End it first, or leave it as it is.',
  },
  'agreement.modesDiffer': {
    ...NO,
    status: 422,
    title: 'Test and live never meet',
    meaning:
      'One of the institutions is for tests, the other is not. The mode of an institution never changes: make another one of the mode that you need.',
  },
  'agreement.ended': {
    ...NO,
    status: 403,
    title: 'The agreement between the institutions has ended',
    meaning:
      'Nothing new begins for this bill through the paychannels of your institution: no views, no reservations, and no payments but under a live reservation. Status questions, events and credits go on to their end. A payment that was refused so has not been taken: void it, and give the money back.',
  },
  'tariff.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such tariff',
    meaning:
      'The merchant keeps no tariff under this name, or none of this revision, or it is not visible to your key; the answer does not tell which.',
  },
  'tariff.unknown': {
    ...NO,
    status: 422,
    title: 'The merchant keeps no such tariff',
    meaning:
      'No bill was made: `name` is under no tariff of the merchant that has not ended. An operator puts one there (`PUT /v1/operator/tariffs/{merchantId}/{tariffName}`); within a second bills can name it.',
  },
  'tariff.currencyMismatch': {
    ...NO,
    status: 422,
    title: 'The tariff is in another currency',
    meaning: 'No bill was made: a bill is in the currency of its tariff, which `currency` names.',
  },
  'tariff.notInForce': {
    ...NO,
    status: 422,
    title: 'The tariff is not in force yet',
    meaning:
      'No bill was made: the stay starts before `effectiveFrom` of the first version of the tariff.',
  },
  'webhook.notFound': {
    ...NO,
    status: 404,
    title: 'There is no such webhook',
    meaning:
      'No webhook has this id, or it is not visible to your key; the answer does not tell which.',
  },
  'rate.limited': {
    ...AGAIN,
    status: 429,
    title: 'Too much at once',
    meaning:
      'Too many calls are under way on this connection, or whoever holds the key, or its institution, has reached a limit that the operator has set: `limit` says which. Nothing was done; wait for `Retry-After` (`retryAfter`, over WebSocket too) and send it again.',
  },
  overloaded: {
    ...AGAIN,
    status: 503,
    title: 'The switch is overloaded',
    meaning:
      'Refused before anything was done. Send it again after `Retry-After`, with the same reference.',
  },
  'shard.unavailable': {
    ...AGAIN,
    status: 503,
    title: 'This part of the switch is starting or recovering',
    meaning: 'Nothing was done. Send it again after `Retry-After`, with the same reference.',
  },
  'shard.stopped': {
    ...AGAIN,
    status: 503,
    title: 'This part of the switch has stopped',
    meaning:
      'It waits for its operator. Nothing was done. Send it again later, with the same reference.',
  },
  'log.refused': {
    ...AGAIN,
    status: 503,
    title: 'The switch cannot write now',
    meaning:
      'Its log takes nothing at the moment. Nothing was done. Send it again after `Retry-After`, with the same reference.',
  },
  'history.unavailable': {
    ...AGAIN,
    status: 503,
    title: 'The switch cannot read its history now',
    meaning:
      'The answer needs what is not in memory. Nothing was done. Send it again after `Retry-After`, with the same reference.',
  },
  'outcome.unknown': {
    ...AGAIN,
    status: 504,
    title: 'The outcome is not known',
    meaning:
      'It may have been done or not. Ask (by order or payment reference), or send it again with the same reference: it takes effect once.',
  },
  shuttingDown: {
    ...AGAIN,
    status: 503,
    title: 'The switch is stopping',
    meaning: 'Nothing was done. Connect again and send it again, with the same reference.',
  },
  internal: {
    ...AGAIN,
    status: 500,
    title: 'The switch has made a mistake',
    meaning:
      'Our fault, and we are told of it. The outcome is not known: ask, or send it again with the same reference. Give us the `requestId`.',
  },
} as const satisfies Record<ProblemCode, ProblemSpec>;

export const PROBLEM_CODES = Object.keys(problems) as ProblemCode[];

export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(problems, text);
}

// The words of a bill: its nouns, its commands, its facts and its rejections, shared by every bill type.
//
// A *fact* is what the log remembers (API.md keeps the word *event* for a message to a terminal or paychannel).
// All values are immutable and nest by reference: a payment seen in an answer is the payment in the state.

import type { Step, StepTaken } from '../acquiring/acquired-bill.ts';
import type { Acquiring } from '../acquiring/record.ts';
import type { Outcome as CallOutcome, Registration, Sighting } from '../acquiring/words.ts';
import type {
  BillId,
  InstitutionId,
  MerchantId,
  PaychannelId,
  Reference,
  TerminalId,
} from '../ids.ts';
import type { Currency, Minor } from '../money.ts';
import type { Tariff } from '../tariff/tariff.ts';
import type { Millis } from '../time.ts';

export type BillType = 'dynamic' | 'static' | 'timer';
/** Of an institution, and so of its bills: test never meets live. */
export type Mode = 'test' | 'live';
export type Purpose = 'sale' | 'prepayment';
export type Capture = 'manual' | 'auto';
/** The formats of codes that are the switch's own. */
export const OWN_FORMATS = ['url', 'emvco', 'sbp'] as const;
export type OwnQrFormat = (typeof OWN_FORMATS)[number];
/** One of ours, or the name of a driver that the operator has loaded: 1 to 32 of `a-z0-9-`. */
export type QrFormat = OwnQrFormat | (string & Record<never, never>);

export function isOwnFormat(format: string): format is OwnQrFormat {
  return (OWN_FORMATS as readonly string[]).includes(format);
}
export type BillStatus =
  /** At an acquirer, which has not given its code yet. */
  | 'pending'
  | 'open'
  | 'partiallyPaid'
  | 'paid'
  | 'confirmed'
  | 'refunded'
  | 'cancelled'
  | 'expired'
  /** Its acquirer would not have it. */
  | 'failed';
/** Who ended or confirmed a bill. */
export type Cause = 'terminal' | 'operator' | 'timeout' | 'acquirer';
/** JSON as the client gave it: metadata, lines, receipts. Carried, never read. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

export interface Line {
  readonly name: string;
  readonly quantity: number;
  readonly price: Minor;
  readonly amount: Minor;
}

/** What a static bill asks of each payer, and how often. */
export interface Offer {
  readonly usage: 'single' | 'many';
  /** What one payment may bring; where the amount is fixed, both are it. */
  readonly minAmount: Minor;
  readonly maxAmount: Minor;
  /** Null: as many as come. */
  readonly maxPayments: number | null;
  /** Of all payments together. Null: as much as a bill can hold. */
  readonly maxTotal: Minor | null;
  /** Null: from its creation on. */
  readonly validFrom: Millis | null;
}

/** What the bill does where things do not go as they should; `unconfirmed`, which was there first, stands in the terms. */
export interface Policies {
  /** A payment after the bill's end. `accept`: of static bills for one payment only. */
  readonly late: 'refuse' | 'accept';
  /** A payment above what is due. `reverse`: it is taken, and what is above goes back at once. */
  readonly excess: 'refuse' | 'reverse';
  /** A payment of a part of what is due. */
  readonly part: 'allow' | 'forbid';
}

/** A sale of a sticker: a dynamic bill of its own. */
export interface Sale {
  /** The sale's bill. While the arm is under way: the one to be made, unless the order has one; tells this arm from others. */
  readonly billId: BillId;
  readonly terminalId: TerminalId;
  readonly orderId: Reference;
  /** Of the arm's body. */
  readonly digest: string;
  readonly amount: Minor;
  /** Null: all are as usual. */
  readonly policies: Policies | null;
  readonly armedAt: Millis;
  /** Counts from the arm, however late the bill is made. */
  readonly expiresAt: Millis;
}

/** What a timer bill charges for: the time since it started, by a tariff of its own. */
export interface Stay {
  readonly tariff: Tariff;
  readonly startedAt: Millis;
}

/** What has been asked for a stay, as last decided; what has become due since is in no fact yet. */
export interface Charged {
  readonly total: Minor;
  /** Until when one may leave, once all is paid; NEVER: nothing more becomes due. Null while something is due. */
  readonly clearUntil: Millis | null;
}

/** A price that was told: good to the cent before `until`. Nothing keeps it but whoever was told. */
export interface Quote {
  /** Of the whole stay, what has been paid of it included. */
  readonly total: Minor;
  /** The last instant for which the tariff itself asks no more; NEVER: it never will. */
  readonly coveredUntil: Millis;
  readonly until: Millis;
}

/** Through which bank's own QR system a bill is paid, and what that can do: as configured when the bill was made. */
export interface AtAcquirer {
  readonly name: string;
  /** Under whose name its payments and credits stand. */
  readonly paychannelId: PaychannelId;
  readonly closesByItself: boolean;
  /** Else it gives money back whole or not at all. */
  readonly partialRefund: boolean;
}

/** What was agreed when the bill was created. It never changes. */
export interface Terms {
  readonly id: BillId;
  readonly type: BillType;
  readonly institutionId: InstitutionId;
  readonly merchantId: MerchantId;
  readonly terminalId: TerminalId;
  /** Copied at creation, so that a view needs no look-up. */
  readonly merchant: { readonly name: string; readonly city: string };
  readonly orderId: Reference;
  /** Of the create's body: the same order with another body is another order. */
  readonly digest: string;
  readonly purpose: Purpose;
  /** 0 where the payer chooses from the range of the offer, or a tariff tells it. */
  readonly amount: Minor;
  readonly currency: Currency;
  readonly description: string | null;
  readonly lines: readonly Line[];
  readonly metadata: { readonly [key: string]: string } | null;
  readonly capture: Capture;
  readonly confirmWithinMs: number;
  readonly unconfirmed: 'confirm' | 'reverse';
  readonly qrFormat: QrFormat;
  /** What its code says, as issued. Absent where that follows from the bill's id (`url`). */
  readonly qrPayload?: string;
  readonly returnUrl: string | null;
  readonly relatedBillId: BillId | null;
  readonly createdAt: Millis;
  /** NEVER for a static bill without an end. */
  readonly expiresAt: Millis;
  /** Of static bills only. Dynamic ones have no such member, so that their records stay as they were. */
  readonly offer?: Offer;
  /** Absent where all are as usual (policies.ts). */
  readonly policies?: Policies;
  /** Of timer bills only. */
  readonly stay?: Stay;
  /** The most that one payment may bring on top. Absent: nothing. */
  readonly tipMax?: Minor;
  /** Absent: live. */
  readonly mode?: 'test';
  /** Absent: it is paid by wallets, by a code of ours. */
  readonly acquirer?: AtAcquirer;
}

/**
 * The bill's running totals. Before confirm `paid = held + reversed`; after, `paid = confirmed + reversed`
 * and `refunded ≤ confirmed`. `reversed` and `refunded` count from request; `unreturned` is the part of them
 * that a wallet rejected and nobody has resolved.
 */
export interface Books {
  readonly paid: Minor;
  readonly confirmed: Minor;
  readonly reversed: Minor;
  readonly refunded: Minor;
  readonly unreturned: Minor;
  /** The part of `paid` that was above what was due, and of `reversed` that went back at once for it. Absent: 0. */
  readonly excess?: Minor;
  /** Absent where no payment brought any. */
  readonly tips?: Tips;
}

/** What payments brought on top of their amounts, outside of all other sums. What was not returned was kept. */
export interface Tips {
  readonly paid: Minor;
  /** Counts from request. */
  readonly returned: Minor;
  /** The part of `returned` that a wallet rejected. */
  readonly unreturned: Minor;
}

export type PaymentStatus = 'accepted' | 'confirmed' | 'reversed' | 'refunded';

/** Money that a paychannel reported as debited, and that the bill took. */
export interface Payment {
  /** Counts from 1 within the bill, refused payments included. */
  readonly no: number;
  readonly paychannelId: PaychannelId;
  readonly paymentRef: Reference;
  readonly amount: Minor;
  /** How much of it has been requested back; never above `amount`. */
  readonly credited: Minor;
  readonly method: string | null;
  readonly payer: string | null;
  readonly paidAt: Millis | null;
  readonly status: PaymentStatus;
  readonly receivedAt: Millis;
  /** When the terminal acknowledged the event that told it of this payment. */
  readonly notifiedAt: Millis | null;
  /** Whether the channel asked to hear `payment.confirmed`. */
  readonly subscribed: boolean;
  /** The part of the amount that was above what was due: it goes back at once (`policies.excess`). Absent: 0. */
  readonly excess?: Minor;
  /** What it brought on top of the amount. Absent: 0. */
  readonly tip?: Minor;
  /** The tip was requested back, which it is whole or not at all. */
  readonly isTipReturned?: true;
  /** The paychannel's institution. Absent: the bill's own. */
  readonly institutionId?: InstitutionId;
}

/** A payment that the bill did not take: final for its `paymentRef`; the wallet returns the money itself. */
export interface RefusedPayment {
  readonly no: number;
  readonly paychannelId: PaychannelId;
  readonly paymentRef: Reference;
  readonly amount: Minor;
  readonly method: string | null;
  readonly receivedAt: Millis;
  readonly rejection: BillRejection;
  /** What it would have brought on top. Absent: 0. */
  readonly tip?: Minor;
  /** The paychannel's institution. Absent: the bill's own. */
  readonly institutionId?: InstitutionId;
}

export type CreditKind = 'reversal' | 'refund';

/** An instruction to a paychannel to give money back. */
export interface Credit {
  /** Counts from 1 within the bill. */
  readonly no: number;
  readonly kind: CreditKind;
  readonly paymentNo: number;
  readonly paychannelId: PaychannelId;
  readonly paymentRef: Reference;
  readonly amount: Minor;
  readonly status: 'pending' | 'settled' | 'rejected';
  /** Why, in the words of who spoke last: the refund's, then the wallet's where its settlement gives one. */
  readonly reason: string | null;
  /** What the wallet's settlement gave as its reason: a repeat of it is known by this. */
  readonly settledReason: string | null;
  /** The wallet's own reference of the credit. */
  readonly reference: string | null;
  readonly requestedAt: Millis;
  readonly settledAt: Millis | null;
  /** Days after `requestedAt` up to which `credit.requested` has been repeated, at most CREDIT_REPEATS_MAX. */
  readonly repeats: number;
  /** It returns the payment's tip, and nothing of the payment's amount. */
  readonly isTip?: true;
  /** The rejected credit that it was requested in place of. It draws nothing from its payment: that one did. */
  readonly replaces?: number;
  /** Of a rejected credit that an operator has dealt with: it is unreturned no more. */
  readonly resolution?: CreditResolution;
  /** It was given back at the acquirer, and nobody here asked for it. */
  readonly origin?: 'external';
}

/** What became of the money of a rejected credit: asked for by another one, or given back by another way. */
export type CreditResolution =
  | { readonly how: 'requestedAgain'; readonly creditNo: number }
  | { readonly how: 'returnedOtherwise'; readonly reference: string; readonly at: Millis };

/** A short hold on the due amount for one payer. */
export interface Reservation {
  /** Counts from 1 within the bill. */
  readonly no: number;
  readonly paychannelId: PaychannelId;
  readonly reservationRef: Reference;
  readonly amount: Minor;
  readonly expiresAt: Millis;
  /** Of timer bills only: the price that it freezes while it lives. */
  readonly quote?: Quote;
}

/** What the paychannel was told when its payment was accepted; repeated to the letter on a retry. */
export interface PaymentAnswer {
  readonly payment: Payment;
  readonly status: BillStatus;
  readonly version: number;
  readonly paid: Minor;
  readonly due: Minor;
  /** Of timer bills that it paid in full only. */
  readonly clearUntil?: Millis;
}

/** How a reference ended, for ever. */
export type Outcome =
  | { readonly type: 'accepted'; readonly answer: PaymentAnswer }
  | { readonly type: 'refused'; readonly payment: RefusedPayment }
  | { readonly type: 'voided'; readonly at: Millis }
  | { readonly type: 'reserved'; readonly reservation: Reservation }
  | { readonly type: 'done' }
  | { readonly type: 'rejected'; readonly rejection: BillRejection };

/** `payment` covers voids too: they share the name space of `paymentRef`. `key` is an `Idempotency-Key`. */
export type ReferenceKind = 'payment' | 'reservation' | 'key';

/** A client's reference with what became of it. Unique within the bill, kind and scope. */
export interface KeptReference {
  readonly kind: ReferenceKind;
  /** The paychannel's or, for a key, the terminal's (or operator's) id. */
  readonly scope: string;
  readonly ref: Reference;
  readonly digest: string;
  readonly outcome: Outcome;
}

export type EventType =
  | 'bill.paid'
  | 'payment.received'
  | 'bill.confirmed'
  | 'bill.cancelled'
  | 'bill.expired'
  | 'credit.requested'
  | 'credit.settled'
  | 'credit.rejected'
  | 'payment.confirmed'
  | 'bill.due'
  | 'bill.opened'
  | 'bill.failed';

/** `terminal:<id>` or `paychannel:<id>`: whose stream an event stands in. */
export type Recipient = `terminal:${string}` | `paychannel:${string}`;

/**
 * A message to a terminal or paychannel, pending until acknowledged. It keeps what was true when it was
 * raised: the money of the bill then, and the payment and credit as they were then.
 */
export interface BillEvent {
  /** Counts from 1 within the bill. */
  readonly no: number;
  readonly recipient: Recipient;
  readonly type: EventType;
  readonly occurredAt: Millis;
  readonly requestId: string;
  readonly status: BillStatus;
  readonly version: number;
  readonly paid: Minor;
  readonly due: Minor;
  readonly cause: Cause | null;
  readonly payment: Payment | null;
  readonly credit: Credit | null;
  /** With `payment.confirmed`: the fiscal receipt, where there is one. */
  readonly receipt: Json;
  /** With `bill.paid` of timer bills only. */
  readonly clearUntil?: Millis;
  /** Of bills to which tips were paid only: the books of them then. */
  readonly tips?: Tips;
  /** Of a dead letter that was sent again: when, and in place of which. It says what that one said. */
  readonly resentAt?: Millis;
  readonly resends?: number;
}

/** Who acts. `id` is the terminal's, merchant's, paychannel's or operator's. */
export interface Actor {
  readonly kind: 'terminal' | 'merchant' | 'paychannel' | 'operator' | 'switch';
  readonly id: string;
}

/** A sale as its terminal asks for it: the bill's own time says when. */
export type ProposedSale = Omit<Sale, 'armedAt' | 'expiresAt'> & { readonly ttlMs: number };

export type BillCommand =
  | { readonly type: 'CreateBill'; readonly terms: Terms }
  | {
      readonly type: 'ReserveBill';
      readonly paychannelId: PaychannelId;
      readonly reservationRef: Reference;
      readonly digest: string;
      /** Null: all that is due and not reserved. */
      readonly amount: Minor | null;
      readonly quote?: Quote;
    }
  | {
      readonly type: 'ReleaseReservation';
      readonly paychannelId: PaychannelId;
      readonly reservationNo: number;
    }
  | {
      readonly type: 'PayBill';
      readonly paychannelId: PaychannelId;
      /** The paychannel's institution. Absent: the bill's own. */
      readonly institutionId?: InstitutionId | undefined;
      readonly paymentRef: Reference;
      readonly digest: string;
      readonly amount: Minor;
      readonly currency: Currency;
      readonly reservationNo: number | null;
      readonly method: string | null;
      readonly payer: string | null;
      readonly paidAt: Millis | null;
      readonly subscribed: boolean;
      readonly quote?: Quote;
      /** On top of the amount, and more than nothing. Absent: 0. */
      readonly tip?: Minor;
    }
  | {
      readonly type: 'VoidPayment';
      readonly paychannelId: PaychannelId;
      readonly paymentRef: Reference;
    }
  | {
      readonly type: 'ConfirmBill';
      readonly by: Actor;
      /** Null: all that was paid, if nothing is due. */
      readonly amount: Minor | null;
      readonly receipt: Json;
    }
  | {
      readonly type: 'CancelBill';
      readonly by: Actor;
      /** With an amount it is a refund in part, and `key` is set. */
      readonly amount: Minor | null;
      readonly key: Reference | null;
      readonly digest: string;
      /** `order.resolve` with `cancelIfUnpaid`: decides nothing where anything was paid. */
      readonly onlyIfUnpaid: boolean;
    }
  | {
      readonly type: 'RefundBill';
      readonly by: Actor;
      /** Null: all that is left (of the payment, where one is named). */
      readonly amount: Minor | null;
      readonly paymentNo: number | null;
      readonly reason: string | null;
      readonly receipt: Json;
      readonly key: Reference;
      readonly digest: string;
      /** Tips go back, too: of the payment, or of all; then the amount may be 0. Absent: they stay. */
      readonly returnsTip?: boolean;
    }
  /** One payment of a static bill for many, by itself. */
  | {
      readonly type: 'ConfirmPayment';
      readonly by: Actor;
      readonly paymentNo: number;
      /** Null: all of it. */
      readonly amount: Minor | null;
    }
  | {
      readonly type: 'CancelPayment';
      readonly by: Actor;
      readonly paymentNo: number;
      /** With an amount it is a refund in part, and `key` is set. */
      readonly amount: Minor | null;
      readonly key: Reference | null;
      readonly digest: string;
    }
  /** Begins to arm a sticker for a sale: nothing is changed of the sale before it. */
  | { readonly type: 'ArmSticker'; readonly sale: ProposedSale }
  /** Ends the arm that goes by this bill's id: with the sale's bill or, null, without one. */
  | { readonly type: 'EndArming'; readonly attempt: BillId; readonly saleId: BillId | null }
  | { readonly type: 'AttachReceipt'; readonly receipt: Json }
  | {
      readonly type: 'SettleCredit';
      readonly paychannelId: PaychannelId;
      readonly creditNo: number;
      readonly status: 'settled' | 'rejected';
      readonly reference: string | null;
      readonly reason: string | null;
    }
  /** A rejected credit is asked for again, by one that takes its place. */
  | { readonly type: 'RequestCreditAgain'; readonly by: Actor; readonly creditNo: number }
  /** The money of a rejected credit was given back by another way: that is final. */
  | { readonly type: 'CloseCredit'; readonly creditNo: number; readonly reference: string }
  | {
      readonly type: 'AcknowledgeEvents';
      readonly recipient: Recipient;
      readonly nos: readonly number[];
    }
  /** Dead letters, as history has them, are to be sent again. */
  | { readonly type: 'ResendEvents'; readonly events: readonly BillEvent[] }
  /** Begins the call to the acquirer that is due, so that it may be made. */
  | { readonly type: 'BeginAcquiring'; readonly acquirer: string }
  /** What came of a call, `no` of the bill's, or of a look after it. */
  | {
      readonly type: 'FinishAcquiring';
      readonly acquirer: string;
      readonly no: number;
      readonly step: StepTaken;
      readonly outcome: CallOutcome<Registration> | CallOutcome<Sighting>;
    }
  /** The earliest due timer of the bill, if one is due by now; one timer a command. */
  | { readonly type: 'RunTimer' };

export type BillFact =
  | { readonly type: 'BillCreated'; readonly terms: Terms }
  | {
      readonly type: 'ReservationMade';
      readonly reservation: Reservation;
      readonly digest: string;
    }
  | {
      readonly type: 'ReservationEnded';
      readonly no: number;
      readonly how: 'used' | 'released' | 'lapsed' | 'closed';
    }
  | { readonly type: 'PaymentAccepted'; readonly payment: Payment }
  /** Comes last among the facts of its payment: keeps the answer that the paychannel is given. */
  | { readonly type: 'PaymentAnswered'; readonly no: number; readonly digest: string }
  | { readonly type: 'PaymentRefused'; readonly payment: RefusedPayment; readonly digest: string }
  | {
      readonly type: 'PaymentVoided';
      readonly paychannelId: PaychannelId;
      readonly paymentRef: Reference;
    }
  | {
      readonly type: 'BillConfirmed';
      readonly amount: Minor;
      readonly cause: Cause | null;
      readonly receipt: Json;
    }
  | { readonly type: 'BillCancelled'; readonly cause: Cause }
  /** What a stay costs by now: comes first among the facts that rest on it. */
  | ({ readonly type: 'StayCharged' } & Charged)
  | { readonly type: 'BillExpired' }
  /** What was not reversed of it before is final. */
  | { readonly type: 'PaymentConfirmed'; readonly no: number }
  | { readonly type: 'CreditRequested'; readonly credit: Credit }
  /** A pending credit was asked for again (daily). */
  | { readonly type: 'CreditRepeated'; readonly no: number }
  | {
      readonly type: 'CreditSettled';
      readonly no: number;
      readonly status: 'settled' | 'rejected';
      readonly reference: string | null;
      readonly reason: string | null;
    }
  /** In place of the rejected one that it `replaces`. */
  | { readonly type: 'CreditRequestedAgain'; readonly credit: Credit }
  | {
      readonly type: 'CreditReturnedOtherwise';
      readonly no: number;
      readonly reference: string;
    }
  | { readonly type: 'ReceiptAttached'; readonly receipt: Json }
  | {
      readonly type: 'KeyUsed';
      readonly scope: string;
      readonly key: Reference;
      readonly digest: string;
      readonly rejection: BillRejection | null;
    }
  /** Comes after what it tells of: takes its snapshot from the bill as it then is. */
  | {
      readonly type: 'EventRaised';
      readonly to: Recipient;
      readonly event: EventType;
      readonly cause: Cause | null;
      readonly paymentNo: number | null;
      readonly creditNo: number | null;
    }
  | { readonly type: 'EventsAcknowledged'; readonly nos: readonly number[] }
  /** It takes the place of the one that it `resends`. */
  | { readonly type: 'EventResent'; readonly event: BillEvent }
  | { readonly type: 'ArmingBegun'; readonly sale: Sale; readonly repeatAt: Millis }
  /** Whoever began the arm may have gone: the switch drives it on. */
  | { readonly type: 'ArmingRepeated'; readonly repeatAt: Millis }
  /** The sticker is as it was before the arm. */
  | { readonly type: 'ArmingGivenUp' }
  | { readonly type: 'StickerArmed'; readonly saleId: BillId }
  /** Its acquirer has it: there is a code. */
  | { readonly type: 'BillOpened' }
  | { readonly type: 'BillFailed' }
  /** A call to the acquirer is about to be made (decision 14). */
  | { readonly type: 'AcquiringBegun'; readonly step: Step; readonly wakeAt: Millis }
  | { readonly type: 'AcquiringKept'; readonly acquiring: Acquiring }
  /** Payments with all their credits, and events, that the bill need not keep at hand: history has them. */
  | {
      readonly type: 'PartsLetGo';
      readonly payments: readonly number[];
      readonly events: readonly number[];
    }
  /** Parts that had been let go, as history has them: the facts after it change them. */
  | ({ readonly type: 'PartsRecalled' } & Parts);

/** Parts of a bill: each payment with all its credits. */
export interface Parts {
  readonly payments: readonly Payment[];
  readonly credits: readonly Credit[];
  readonly events: readonly BillEvent[];
}

/** Why a bill cannot be paid or reserved now. */
export type NotPayableReason =
  | 'expired'
  | 'cancelled'
  | 'paid'
  | 'reserved'
  | 'withdrawn'
  | 'notYetValid'
  | 'limit'
  /** It carries sales, and takes nothing itself. */
  | 'armed'
  /** Its money comes through its acquirer's own code. */
  | 'acquirer';

/** Why a bill cannot be armed for a sale. */
export type NotArmableReason = NotPayableReason | 'notStatic';

/** Understood, and no. Spelled as the problem codes of API.md; plain objects, since they cross threads. */
export type BillRejection =
  | { readonly rejected: 'bill.notFound' }
  | { readonly rejected: 'bill.notPayable'; readonly reason: NotPayableReason }
  | { readonly rejected: 'bill.notArmable'; readonly reason: NotArmableReason }
  /** `billId` is null where the order's bill is still being made. */
  | { readonly rejected: 'order.reused'; readonly billId: BillId }
  | { readonly rejected: 'bill.stillDue'; readonly due: Minor }
  | { readonly rejected: 'bill.notPaid' }
  | { readonly rejected: 'bill.notConfirmable'; readonly status: BillStatus }
  | { readonly rejected: 'bill.notCancellable'; readonly status: BillStatus }
  | { readonly rejected: 'bill.notRefundable'; readonly status: BillStatus }
  | { readonly rejected: 'bill.limitReached'; readonly limit: number; readonly of: string }
  | { readonly rejected: 'payment.exceedsDue'; readonly due: Minor }
  | { readonly rejected: 'payment.partForbidden'; readonly due: Minor }
  | { readonly rejected: 'payment.tipForbidden' }
  | { readonly rejected: 'payment.tipExceedsMax'; readonly max: Minor }
  | {
      readonly rejected: 'payment.outOfRange';
      readonly minAmount: Minor;
      readonly maxAmount: Minor;
    }
  | { readonly rejected: 'payment.notConfirmable'; readonly status: PaymentStatus }
  | { readonly rejected: 'payment.notCancellable'; readonly status: PaymentStatus }
  | { readonly rejected: 'payment.notRefundable'; readonly status: PaymentStatus }
  | { readonly rejected: 'payment.currencyMismatch'; readonly currency: Currency }
  | { readonly rejected: 'payment.refReused' }
  | { readonly rejected: 'payment.void' }
  | { readonly rejected: 'payment.notFound' }
  | { readonly rejected: 'reservation.expired' }
  | { readonly rejected: 'quote.expired' }
  | { readonly rejected: 'reservation.exceedsDue'; readonly due: Minor }
  | { readonly rejected: 'reservation.refReused' }
  | { readonly rejected: 'reservation.notFound' }
  | { readonly rejected: 'confirm.exceedsPaid'; readonly paid: Minor }
  | { readonly rejected: 'refund.exceedsConfirmed'; readonly left: Minor }
  | { readonly rejected: 'refund.paymentRequired' }
  /** Its acquirer gives back all that is left, or nothing. */
  | { readonly rejected: 'refund.partForbidden'; readonly left: Minor }
  | { readonly rejected: 'cancel.amountBeforeConfirm' }
  | { readonly rejected: 'idempotency.reused' }
  | { readonly rejected: 'credit.notFound' }
  | { readonly rejected: 'credit.settledOtherwise'; readonly status: 'settled' | 'rejected' }
  | {
      readonly rejected: 'credit.notRejected';
      readonly status: 'pending' | 'settled' | CreditResolution['how'];
    };

/** What is commanded of a sticker's sales, beside what is of any bill. */
export type StickerCommand = CommandOf<'ArmSticker' | 'EndArming'>;

/** What is commanded of a bill at an acquirer by whoever makes the calls. */
export type AcquiringCommand = CommandOf<'BeginAcquiring' | 'FinishAcquiring'>;

/** What any bill may be asked for, once it is there. */
export type PresentCommand = Exclude<
  BillCommand,
  { type: 'CreateBill' } | StickerCommand | AcquiringCommand
>;

/** The command of one type. */
export type CommandOf<T extends BillCommand['type']> = Extract<BillCommand, { readonly type: T }>;

/** The fact of one type. */
export type FactOf<T extends BillFact['type']> = Extract<BillFact, { readonly type: T }>;

/** Facts to remember ([]: already so), or why not. */
export type BillDecision = readonly BillFact[] | BillRejection;

/** When a transition happened and which request asked for it: what `evolve` stamps on what it makes. */
export interface Moment {
  readonly at: Millis;
  readonly requestId: string;
}

export function isRejection(decision: BillDecision): decision is BillRejection {
  return 'rejected' in decision;
}

export const RESERVATION_MS = 120_000;
/** Live reservations of one bill. */
export const RESERVATIONS_MAX = 100;
/** Live reservations of one static bill for many. */
export const RESERVATIONS_OF_MANY_MAX = 1_000;
/** Accepted payments of one dynamic bill: each may need a reversal of its own. */
export const PAYMENTS_MAX = 500;
/** Credits of one dynamic bill. A full return needs one a payment, so refunds in part stop PAYMENTS_MAX earlier. */
export const CREDITS_MAX = 2_000;
export const CREDIT_REPEATS_MAX = 30;
/** References that a bill keeps in memory; older ones are asked of Postgres. */
export const REFERENCES_KEPT = 64;
/** An event not acknowledged for so long is a dead letter. */
export const EVENT_LIFE_MS = 30 * 86_400_000;
/** The latest payments and the latest credits, which every answer shows, stay with their bill. */
export const LATEST_KEPT = 20;
/** Payments and events beyond which a static bill for many lets go of those that it need not keep. */
export const PAYMENTS_KEPT = 40;
export const EVENTS_KEPT = 64;
/** Payments of a static bill for many that wait for their confirm. */
export const UNCONFIRMED_MAX = 1_000;
/** Credits of a static bill for many that wait for their settlement, before more can be refunded. */
export const PENDING_CREDITS_MAX = 1_000;
/** Credits of one payment of a static bill for many. */
export const PAYMENT_CREDITS_MAX = 100;
/** How long a sticker knows its sale's order again: as long as the same order means the same bill. */
export const SALE_LIFE_MS = 86_400_000;
/** An arm that has not ended for so long is driven on by the switch itself. */
export const ARMING_REPEAT_MS = 2_000;
export const ARMING_REPEAT_MAX_MS = 3_600_000;
/** A bill's total stays below it. */
export const TOTAL_MAX = 9_000_000_000_000_000;

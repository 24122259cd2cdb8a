// What a gateway asks of a shard, and what it hears back. Parsed once at the edge: what stands here is valid.

import type { StepTaken } from '../domain/acquiring/acquired-bill.ts';
import type { Outcome as CallOutcome, Registration, Sighting } from '../domain/acquiring/words.ts';
import type { PresentBill } from '../domain/bill/state.ts';
import type {
  BillEvent,
  BillRejection,
  Credit,
  Json,
  Payment,
  PaymentAnswer,
  ProposedSale,
  Quote,
  Recipient,
  RefusedPayment,
  Reservation,
  Terms,
} from '../domain/bill/vocabulary.ts';
import type {
  BillId,
  InstitutionId,
  PaychannelId,
  Reference,
  ShardId,
  TerminalId,
} from '../domain/ids.ts';
import type { Currency, Minor } from '../domain/money.ts';
import type { Tariff } from '../domain/tariff/tariff.ts';
import type { Millis } from '../domain/time.ts';
import type { AcquiringNotice, AcquiringStanding } from './acquirers.ts';
import type { FoundTransition } from './archive.ts';
import type { FaultCode } from './faults.ts';
import type { StreamedEvent } from './ports.ts';
import type { Principal } from './principal.ts';

/** How the reply's body is to be written: for the wire, or packed for the gateway's own use. */
export type Encoding = 'json' | 'msgpack';

/** Terms as the terminal gives them: the shard adds when. */
export type ProposedTerms = Omit<Terms, 'createdAt' | 'expiresAt' | 'stay'> & {
  readonly expiresInMs: number;
  /** Where the end is a time, not a span: of static bills (or NEVER), and of sales. */
  readonly validUntil?: Millis;
  /** Of timer bills only. */
  readonly stay?: ProposedStay;
};

export interface ProposedStay {
  readonly tariff: Tariff;
  /** Null: when its bill is created. */
  readonly startedAt: Millis | null;
}

/** One operation on one bill or order. Body fields are null where the client left them out. */
export type Operation =
  | { readonly op: 'bill.create'; readonly terms: ProposedTerms }
  | {
      readonly op: 'order.resolve';
      readonly terminalId: TerminalId;
      readonly orderId: Reference;
      readonly cancelIfUnpaid: boolean;
    }
  /**
   * Whether the order is free for this body: `order.notFound` where it is, its bill where it has been made of it. Of a
   * create that cannot be done now, but may have been done before, `otherwise` says why: that is told where it is free.
   */
  | {
      readonly op: 'order.check';
      readonly terminalId: TerminalId;
      readonly orderId: Reference;
      readonly digest: string;
      readonly otherwise?: SwitchRejection;
    }
  /** The bill of the caller's own order; `bill.notFound` where there is none. */
  | { readonly op: 'order.get'; readonly terminalId: TerminalId; readonly orderId: Reference }
  | {
      readonly op: 'bill.get';
      readonly billId: BillId;
      /** Answers once the version is above this, or after `waitMs`. Null: at once. */
      readonly afterVersion: number | null;
      readonly waitMs: number;
    }
  | {
      readonly op: 'bill.confirm';
      readonly billId: BillId;
      readonly amount: Minor | null;
      readonly receipt: Json;
    }
  | {
      readonly op: 'bill.cancel';
      readonly billId: BillId;
      readonly amount: Minor | null;
      readonly key: Reference | null;
      readonly digest: string;
    }
  | {
      readonly op: 'bill.refund';
      readonly billId: BillId;
      readonly amount: Minor | null;
      /** Null: newest payment first. 0: a payment id that names no payment of this bill. */
      readonly paymentNo: number | null;
      readonly reason: string | null;
      readonly receipt: Json;
      readonly key: Reference;
      readonly digest: string;
      readonly returnsTip: boolean;
    }
  /** One payment by itself. 0: a payment id that names none of this bill. */
  | {
      readonly op: 'payment.confirm';
      readonly billId: BillId;
      readonly paymentNo: number;
      readonly amount: Minor | null;
    }
  | {
      readonly op: 'payment.cancel';
      readonly billId: BillId;
      readonly paymentNo: number;
      readonly amount: Minor | null;
      readonly key: Reference | null;
      readonly digest: string;
    }
  | {
      readonly op: 'payment.refund';
      readonly billId: BillId;
      readonly paymentNo: number;
      readonly amount: Minor | null;
      readonly reason: string | null;
      readonly key: Reference;
      readonly digest: string;
      readonly returnsTip: boolean;
    }
  /** Begins to arm a sticker, or tells what came of it; the gateway does what is to be done between. */
  | { readonly op: 'bill.arm'; readonly billId: BillId; readonly sale: ProposedSale }
  /** The gateway's own: ends the arm of that order that goes by `attempt`; without a sale where there is none. */
  | {
      readonly op: 'sticker.end';
      readonly billId: BillId;
      readonly terminalId: TerminalId;
      readonly orderId: Reference;
      readonly attempt: BillId;
      readonly saleId: BillId | null;
    }
  /** The gateway's own: the arm under way, which it drives on. */
  | { readonly op: 'sticker.get'; readonly billId: BillId }
  /** The shard's own: `order.resolve` with `cancelIfUnpaid`, once it knows the order's bill. */
  | { readonly op: 'order.cancel'; readonly billId: BillId }
  | { readonly op: 'bill.receipt'; readonly billId: BillId; readonly receipt: Json }
  | { readonly op: 'bill.view'; readonly billId: BillId }
  /** For anybody's camera: merchant, amount and state; no principal is asked for. */
  | { readonly op: 'bill.page'; readonly billId: BillId }
  | {
      readonly op: 'bill.reserve';
      readonly billId: BillId;
      readonly reservationRef: Reference;
      readonly digest: string;
      readonly amount: Minor | null;
      readonly quote?: Quote;
    }
  | { readonly op: 'bill.release'; readonly billId: BillId; readonly reservationNo: number }
  | {
      readonly op: 'payment.create';
      readonly billId: BillId;
      readonly paymentRef: Reference;
      readonly digest: string;
      readonly amount: Minor;
      readonly currency: Currency;
      /** Null: none named. 0: an id that names no reservation of this bill. */
      readonly reservationNo: number | null;
      readonly method: string | null;
      readonly payer: string | null;
      readonly paidAt: Millis | null;
      /** An id that is no quote of this bill is one that has run out. */
      readonly quote?: Quote;
      /** On top of the amount, and more than nothing. Absent: 0. */
      readonly tip?: Minor;
    }
  | { readonly op: 'payment.get'; readonly billId: BillId; readonly paymentRef: Reference }
  | { readonly op: 'payment.void'; readonly billId: BillId; readonly paymentRef: Reference }
  | { readonly op: 'credit.get'; readonly billId: BillId; readonly creditNo: number }
  | {
      readonly op: 'credit.settle';
      readonly billId: BillId;
      readonly creditNo: number;
      readonly status: 'settled' | 'rejected';
      readonly reference: string | null;
      readonly reason: string | null;
    }
  | { readonly op: 'credit.request'; readonly billId: BillId; readonly creditNo: number }
  | {
      readonly op: 'credit.close';
      readonly billId: BillId;
      readonly creditNo: number;
      readonly reference: string;
    }
  /** Of whoever makes the calls to acquirers: the call that is due, durable before it is told. */
  | { readonly op: 'acquiring.begin'; readonly billId: BillId; readonly acquirer: string }
  /** What came of it. */
  | {
      readonly op: 'acquiring.finish';
      readonly billId: BillId;
      readonly acquirer: string;
      readonly no: number;
      readonly step: StepTaken;
      readonly outcome: CallOutcome<Registration> | CallOutcome<Sighting>;
    }
  /** Dead letters of one bill, as history has them. */
  | {
      readonly op: 'event.resend';
      readonly billId: BillId;
      readonly events: readonly BillEvent[];
    }
  /** Events of one bill; the gateway splits a list by bill and adds the counts. */
  | { readonly op: 'event.ack'; readonly billId: BillId; readonly nos: readonly number[] };

export interface Request {
  /** The gateway's own number for the reply. */
  readonly seq: number;
  readonly shard: ShardId;
  /** Null for what anybody may ask. */
  readonly principal: Principal | null;
  readonly requestId: string;
  readonly encoding: Encoding;
  readonly operation: Operation;
}

/** What came of an operation: in domain words. The presenter writes it for the wire. */
export type Reply =
  | {
      readonly kind: 'bill';
      readonly bill: PresentBill;
      readonly created: boolean;
      readonly now: Millis;
    }
  | { readonly kind: 'orderVoided'; readonly orderId: Reference; readonly at: Millis }
  | {
      readonly kind: 'view';
      readonly bill: PresentBill;
      readonly paychannelId: PaychannelId;
      readonly now: Millis;
    }
  | { readonly kind: 'page'; readonly bill: PresentBill; readonly now: Millis }
  | {
      readonly kind: 'reservation';
      readonly bill: PresentBill;
      readonly reservation: Reservation;
      readonly created: boolean;
    }
  | { readonly kind: 'released' }
  | {
      readonly kind: 'payment';
      readonly bill: PresentBill;
      readonly answer: PaymentAnswer;
      readonly created: boolean;
    }
  /** `payment.get` and `payment.void`: accepted (as it is now), refused, or voided. */
  | {
      readonly kind: 'paymentFate';
      readonly bill: PresentBill;
      readonly paychannelId: PaychannelId;
      readonly institutionId: InstitutionId;
      readonly paymentRef: Reference;
      readonly fate:
        | { readonly type: 'accepted'; readonly answer: PaymentAnswer }
        | { readonly type: 'refused'; readonly payment: RefusedPayment }
        | { readonly type: 'voided'; readonly at: Millis };
    }
  /** A sticker; `saleId` is that of the order asked about, where the sticker carries it. For the gateway alone. */
  | { readonly kind: 'sticker'; readonly bill: PresentBill; readonly saleId: BillId | null }
  /** How a bill at an acquirer stands, for whoever makes the calls. */
  | { readonly kind: 'acquiring'; readonly standing: AcquiringStanding }
  /** The answer is another bill's: the gateway asks that one. */
  | { readonly kind: 'elsewhere'; readonly billId: BillId }
  /** One payment as it is now, for its terminal. */
  | {
      readonly kind: 'paymentNow';
      readonly bill: PresentBill;
      readonly payment: Payment;
      readonly now: Millis;
    }
  | {
      readonly kind: 'credit';
      readonly bill: PresentBill;
      readonly credit: Credit;
      readonly now: Millis;
    }
  /** Events that were acknowledged or, dead, are sent again. */
  | { readonly kind: 'acknowledged'; readonly count: number }
  | { readonly kind: 'rejection'; readonly rejection: SwitchRejection }
  | {
      readonly kind: 'fault';
      readonly code: FaultCode;
      readonly detail: string;
      readonly retryAfterS: number;
    };

type Flaws = readonly { readonly path: string; readonly message: string }[];

/** The domain's rejections and those of the use cases around it. */
export type SwitchRejection =
  | BillRejection
  /** No bank's QR system of that name is this terminal's to use. */
  | { readonly rejected: 'acquirer.unknown' }
  /** It takes no such bill: which fields, and what it takes. */
  | { readonly rejected: 'acquirer.unfit'; readonly errors: Flaws }
  | { readonly rejected: 'order.void' }
  | { readonly rejected: 'order.notFound' }
  | { readonly rejected: 'event.notFound' }
  /** Nothing new begins for a suspended party. */
  | { readonly rejected: 'request.suspended' }
  /** Nor for a paychannel of an institution whose agreement with the bill's has ended. */
  | { readonly rejected: 'agreement.ended' }
  /** A bill of a tariff that cannot be had by this name, or not for this bill. */
  | { readonly rejected: 'tariff.unknown'; readonly name: string }
  | {
      readonly rejected: 'tariff.currencyMismatch';
      readonly name: string;
      readonly currency: Currency;
    }
  | { readonly rejected: 'tariff.notInForce'; readonly name: string }
  /** What can be asked has changed since: it names a format that no loaded driver has any more, say. */
  | { readonly rejected: 'request.invalid'; readonly detail: string; readonly errors: Flaws }
  /** A bill whose code cannot be in the format that it is to have. */
  | { readonly rejected: 'qr.formatUnfit'; readonly detail: string }
  /** The format is a loaded driver's, which has not answered as it should. */
  | { readonly rejected: 'driver.away'; readonly detail: string }
  | { readonly rejected: 'forbidden' };

/** What a gateway asks of a worker as a whole, beside its shards' requests. */
export type WorkerQuery =
  /** From now on push events of this recipient; answer with what is pending in memory. */
  | { readonly query: 'subscribe'; readonly recipient: Recipient }
  | { readonly query: 'unsubscribe'; readonly recipient: Recipient }
  /** Events of a recipient in memory: pending ones, and ends (acknowledged, replaced) that history may not show yet. */
  | { readonly query: 'events'; readonly recipient: Recipient }
  /** Answered `done` once all requests that were sent before it have been taken. */
  | { readonly query: 'taken' }
  /** The time up to which this worker's shards have written all to history. */
  | { readonly query: 'reached' }
  /** What has become of a bill and history does not have yet. */
  | { readonly query: 'unwritten'; readonly billId: BillId };

export type WorkerAnswer =
  | {
      readonly answer: 'events';
      readonly pending: readonly StreamedEvent[];
      /** Ids of events that ended and that history may still show as pending. */
      readonly ended: readonly string[];
    }
  | { readonly answer: 'reached'; readonly at: Millis }
  | {
      readonly answer: 'unwritten';
      /** With what history has, complete up to this time; null: the bill's shard is not served here. */
      readonly at: Millis | null;
      /** Oldest first. */
      readonly transitions: readonly FoundTransition[];
    }
  | { readonly answer: 'done' };

/** Writes replies and events for the wire. Implemented by protocols; called in the worker, so that encoding is done once. */
export interface Presenter {
  present(
    reply: Reply,
    encoding: Encoding,
    requestId: string,
  ): { status: number; body: Uint8Array };
  presentEvent(event: StreamedEvent, encoding: Encoding): Uint8Array;
}

/** A gateway's way to the shards: batches what a tick brings, one message a worker. */
export interface ShardDoor {
  readonly shards: number;
  /** Calls back exactly once: with the shard's reply, or with a 503 or 504 of its own where the shard cannot answer. */
  send(request: Omit<Request, 'seq'>, onReply: (status: number, body: Uint8Array) => void): void;
  /** Asks every worker. Rejects with a Fault where one of them cannot answer. */
  ask(query: WorkerQuery): Promise<WorkerAnswer[]>;
  /** Events of subscribed recipients, as they commit, in order within a bill. */
  onEvent(listener: (event: StreamedEvent) => void): void;
  /** Events of subscribed recipients that are pending no more, whichever gateway took the acknowledgement. */
  onEventEnded(listener: (recipient: Recipient, eventId: string) => void): void;
  /** A bill at which something that spans several has begun and not ended: whoever hears of it drives it on. */
  onUnfinished(listener: (billId: BillId) => void): void;
  /** A bill at an acquirer at which a call may be due. For subscribed recipients. */
  onAcquiring(listener: (notice: AcquiringNotice) => void): void;
  /** A worker has begun (again): what was subscribed must be subscribed anew, pending events read again. */
  onWorkerStart(listener: () => void): void;
}

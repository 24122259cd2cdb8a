// What a gateway reads of history: lists, and the streams of events that have left memory.

import type { PresentBill } from '../domain/bill/state.ts';
import type { Credit, Payment, Recipient, RefusedPayment } from '../domain/bill/vocabulary.ts';
import type {
  BillId,
  InstitutionId,
  MerchantId,
  PaychannelId,
  Reference,
  TerminalId,
} from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { EventPlace, StreamedEvent } from './ports.ts';

/** Which bills a list may show: those of an institution, a merchant or a single terminal. */
export interface BillScope {
  readonly institutionId: InstitutionId;
  readonly merchantId: MerchantId | null;
  readonly terminalId: TerminalId | null;
}

/** A place in a list, newest first: by time, then id. The gateway makes cursors of it. */
export interface ListPlace {
  readonly at: Millis;
  readonly id: string;
  readonly no: number;
}

export interface ListFilter {
  readonly status: string | null;
  /** Inclusive. */
  readonly from: Millis | null;
  /** Exclusive. */
  readonly to: Millis | null;
  /** Nothing later is shown: the time that every shard's history has reached. */
  readonly asOf: Millis;
  readonly after: ListPlace | null;
  /** 1 to 100. */
  readonly limit: number;
}

export interface ListedPayment {
  readonly bill: PresentBill;
  readonly payment: Payment | RefusedPayment;
}

export interface ListedCredit {
  readonly bill: PresentBill;
  readonly credit: Credit;
  /** The paychannel's. */
  readonly payingInstitutionId: string;
}

/** What paychannels have to do with: those of an institution, or of all (null), or one of them. */
export interface PaidThrough {
  readonly institutionId: string | null;
  readonly through: PaychannelId | null;
}

/** Whose payments or credits a list shows. */
export type PartsOf =
  | { readonly billId: BillId }
  | { readonly paychannelId: PaychannelId }
  | PaidThrough;

/** Lists and streams out of history. What is newer than `asOf` is left out, so that pages are complete. */
export interface Listings {
  /** Pending events of a recipient after a place, oldest first; none that occurred before `since` (dead letters). */
  pendingEvents(
    recipient: Recipient,
    after: EventPlace | null,
    limit: number,
    since: Millis,
  ): Promise<StreamedEvent[]>;
  /**
   * All of them as they are at one time, whatever is written while they are read: pages of separate statements may show
   * an event without the one before it of its bill, which came in between. `page` answers whether it wants more.
   */
  allPendingEvents(
    recipient: Recipient,
    since: Millis,
    page: (events: readonly StreamedEvent[]) => boolean | Promise<boolean>,
  ): Promise<void>;
  /** Re-reading: events of a recipient after a place, acknowledged or not, up to `asOf`, oldest first. */
  events(
    recipient: Recipient,
    after: EventPlace | null,
    limit: number,
    window: { since: Millis; asOf: Millis },
  ): Promise<StreamedEvent[]>;
  /** The place of one event, if the recipient has it. */
  eventPlace(recipient: Recipient, billId: BillId, no: number): Promise<EventPlace | null>;
  bills(scope: BillScope, filter: ListFilter): Promise<PresentBill[]>;
  /** The newest bill of an order within a merchant; null where there is none. */
  billOfOrder(merchantId: MerchantId, orderId: Reference): Promise<BillId | null>;
  /** Payments of one bill or of one paychannel. `status` `refused` included. */
  payments(of: PartsOf, filter: ListFilter): Promise<ListedPayment[]>;
  credits(of: PartsOf, filter: ListFilter): Promise<ListedCredit[]>;
  close(): Promise<void>;
}

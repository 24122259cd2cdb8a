// What operators find in history: bills, payments, credits and events of all that they see, and what became of each bill.

import type { PresentBill } from '../domain/bill/state.ts';
import type { Credit, Payment, Purpose, RefusedPayment } from '../domain/bill/vocabulary.ts';
import type { BillId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { EntryId } from './entry-id.ts';
import type { ListFilter } from './listings-port.ts';
import type { StreamedEvent } from './ports.ts';

/** Of whose bills; null: no bound. */
export interface ArchiveScope {
  readonly institutionId: string | null;
  readonly merchantId: string | null;
}

/** What is searched by is not null. */
export interface BillSearch extends ListFilter {
  readonly orderId: string | null;
  readonly paymentRef: string | null;
  readonly merchantId: string | null;
  readonly terminalId: string | null;
  readonly type: string | null;
  readonly amount: number | null;
}

export interface PartSearch extends ListFilter {
  readonly paymentRef: string | null;
  readonly paychannelId: string | null;
  readonly merchantId: string | null;
  readonly amount: number | null;
}

export interface EventSearch extends ListFilter {
  readonly type: string | null;
  readonly terminalId: string | null;
  readonly paychannelId: string | null;
  /** Pending since before this, an event is a dead letter. */
  readonly deadBefore: Millis;
}

/** What of its bill a payment or credit is shown with. */
export interface PartBill {
  readonly id: BillId;
  readonly orderId: string;
  readonly institutionId: string;
  readonly merchantId: string;
  readonly terminalId: string;
  readonly currency: string;
  readonly purpose: Purpose;
}

export type EventFate = 'pending' | 'acknowledged' | 'replaced' | 'dead';

export interface FoundEvent {
  readonly streamed: StreamedEvent;
  readonly fate: EventFate;
  readonly acknowledgedAt: Millis | null;
}

/** One transition of a bill: its place among the bill's is that of its entry, then its number there. */
export interface FoundTransition {
  readonly entry: EntryId;
  readonly no: number;
  readonly version: number;
  /** The command's type. */
  readonly type: string;
  readonly at: Millis;
  /** `kind:id`. */
  readonly actor: string;
  readonly requestId: string;
  readonly outcome: string;
}

export interface TransitionPlace {
  readonly entry: EntryId;
  readonly no: number;
}

/** All lists but that of transitions are newest first, and show nothing later than their `asOf`. */
export interface Archive {
  bills(scope: ArchiveScope, search: BillSearch): Promise<PresentBill[]>;
  payments(
    scope: ArchiveScope,
    search: PartSearch,
  ): Promise<{ bill: PartBill; payment: Payment | RefusedPayment }[]>;
  credits(scope: ArchiveScope, search: PartSearch): Promise<{ bill: PartBill; credit: Credit }[]>;
  /** Of a merchant: events to its terminals. Of one bill: those to paychannels too. */
  events(of: ArchiveScope | { billId: BillId }, search: EventSearch): Promise<FoundEvent[]>;
  /** One event of a bill, whoever it is to. */
  event(billId: BillId, no: number, deadBefore: Millis): Promise<FoundEvent | null>;
  /** Oldest first: what history has after a place. */
  transitions(
    billId: BillId,
    after: TransitionPlace | null,
    limit: number,
  ): Promise<FoundTransition[]>;
  close(): Promise<void>;
}

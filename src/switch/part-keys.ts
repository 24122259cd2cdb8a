// Parts of bills: how they are asked for, and what is found.

import type { BillEvent, Credit, Parts, Payment } from '../domain/bill/vocabulary.ts';
import type { BillId } from '../domain/ids.ts';

/** One part to look for. A credit is found with its payment. */
export interface PartKey {
  readonly billId: BillId;
  readonly kind: 'payment' | 'credit' | 'event';
  readonly no: number;
}

/** What is found: a payment with all its credits, or an event that is pending; nulls where there is none. */
export interface FoundPart {
  readonly payment: Payment | null;
  readonly credits: readonly Credit[];
  readonly event: BillEvent | null;
}

/** What one transition let go, and which events it ended that the bill no longer had. */
export interface PartsBeside extends Parts {
  readonly ended: readonly number[];
}

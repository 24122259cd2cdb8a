// What the switch keeps of a bill at an acquirer. Plain JSON: it is durable before anything rests on it.

import type { Currency, Minor } from '../money.ts';
import type { Millis } from '../time.ts';
import type { Registration, Sighting } from './words.ts';

export interface AcquiredBill {
  /** 1 to 29 of `A-Za-z0-9-`. */
  readonly billId: string;
  readonly amount: Minor;
  readonly currency: Currency;
  readonly description: string;
  readonly createdAt: Millis;
  readonly expiresAt: Millis;
  readonly status: 'pending' | 'open' | 'paid' | 'cancelled' | 'expired' | 'failed';
  /** Why it failed. */
  readonly reason: string | null;
  /** Registrations begun with a number of their own. */
  readonly round: number;
  readonly registration: Registration | null;
  readonly isCancelWanted: boolean;
  /** When the registering or cancelling was last begun. */
  readonly sentAt: Millis | null;
  /** Null: it must be looked at before anything is done. */
  readonly seen: Sighting | null;
  readonly paid: Minor;
  readonly refunds: readonly RefundOrder[];
  /** Given back, and not by us. */
  readonly external: Minor;
  /** Calls in a row that brought nothing. */
  readonly failures: number;
  readonly dueAt: Millis;
}

/** A bill's record, with what the switch adds. */
export interface Acquiring {
  readonly record: AcquiredBill;
  /** Counts the calls begun that may have an effect: an answer names the one after which it was asked for. */
  readonly no: number;
  /** When the shard itself has the next call made, whoever was to make it. */
  readonly wakeAt: Millis;
}

export interface RefundOrder {
  readonly id: string;
  readonly amount: Minor;
  readonly status: 'asked' | 'sent' | 'done' | 'refused';
  readonly returnedBefore: Minor | null;
  readonly sentAt: Millis | null;
  /** How often the acquirer has said no for now. */
  readonly attempts: number;
  /** When it first refused, for now. Absent: it has not, or an older switch did not keep it. */
  readonly deniedAt?: Millis;
  readonly reason: string | null;
}

// The words in which the switch and an acquirer's driver speak of a bill there: what is registered, asked, answered and
// seen. Plain JSON: it crosses threads, and what the switch keeps of it lies in its log. The contract of drivers
// (drivers/contract/bill-driver.ts) is written in them.

import type { Currency, Minor } from '../money.ts';
import type { Millis } from '../time.ts';

/** A bill as the acquirer is to know it. */
export interface Tender {
  /** 1 to 32 of `A-Za-z0-9-`. Another registration of the same bill has another. */
  readonly id: string;
  readonly amount: Minor;
  readonly currency: Currency;
  /** What the payer's app may show. */
  readonly description: string;
  readonly expiresAt: Millis;
}

export interface Attempt {
  /** When a call of this intent was last begun; null: never, so that nothing needs to be asked first. */
  readonly lastSentAt: Millis | null;
  /** When this one was begun, for whoever makes it; absent: just now. */
  readonly begunAt?: Millis;
}

/** What the switch keeps of a registered bill, and gives back with every call. Plain JSON. */
export interface Registration {
  readonly id: Tender['id'];
  readonly amount: Minor;
  readonly currency: Currency;
  /** The acquirer's own name of it. */
  readonly ref: string;
  /** The text of the code. */
  readonly payload: string;
  /** The driver's own, to 1 KB. */
  readonly notes: Readonly<Record<string, string>>;
}

export interface Refund {
  /** 1 to 64 of `A-Za-z0-9._:-`. */
  readonly id: string;
  readonly amount: Minor;
  /** What had been given back, by whomever, when this refund was decided. */
  readonly returnedBefore: Minor;
}

export interface Sighting {
  /**
   * `open`: it can be paid. `paying`: a payer has begun. `paid`: money came; it stays so when it is given back. The other
   * three are final, and no money came.
   */
  readonly status: 'open' | 'paying' | 'paid' | 'cancelled' | 'expired' | 'failed';
  readonly paid: Minor;
  /** Of it, given back: by us or by hand. */
  readonly returned: Minor;
  /** A refund has been taken and may yet fail, whether or not it shows in `returned`. */
  readonly isReturning: boolean;
  /** The payment's number where all banks know it, say that of SBP. */
  readonly reference: string | null;
  /** A masked name or phone. */
  readonly payer: string | null;
}

export type NotDoneCode =
  | 'unreachable'
  | 'busy'
  | 'unauthorised'
  | 'unfit'
  | 'unregistered'
  | 'paid'
  | 'notPaid'
  | 'closed'
  | 'exceeds'
  | 'moved'
  | 'usedUp'
  | 'refused';

/** When it may be tried again: never, with a new id, or after so long. */
export type Again = 'never' | 'anew' | { readonly afterMs: number };

export interface NotDone {
  readonly outcome: 'notDone';
  readonly code: NotDoneCode;
  /** For people: the acquirer's own code and words. */
  readonly detail: string;
  readonly again: Again;
}

export interface Unknown {
  readonly outcome: 'unknown';
  readonly detail: string;
  /** Asking earlier brings nothing. */
  readonly afterMs: number;
  /** Nothing was sent this time, and why not; absent: it may have been. */
  readonly unsent?: Unsent;
}

/**
 * `early`: a call made before can still arrive, for so long. `unclear`: nobody could tell what has become of it. `busy`: nor
 * was anybody let in to ask, and the acquirer wants to be left alone for so long.
 */
export type Unsent = 'early' | 'unclear' | 'busy';

export interface Done<Value> {
  readonly outcome: 'done';
  readonly value: Value;
}

export type Outcome<Value> = Done<Value> | NotDone | Unknown;

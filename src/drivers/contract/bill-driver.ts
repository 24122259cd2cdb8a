// The contract of a driver for an acquirer: how the switch has a bank's own QR system register a bill, learns what has
// become of it, ends it, and has money given back. docs/drivers.md writes one from nothing; decision 14 says why it is so.
//
// Four rules bind every driver, and `npm run driver:check` tries them:
//
//   D1. **The caller's name of a thing is its identity.** A tender of one id is registered once, a refund of one id given
//       once, however often the driver is asked, by however many of its lives.
//   D2. **It asks before it does again.** Where `lastSentAt` is set, an earlier call may have had its effect, and its
//       answer was lost: the driver looks first, and while a late call could still arrive it says `unknown`.
//   D3. **An answer is what is so.** `done`: it is so at the acquirer. `notDone`: it is not, and will not come to be by
//       what was sent. Whatever else happened is `unknown`. Nothing is thrown.
//   D4. **It keeps nothing.** What it must know again it gives in `Registration`; the switch stores that before anybody
//       sees the code.
//
// Money is integers of minor units. Times are by the clock that the driver is given.

import type { Currency, Minor } from '../../domain/money.ts';
import type { Millis } from '../../domain/time.ts';
import type { DriverModule, Surroundings } from './driver-module.ts';

/** What a driver's package exports, as `driver`. Its name is what a bill's `acquirer` is set up with. */
export interface BillDriverModule extends DriverModule<BillDriver, Surroundings> {
  readonly kind: 'bill';
}

export interface Capabilities {
  /** Money can be held and taken later. Where it cannot, a lower confirm becomes a refund of a part. */
  readonly hold: boolean;
  readonly partialRefund: boolean;
  /** The acquirer itself ends what is unpaid at `expiresAt`; else the switch cancels it then. */
  readonly closesByItself: boolean;
  /** `unsigned`: anybody could send one. Either way one is a reason to look, and nothing more. */
  readonly notifications: 'signed' | 'unsigned' | 'none';
  readonly currencies: readonly string[];
  readonly amountMin: Minor;
  readonly amountMax: Minor;
  /** How far ahead `expiresAt` may lie. */
  readonly lifetimeMinMs: number;
  readonly lifetimeMaxMs: number;
}

export interface BillDriver {
  readonly capabilities: Capabilities;
  /** Registers the bill. A code is handed out only of what this gave back. */
  register(tender: Tender, attempt: Attempt): Promise<Outcome<Registration>>;
  /** What the acquirer says of it now. Has no effect. */
  look(registration: Registration): Promise<Outcome<Sighting>>;
  /**
   * Ends what is unpaid. Once it is paid: `notDone` with code `paid`, unless the acquirer gave the money back in ending
   * it, which the sighting shows.
   */
  cancel(registration: Registration, attempt: Attempt): Promise<Outcome<Sighting>>;
  /** Gives back all or part. One refund of a registration is under way at a time. */
  refund(registration: Registration, refund: Refund, attempt: Attempt): Promise<Outcome<Sighting>>;
  /** Reads what somebody has posted to the address of notifications. Never rejects, whatever it is. */
  readNotification(posted: PostedNotification): Promise<NotificationReading>;
  /** Lets go of connections. What is under way comes to its end as `unknown` or better. */
  close(): Promise<void>;
}

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

/** When a call of this intent was last begun; null: never, so that nothing needs to be asked first. */
export interface Attempt {
  readonly lastSentAt: Millis | null;
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
  /** A refund has been taken and is not yet in `returned`. */
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
}

export interface Done<Value> {
  readonly outcome: 'done';
  readonly value: Value;
}

export type Outcome<Value> = Done<Value> | NotDone | Unknown;

export interface PostedNotification {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whose state is worth a look, and what the acquirer waits to hear; or why it is none of its. */
export type NotificationReading =
  | { readonly about: { readonly id: string; readonly ref: string }; readonly reply: PostedReply }
  | { readonly refused: string; readonly reply: PostedReply };

export interface PostedReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function done<Value>(value: Value): Done<Value> {
  return { outcome: 'done', value };
}

export function notDone(code: NotDoneCode, detail: string, again: Again): NotDone {
  return { outcome: 'notDone', code, detail, again };
}

export function unknown(detail: string, afterMs: number): Unknown {
  return { outcome: 'unknown', detail, afterMs };
}

// The contract of a driver for an acquirer: how the switch has a bank's own QR system register a bill, learns what has
// become of it, ends it, and has money given back. docs/drivers.md writes one from nothing; decision 14 says why it is so.
//
// Four rules bind every driver, and `npm run driver:check` tries them:
//
//   D1. **The caller's name of a thing is its identity.** A tender of one id is registered once, a refund of one id given
//       once, however often the driver is asked, by however many of its lives.
//   D2. **It asks before it does again.** Where `lastSentAt` is set, an earlier call may have had its effect, and its
//       answer was lost: the driver looks first, and while a late call could still arrive it says `unknown`, and that it
//       has sent nothing (`unsent`): else what must be waited for would begin anew whenever it is asked.
//   D3. **An answer is what is so.** `done`: it is so at the acquirer. `notDone`: it is not, and will not come to be by
//       what was sent, now or before. Whatever else happened is `unknown`. Nothing is thrown.
//   D4. **It keeps nothing.** What it must know again it gives in `Registration`; the switch stores that before anybody
//       sees the code.
//
// Money is integers of minor units. Times are by the clock that the driver is given.

import type {
  Again,
  Attempt,
  Done,
  NotDone,
  NotDoneCode,
  Outcome,
  Refund,
  Registration,
  Sighting,
  Tender,
  Unknown,
  Unsent,
} from '../../domain/acquiring/words.ts';
import type { Minor } from '../../domain/money.ts';
import type { DriverModule, Surroundings } from './driver-module.ts';

export type {
  Again,
  Attempt,
  Done,
  NotDone,
  NotDoneCode,
  Outcome,
  Refund,
  Registration,
  Sighting,
  Tender,
  Unknown,
  Unsent,
} from '../../domain/acquiring/words.ts';

/** A call that has not answered by then is taken to have had any effect or none. */
export const ANSWER_MS = 30_000;

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
  /** Of them `content-type` alone is passed on. */
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

/** As `unknown`, of what was not even sent this time. */
export function unsent(why: Unsent, detail: string, afterMs: number): Unknown {
  return { outcome: 'unknown', detail, afterMs, unsent: why };
}

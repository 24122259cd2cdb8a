// What the conformance kit asks of a package beside its driver: an acquirer to try it on, that pays, misbehaves and shows
// its books on request. It is exported as `startTestBank`.

import type { Capabilities, PostedNotification, Registration } from '../contract/bill-driver.ts';
import type { KitClock } from './kit-clock.ts';
import type { StartTestReceiver } from './test-receiver.ts';

/** `driver`: the name of the driver that is tried, for a package that has several. */
export type StartTestBank = (clock: KitClock, driver: string) => Promise<TestBank>;

export interface TestBank {
  /** Settings with which the driver reaches it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Calls that have come in, those that were lost on the way included. */
  readonly calls: () => number;
  /** A payer pays; whether it could be paid. */
  pay(registration: Registration): Promise<boolean>;
  /** As `pay`, of a part of it; where the acquirer lets that be paid. */
  payPart?(registration: Registration, amount: number): Promise<boolean>;
  giveBackByHand(registration: Registration, amount: number): Promise<void>;
  /** What befalls the next call of a kind; one at a time. */
  disturb(call: DisturbedCall, how: Disturbance): Promise<void>;
  books(): Promise<readonly TestBankEntry[]>;
  /** What the acquirer posts when it is paid; where capabilities say that it posts anything. */
  notificationOf?(registration: Registration): PostedNotification;
  close(): Promise<void>;
}

/** The one call of each operation that changes something; `look`: the one that asks. */
export type DisturbedCall = 'register' | 'look' | 'cancel' | 'refund';

/**
 * `requestLost`: the connection breaks, and nothing was done. `answerLost`: it was done. `late`: it is done half a minute
 * later. `failed`: HTTP 500 after it was done. `garbled`: HTTP 200 after it was done, and no answer of the acquirer's.
 * `stalled`: it is done, and the answer comes after an hour. `busy`: HTTP 429, not done, again after seven seconds.
 */
export type Disturbance =
  | 'requestLost'
  | 'answerLost'
  | 'late'
  | 'failed'
  | 'garbled'
  | 'stalled'
  | 'busy';

export interface TestBankEntry {
  /** The id of the tender, and what the acquirer calls it. */
  readonly id: string;
  readonly ref: string;
  readonly isOpen: boolean;
  readonly amount: number;
  /** Needed of a bank whose driver takes more than one. */
  readonly currency?: string;
  readonly paid: number;
  readonly returned: number;
}

/** What a driver's package exports for the kit: what its kind asks for. */
export interface Subject {
  readonly exported: unknown;
  /** Imports the package once more, with nothing in it of what it had in memory. Undefined: it cannot be. */
  readonly anew?: (() => Promise<unknown>) | undefined;
  readonly startTestBank?: StartTestBank | undefined;
  readonly startTestReceiver?: StartTestReceiver | undefined;
  /** Of a QR format: settings to try it with; a package that has several says them by the driver's name. */
  readonly testSettings?: TestSettings | ((driver: string) => TestSettings) | undefined;
}

export type TestSettings = Readonly<Record<string, unknown>>;

/** Whether the kit can try refunds of a part. */
export function canReturnParts(capabilities: Capabilities): boolean {
  return capabilities.partialRefund;
}

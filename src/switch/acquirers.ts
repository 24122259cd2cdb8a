// The acquirers that are set up, as everybody may know them: secrets and calls are the driver's. And what shards tell whoever
// makes the calls.

import type { Step } from '../domain/acquiring/acquired-bill.ts';
import type { AtAcquirer, Recipient } from '../domain/bill/vocabulary.ts';
import type { BillId, InstitutionId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { Principal } from './principal.ts';

export interface KnownAcquirer {
  readonly institutionId: InstitutionId;
  /** Whose terminals may use it; null: all of the institution. */
  readonly merchants: readonly string[] | null;
  /** Which terminals; null: all of these merchants. */
  readonly terminals: readonly string[] | null;
  /** What a bill's terms say of it. */
  readonly at: AtAcquirer;
  readonly takes: {
    readonly currencies: readonly string[];
    readonly amountMin: number;
    readonly amountMax: number;
    readonly lifetimeMinMs: number;
    readonly lifetimeMaxMs: number;
  };
  /** The part of the address of its notifications that nobody guesses; null: it is polled only. */
  readonly notificationToken: string | null;
}

/** How a bill stands for whoever makes the calls. */
export interface AcquiringStanding {
  /** Of the answer to the step. */
  readonly no: number;
  /** Null: nothing is to be called before `visitAt`. */
  readonly step: Step | null;
  readonly visitAt: Millis;
  /** Somebody waits for the next call: it goes before looks. */
  readonly isAwaited: boolean;
}

/** A call to the acquirer whose channel this is may be due. */
export interface AcquiringNotice {
  readonly recipient: Recipient;
  readonly billId: BillId;
  readonly isAwaited: boolean;
}

/** What somebody has posted to the address of an acquirer's notifications. */
export interface PostedToAcquirer {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface AcquirerReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The acquirer of that name, if this terminal may use it. */
export function acquirerFor(
  known: readonly KnownAcquirer[],
  name: string,
  terminal: Principal,
): KnownAcquirer | undefined {
  return known.find(
    ({ at, institutionId, merchants, terminals }) =>
      at.name === name &&
      institutionId === terminal.institutionId &&
      (merchants === null || merchants.includes(terminal.merchantId ?? '')) &&
      (terminals === null || terminals.includes(terminal.id)),
  );
}

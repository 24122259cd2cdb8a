// The acquirers that are set up, as everybody may know them: secrets and calls are the driver's.

import type { AtAcquirer } from '../domain/bill/vocabulary.ts';
import type { InstitutionId } from '../domain/ids.ts';
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

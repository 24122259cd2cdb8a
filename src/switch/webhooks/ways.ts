// The ways by which events reach an endpoint: what its sender and the operators' calls ask of whatever delivers. The first is
// the webhook; others are drivers that the operator has loaded.

/** What an endpoint's holder is: a merchant's is a way for terminals. */
export type WayKind = 'terminal' | 'paychannel';

/** Where an event is to go. */
export interface Receiver {
  readonly endpointId: string;
  /** They fit the way's schema of an endpoint. */
  readonly settings: unknown;
  /** Those that are live, for ways that sign; never none. */
  readonly secrets: readonly string[];
}

export interface Message {
  /** The event's, the same in every attempt. */
  readonly id: string;
  readonly type: string;
  /** The event's exact bytes: JSON, as a socket sends it. */
  readonly body: Uint8Array;
}

/**
 * What came of one attempt. `delivered`: the receiver has it. `again`: it is to be tried later, not sooner than `afterMs`, by the
 * schedule. `refused`: this event is never taken, and is a dead letter at once. `gone`: nothing is, until a test passes.
 */
export type Delivered =
  | { readonly is: 'delivered' }
  | { readonly is: 'again'; readonly said: string; readonly afterMs: number }
  | { readonly is: 'refused' | 'gone'; readonly said: string };

/** Whether an endpoint has shown that it is its holder's, and what it did, for people. */
export interface Proof {
  readonly isProven: boolean;
  readonly said: string;
}

/** One way. Nothing of it rejects. */
export interface DeliveryWay {
  prove(receiver: Receiver): Promise<Proof>;
  /** `as`: what metrics call the outcome, one of a few words. */
  deliver(receiver: Receiver, message: Message): Promise<{ delivered: Delivered; as: string }>;
}

export type Checked =
  | { readonly value: unknown }
  | { readonly flaws: readonly { readonly path: string; readonly message: string }[] }
  | { readonly away: string };

export interface DeliveryWays {
  of(driver: string, kind: WayKind): DeliveryWay;
  /** Whether settings fit an endpoint of the driver; as they are kept then. */
  check(driver: string, kind: WayKind, settings: unknown): Promise<Checked>;
}

/** The way that needs no loading. */
export const WEBHOOK = 'webhook';

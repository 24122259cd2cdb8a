// Webhooks as operators see and change them, and as their sender does.

import type { EventType, Recipient } from '../../domain/bill/vocabulary.ts';
import type { BillId } from '../../domain/ids.ts';
import type { Acting, Changed, PageOf, PartyKind, Scope } from '../operator-desk.ts';
import type { Principal } from '../principal.ts';
import type { Receiver, WayKind } from './ways.ts';

export type WebhookHolderKind = Extract<PartyKind, 'terminal' | 'merchant' | 'paychannel'>;
export type WebhookState = 'pending' | 'active' | 'disabled';

/** An endpoint, as operators see it. */
export interface Webhook {
  readonly id: string;
  readonly holder: { readonly kind: WebhookHolderKind; readonly id: string };
  /** By which way: `webhook`, or a loaded driver. */
  readonly driver: string;
  /** Of a webhook; null: what its driver is told is not shown. */
  readonly url: string | null;
  /** Null: all. */
  readonly eventTypes: readonly string[] | null;
  readonly state: WebhookState;
  /** Wall clock, ms; as all times here. */
  readonly createdAt: number;
  readonly secrets: readonly WebhookSecret[];
  readonly health: WebhookHealth;
}

export interface WebhookSecret {
  readonly id: string;
  readonly createdAt: number;
  /** Null: until it is replaced. */
  readonly endsAt: number | null;
}

export interface WebhookHealth {
  /** `closed`, `open` or `probing`; null where its sender has not told yet. */
  readonly breaker: string | null;
  readonly pending: number;
  readonly deadLetters: number;
  readonly succeededAt: number | null;
  readonly failedAt: number | null;
  readonly failure: string | null;
}

/** An event that an endpoint was not brought to take in its time. */
export interface DeadLetter {
  readonly id: string;
  readonly billId: string;
  readonly type: string;
  readonly occurredAt: number;
  readonly since: number;
  readonly failure: string | null;
}

/** The desk's part: every change is one statement, with its line of the audit. The key of what changed is its secret. */
export interface WebhookDesk {
  find(scope: Scope, id: string): Promise<Webhook | null>;
  list(scope: Scope, holderId: string | null, page: PageOf): Promise<Webhook[]>;
  /** `unknown`: there is no such holder. */
  add(
    acting: Acting,
    of: {
      holderId: string;
      driver: string;
      /** They fit the driver's schema of an endpoint; a webhook's are its URL. */
      settings: unknown;
      eventTypes: readonly string[] | null;
    },
  ): Promise<Changed<Webhook>>;
  /** A new secret; those of before end after the overlap. */
  rotate(acting: Acting, id: string, overlapMs: number): Promise<Changed<Webhook>>;
  remove(acting: Acting, id: string): Promise<Changed<Webhook>>;
  deadLetters(id: string, page: PageOf): Promise<DeadLetter[]>;
  /** Those dead letters are owed again; null: all. */
  resend(acting: Acting, id: string, events: readonly LetterId[] | null): Promise<Changed<Webhook>>;
  /** Null: there is no such holder. */
  holderKind(scope: Scope, id: string): Promise<WebhookHolderKind | null>;
  /** What its way needs to reach it now; null: it has been removed. */
  receiverOf(id: string): Promise<Receiver | null>;
  /** It has answered a challenge that the operator had sent. */
  proven(acting: Acting, id: string): Promise<void>;
  close(): Promise<void>;
}

export interface LetterId {
  readonly billId: BillId;
  readonly no: number;
}

/** A letter, as its sender keeps it. */
export interface Letter extends LetterId {
  readonly recipient: Recipient;
  readonly type: EventType;
  /** Of an event that was sent again: when that was. */
  readonly occurredAt: number;
}

/** An endpoint, as its sender needs it. */
export interface Endpoint {
  readonly id: string;
  readonly driver: string;
  readonly kind: WayKind;
  readonly settings: unknown;
  readonly eventTypes: ReadonlySet<string> | null;
  readonly state: WebhookState;
  /** Those that are live now; never none. */
  readonly secrets: readonly string[];
  /** Whose events it gets: those in whose name it acknowledges. */
  readonly principals: readonly Principal[];
}

/** An event that an endpoint was not brought to take, and is not sent again by itself. */
export interface GivenUp extends LetterId {
  readonly endpointId: string;
}

export interface ToldHealth {
  readonly id: string;
  readonly breaker: string;
  readonly pending: number;
  readonly succeededAt: number | null;
  readonly failedAt: number | null;
  readonly failure: string | null;
}

/** The sender's part: read at changes, written off the way of deliveries. */
export interface WebhookBook {
  endpoints(): Promise<Endpoint[]>;
  proven(id: string): Promise<void>;
  /** It has answered 410. */
  disable(id: string): Promise<void>;
  tellHealth(health: readonly ToldHealth[]): Promise<void>;
  /**
   * They are given up by each of the endpoints, or owed to each: all of it or nothing, and durable once it resolves. A repeat,
   * where it is not known what has become of the first, gives up nothing that has been sent again since.
   */
  keep(
    ids: readonly string[],
    state: 'dead' | 'owed',
    letters: readonly Letter[],
    of: { readonly failure: string; readonly isRepeat: boolean },
  ): Promise<void>;
  /** Events that are pending beyond a delivery's life, and that nobody has given up yet, become dead letters. */
  bury(recipients: readonly Recipient[], before: number): Promise<number>;
  /** What endpoints that are not active are owed since before then becomes dead letters: some of it; answers how much. */
  buryOwed(before: number): Promise<number>;
  /**
   * Dead letters of what occurred before that are kept no more, nor any of endpoints that were removed: some of them; answers
   * whether there may be others.
   */
  discard(before: number): Promise<boolean>;
  /** The first letters that an endpoint is owed, oldest first. */
  owed(id: string, limit: number): Promise<{ letter: Letter; since: number }[]>;
  /** The dead letters of these endpoints for what occurred since then: of each the latest, so many at the most. */
  givenUp(ids: readonly string[], since: number, limit: number): Promise<GivenUp[]>;
  /** They are neither owed nor dead any more. */
  settle(id: string, letters: readonly LetterId[]): Promise<void>;
  close(): Promise<void>;
}

// Events on their way to the endpoints of their holder.
//
//   One is pending until somebody acknowledges it: a socket, a poll, or us, once the endpoints have taken it. An endpoint
//   that fails while another has taken it shall not hold that one up: it is owed the event by a letter, which is durable
//   before the event is acknowledged.

import { sentAt } from '../../domain/bill/outbox.ts';
import type { BillId } from '../../domain/ids.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Letter } from '../../switch/webhooks/ports.ts';
import type { PendingEvent } from '../gateway/pending.ts';
import type { EndpointSender } from './endpoint-sender.ts';
import type { Parcel } from './parcel.ts';

export interface LetterContext {
  /** Whether this node is the one that sends events of this bill. */
  isOurs(billId: BillId): boolean;
  /** The event among what is pending here, where it is. */
  pendingOf(event: StreamedEvent): Parcel | undefined;
  /** Whether others than these are to be brought it, as far as is known now. */
  isAwaitedBeside(endpointIds: ReadonlySet<string>, event: StreamedEvent): boolean;
  /** Once it resolves, each of them has its letter; before, all or none. */
  owe(senders: readonly EndpointSender[], event: StreamedEvent): Promise<void>;
  /** The endpoint is not brought to take it: once it resolves, its letter says so. */
  died(endpointId: string, event: StreamedEvent, failure: string): Promise<void>;
  /** The endpoint has taken what it was owed and what is not pending here. */
  settle(endpointId: string, event: StreamedEvent): void;
  /** It has taken what is pending: where it was owed that as well, it is so no more. */
  taken(endpointId: string, event: StreamedEvent): void;
  /** Resolves once no letter of the event is on its way to Postgres, whoever sent it there. */
  areKept(event: StreamedEvent): Promise<void>;
  /** Whether it has a letter that says so, or will have once that is kept. */
  isOwed(endpointId: string, event: StreamedEvent): boolean;
  /** It is owed this already: it is brought that, whatever becomes of what is pending. */
  offerOwed(sender: EndpointSender, event: StreamedEvent): void;
}

export interface ParcelContext extends LetterContext {
  acknowledge(id: string): void;
}

/** An event that is pending. */
export class PendingParcel implements Parcel {
  readonly #pending: PendingEvent;
  readonly #context: ParcelContext;
  readonly #outstanding: Map<string, EndpointSender>;
  readonly #taken = new Set<string>();
  /** Once all that is missing is kept, it is acknowledged. */
  #isEnding = false;
  /** Letters that are not durable yet. */
  #unkept = 0;

  constructor(pending: PendingEvent, senders: readonly EndpointSender[], context: ParcelContext) {
    this.#pending = pending;
    this.#context = context;
    this.#outstanding = new Map(senders.map((sender) => [sender.endpoint.id, sender]));
  }

  get event(): StreamedEvent {
    return this.#pending.event;
  }

  /** Goes to all its endpoints. It tells once it is pending no more, or not from here. */
  send(onDone: () => void): void {
    this.#pending.onDone = () => {
      onDone();
      for (const sender of this.#outstanding.values()) this.#leave(sender);
    };
    for (const sender of [...this.#outstanding.values()]) {
      sender.offerPending(this, sentAt(this.event.event));
    }
  }

  isOver(): boolean {
    return this.#pending.isDone || !this.#context.isOurs(this.event.bill.id);
  }

  taken(endpointId: string): void {
    this.#outstanding.delete(endpointId);
    this.#taken.add(endpointId);
    this.#context.taken(endpointId, this.event);
    this.#goOn();
  }

  heldUp(): void {
    this.#goOn();
  }

  died(endpointId: string, failure: string): void {
    this.#outstanding.delete(endpointId);
    this.#unkept += 1;
    void this.#context.died(endpointId, this.event, failure).then(() => {
      this.#unkept -= 1;
      this.#goOn();
    });
  }

  #goOn(): void {
    // What is acknowledged comes to nobody again: whoever has not taken it needs its letter first.
    if (this.#taken.size === 0 || this.#isEnding || this.#unkept > 0) return;
    // Since it was sent somebody has become active, who gets it by what is so now: this one ends nothing before that has.
    if (this.#pending.isDone && this.#context.isAwaitedBeside(this.#taken, this.event)) return;
    const behind = [...this.#outstanding.values()];
    if (behind.length > 0) {
      // Somebody has acknowledged it; or it goes on as another parcel, by what is so now.
      if (this.#pending.isDone) return;
      if (!behind.every((sender) => sender.isHeldUp(this.event.bill.id))) return;
    }
    // From here on each is owed it by itself: what becomes of that is no matter of this parcel's.
    this.#isEnding = true;
    this.#outstanding.clear();
    // All at once: of two letters one alone, after a crash, would acknowledge what the other is owed.
    void this.#context
      .owe(behind, this.event)
      // Of one that refused it before its stream was read anew, the letter may still be on its way.
      .then(() => this.#context.areKept(this.event))
      .then(() => this.#context.acknowledge(this.#pending.id));
  }

  /** It is pending no more, or not read from here: whoever has a letter is owed it all the same. */
  #leave(sender: EndpointSender): void {
    const { bill, event } = this.event;
    if (this.#context.isOwed(sender.endpoint.id, this.event)) {
      this.#context.offerOwed(sender, this.event);
    } else {
      sender.drop(bill.id, event.no);
    }
  }
}

/** An event that one endpoint is owed, acknowledged or not. Where it is pending as well, it is for that parcel to go on. */
export class OwedParcel implements Parcel {
  readonly event: StreamedEvent;
  readonly #context: LetterContext;

  constructor(event: StreamedEvent, context: LetterContext) {
    this.event = event;
    this.#context = context;
  }

  isOver(): boolean {
    return !this.#context.isOurs(this.event.bill.id);
  }

  taken(endpointId: string): void {
    const pending = this.#context.pendingOf(this.event);
    if (pending === undefined) this.#context.settle(endpointId, this.event);
    else pending.taken(endpointId);
  }

  heldUp(): void {
    this.#context.pendingOf(this.event)?.heldUp();
  }

  died(endpointId: string, failure: string): void {
    const pending = this.#context.pendingOf(this.event);
    if (pending === undefined) void this.#context.died(endpointId, this.event, failure);
    else pending.died(endpointId, failure);
  }
}

/** The letter that says of an event that an endpoint has not taken it. */
export function letterOf({ bill, event }: StreamedEvent): Letter {
  const { no, recipient, type } = event;
  return { billId: bill.id, no, recipient, type, occurredAt: sentAt(event) };
}

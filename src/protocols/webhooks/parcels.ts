// Events on their way to the endpoints of their holder.
//
//   One is pending until somebody acknowledges it: a socket, a poll, or us, once the endpoints have taken it. An endpoint
//   that fails while another has taken it shall not hold that one up: it is owed the event by a letter, which is durable
//   before the event is acknowledged.

import type { BillId } from '../../domain/ids.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Letter } from '../../switch/webhooks/ports.ts';
import type { PendingEvent } from '../gateway/pending.ts';
import type { EndpointSender, Parcel } from './endpoint-sender.ts';

export interface LetterContext {
  /** Whether this node is the one that sends events of this bill. */
  isOurs(billId: BillId): boolean;
  /** Once it resolves, each of the endpoints has its letter; before, all or none. */
  keep(
    endpointIds: readonly string[],
    state: 'owed' | 'dead',
    letter: Letter,
    failure: string,
  ): Promise<void>;
  /** The endpoint has taken what it was owed: that acknowledges it too, where nothing has yet. */
  settle(endpointId: string, letter: Letter): void;
  /** It has taken what is pending: where it was owed that as well, it is so no more. */
  taken(endpointId: string, letter: Letter): void;
  /** Resolves once no letter of the event is on its way to Postgres, whoever sent it there. */
  areKept(letter: Letter): Promise<void>;
  /** Whether it has a letter that says so, or will have once that is kept. */
  isOwed(endpointId: string, letter: Letter): boolean;
}

export interface ParcelContext extends LetterContext {
  acknowledge(id: string): void;
}

/** An event that is pending. */
export class PendingParcel implements Parcel {
  readonly #pending: PendingEvent;
  readonly #context: ParcelContext;
  readonly #outstanding: Map<string, EndpointSender>;
  #isTaken = false;
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

  /** Goes to all its endpoints. */
  send(): void {
    const { occurredAt } = this.event.event;
    this.#pending.onDone = () => {
      for (const sender of this.#outstanding.values()) this.#leave(sender);
    };
    for (const sender of [...this.#outstanding.values()]) sender.offer(this, occurredAt);
  }

  isOver(): boolean {
    return this.#pending.isDone || !this.#context.isOurs(this.event.bill.id);
  }

  taken(endpointId: string): void {
    this.#outstanding.delete(endpointId);
    this.#isTaken = true;
    this.#context.taken(endpointId, letterOf(this.event));
    this.#goOn();
  }

  heldUp(): void {
    this.#goOn();
  }

  died(endpointId: string, failure: string): void {
    this.#outstanding.delete(endpointId);
    this.#unkept += 1;
    void this.#context.keep([endpointId], 'dead', letterOf(this.event), failure).then(() => {
      this.#unkept -= 1;
      this.#goOn();
    });
  }

  #goOn(): void {
    // What is acknowledged comes to nobody again: whoever has not taken it needs its letter first.
    if (!this.#isTaken || this.#unkept > 0) return;
    const behind = [...this.#outstanding.values()];
    if (behind.length > 0) {
      // Somebody has acknowledged it; or it goes on as another parcel, by what is so now.
      if (this.#pending.isDone) return;
      if (!behind.every((sender) => sender.isHeldUp(this.event.bill.id))) return;
    }
    // From here on each is owed it by itself: what becomes of that is no matter of this parcel's.
    this.#outstanding.clear();
    void this.#owe(behind)
      // Of one that refused it before its stream was read anew, the letter may still be on its way.
      .then(() => this.#context.areKept(letterOf(this.event)))
      .then(() => this.#context.acknowledge(this.#pending.id));
  }

  /** It is pending no more, or not read from here: whoever has a letter is owed it all the same. */
  #leave(sender: EndpointSender): void {
    const { bill, event } = this.event;
    if (this.#context.isOwed(sender.endpoint.id, letterOf(this.event))) this.#offerOwed(sender);
    else sender.drop(bill.id, event.no);
  }

  /** All at once: of two letters one alone, after a crash, would acknowledge what the other is owed. */
  async #owe(senders: readonly EndpointSender[]): Promise<void> {
    if (senders.length === 0) return;
    for (const sender of senders) this.#offerOwed(sender);
    const ids = senders.map(({ endpoint }) => endpoint.id);
    await this.#context.keep(ids, 'owed', letterOf(this.event), '');
  }

  #offerOwed(sender: EndpointSender): void {
    // Taking it acknowledges nothing: others may be owed it whose letters are not kept yet.
    const owed = new OwedParcel(this.event, { ...this.#context, settle: this.#context.taken });
    sender.offer(owed, this.event.event.occurredAt);
  }
}

/** An event that one endpoint is owed, acknowledged or not. */
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
    this.#context.settle(endpointId, letterOf(this.event));
  }

  heldUp(): void {
    // The letter stands until it is taken or dead.
  }

  died(endpointId: string, failure: string): void {
    void this.#context.keep([endpointId], 'dead', letterOf(this.event), failure);
  }
}

/** The letter that says of an event that an endpoint has not taken it. */
export function letterOf({ bill, event }: StreamedEvent): Letter {
  const { no, recipient, type, occurredAt } = event;
  return { billId: bill.id, no, recipient, type, occurredAt };
}

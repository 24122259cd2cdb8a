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
  /** Once it resolves, the letter is kept. */
  keep(endpointId: string, state: 'owed' | 'dead', letter: Letter, failure: string): Promise<void>;
  /** The endpoint has taken what it was owed: that acknowledges it too, where nothing has yet. */
  settle(endpointId: string, letter: Letter): void;
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
    const { bill, event } = this.event;
    this.#pending.onDone = () => {
      for (const sender of this.#outstanding.values()) sender.drop(bill.id, event.no);
    };
    for (const sender of [...this.#outstanding.values()]) sender.offer(this, event.occurredAt);
  }

  isOver(): boolean {
    return this.#pending.isDone || !this.#context.isOurs(this.event.bill.id);
  }

  taken(endpointId: string): void {
    this.#outstanding.delete(endpointId);
    this.#isTaken = true;
    this.#goOn();
  }

  heldUp(): void {
    this.#goOn();
  }

  died(endpointId: string, failure: string): void {
    this.#outstanding.delete(endpointId);
    void this.#context.keep(endpointId, 'dead', letterOf(this.event), failure);
    this.#goOn();
  }

  #goOn(): void {
    if (!this.#isTaken) return;
    const behind = [...this.#outstanding.values()];
    if (behind.length > 0) {
      // Somebody has acknowledged it; or it goes on as another parcel, by what is so now.
      if (this.#pending.isDone) return;
      if (!behind.every((sender) => sender.isHeldUp(this.event.bill.id))) return;
    }
    // From here on each is owed it by itself: what becomes of that is no matter of this parcel's.
    this.#outstanding.clear();
    void Promise.all(behind.map((sender) => this.#owe(sender))).then(() =>
      this.#context.acknowledge(this.#pending.id),
    );
  }

  async #owe(sender: EndpointSender): Promise<void> {
    const owed = new OwedParcel(this.event, this.#context);
    sender.offer(owed, this.event.event.occurredAt);
    await this.#context.keep(sender.endpoint.id, 'owed', letterOf(this.event), '');
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
    void this.#context.keep(endpointId, 'dead', letterOf(this.event), failure);
  }
}

function letterOf({ bill, event }: StreamedEvent): Letter {
  const { no, recipient, type, occurredAt } = event;
  return { billId: bill.id, no, recipient, type, occurredAt };
}

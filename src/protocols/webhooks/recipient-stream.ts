// The events of one holder for its endpoints: read as a session reads them, acknowledged as a session acknowledges.

import type { Recipient } from '../../domain/bill/vocabulary.ts';
import { parsePartId } from '../../domain/ids.ts';
import { SECOND_MS } from '../../domain/time.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Principal } from '../../switch/principal.ts';
import { acknowledge } from '../gateway/acknowledge.ts';
import type { EventReader, Inbox } from '../gateway/inbox.ts';
import type { Inboxes } from '../gateway/inboxes.ts';
import { eventId, type PendingEvent } from '../gateway/pending.ts';
import type { EndpointSender } from './endpoint-sender.ts';
import type { WebhookOptions } from './options.ts';
import { type LetterContext, type ParcelContext, PendingParcel } from './parcels.ts';

const ACKNOWLEDGED_AT_ONCE = 1_000;

export interface StreamContext {
  readonly options: WebhookOptions;
  readonly inboxes: Inboxes;
  readonly parcels: LetterContext;
  /** The endpoints of a holder. */
  sendersOf(recipient: Recipient): readonly EndpointSender[];
}

export class RecipientStream implements EventReader {
  sentSeq = 0;
  readonly #inbox: Inbox;
  readonly #principal: Principal;
  readonly #context: StreamContext;
  readonly #parcels: ParcelContext;
  /** What is pending, by event. */
  readonly #pending = new Map<string, PendingParcel>();
  #acknowledged: string[] = [];
  #isAwake = false;
  #unanswered = 0;

  constructor(recipient: Recipient, principal: Principal, context: StreamContext) {
    this.#principal = principal;
    this.#context = context;
    this.#parcels = { ...context.parcels, acknowledge: (id) => this.acknowledge(id) };
    this.#inbox = context.inboxes.acquire(recipient);
    this.#inbox.attach(this);
  }

  /** Acknowledgements that are on their way. */
  get unanswered(): number {
    return this.#acknowledged.length + this.#unanswered;
  }

  canTake(): boolean {
    return true;
  }

  push(pending: PendingEvent, isRepeat: boolean): void {
    // What is repeated when is for each endpoint's queue to say.
    if (isRepeat) return;
    const senders = this.#context
      .sendersOf(this.#inbox.recipient)
      .filter((sender) => sender.wants(pending.event));
    if (senders.length === 0) return;
    const parcel = new PendingParcel(pending, senders, this.#parcels);
    this.#pending.set(pending.id, parcel);
    parcel.send(() => this.#pending.delete(pending.id));
  }

  parcelOf(event: StreamedEvent): PendingParcel | undefined {
    return this.#pending.get(eventId(event));
  }

  /** Whether others than these are to be brought what is pending, as far as is known. */
  isAwaitedBeside(endpointIds: ReadonlySet<string>, event: StreamedEvent): boolean {
    return this.#context
      .sendersOf(this.#inbox.recipient)
      .some((sender) => !endpointIds.has(sender.endpoint.id) && sender.wants(event));
  }

  /** An event was taken; acknowledging it twice does no harm. */
  acknowledge(id: string): void {
    this.#acknowledged.push(id);
    this.#wake(0);
  }

  close(): void {
    this.#inbox.detach(this);
    this.#context.inboxes.release(this.#inbox);
  }

  /** All of one turn in one call. */
  #wake(afterMs: number): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#context.options.clock.after(afterMs, () => {
      this.#isAwake = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { options, inboxes } = this.#context;
    // What is pending of others' bills is for their nodes to acknowledge: from here it would fail for ever.
    const ids = this.#acknowledged.splice(0, ACKNOWLEDGED_AT_ONCE).filter((id) => this.#isOurs(id));
    if (this.#acknowledged.length > 0) this.#wake(0);
    if (ids.length === 0) return;
    this.#unanswered += ids.length;
    const requestId = options.newRequestId();
    const request = { ids, principal: this.#principal, requestId, encoding: 'json' } as const;
    let isOver = false;
    const over = (isDone: boolean): void => {
      if (isOver) return;
      isOver = true;
      this.#unanswered -= ids.length;
      if (isDone) return;
      // It was taken there, and need not be sent again for this.
      this.#acknowledged.push(...ids);
      this.#wake(SECOND_MS);
    };
    acknowledge({ door: options.door, inboxes }, request, {
      reply: (status) => {
        const what = 'webhook.unacknowledged';
        if (status >= 400) options.log.debug({ what, status, requestId }, what);
        over(status < 400);
      },
      failed: (error) => {
        options.log.error({ what: 'webhook.defect', err: error, requestId }, 'webhook.defect');
        over(false);
      },
    });
  }

  #isOurs(id: string): boolean {
    const part = parsePartId(id, 'e');
    return part !== undefined && this.#parcels.isOurs(part.billId);
  }
}

// The inboxes of a gateway: one a recipient that somebody here listens for.

import type { Recipient } from '../../domain/bill/vocabulary.ts';
import { isDefect } from '../../switch/failures.ts';
import type { Listings } from '../../switch/listings-port.ts';
import type { Clock, StreamedEvent } from '../../switch/ports.ts';
import type { Presenter, ShardDoor } from '../../switch/requests.ts';
import { Inbox } from './inbox.ts';
import type { GatewayLog } from './options.ts';
import { readPending } from './pending-reader.ts';
import { Redelivery } from './redelivery.ts';
import { Turns } from './turns.ts';

interface Kept {
  readonly inbox: Inbox;
  users: number;
}

export interface InboxesOptions {
  readonly door: ShardDoor;
  readonly listings: Listings;
  readonly clock: Clock;
  readonly presenter: Presenter;
  readonly log: GatewayLog;
  /** Inboxes that read what is pending at once; the others wait their turn. */
  readonly readsAtOnce: number;
  /** Which events are looked after here; left out: all. */
  readonly accepts?: (event: StreamedEvent) => boolean;
  /** Older events are left out; left out itself: dead letters. */
  readonly lifeMs?: number;
}

export class Inboxes {
  readonly #options: InboxesOptions;
  readonly #kept = new Map<Recipient, Kept>();
  readonly #redelivery: Redelivery;
  readonly #turns: Turns;
  #isClosed = false;

  constructor(options: InboxesOptions) {
    this.#options = options;
    this.#redelivery = new Redelivery(options.clock);
    this.#turns = new Turns(options.readsAtOnce);
    options.door.onEvent((event) => this.#kept.get(event.event.recipient)?.inbox.live(event));
    options.door.onEventEnded((recipient, id) => this.acknowledged(recipient, [id]));
    options.door.onWorkerStart(() => {
      for (const { inbox } of this.#kept.values()) inbox.resubscribe();
    });
  }

  get size(): number {
    return this.#kept.size;
  }

  get unacknowledged(): number {
    let sum = 0;
    for (const { inbox } of this.#kept.values()) sum += inbox.size;
    return sum;
  }

  /** The recipient's inbox, to be given back by `release`. */
  acquire(recipient: Recipient): Inbox {
    let kept = this.#kept.get(recipient);
    if (kept === undefined) {
      kept = { inbox: this.#open(recipient), users: 0 };
      this.#kept.set(recipient, kept);
    }
    kept.users += 1;
    return kept.inbox;
  }

  release(inbox: Inbox): void {
    const kept = this.#kept.get(inbox.recipient);
    if (kept === undefined || kept.inbox !== inbox) return;
    kept.users -= 1;
    if (kept.users > 0) return;
    this.#kept.delete(inbox.recipient);
    inbox.close();
    if (this.#isClosed) return;
    this.#options.door
      .ask({ query: 'unsubscribe', recipient: inbox.recipient })
      .catch((error: unknown) => {
        // A worker that does not answer has forgotten its subscribers, or pushes what nobody here takes.
        this.#options.log.debug({ err: error, recipient: inbox.recipient }, 'unsubscribe failed');
      });
  }

  /** Somebody of the recipient has acknowledged these, here or elsewhere, and the shard has taken it. */
  acknowledged(recipient: Recipient, ids: readonly string[]): void {
    this.#kept.get(recipient)?.inbox.acknowledged(ids);
  }

  close(): void {
    this.#isClosed = true;
    this.#redelivery.stop();
    for (const { inbox } of this.#kept.values()) inbox.close();
    this.#kept.clear();
  }

  #open(recipient: Recipient): Inbox {
    const { door, listings, clock, presenter, log, accepts, lifeMs } = this.#options;
    const limits = { ...(accepts && { accepts }), ...(lifeMs && { lifeMs }) };
    const tell = (of: Recipient, error: unknown, said: string): void => {
      const fields = { err: error, recipient: of };
      if (isDefect(error)) log.error(fields, said);
      else log.warn(fields, said);
    };
    const onHistoryAway = (of: Recipient, error: unknown): void =>
      tell(of, error, 'history cannot be asked; only events in memory are sent');
    return new Inbox(recipient, {
      clock,
      presenter,
      ...limits,
      redelivery: this.#redelivery,
      read: (of, isFirst) =>
        this.#turns.take(() =>
          readPending({ door, listings, clock, onHistoryAway, ...limits }, of, isFirst),
        ),
      onReadFailed: (of, error) => tell(of, error, 'pending events could not be read'),
    });
  }
}

// Sends events to the endpoints of their holders: one sender an endpoint and node, and of all nodes the one that owns
// the shard of the event's bill. So nothing else is needed to keep two from sending the same: a node that was deposed
// cannot acknowledge, and what it had sent comes once more.
//
//   shards ──▶ inbox of a holder ──▶ parcel ──▶ queue of an endpoint ──▶ POST ──▶ 2xx ──▶ acknowledgement ──▶ shard

import { sentAt } from '../../domain/bill/outbox.ts';
import type { Recipient } from '../../domain/bill/vocabulary.ts';
import { type BillId, shardOfBill } from '../../domain/ids.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/time.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Principal } from '../../switch/principal.ts';
import { recipientOf } from '../../switch/visibility.ts';
import type { Endpoint, GivenUp } from '../../switch/webhooks/ports.ts';
import { DELIVERY_LIFE_MS } from '../../switch/webhooks/schedule.ts';
import { SharedTurns } from '../../switch/webhooks/shared-turns.ts';
import { Inboxes } from '../gateway/inboxes.ts';
import { EndpointSender, GIVEN_UP_MAX } from './endpoint-sender.ts';
import { Letters } from './letters.ts';
import type { WebhookOptions, WebhookStats } from './options.ts';
import { RecipientStream } from './recipient-stream.ts';

const HEALTH_MS = 5 * SECOND_MS;
const LOOK_MS = MINUTE_MS;
/** After its life an event has an hour for its last attempt, whoever is late. */
const READ_MS = DELIVERY_LIFE_MS + HOUR_MS;
const DRAIN_POLL_MS = 20;
/** Endpoints whose dead letters one statement reads: of all at once there may be more than it has time for. */
const GIVEN_UP_OF = 20;

interface Holder {
  readonly principal: Principal;
  readonly senders: readonly EndpointSender[];
  /** Tells whether its events must be read anew. */
  readonly form: string;
}

export class Deliverer {
  readonly #options: WebhookOptions;
  readonly #inboxes: Inboxes;
  readonly #letters: Letters;
  readonly #turns: SharedTurns;
  readonly #senders = new Map<string, EndpointSender>();
  #holders = new Map<Recipient, Holder>();
  readonly #streams = new Map<Recipient, RecipientStream>();
  /** Those that have gone, until the last of their acknowledgements is answered. */
  readonly #leaving = new Set<RecipientStream>();
  /** Those that it has been told of; of some it may still be reading what is to be known. */
  #told: ReadonlySet<number> = new Set();
  /** Of whose bills it sends events. */
  #shards: ReadonlySet<number> = new Set();
  #isLooking = false;
  #isLookWanted = false;
  #isClosed = false;
  readonly #cancels = new Map<string, () => void>();

  constructor(options: WebhookOptions) {
    const { door, listings, clock, presenter, log, limits } = options;
    this.#options = options;
    this.#turns = new SharedTurns(limits.parallelInAll);
    this.#inboxes = new Inboxes({
      door,
      listings,
      clock,
      presenter,
      log,
      readsAtOnce: limits.readsAtOnce,
      accepts: (event) => this.#accepts(event),
      lifeMs: READ_MS,
    });
    this.#letters = new Letters(options, {
      isOurs: (billId) => this.#isOurs(billId),
      streamOf: (recipient) => this.#streams.get(recipient),
    });
  }

  /** Begins. From then on it looks by itself now and then whether anything has changed. */
  start(): void {
    this.look();
    this.#every('health', HEALTH_MS, () => this.#tellHealth());
    this.#every('look', LOOK_MS, () => {
      for (const sender of this.#senders.values()) sender.expire();
      void this.#letters.bury([...this.#holders.keys()]);
      void this.#letters.tidy();
      this.look();
    });
  }

  /** Which shards this node owns. */
  serve(shards: readonly number[]): void {
    const isSame = this.#told.size === shards.length && shards.every((no) => this.#told.has(no));
    if (isSame) return;
    const told = new Set(shards);
    this.#told = told;
    const stay = [...this.#shards].filter((shard) => told.has(shard));
    if (stay.length < this.#shards.size) this.#send(new Set(stay));
    if (stay.length < told.size) this.#takeOver(told);
  }

  /** Nothing of a new shard is sent before it is known what endpoints have refused of whoever sent it before. */
  #takeOver(told: ReadonlySet<number>): void {
    if (this.#isClosed || this.#told !== told) return;
    const { log, clock } = this.#options;
    this.#readGivenUp([...this.#senders.keys()])
      .then((givenUp) => {
        if (this.#told !== told) return;
        this.#giveUp(givenUp);
        for (const sender of this.#senders.values()) sender.awaitLetters();
        this.#send(told);
      })
      .catch((error: unknown) => {
        log.warn({ what: 'webhooks.unread', err: error }, 'webhooks.unread');
        clock.after(SECOND_MS, () => this.#takeOver(told));
      });
  }

  #send(shards: ReadonlySet<number>): void {
    this.#shards = shards;
    for (const recipient of this.#holders.keys()) this.#reopen(recipient);
    this.#letters.leaveToOthers();
    this.#loadLetters();
  }

  async #readGivenUp(ids: readonly string[]): Promise<GivenUp[]> {
    const { book, clock } = this.#options;
    const since = clock.wall() - READ_MS;
    const read: GivenUp[][] = [];
    for (let at = 0; at < ids.length; at += GIVEN_UP_OF) {
      read.push(await book.givenUp(ids.slice(at, at + GIVEN_UP_OF), since, GIVEN_UP_MAX));
    }
    return read.flat();
  }

  #giveUp(givenUp: readonly GivenUp[]): void {
    for (const { endpointId, billId, no } of givenUp) {
      this.#senders.get(endpointId)?.giveUp(billId, no);
    }
  }

  /** Endpoints may have changed. */
  look(): void {
    if (this.#isClosed) return;
    if (this.#isLooking) {
      this.#isLookWanted = true;
      return;
    }
    this.#isLooking = true;
    const { book, log, clock } = this.#options;
    book
      .endpoints()
      .then(async (endpoints) => {
        const fresh = endpoints.map(({ id }) => id).filter((id) => !this.#senders.has(id));
        this.#take(endpoints, await this.#readGivenUp(fresh));
      })
      .catch((error: unknown) => {
        log.warn({ what: 'webhooks.unread', err: error }, 'webhooks.unread');
        clock.after(SECOND_MS, () => this.look());
      })
      .finally(() => {
        this.#isLooking = false;
        if (!this.#isLookWanted) return;
        this.#isLookWanted = false;
        this.look();
      });
  }

  stats(): WebhookStats {
    let pending = 0;
    let breakersOpen = 0;
    for (const sender of this.#senders.values()) {
      pending += sender.pending;
      if (!sender.isTrusted) breakersOpen += 1;
    }
    return { endpoints: this.#senders.size, pending, breakersOpen };
  }

  /** Begins nothing new, and waits for what is under way. */
  async drain(withinMs: number): Promise<void> {
    const { clock } = this.#options;
    this.#isClosed = true;
    for (const cancel of this.#cancels.values()) cancel();
    for (const sender of this.#senders.values()) sender.close();
    const until = clock.monotonic() + withinMs;
    while (this.#isBusy() && clock.monotonic() < until) {
      await new Promise<void>((done) => clock.after(DRAIN_POLL_MS, done));
    }
    await this.#tellHealth();
    this.#inboxes.close();
  }

  #isBusy(): boolean {
    for (const sender of this.#senders.values()) if (sender.underWay > 0) return true;
    for (const stream of this.#streams.values()) if (stream.unanswered > 0) return true;
    for (const stream of this.#leaving) if (stream.unanswered > 0) return true;
    return this.#letters.underWay > 0;
  }

  #isOurs(billId: BillId): boolean {
    return this.#shards.has(shardOfBill(billId));
  }

  #accepts(event: StreamedEvent): boolean {
    const { recipient } = event.event;
    const holder = this.#holders.get(recipient);
    return (
      holder !== undefined &&
      sentAt(event.event) >= this.#options.clock.wall() - READ_MS &&
      this.#isOurs(event.bill.id) &&
      holder.senders.some((sender) => sender.wants(event))
    );
  }

  #take(endpoints: readonly Endpoint[], givenUp: readonly GivenUp[]): void {
    if (this.#isClosed) return;
    const known = new Set(endpoints.map(({ id }) => id));
    for (const [id, sender] of this.#senders) {
      if (known.has(id)) continue;
      sender.close();
      this.#senders.delete(id);
      this.#letters.forget(id);
      this.#options.log.info({ what: 'webhook.removed', endpoint: id }, 'webhook.removed');
    }
    for (const endpoint of endpoints) {
      if (!this.#senders.has(endpoint.id)) this.#begin(endpoint);
    }
    // Before any stream of theirs is read.
    this.#giveUp(givenUp);
    for (const endpoint of endpoints) this.#senders.get(endpoint.id)?.become(endpoint);
    const before = this.#holders;
    this.#holders = this.#gather(endpoints);
    for (const [recipient, { form }] of this.#holders) {
      if (before.get(recipient)?.form !== form) this.#reopen(recipient);
    }
    for (const recipient of before.keys()) {
      if (!this.#holders.has(recipient)) this.#closeStream(recipient);
    }
    for (const sender of this.#senders.values()) sender.goOn();
    this.#loadLetters();
  }

  #loadLetters(): void {
    for (const sender of this.#senders.values()) {
      if (sender.endpoint.state === 'active') this.#letters.load(sender);
    }
  }

  #begin(endpoint: Endpoint): void {
    const sender = new EndpointSender(endpoint, { options: this.#options, turns: this.#turns });
    this.#senders.set(endpoint.id, sender);
  }

  #gather(endpoints: readonly Endpoint[]): Map<Recipient, Holder> {
    const holders = new Map<Recipient, Holder>();
    for (const { id, eventTypes, principals } of endpoints) {
      const sender = this.#senders.get(id);
      if (sender?.endpoint.state !== 'active') continue;
      const types = eventTypes === null ? 'all' : [...eventTypes].sort().join();
      for (const principal of principals) {
        const recipient = recipientOf(principal);
        if (recipient === undefined) continue;
        const other = holders.get(recipient);
        const form = `${other?.form ?? ''} ${id}:${sender.beginnings}:${types}`;
        holders.set(recipient, { principal, senders: [...(other?.senders ?? []), sender], form });
      }
    }
    return holders;
  }

  /** Its events are read anew, by what is so now. */
  #reopen(recipient: Recipient): void {
    this.#closeStream(recipient);
    const holder = this.#holders.get(recipient);
    if (holder === undefined || this.#shards.size === 0) return;
    const stream = new RecipientStream(recipient, holder.principal, {
      options: this.#options,
      inboxes: this.#inboxes,
      parcels: this.#letters,
      sendersOf: (of) => this.#holders.get(of)?.senders ?? [],
    });
    this.#streams.set(recipient, stream);
  }

  #closeStream(recipient: Recipient): void {
    const stream = this.#streams.get(recipient);
    if (stream === undefined) return;
    this.#streams.delete(recipient);
    stream.close();
    this.#leaving.add(stream);
    for (const one of this.#leaving) if (one.unanswered === 0) this.#leaving.delete(one);
  }

  async #tellHealth(): Promise<void> {
    const { book, log } = this.#options;
    const health = [...this.#senders.values()].flatMap((sender) => sender.health() ?? []);
    await book
      .tellHealth(health)
      .catch((error: unknown) =>
        log.warn({ what: 'webhooks.untold', err: error }, 'webhooks.untold'),
      );
  }

  #every(name: string, ms: number, work: () => unknown): void {
    const { clock } = this.#options;
    this.#cancels.set(
      name,
      clock.after(ms, () => {
        void work();
        if (!this.#isClosed) this.#every(name, ms, work);
      }),
    );
  }
}

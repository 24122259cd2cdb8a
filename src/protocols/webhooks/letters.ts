// What endpoints are owed beside what is pending, and what they were not brought to take: letters, kept in Postgres off
// the way of deliveries.

import { sentAt } from '../../domain/bill/outbox.ts';
import { EVENT_LIFE_MS, type Recipient } from '../../domain/bill/vocabulary.ts';
import { type BillId, parsePartId, partId } from '../../domain/ids.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../domain/time.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Letter } from '../../switch/webhooks/ports.ts';
import { DELIVERY_LIFE_MS } from '../../switch/webhooks/schedule.ts';
import { eventId } from '../gateway/pending.ts';
import { Turns } from '../gateway/turns.ts';
import type { EndpointSender } from './endpoint-sender.ts';
import type { WebhookOptions } from './options.ts';
import { type LetterContext, letterOf, OwedParcel, type PendingParcel } from './parcels.ts';
import type { RecipientStream } from './recipient-stream.ts';

const AGAIN_MS = SECOND_MS;
/** While Postgres is away, every letter is tried again: the log is told of each kind no more often than this. */
const REPORT_MS = SECOND_MS;
/** An event that history does not have after so long will not be seen there. */
const WRITTEN_MS = DAY_MS;
const RECIPIENTS_AT_ONCE = 500;
/** Of a crowd of endpoints, more would stand before all other statements, and what stands there for long is given up. */
const READS_AT_ONCE = 2;

/** What one endpoint is owed, as far as it is held here: where that is not all, its sender is behind. */
interface Owed {
  readonly ids: Set<string>;
  /** Letters on their way to Postgres that are not held here. */
  readonly unheld: Set<Promise<void>>;
}

/** Whether it was asked before, and it is not known what has become of that. */
type Statement = (isRepeat: boolean) => Promise<void>;

export class Letters implements LetterContext {
  readonly isOurs: (billId: BillId) => boolean;
  readonly #options: WebhookOptions;
  readonly #streamOf: (recipient: Recipient) => RecipientStream | undefined;
  /** By endpoint: what is held here of what it is owed. */
  readonly #owed = new Map<string, Owed>();
  readonly #senders = new Map<string, EndpointSender>();
  readonly #reads = new Turns(READS_AT_ONCE);
  /** Those whose turn to have their letters read has not come, by the wait that it is for. */
  readonly #unread = new Map<EndpointSender, number>();
  #isTidying = false;
  #isBurying = false;
  /** Those whose letters are read again in a moment. */
  readonly #loadedSoon = new Set<EndpointSender>();
  /** The last statement on letters of each event: one after another, so that what is kept last is not taken away before. */
  readonly #writes = new Map<string, Promise<void>>();
  /** By line of the log. */
  readonly #reportedAt = new Map<string, number>();

  constructor(
    options: WebhookOptions,
    of: {
      isOurs: (billId: BillId) => boolean;
      streamOf: (recipient: Recipient) => RecipientStream | undefined;
    },
  ) {
    this.#options = options;
    this.isOurs = of.isOurs;
    this.#streamOf = of.streamOf;
  }

  /** Events with statements that have not been answered. */
  get underWay(): number {
    return this.#writes.size;
  }

  pendingOf = (event: StreamedEvent): PendingParcel | undefined =>
    this.#streamOf(event.event.recipient)?.parcelOf(event);

  owe = async (senders: readonly EndpointSender[], event: StreamedEvent): Promise<void> => {
    if (senders.length === 0) return;
    const unheld = senders.filter((sender) => !this.#hold(sender, event));
    const ids = senders.map(({ endpoint }) => endpoint.id);
    const { book } = this.#options;
    const kept = this.#inTurn(event, (isRepeat) =>
      book.keep(ids, 'owed', [letterOf(event)], { failure: '', isRepeat }),
    );
    for (const sender of unheld) {
      const owed = this.#owedBy(sender);
      owed.unheld.add(kept);
      void kept.then(() => owed.unheld.delete(kept));
    }
    await kept;
  };

  /** Answers whether it is held here: where an endpoint is owed more than that, its letter alone says so. */
  #hold(sender: EndpointSender, event: StreamedEvent): boolean {
    const { ids } = this.#owedBy(sender);
    if (ids.size >= this.#options.limits.owedHeld) sender.fallBehind();
    if (sender.isBehind && !sender.isQueued(event)) {
      sender.drop(event.bill.id, event.event.no);
      return false;
    }
    ids.add(eventId(event));
    this.offerOwed(sender, event);
    return true;
  }

  #owedBy(sender: EndpointSender): Owed {
    const { id } = sender.endpoint;
    let owed = this.#owed.get(id);
    if (owed === undefined) {
      owed = { ids: new Set(), unheld: new Set() };
      this.#owed.set(id, owed);
    }
    return owed;
  }

  /** The endpoint has been removed. */
  forget(endpointId: string): void {
    this.#owed.delete(endpointId);
    this.#senders.delete(endpointId);
  }

  died = async (endpointId: string, event: StreamedEvent, failure: string): Promise<void> => {
    const { book, metrics } = this.#options;
    metrics.died(1);
    const letters = [letterOf(event)];
    await this.#inTurn(event, (isRepeat) =>
      book.keep([endpointId], 'dead', letters, { failure, isRepeat }),
    );
    this.#done(endpointId, eventId(event));
  };

  settle = (endpointId: string, event: StreamedEvent): void => {
    // Others may have letters that are not kept yet: who takes this one must not acknowledge what they are owed.
    const areKept = this.areKept(event);
    this.#settleNow(endpointId, event);
    void areKept.then(() => {
      const stream = this.#streamOf(event.event.recipient);
      // Whoever is still to be brought it would not be, once it is acknowledged.
      if (this.isAwaitedBeside(new Set([endpointId]), event)) return;
      stream?.acknowledge(eventId(event));
    });
  };

  isAwaitedBeside = (endpointIds: ReadonlySet<string>, event: StreamedEvent): boolean =>
    this.#streamOf(event.event.recipient)?.isAwaitedBeside(endpointIds, event) ?? false;

  taken = (endpointId: string, event: StreamedEvent): void => {
    if (this.isOwed(endpointId, event)) this.#settleNow(endpointId, event);
  };

  areKept = async (event: StreamedEvent): Promise<void> => {
    await this.#writes.get(eventId(event));
  };

  isOwed = (endpointId: string, event: StreamedEvent): boolean =>
    this.#owed.get(endpointId)?.ids.has(eventId(event)) ?? false;

  offerOwed = (sender: EndpointSender, event: StreamedEvent): void => {
    sender.offer(new OwedParcel(event, this), sentAt(event.event));
  };

  #settleNow(endpointId: string, event: StreamedEvent): void {
    const letters = [letterOf(event)];
    void this.#inTurn(event, () => this.#options.book.settle(endpointId, letters)).then(() =>
      this.#done(endpointId, eventId(event)),
    );
  }

  /** Brings an endpoint what it is owed: the first of it, and the rest as that is taken. */
  load(sender: EndpointSender): void {
    const { id } = sender.endpoint;
    this.#senders.set(id, sender);
    this.#load(sender).catch((error: unknown) => {
      this.#loadLater(sender);
      const of = { endpoint: id, endpoints: this.#loadedSoon.size };
      this.#report('webhook.lettersUnread', error, of);
    });
  }

  async #load(sender: EndpointSender): Promise<void> {
    const { waits } = sender;
    const { id } = sender.endpoint;
    const { book, limits } = this.#options;
    const { ids, unheld } = this.#owedBy(sender);
    // What is not held is not missed: it is there to be read by then.
    await Promise.all(unheld);
    // They will be read later than they would be by this one.
    if (this.#unread.get(sender) === waits) return;
    this.#unread.set(sender, waits);
    // Whoever sends them: where the first are all of bills that other nodes send, the rest waits until those are taken.
    const letters = await this.#reads.take(() => {
      if (this.#unread.get(sender) === waits) this.#unread.delete(sender);
      return book.owed(id, limits.owedHeld);
    });
    let isWhole = true;
    for (const { letter, since } of letters) {
      // It waits anew, and has its letters read anew; or it has been removed.
      if (sender.waits !== waits || this.#senders.get(id) !== sender) return;
      if (!(await this.#bring(sender, letter, since, ids))) isWhole = false;
    }
    sender.lettersCame(waits, { isWhole, isAll: letters.length < limits.owedHeld });
    if (!isWhole || (sender.isBehind && ids.size === 0)) this.#loadLater(sender);
  }

  #loadLater(sender: EndpointSender): void {
    if (this.#loadedSoon.has(sender)) return;
    this.#loadedSoon.add(sender);
    this.#options.clock.after(AGAIN_MS, () => {
      this.#loadedSoon.delete(sender);
      if (sender.awaitsLetters) this.load(sender);
      else this.#goOn(sender);
    });
  }

  /** What is held has been sent: the rest is read. */
  #goOn(sender: EndpointSender): void {
    if (!sender.isBehind || this.#owedBy(sender).ids.size > 0) return;
    sender.awaitLetters();
    this.load(sender);
  }

  /** What is owed of bills that other nodes send now is for them to bring: they may come back with more of it, or less. */
  leaveToOthers(): void {
    for (const [endpointId, { ids }] of this.#owed) {
      for (const id of ids) {
        const part = parsePartId(id, 'e');
        if (part === undefined || this.isOurs(part.billId)) continue;
        ids.delete(id);
        this.#senders.get(endpointId)?.drop(part.billId, part.no);
      }
    }
  }

  /** What nobody has taken in its time, while no switch ran too, becomes a dead letter. */
  async bury(recipients: readonly Recipient[]): Promise<void> {
    const { book, log, metrics } = this.#options;
    if (this.#isBurying) return;
    this.#isBurying = true;
    const before = this.#lifeBegan();
    try {
      for (let at = 0; at < recipients.length; at += RECIPIENTS_AT_ONCE) {
        const count = await book.bury(recipients.slice(at, at + RECIPIENTS_AT_ONCE), before);
        if (count > 0) metrics.died(count);
      }
    } catch (error) {
      log.warn({ what: 'webhook.unburied', err: error }, 'webhook.unburied');
    } finally {
      this.#isBurying = false;
    }
  }

  /**
   * What an endpoint that is disabled was owed for a delivery's life becomes dead letters. Those of events that are dead for
   * their holder too are kept no more, nor any letters of an endpoint that was removed.
   */
  async tidy(): Promise<void> {
    const { book, clock, log, metrics } = this.#options;
    if (this.#isTidying) return;
    this.#isTidying = true;
    try {
      for (let count = 1; count > 0; ) {
        count = await book.buryOwed(this.#lifeBegan());
        if (count > 0) metrics.died(count);
      }
      while (await book.discard(clock.wall() - EVENT_LIFE_MS));
    } catch (error) {
      log.warn({ what: 'webhook.untidied', err: error }, 'webhook.untidied');
    } finally {
      this.#isTidying = false;
    }
  }

  /** When what is to be given up by now began to be owed: a last attempt has an hour. */
  #lifeBegan(): number {
    return this.#options.clock.wall() - DELIVERY_LIFE_MS - HOUR_MS;
  }

  /** Answers whether that is done: false where history does not have the event yet. */
  async #bring(
    sender: EndpointSender,
    letter: Letter,
    since: number,
    ids: Set<string>,
  ): Promise<boolean> {
    const id = partId(letter.billId, 'e', letter.no);
    const isNeeded = (): boolean => !ids.has(id) && this.isOurs(letter.billId);
    if (!isNeeded()) return true;
    const event = await this.#eventOf(letter);
    if (!isNeeded()) return true;
    if (event === 'unwritten') return false;
    if (event === 'replaced') {
      // Its repeat is delivered by itself.
      await this.#options.book.settle(sender.endpoint.id, [letter]);
      return true;
    }
    ids.add(id);
    sender.offer(new OwedParcel(event, this), since);
    return true;
  }

  async #eventOf({
    recipient,
    billId,
    no,
    occurredAt,
  }: Letter): Promise<StreamedEvent | 'unwritten' | 'replaced'> {
    const { listings, clock } = this.#options;
    const place = await listings.eventPlace(recipient, billId, no);
    if (place === null) return occurredAt > clock.wall() - WRITTEN_MS ? 'unwritten' : 'replaced';
    // Not where it occurred: one that was sent again stands where that was done.
    const window = { since: place.at, asOf: place.at };
    const [event] = await listings.events(recipient, { ...place, no: no - 1 }, 1, window);
    const isIt = event !== undefined && eventId(event) === partId(billId, 'e', no);
    return isIt ? event : 'replaced';
  }

  #done(endpointId: string, id: string): void {
    this.#owed.get(endpointId)?.ids.delete(id);
    const sender = this.#senders.get(endpointId);
    if (sender !== undefined) this.#goOn(sender);
  }

  #inTurn(event: StreamedEvent, statement: Statement): Promise<void> {
    const id = eventId(event);
    const before = this.#writes.get(id) ?? Promise.resolve();
    const done = before
      .then(() => this.#write(statement))
      .finally(() => {
        if (this.#writes.get(id) === done) this.#writes.delete(id);
      });
    this.#writes.set(id, done);
    return done;
  }

  /** Until it is done: Postgres may be away for a while. */
  async #write(statement: Statement): Promise<void> {
    const { clock } = this.#options;
    for (let isRepeat = false; ; isRepeat = true) {
      try {
        await statement(isRepeat);
        return;
      } catch (error) {
        this.#report('webhook.letterUnwritten', error, { events: this.#writes.size });
        await new Promise<void>((again) => clock.after(AGAIN_MS, again));
      }
    }
  }

  #report(what: string, error: unknown, of: object): void {
    const { clock, log } = this.#options;
    const now = clock.monotonic();
    if (now - (this.#reportedAt.get(what) ?? Number.NEGATIVE_INFINITY) < REPORT_MS) return;
    this.#reportedAt.set(what, now);
    log.warn({ what, err: error, ...of }, what);
  }
}

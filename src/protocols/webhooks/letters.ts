// What endpoints are owed beside what is pending, and what they were not brought to take: letters, kept in Postgres off
// the way of deliveries.

import { sentAt } from '../../domain/bill/outbox.ts';
import type { Recipient } from '../../domain/bill/vocabulary.ts';
import { type BillId, parsePartId, partId } from '../../domain/ids.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../domain/time.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Letter } from '../../switch/webhooks/ports.ts';
import { DELIVERY_LIFE_MS } from '../../switch/webhooks/schedule.ts';
import { eventId } from '../gateway/pending.ts';
import type { EndpointSender } from './endpoint-sender.ts';
import type { WebhookOptions } from './options.ts';
import { type LetterContext, letterOf, OwedParcel, type PendingParcel } from './parcels.ts';
import type { RecipientStream } from './recipient-stream.ts';

/** Letters of one endpoint that are read at once. */
const LOADED_MAX = 1_000;
const AGAIN_MS = SECOND_MS;
/** An event that history does not have after so long will not be seen there. */
const WRITTEN_MS = DAY_MS;
const RECIPIENTS_AT_ONCE = 500;

export class Letters implements LetterContext {
  readonly isOurs: (billId: BillId) => boolean;
  readonly #options: WebhookOptions;
  readonly #streamOf: (recipient: Recipient) => RecipientStream | undefined;
  /** Endpoints of whose letters there may be more, and how many of those read are still owed. */
  readonly #loaded = new Map<
    string,
    { sender: EndpointSender; ids: Set<string>; isAll: boolean }
  >();
  /** Those whose letters are read again in a moment. */
  readonly #loadedSoon = new Set<EndpointSender>();
  /** The last statement on letters of each event: one after another, so that what is kept last is not taken away before. */
  readonly #writes = new Map<string, Promise<void>>();

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
    for (const sender of senders) {
      this.#loaded.get(sender.endpoint.id)?.ids.add(eventId(event));
      this.offerOwed(sender, event);
    }
    const ids = senders.map(({ endpoint }) => endpoint.id);
    const { book } = this.#options;
    await this.#inTurn(event, () => book.keep(ids, 'owed', [letterOf(event)], ''));
  };

  died = async (endpointId: string, event: StreamedEvent, failure: string): Promise<void> => {
    const { book, metrics } = this.#options;
    metrics.died(1);
    const letters = [letterOf(event)];
    await this.#inTurn(event, () => book.keep([endpointId], 'dead', letters, failure));
    this.#done(endpointId, eventId(event));
  };

  settle = (endpointId: string, event: StreamedEvent): void => {
    // Others may have letters that are not kept yet: who takes this one must not acknowledge what they are owed.
    const areKept = this.areKept(event);
    this.#settleNow(endpointId, event);
    void areKept.then(() => {
      const stream = this.#streamOf(event.event.recipient);
      // Whoever is still to be brought it would not be, once it is acknowledged.
      if (stream?.isAwaitedBeside(endpointId, event) === false) stream.acknowledge(eventId(event));
    });
  };

  taken = (endpointId: string, event: StreamedEvent): void => {
    if (this.isOwed(endpointId, event)) this.#settleNow(endpointId, event);
  };

  areKept = async (event: StreamedEvent): Promise<void> => {
    await this.#writes.get(eventId(event));
  };

  isOwed = (endpointId: string, event: StreamedEvent): boolean =>
    this.#loaded.get(endpointId)?.ids.has(eventId(event)) ?? false;

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
    const { waits } = sender;
    const { id } = sender.endpoint;
    const { book, log } = this.#options;
    const loaded = this.#loaded.get(id) ?? { sender, ids: new Set<string>(), isAll: true };
    this.#loaded.set(id, { ...loaded, sender });
    book
      .owed(id, LOADED_MAX)
      .then(async (owed) => {
        const isAll = owed.length < LOADED_MAX;
        this.#loaded.set(id, { sender, ids: loaded.ids, isAll });
        let isWhole = true;
        for (const { letter, since } of owed) {
          // It waits anew, and has its letters read anew.
          if (sender.waits !== waits) return;
          if (!(await this.#bring(sender, letter, since, loaded.ids))) isWhole = false;
        }
        sender.lettersCame(waits, isWhole);
        if (!isWhole) this.#loadLater(sender);
      })
      .catch((error: unknown) => {
        const what = 'webhook.lettersUnread';
        log.warn({ what, err: error, endpoint: id }, what);
        this.#loadLater(sender);
      });
  }

  #loadLater(sender: EndpointSender): void {
    if (this.#loadedSoon.has(sender)) return;
    this.#loadedSoon.add(sender);
    this.#options.clock.after(AGAIN_MS, () => {
      this.#loadedSoon.delete(sender);
      if (sender.awaitsLetters) this.load(sender);
    });
  }

  /** What is owed of bills that other nodes send now is for them to bring: they may come back with more of it, or less. */
  leaveToOthers(): void {
    for (const { sender, ids } of this.#loaded.values()) {
      for (const id of ids) {
        const part = parsePartId(id, 'e');
        if (part === undefined || this.isOurs(part.billId)) continue;
        ids.delete(id);
        sender.drop(part.billId, part.no);
      }
    }
  }

  /** What nobody has taken in its time, while no switch ran too, becomes a dead letter. */
  bury(recipients: readonly Recipient[]): void {
    const { book, clock, log, metrics } = this.#options;
    const before = clock.wall() - DELIVERY_LIFE_MS - HOUR_MS;
    for (let at = 0; at < recipients.length; at += RECIPIENTS_AT_ONCE) {
      book.bury(recipients.slice(at, at + RECIPIENTS_AT_ONCE), before).then(
        (count) => {
          if (count > 0) metrics.died(count);
        },
        (error: unknown) => log.warn({ what: 'webhook.unburied', err: error }, 'webhook.unburied'),
      );
    }
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
    const loaded = this.#loaded.get(endpointId);
    if (loaded === undefined) return;
    loaded.ids.delete(id);
    if (loaded.isAll || loaded.ids.size > 0) return;
    loaded.isAll = true;
    this.load(loaded.sender);
  }

  #inTurn(event: StreamedEvent, statement: () => Promise<void>): Promise<void> {
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
  async #write(statement: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options;
    for (;;) {
      try {
        await statement();
        return;
      } catch (error) {
        log.warn({ what: 'webhook.letterUnwritten', err: error }, 'webhook.letterUnwritten');
        await new Promise<void>((again) => clock.after(AGAIN_MS, again));
      }
    }
  }
}

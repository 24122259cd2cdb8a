// What endpoints are owed beside what is pending, and what they were not brought to take: letters, kept in Postgres off
// the way of deliveries.

import type { Recipient } from '../../domain/bill/vocabulary.ts';
import { type BillId, partId } from '../../domain/ids.ts';
import { DAY_MS, HOUR_MS, millis, SECOND_MS } from '../../domain/time.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Letter } from '../../switch/webhooks/ports.ts';
import { DELIVERY_LIFE_MS } from '../../switch/webhooks/schedule.ts';
import { eventId } from '../gateway/pending.ts';
import type { EndpointSender } from './endpoint-sender.ts';
import type { WebhookOptions } from './options.ts';
import { type LetterContext, OwedParcel } from './parcels.ts';

/** Letters of one endpoint that are read at once. */
const LOADED_MAX = 1_000;
const AGAIN_MS = SECOND_MS;
/** An event that history does not show after so long will not be seen there. */
const WRITTEN_MS = DAY_MS;
const RECIPIENTS_AT_ONCE = 500;

export class Letters implements LetterContext {
  readonly isOurs: (billId: BillId) => boolean;
  readonly #options: WebhookOptions;
  readonly #acknowledge: (recipient: Recipient, id: string) => void;
  /** Endpoints of whose letters there may be more, and how many of those read are still owed. */
  readonly #loaded = new Map<
    string,
    { sender: EndpointSender; ids: Set<string>; isAll: boolean }
  >();
  #underWay = 0;

  constructor(
    options: WebhookOptions,
    of: {
      isOurs: (billId: BillId) => boolean;
      acknowledge: (recipient: Recipient, id: string) => void;
    },
  ) {
    this.#options = options;
    this.isOurs = of.isOurs;
    this.#acknowledge = of.acknowledge;
  }

  /** Statements that have not been answered. */
  get underWay(): number {
    return this.#underWay;
  }

  keep = async (
    endpointId: string,
    state: 'owed' | 'dead',
    letter: Letter,
    failure: string,
  ): Promise<void> => {
    if (state === 'dead') this.#options.metrics.died(1);
    await this.#write(() => this.#options.book.keep(endpointId, state, [letter], failure));
    if (state === 'dead') this.#done(endpointId, letter);
  };

  settle = (endpointId: string, letter: Letter): void => {
    this.#acknowledge(letter.recipient, partId(letter.billId, 'e', letter.no));
    void this.#write(() => this.#options.book.settle(endpointId, [letter])).then(() =>
      this.#done(endpointId, letter),
    );
  };

  /** Brings an endpoint what it is owed: the first of it, and the rest as that is taken. */
  load(sender: EndpointSender): void {
    const { id } = sender.endpoint;
    const { book, log } = this.#options;
    const loaded = this.#loaded.get(id) ?? { sender, ids: new Set<string>(), isAll: true };
    this.#loaded.set(id, { ...loaded, sender });
    book
      .owed(id, LOADED_MAX)
      .then(async (owed) => {
        const isAll = owed.length < LOADED_MAX;
        this.#loaded.set(id, { sender, ids: loaded.ids, isAll });
        for (const { letter, since } of owed) await this.#bring(sender, letter, since, loaded.ids);
      })
      .catch((error: unknown) =>
        log.warn(
          { what: 'webhook.lettersUnread', err: error, endpoint: id },
          'webhook.lettersUnread',
        ),
      );
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

  async #bring(
    sender: EndpointSender,
    letter: Letter,
    since: number,
    ids: Set<string>,
  ): Promise<void> {
    const id = partId(letter.billId, 'e', letter.no);
    if (ids.has(id) || !this.isOurs(letter.billId)) return;
    const event = await this.#eventOf(letter);
    if (event === undefined) {
      if (letter.occurredAt > this.#options.clock.wall() - WRITTEN_MS) return;
      // Its repeat has taken its place: that one is delivered by itself.
      await this.#options.book.settle(sender.endpoint.id, [letter]);
      return;
    }
    ids.add(id);
    sender.offer(new OwedParcel(event, this), since);
  }

  async #eventOf(letter: Letter): Promise<StreamedEvent | undefined> {
    const { listings, clock } = this.#options;
    const at = millis(letter.occurredAt);
    const place = { at, billId: letter.billId, no: letter.no - 1 };
    const window = { since: at, asOf: millis(clock.wall() + HOUR_MS) };
    const [event] = await listings.events(letter.recipient, place, 1, window);
    const isIt = event !== undefined && eventId(event) === partId(letter.billId, 'e', letter.no);
    return isIt ? event : undefined;
  }

  #done(endpointId: string, letter: Letter): void {
    const loaded = this.#loaded.get(endpointId);
    if (loaded === undefined) return;
    loaded.ids.delete(partId(letter.billId, 'e', letter.no));
    if (loaded.isAll || loaded.ids.size > 0) return;
    loaded.isAll = true;
    this.load(loaded.sender);
  }

  /** Until it is done: Postgres may be away for a while. */
  async #write(statement: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#options;
    this.#underWay += 1;
    for (;;) {
      try {
        await statement();
        this.#underWay -= 1;
        return;
      } catch (error) {
        log.warn({ what: 'webhook.letterUnwritten', err: error }, 'webhook.letterUnwritten');
        await new Promise<void>((again) => clock.after(AGAIN_MS, again));
      }
    }
  }
}

// Sends one endpoint what it is owed, as its queue says, and looks after its health.

import { type BillId, partId } from '../../domain/ids.ts';
import { SECOND_MS } from '../../domain/time.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import {
  type Delivery,
  DeliveryQueue,
  settlementOf,
} from '../../switch/webhooks/delivery-queue.ts';
import type { Endpoint, ToldHealth } from '../../switch/webhooks/ports.ts';
import { DELIVERY_LIFE_MS, retryWait } from '../../switch/webhooks/schedule.ts';
import type { SharedTurns } from '../../switch/webhooks/shared-turns.ts';
import type { Delivered, DeliveryWay, Receiver } from '../../switch/webhooks/ways.ts';
import { eventId } from '../gateway/pending.ts';
import { HeldBack } from './held-back.ts';
import type { WebhookOptions } from './options.ts';
import type { Parcel } from './parcel.ts';

/** Three days of them, as the schedule has it. */
const CHALLENGES_MAX = 15;

/** Events that were given up are known for so many; one that is forgotten is tried once more after a start. */
export const GIVEN_UP_MAX = 10_000;

/** So long what is pending waits for what is owed and not in history yet. */
const INCOMPLETE_MAX_MS = 30 * SECOND_MS;

export interface SenderContext {
  readonly options: WebhookOptions;
  /** Of all endpoints' requests. */
  readonly turns: SharedTurns;
}

export class EndpointSender {
  endpoint: Endpoint;
  readonly #context: SenderContext;
  readonly #queue: DeliveryQueue<Parcel>;
  /** By event: dead letters, which nobody but an operator sends again, though the events are pending. */
  readonly #givenUp = new Set<string>();
  /** How often it has begun to wait for what it is owed, which may come before what is pending; whether it waits now. */
  #waits = 1;
  #awaitsLetters = true;
  /** It is owed more than is held here: what is pending is not sent before that, nor held beside it. */
  #isBehind = false;
  readonly #held = new HeldBack();
  /** Since when it waits for the rest of what it is owed alone. */
  #incompleteSince: number | null = null;
  #cancelTimer: (() => void) | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #isClosed = false;
  /** It has said so, and that is not noted yet. */
  #isGone = false;
  /** How often it has become active since it was first known. */
  #beginnings = 0;
  /** Ends the wait before the next challenge. */
  #cancelChallenge: (() => void) | null = null;
  #challenges = 0;
  #succeededAt: number | null = null;
  #failedAt: number | null = null;
  #failure: string | null = null;
  #told = '';

  constructor(endpoint: Endpoint, context: SenderContext) {
    this.endpoint = endpoint;
    this.#context = context;
    this.#queue = new DeliveryQueue(context.options.limits);
  }

  get pending(): number {
    return this.#queue.size + this.#held.size;
  }

  get underWay(): number {
    return this.#queue.underWay;
  }

  get isTrusted(): boolean {
    return this.#queue.breaker.is === 'closed';
  }

  /** Whether what waits for it of this bill waits for another attempt, or for more than is held here. */
  isHeldUp(billId: BillId): boolean {
    return this.#isBehind || !this.isTrusted || this.#queue.isHeldUp(billId);
  }

  get waits(): number {
    return this.#waits;
  }

  /** Another each time that it is active again: what it has missed meanwhile is read anew. */
  get beginnings(): number {
    return this.#beginnings;
  }

  get awaitsLetters(): boolean {
    return this.#awaitsLetters && !this.#isClosed;
  }

  /** Begins nothing until what it is owed has been read anew: other bills are sent from here, or more is owed than was held. */
  awaitLetters(): void {
    this.#waits += 1;
    this.#awaitsLetters = true;
    this.#isBehind = false;
    this.#incompleteSince = null;
  }

  get isBehind(): boolean {
    return this.#isBehind && !this.#isClosed;
  }

  /** More is owed than is held here: from now on what is pending waits until that has been read. */
  fallBehind(): void {
    if (this.#isBehind) return;
    this.#isBehind = true;
    for (const parcel of this.#held.parcels) parcel.heldUp();
  }

  /**
   * What it was owed when it began to wait for the nth time has been offered. `isWhole`: as far as was read, and not only as far
   * as history has it. `isAll`: that was all.
   */
  lettersCame(wait: number, { isWhole, isAll }: { isWhole: boolean; isAll: boolean }): void {
    if (wait !== this.#waits || !this.#awaitsLetters) return;
    const now = this.#context.options.clock.monotonic();
    this.#incompleteSince ??= now;
    if (!isWhole && now - this.#incompleteSince < INCOMPLETE_MAX_MS) return;
    this.#awaitsLetters = false;
    if (!isAll) this.fallBehind();
    if (!this.#isBehind) this.#release();
    this.#pump();
  }

  #release(): void {
    for (const { parcel, since } of this.#held.takeAll()) this.offer(parcel, since);
  }

  /** What the endpoint is now: one that is pending is asked for its proof. */
  become(read: Endpoint): void {
    const was = this.endpoint;
    const endpoint: Endpoint = this.#isGone ? { ...read, state: 'disabled' } : read;
    this.endpoint = endpoint;
    if (endpoint.state === 'active' && was.state !== 'active') this.#beginnings += 1;
    const isNew = was === read || was.state !== endpoint.state;
    if (isNew) {
      const what = `webhook.${endpoint.state}`;
      this.#context.options.log.info({ what, endpoint: endpoint.id }, what);
    }
    if (endpoint.state === 'pending' && isNew) this.#challenge();
  }

  /** Sends to one that has become active, once what was pending when it was left alone is read anew. */
  goOn(): void {
    this.#pump();
  }

  /** A dead letter is not sent again with what is pending. */
  giveUp(billId: BillId, no: number): void {
    const id = partId(billId, 'e', no);
    if (!this.#givenUp.has(id) && this.#givenUp.size >= GIVEN_UP_MAX) {
      for (const oldest of this.#givenUp) {
        this.#givenUp.delete(oldest);
        break;
      }
    }
    this.#givenUp.add(id);
  }

  wants({ bill, event }: StreamedEvent): boolean {
    const { state, eventTypes } = this.endpoint;
    if (state !== 'active' || eventTypes?.has(event.type) === false) return false;
    return this.#givenUp.size === 0 || !this.#givenUp.has(partId(bill.id, 'e', event.no));
  }

  /** `since`: from when its life is counted, by the wall clock. */
  offer(parcel: Parcel, since: number): void {
    const { clock } = this.#context.options;
    const { bill, event } = parcel.event;
    const now = clock.monotonic();
    const deadAt = now + since + DELIVERY_LIFE_MS - clock.wall();
    const id = partId(bill.id, 'e', event.no);
    // After a crash there may be a letter of one event, and none yet of the one before.
    for (const held of this.#held.takeBefore(bill.id, event.no))
      this.offer(held.parcel, held.since);
    this.#queue.offer({ id, billId: bill.id, no: event.no, deadAt, load: parcel }, now);
    this.#pump();
  }

  /** As `offer`, of what is pending: it comes after what is owed, but for what is owed of events after it. */
  offerPending(parcel: Parcel, since: number): void {
    const { bill, event } = parcel.event;
    const mayGo = !this.#awaitsLetters && !this.#isBehind;
    if (mayGo || this.#queue.hasFrom(bill.id, event.no)) this.offer(parcel, since);
    else this.#held.hold({ parcel, since });
  }

  /** Whether it waits to be sent, or is under way. */
  isQueued(event: StreamedEvent): boolean {
    return this.#queue.has(event.bill.id, eventId(event));
  }

  /** It needs no sending any more. */
  drop(billId: BillId, no: number): void {
    const now = this.#context.options.clock.monotonic();
    const id = partId(billId, 'e', no);
    this.#held.drop(billId, no);
    this.#queue.drop(billId, id, now);
    this.#pump();
  }

  /** Gives up what has come to its end while the endpoint was left alone. */
  expire(): void {
    const failure = this.#failure ?? 'not taken in its time';
    for (const { load } of this.#queue.expire(this.#context.options.clock.monotonic())) {
      this.#died(load, failure);
    }
  }

  #died(load: Parcel, failure: string): void {
    this.giveUp(load.event.bill.id, load.event.event.no);
    load.died(this.endpoint.id, failure);
  }

  /** What has changed since it was last asked; null where nothing has. */
  health(): ToldHealth | null {
    const { breaker, size } = this.#queue;
    const told = {
      id: this.endpoint.id,
      breaker: breaker.is,
      pending: size,
      succeededAt: this.#succeededAt,
      failedAt: this.#failedAt,
      failure: this.#failure,
    };
    const text = JSON.stringify(told);
    if (text === this.#told) return null;
    this.#told = text;
    return told;
  }

  /** Begins nothing any more; what is under way is settled. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#cancelChallenge?.();
  }

  #pump(): void {
    if (this.#isClosed || this.#awaitsLetters || this.endpoint.state !== 'active') return;
    const { clock } = this.#context.options;
    const now = clock.monotonic();
    for (;;) {
      const delivery = this.#queue.take(now);
      if (delivery === undefined) break;
      if (delivery.load.isOver()) this.#queue.settle(delivery, { is: 'ended' }, now, 0);
      else void this.#deliver(delivery);
    }
    this.#wakeAt(this.#queue.nextAt());
  }

  #wakeAt(at: number | null): void {
    if (at === this.#timerAt) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#timerAt = at ?? Number.POSITIVE_INFINITY;
    if (at === null) return;
    const { clock } = this.#context.options;
    const waitMs = Math.max(1, Math.ceil(at - clock.monotonic()));
    this.#cancelTimer = clock.after(waitMs, () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#pump();
    });
  }

  async #deliver(delivery: Delivery<Parcel>): Promise<void> {
    const { options, turns } = this.#context;
    // All its principals are of one; where there is none, nothing is delivered.
    const institution = this.endpoint.principals[0]?.institutionId ?? '';
    const outcome = await turns
      .take(institution, () => this.#send(delivery))
      .catch((error: unknown) => this.#broken(delivery, error));
    const now = options.clock.monotonic();
    if (outcome.is === 'delivered') {
      this.#succeededAt = options.clock.wall();
      this.#queue.settle(delivery, { is: 'taken' }, now, 0);
      this.#givenUp.delete(delivery.id);
      delivery.load.taken(this.endpoint.id);
    } else {
      this.#fail(delivery, outcome, now);
    }
    this.#pump();
  }

  async #send(delivery: Delivery<Parcel>): Promise<Delivered> {
    const { presenter, clock, metrics } = this.#context.options;
    const { event } = delivery.load;
    // The same bytes as between the braces of a socket's frame.
    const body = presenter.presentEvent(event, 'json');
    const startedAt = clock.monotonic();
    const message = { id: delivery.id, type: event.event.type, body };
    const { delivered, as } = await this.#way.deliver(this.#receiver, message);
    metrics.delivered(as, clock.monotonic() - startedAt);
    return delivered;
  }

  /** A mistake of ours costs this attempt: the thread is that of all endpoints. */
  #broken({ id: event }: Delivery<Parcel>, err: unknown): Delivered {
    const what = 'webhook.defect';
    this.#context.options.log.error({ what, err, endpoint: this.endpoint.id, event }, what);
    return { is: 'again', said: 'the switch made a mistake', afterMs: 0 };
  }

  get #way(): DeliveryWay {
    const { driver, kind } = this.endpoint;
    return this.#context.options.ways.of(driver, kind);
  }

  get #receiver(): Receiver {
    const { id, settings, secrets } = this.endpoint;
    return { endpointId: id, settings, secrets };
  }

  #fail(
    delivery: Delivery<Parcel>,
    outcome: Exclude<Delivered, { is: 'delivered' }>,
    now: number,
  ): void {
    const { log, chance } = this.#context.options;
    const { id } = this.endpoint;
    const wasTrusted = this.isTrusted;
    const { said } = outcome;
    this.#failed(said);
    const { load } = delivery;
    log.debug({ what: 'webhook.failed', endpoint: id, event: delivery.id, said }, 'webhook.failed');
    const isOver = load.isOver();
    const isDead = this.#queue.settle(delivery, settlementOf(outcome), now, chance());
    // Acknowledged while it was under way: nothing waits for it, and nobody lacks it.
    if (isOver) this.#queue.drop(delivery.billId, delivery.id, now);
    else if (isDead) this.#died(load, said);
    const isLeftAlone = wasTrusted && !this.isTrusted;
    for (const one of this.#queue.loads(isLeftAlone ? null : delivery.billId)) one.heldUp();
    if (isLeftAlone) {
      log.warn({ what: 'webhook.leftAlone', endpoint: id, said }, 'webhook.leftAlone');
    }
    if (outcome.is !== 'gone') return;
    this.#isGone = true;
    this.endpoint = { ...this.endpoint, state: 'disabled' };
    log.warn({ what: 'webhook.gone', endpoint: id }, 'webhook.gone');
    this.#disable();
  }

  /** Until that is noted, whatever is read of it is older. */
  #disable(): void {
    const { clock, log, book } = this.#context.options;
    const { id } = this.endpoint;
    if (this.#isClosed) return;
    book.disable(id).then(
      () => {
        this.#isGone = false;
      },
      (error: unknown) => {
        log.warn({ what: 'webhook.undisabled', err: error, endpoint: id }, 'webhook.undisabled');
        clock.after(SECOND_MS, () => this.#disable());
      },
    );
  }

  #failed(said: string): void {
    this.#failedAt = this.#context.options.clock.wall();
    this.#failure = said;
  }

  #challenge(): void {
    const { options } = this.#context;
    const { clock, log, book, chance, limits } = options;
    const { id } = this.endpoint;
    if (this.#isClosed || this.endpoint.state !== 'pending') return;
    const later = (): void => {
      this.#challenges += 1;
      if (this.#challenges === CHALLENGES_MAX) return;
      const waitMs = retryWait(this.#challenges, 0, { pace: limits.pace, chance: chance() });
      this.#cancelChallenge = clock.after(waitMs, () => this.#challenge());
    };
    this.#way
      .prove(this.#receiver)
      .then(async ({ isProven, said }) => {
        if (isProven) await book.proven(id);
        else this.#failed(said);
        log.info(
          { what: 'webhook.challenged', endpoint: id, isProven, said },
          'webhook.challenged',
        );
        later();
      })
      .catch((error: unknown) => {
        log.warn({ what: 'webhook.challenged', err: error, endpoint: id }, 'webhook.challenged');
        later();
      });
  }
}

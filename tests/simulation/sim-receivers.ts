// Whoever is posted events: receivers that refuse, answer late or not at all, take an event and do not say so, or are
// away for a while. And a judge, who knows what each of them was posted, by whom, and what stands in the log.

import type { Courier, Outcome } from '../../src/drivers/webhook/courier.ts';
import { makePresenter } from '../../src/protocols/presenter.ts';
import type { StreamedEvent } from '../../src/switch/ports.ts';
import { codesAt } from '../support/qr-claims.ts';
import type { Life } from './life.ts';
import type { SimNode } from './node.ts';
import { eventOf, type SimHookBook } from './sim-hook-book.ts';
import type { World } from './world.ts';

const TIMEOUT_MS = 1_500;
const LATEST_MS = 5_000;
/** What has ended is known to whoever posts it after so long. */
const TOLD_MS = 500;

const BASE_URL = 'https://pay.example';
/** The one that all ways use. */
export const hookPresenter = makePresenter({ publicBaseUrl: BASE_URL, codes: codesAt(BASE_URL) });

const ANSWERED = { is: 'answered', body: new Uint8Array(), retryAfterMs: 0 } as const;
const LOST: Outcome = { is: 'late', detail: 'no answer in time' };
const AWAY: Outcome = { is: 'lost', detail: 'nobody is there' };

/** Who posts. */
export interface Poster {
  readonly node: SimNode;
  readonly life: Life;
  readonly beganAt: number;
  /** When its process woke up last. */
  wokeAt: number;
}

export class SimReceivers {
  readonly #world: World;
  readonly #book: SimHookBook;
  /** By endpoint and event. */
  readonly #taken = new Set<string>();
  /** What was ever refused for good. */
  readonly #refused = new Set<string>();
  readonly #tried = new Map<string, Life>();
  readonly #latest = new Map<string, number>();
  readonly #away = new Map<string, number>();
  readonly #bodies = new Map<string, string>();
  readonly #endedAt = new Map<string, number>();
  readonly #raisedAt = new Map<string, number>();

  constructor(world: World, book: SimHookBook) {
    this.#world = world;
    this.#book = book;
  }

  hasTaken(endpointId: string, eventId: string): boolean {
    return this.#taken.has(`${endpointId} ${eventId}`);
  }

  /** One of them is away for a while. */
  leave(endpointId: string): void {
    const { agenda, hooking } = this.#world;
    this.#away.set(endpointId, agenda.now + hooking.between(200, 8_000));
    this.#world.trace(`${endpointId} is away`);
  }

  heal(): void {
    this.#away.clear();
  }

  raised(id: string): void {
    if (!this.#raisedAt.has(id)) this.#raisedAt.set(id, this.#world.agenda.now);
  }

  ended(id: string): void {
    this.#endedAt.set(id, this.#world.agenda.now);
  }

  /** Events were given to their recipient, by whatever way: in the words in which all others give them. */
  told(events: readonly StreamedEvent[], way: string): void {
    for (const event of events) {
      const id = `${event.bill.id}-e${event.event.no}`;
      this.#compare(id, hookPresenter.presentEvent(event, 'json'), way);
    }
  }

  #compare(id: string, body: Uint8Array, way: string): void {
    const text = Buffer.from(body).toString('utf8');
    const said = JSON.parse(text) as { id?: unknown };
    if (said.id !== id) this.#world.broke(`${id} was told as ${String(said.id)} by ${way}`);
    const known = this.#bodies.get(id);
    this.#bodies.set(id, text);
    if (known !== undefined) this.#world.count(`hook told again by ${way}`);
    if (known === undefined || known === text) return;
    this.#world.broke(`event ${id} was told as ${known}, and by ${way} as ${text}`);
  }

  /** Whether it never takes this event, as far as it says now: the second of two does so now and then. */
  refuses(endpointId: string, id: string): boolean {
    if (!endpointId.endsWith('-b') || this.hasTaken(endpointId, id)) return false;
    if (!this.#world.hookDice.strikes('hook.refusedForGood')) return false;
    this.#refused.add(`${endpointId} ${id}`);
    return true;
  }

  /** Whether it may be posted though it has ended. */
  #isOwed(key: string): boolean {
    return this.#book.everOwed.has(key) || this.#refused.has(key);
  }

  /** What one sender reaches them by. */
  courierOf(poster: Poster): Pick<Courier, 'post' | 'close'> {
    const post = async (
      url: string,
      headers: Readonly<Record<string, string>>,
      body: Uint8Array,
    ): Promise<Outcome> => {
      const endpointId = url.slice(url.lastIndexOf('/') + 1);
      const id = headers['webhook-id'] ?? '';
      this.#judge(poster, endpointId, id);
      this.#compare(id, body, 'webhook');
      return await this.#post(poster.life, endpointId, id);
    };
    return { post, close: () => undefined };
  }

  #post(life: Life, endpointId: string, id: string): Promise<Outcome> {
    const { hookDice: dice, hooking: random, agenda } = this.#world;
    const take = (): void => this.#take(endpointId, id);
    const there = random.delay(5, 60);
    if (agenda.now < (this.#away.get(endpointId) ?? 0)) {
      return life.call(there, 0, () => AWAY);
    }
    if (dice.strikes('hook.refused')) {
      const status = random.pick([500, 503, 503, 404, 302]);
      const retryAfterMs = random.pick([0, 0, 700]);
      return life.call(there, there, () => ({ ...ANSWERED, status, retryAfterMs }));
    }
    if (dice.strikes('hook.lost')) return life.call(TIMEOUT_MS, 0, () => LOST);
    const isLate = dice.strikes('hook.late');
    if (isLate || dice.strikes('hook.answerLost')) {
      agenda.after(isLate ? random.between(TIMEOUT_MS, LATEST_MS) : there, take);
      return life.call(TIMEOUT_MS, 0, () => LOST);
    }
    const slow = dice.strikes('hook.slow') ? random.between(100, 1_200) : 0;
    return life.call(there + slow, there, () => {
      take();
      return { ...ANSWERED, status: 204 };
    });
  }

  /** Whether it may be posted, now, by this one. */
  #judge(poster: Poster, endpointId: string, id: string): void {
    const world = this.#world;
    const key = `${endpointId} ${id}`;
    world.count('hook posted');
    world.trace(`${poster.life.name} posts ${id} to ${endpointId}`);
    if (this.#tried.get(key) === poster.life) world.count('hook tried again');
    else if ((this.#raisedAt.get(id) ?? 0) < poster.beganAt) world.count('hook caught up');
    this.#tried.set(key, poster.life);
    if (!world.auditor.ledger.events.has(id)) world.broke(`${id} was posted and is not durable`);
    const endedAt = this.#endedAt.get(id);
    if (endedAt === undefined || this.#isOwed(key)) return;
    const since = Math.max(endedAt, poster.wokeAt);
    if (world.agenda.now <= since + TOLD_MS || !world.isOwner(poster.node, id)) return;
    world.broke(`event ${id} was posted ${world.agenda.now - endedAt} ms after it had ended`);
  }

  /** In order within its bill, the first time. */
  #take(endpointId: string, id: string): void {
    const world = this.#world;
    const { billId, no } = eventOf(id);
    const key = `${endpointId} ${id}`;
    world.count(this.#taken.has(key) ? 'hook taken again' : 'hook taken');
    if (this.#taken.has(key)) return;
    this.#taken.add(key);
    const lane = `${endpointId} ${billId}`;
    const latest = this.#latest.get(lane) ?? 0;
    this.#latest.set(lane, Math.max(latest, no));
    // What it has refused comes again when an operator says so.
    if (this.#refused.has(key)) return;
    // What has been given by another way may come as late as it likes.
    const isOver = world.auditor.ledger.events.get(id)?.ended !== null;
    if (no < latest && (!isOver || this.#book.everOwed.has(key))) {
      world.broke(`event ${id} was posted to ${endpointId} first after ${latest}`);
    }
  }
}

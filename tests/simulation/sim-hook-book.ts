// The endpoints, their letters and the streams as Postgres gives them to the sender of webhooks.

import { type BillId, partId } from '../../src/domain/ids.ts';
import { eventBillOf } from '../../src/switch/event-index.ts';
import type { Listings } from '../../src/switch/listings-port.ts';
import type { StreamedEvent } from '../../src/switch/ports.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type {
  Endpoint,
  GivenUp,
  Letter,
  LetterId,
  WebhookBook,
} from '../../src/switch/webhooks/ports.ts';
import { type HistoryStore, historyCodec } from './history-store.ts';
import type { Life } from './life.ts';
import { pendingIn } from './sim-history.ts';
import type { World } from './world.ts';

/** What a receiver says of an event that it never takes. */
export const REFUSED_FOR_GOOD = 'it is never taken';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface KeptLetter {
  readonly letter: Letter;
  readonly state: 'dead' | 'owed';
}

export class SimHookBook {
  readonly endpoints: Endpoint[] = [];
  /** By endpoint and event: what it is owed though somebody else has acknowledged it. */
  readonly letters = new Map<string, Map<string, KeptLetter>>();
  /** All that any endpoint was ever owed. */
  readonly everOwed = new Set<string>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  add(id: string, holder: Principal): void {
    this.letters.set(id, new Map());
    this.endpoints.push({
      id,
      driver: 'webhook',
      kind: holder.kind === 'paychannel' ? 'paychannel' : 'terminal',
      settings: { url: `https://holder.example/${id}` },
      eventTypes: null,
      state: 'active',
      secrets: [SECRET],
      principals: [holder],
    });
  }

  /** An endpoint is there, is disabled, or has been removed. */
  change(id: string, state: 'active' | 'disabled' | 'removed', holder: Principal): void {
    const at = this.endpoints.findIndex((endpoint) => endpoint.id === id);
    const [known] = at < 0 ? [] : this.endpoints.splice(at, 1);
    if (state === 'removed') return;
    if (known === undefined) this.add(id, holder);
    else this.endpoints.push({ ...known, state });
  }

  /** As a sender reads and writes it. */
  openedBy(life: Life): WebhookBook {
    const nothing = (): Promise<void> => Promise.resolve();
    return {
      endpoints: () => this.#ask(life, () => this.endpoints.map((endpoint) => ({ ...endpoint }))),
      proven: nothing,
      disable: (id) => {
        this.#world.broke(`${id} was disabled, and has not said that it is gone`);
        return nothing();
      },
      tellHealth: (health) => this.#ask(life, () => void health),
      keep: (ids, state, letters, { failure }) =>
        this.#ask(life, () => {
          for (const id of ids) this.#keep(id, state, letters, failure);
        }),
      bury: () => Promise.resolve(0),
      buryOwed: () => Promise.resolve(0),
      discard: () => Promise.resolve(false),
      owed: (id, limit) => this.#ask(life, () => this.#owed(id, limit)),
      givenUp: (ids) => this.#ask(life, () => ids.flatMap((id) => this.#deadOf(id))),
      settle: (id, letters) => this.#ask(life, () => this.#settle(id, letters)),
      close: nothing,
    };
  }

  /** What a sender reads of streams. */
  listingsFor(life: Life): Listings {
    const { history } = this.#world;
    const pending = (recipient: Parameters<Listings['pendingEvents']>[0]): StreamedEvent[] =>
      pendingIn(history, recipient, life.wall()).flatMap((id) => streamedOf(history, id) ?? []);
    const streams: Pick<Listings, 'pendingEvents' | 'allPendingEvents' | 'events' | 'eventPlace'> =
      {
        pendingEvents: (recipient) => this.#ask(life, () => pending(recipient)),
        allPendingEvents: async (recipient, _since, page) =>
          void (await page(await this.#ask(life, () => pending(recipient)))),
        eventPlace: (_, billId, no) =>
          this.#ask(life, () => {
            const stored = history.events.get(`${billId} ${no}`);
            return stored === undefined ? null : { at: stored.occurredAt, billId, no };
          }),
        events: (recipient, after, limit) =>
          this.#ask(life, () => {
            const found = [...history.events.values()]
              .filter((event) => event.recipient === recipient)
              .filter(({ pending: is, acknowledgedAt }) => is || acknowledgedAt !== null)
              .filter((event) => after === null || isAfter(event, after))
              .sort((left, right) => (isAfter(left, placeOf(right)) ? 1 : -1))
              .slice(0, limit);
            return found.flatMap(
              ({ billId, no }) => streamedOf(history, partId(billId as BillId, 'e', no)) ?? [],
            );
          }),
      };
    return streams as Listings;
  }

  /** As an operator does: what this endpoint has refused is owed to it again. Answers whether there was any. */
  resend(id: string): boolean {
    const dead = this.#deadOf(id);
    for (const { billId, no } of dead) {
      const event = partId(billId, 'e', no);
      const kept = this.letters.get(id)?.get(event);
      if (kept !== undefined) this.letters.get(id)?.set(event, { ...kept, state: 'owed' });
      this.#world.count('hook resent');
    }
    return dead.length > 0;
  }

  #keep(id: string, state: 'dead' | 'owed', letters: readonly Letter[], failure: string): void {
    for (const letter of letters) {
      const event = partId(letter.billId, 'e', letter.no);
      if (state === 'dead' && failure !== REFUSED_FOR_GOOD) {
        this.#world.broke(`${event} was given up for ${id}: ${failure}`);
      }
      this.letters.get(id)?.set(event, { letter, state });
      if (state === 'owed') this.everOwed.add(`${id} ${event}`);
      this.#world.count(state === 'dead' ? 'hook dead' : 'hook owed by a letter');
    }
  }

  #deadOf(endpointId: string): GivenUp[] {
    return [...(this.letters.get(endpointId)?.values() ?? [])]
      .filter(({ state }) => state === 'dead')
      .map(({ letter: { billId, no } }) => ({ endpointId, billId, no }));
  }

  #owed(id: string, limit: number): { letter: Letter; since: number }[] {
    const letters = [...(this.letters.get(id)?.values() ?? [])]
      .filter(({ state }) => state === 'owed')
      .map(({ letter }) => letter);
    letters.sort((left, right) => left.occurredAt - right.occurredAt || left.no - right.no);
    return letters.slice(0, limit).map((letter) => ({ letter, since: letter.occurredAt }));
  }

  #settle(id: string, letters: readonly LetterId[]): void {
    for (const { billId, no } of letters) {
      if (this.letters.get(id)?.delete(partId(billId, 'e', no))) {
        this.#world.count('hook letter settled');
      }
    }
  }

  #ask<Answer>(life: Life, step: () => Answer): Promise<Answer> {
    const { hookDice, hooking, history, agenda } = this.#world;
    const hop = (): number => hooking.delay(3, 30);
    const isAway = agenda.now < history.awayUntil || hookDice.strikes('hook.unread');
    if (isAway) return life.fail(hop(), new Error('Postgres cannot be asked'));
    return life.call(hop(), hop(), step);
  }
}

/** An event as history gives it to a stream. */
export function streamedOf(history: HistoryStore, id: string): StreamedEvent | null {
  const { billId, no } = eventOf(id);
  const stored = history.events.get(`${billId} ${no}`);
  const bill = history.bill(billId);
  if (stored === undefined || bill === null) return null;
  return { bill: eventBillOf(bill.terms), event: historyCodec.decodeEvent(stored.body) };
}

/** Whose event it is, and its number there. */
export function eventOf(id: string): { billId: string; no: number } {
  const [, billId = '', no = ''] = /^(.+)-e(\d+)$/.exec(id) ?? [];
  return { billId, no: Number(no) };
}

interface Place {
  readonly at: number;
  readonly billId: string;
  readonly no: number;
}

interface Placed {
  readonly occurredAt: number;
  readonly billId: string;
  readonly no: number;
}

function placeOf({ occurredAt, billId, no }: Placed): Place {
  return { at: occurredAt, billId, no };
}

function isAfter(event: Placed, place: Place): boolean {
  if (event.occurredAt !== place.at) return event.occurredAt > place.at;
  if (event.billId !== place.billId) return event.billId > place.billId;
  return event.no > place.no;
}

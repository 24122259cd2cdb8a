// Events over HTTP: pending ones by long poll, past ones by re-reading.

import { EVENT_LIFE_MS, type Recipient } from '../../domain/bill/vocabulary.ts';
import { parsePartId } from '../../domain/ids.ts';
import { type Millis, millis, SECOND_MS } from '../../domain/time.ts';
import type { Listings } from '../../switch/listings-port.ts';
import type { Clock, EventPlace, StreamedEvent } from '../../switch/ports.ts';
import type { Presenter, ShardDoor } from '../../switch/requests.ts';
import { invalid } from '../problem-document.ts';
import { LIMITS } from '../schemas/scalars.ts';
import { type Exchange, JSON_TYPE } from './exchange.ts';
import type { Inboxes } from './inboxes.ts';
import { reachedBy } from './lists.ts';
import { eventId } from './pending.ts';
import type { QueryValues } from './query.ts';
import { guarded } from './wall.ts';

export interface EventSources {
  readonly door: ShardDoor;
  readonly listings: Listings;
  readonly clock: Clock;
  readonly presenter: Presenter;
  readonly inboxes: Inboxes;
  /** Long polls under way: each is a function that answers it at once with what there is. */
  readonly polls: Set<() => void>;
}

/** Answers the pending events, oldest first; waits for one where there is none. */
export function pollEvents(
  sources: EventSources,
  exchange: Exchange,
  recipient: Recipient,
  values: QueryValues,
): void {
  const limit = limitOf(values);
  const wait = values.wait;
  const waitMs = typeof wait === 'number' ? wait * SECOND_MS : 0;
  const inbox = sources.inboxes.acquire(recipient);
  let cancelTimer: (() => void) | null = null;
  let cancelArrival: (() => void) | null = null;
  let hasEnded = false;
  const end = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    sources.polls.delete(answer);
    cancelTimer?.();
    cancelArrival?.();
    sources.inboxes.release(inbox);
  };
  const answer = guarded(exchange, () => {
    // Its key may have been withdrawn meanwhile.
    const events = exchange.isAnswered ? null : inbox.first(limit);
    end();
    if (events !== null) sendEvents(sources.presenter, exchange, events);
  });
  sources.polls.add(answer);
  exchange.onGone(end);
  const goOn = (isFresh: boolean): void => {
    if (exchange.isAnswered || inbox.size > 0 || (isFresh && waitMs === 0)) {
      answer();
    } else if (isFresh) {
      cancelTimer = sources.clock.after(waitMs, answer);
      // Events that commit together come together: answer when the batch is through.
      cancelArrival = inbox.onArrival(() => queueMicrotask(answer));
    } else {
      end();
      exchange.refuse({ code: 'history.unavailable' });
    }
  };
  inbox.refresh(guarded(exchange, goOn));
}

/** Answers what came after an event, acknowledged or not, to 30 days back. */
export async function rereadEvents(
  sources: EventSources,
  exchange: Exchange,
  recipient: Recipient,
  values: QueryValues,
): Promise<void> {
  const place = await placeAfter(sources, recipient, String(values.after));
  if (place === 'unknown') {
    exchange.refuse(invalid([{ path: 'after', message: 'is not an event of this recipient' }]));
    return;
  }
  if (place === 'ahead') {
    sendEvents(sources.presenter, exchange, []);
    return;
  }
  const asOf = await reachedBy(sources.door);
  const since: Millis = millis(Math.max(0, sources.clock.wall() - EVENT_LIFE_MS));
  const events = await sources.listings.events(recipient, place, limitOf(values), { since, asOf });
  sendEvents(sources.presenter, exchange, events);
}

/** Where to read on from. `ahead`: history has not reached the event, so nothing that can be told comes after it. */
async function placeAfter(
  { door, listings }: EventSources,
  recipient: Recipient,
  id: string,
): Promise<EventPlace | 'ahead' | 'unknown'> {
  const part = parsePartId(id, 'e');
  if (part === undefined) return 'unknown';
  const { billId, no } = part;
  const place = await listings.eventPlace(recipient, billId, no);
  if (place !== null) return place;
  const answers = await door.ask({ query: 'events', recipient });
  const isInMemory = answers.some(
    (answer) =>
      answer.answer === 'events' &&
      (answer.ended.includes(id) || answer.pending.some((event) => eventId(event) === id)),
  );
  if (isInMemory) return 'ahead';
  // Between the two questions it may have gone from memory to history.
  return (await listings.eventPlace(recipient, billId, no)) ?? 'unknown';
}

function limitOf(values: QueryValues): number {
  const limit = values.limit;
  return typeof limit === 'number' ? limit : LIMITS.page;
}

function sendEvents(
  presenter: Presenter,
  exchange: Exchange,
  events: readonly StreamedEvent[],
): void {
  const parts: Uint8Array[] = [Buffer.from('{"events":[')];
  events.forEach((event, index) => {
    if (index > 0) parts.push(COMMA);
    parts.push(presenter.presentEvent(event, 'json'));
  });
  parts.push(END);
  exchange.send(200, JSON_TYPE, Buffer.concat(parts));
}

const COMMA = Buffer.from(',');
const END = Buffer.from(']}');

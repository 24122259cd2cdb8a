// What is pending for a recipient now: what the workers have in memory, then what Postgres has, without what has ended.

import { sentAt } from '../../domain/bill/outbox.ts';
import { EVENT_LIFE_MS, type Recipient } from '../../domain/bill/vocabulary.ts';
import { type Millis, millis } from '../../domain/time.ts';
import { byPlace } from '../../switch/event-index.ts';
import type { Listings } from '../../switch/listings-port.ts';
import type { Clock, StreamedEvent } from '../../switch/ports.ts';
import type { ShardDoor } from '../../switch/requests.ts';
import { eventId, WINDOW_MAX } from './pending.ts';

const PAGE = 1_000;

export interface FoundEvents {
  /** The first WINDOW_MAX pending, oldest first. */
  readonly events: readonly StreamedEvent[];
  /** Whether that is all. */
  readonly isComplete: boolean;
  /** Postgres could not be asked: there may be more, older ones too. */
  readonly isPartial: boolean;
}

export interface PendingSources {
  readonly door: ShardDoor;
  readonly listings: Listings;
  readonly clock: Clock;
  /** Which events count; left out: all. */
  readonly accepts?: (event: StreamedEvent) => boolean;
  /** Older events are left out; left out itself: dead letters. */
  readonly lifeMs?: number;
  onHistoryAway(recipient: Recipient, error: unknown): void;
}

/** Reads memory first, then Postgres (A10): what moves from the one to the other meanwhile is seen twice, never not. */
export async function readPending(
  sources: PendingSources,
  recipient: Recipient,
  isFirst: boolean,
): Promise<FoundEvents> {
  const since = millis(Math.max(0, sources.clock.wall() - (sources.lifeMs ?? EVENT_LIFE_MS)));
  const { found, ended } = await readMemory(sources, recipient, isFirst, since);
  try {
    const isExhausted = await readHistory(sources, recipient, since, found, ended);
    return cut(found, isExhausted, false);
  } catch (error) {
    sources.onHistoryAway(recipient, error);
    // Those that may come after others, which only history has, wait for it.
    for (const [id, { isAfterLetGo }] of found) if (isAfterLetGo) found.delete(id);
    return cut(found, true, true);
  }
}

async function readMemory(
  { door, accepts }: PendingSources,
  recipient: Recipient,
  isFirst: boolean,
  since: Millis,
) {
  const answers = await door.ask({ query: isFirst ? 'subscribe' : 'events', recipient });
  const found = new Map<string, StreamedEvent>();
  const ended = new Set<string>();
  for (const answer of answers) {
    if (answer.answer !== 'events') continue;
    for (const event of answer.pending) {
      // A bill keeps dead letters until it changes.
      if (sentAt(event.event) < since || accepts?.(event) === false) continue;
      found.set(eventId(event), event);
    }
    for (const id of answer.ended) ended.add(id);
  }
  return { found, ended };
}

/**
 * Adds what history has until a window is full or there is no more; answers whether there is no more. Mostly the first
 * page is enough. Where much of it has ended or is another's, all is read once more, as it is at one time (I5 in inbox.ts).
 */
async function readHistory(
  { listings, accepts }: PendingSources,
  recipient: Recipient,
  since: Millis,
  found: Map<string, StreamedEvent>,
  ended: ReadonlySet<string>,
): Promise<boolean> {
  const isPending = (event: StreamedEvent): boolean =>
    !ended.has(eventId(event)) && accepts?.(event) !== false;
  const add = (events: readonly StreamedEvent[]): void => {
    for (const event of events) if (!found.has(eventId(event))) found.set(eventId(event), event);
  };
  const first = await listings.pendingEvents(recipient, null, PAGE, since);
  const pending = first.filter(isPending);
  if (first.length < PAGE || pending.length >= WINDOW_MAX) {
    add(pending);
    return first.length < PAGE;
  }
  let pendingThere = 0;
  await listings.allPendingEvents(recipient, since, (page) => {
    const some = page.filter(isPending);
    add(some);
    pendingThere += some.length;
    return pendingThere < WINDOW_MAX;
  });
  return pendingThere < WINDOW_MAX;
}

/**
 * The first of all that was found. Where Postgres has more, at least WINDOW_MAX of what it gave come before that, so
 * nothing that was not read is passed over.
 */
function cut(
  found: ReadonlyMap<string, StreamedEvent>,
  isExhausted: boolean,
  isPartial: boolean,
): FoundEvents {
  const events = [...found.values()].sort(byPlace);
  const isComplete = isExhausted && events.length <= WINDOW_MAX;
  return { events: events.slice(0, WINDOW_MAX), isComplete, isPartial };
}

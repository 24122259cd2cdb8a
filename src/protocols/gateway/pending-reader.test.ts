import { describe, expect, test } from 'vitest';
import { terminalId } from '../../../tests/support/bill-fixtures.ts';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { eventsUpTo } from '../../../tests/support/stream-events.ts';
import { must } from '../../domain/assert.ts';
import { EVENT_LIFE_MS } from '../../domain/bill/vocabulary.ts';
import { byPlace } from '../../switch/event-index.ts';
import type { Listings } from '../../switch/listings-port.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import { type PendingSources, readPending } from './pending-reader.ts';

const [inHistory, alone, following] = eventsUpTo(3) as [
  StreamedEvent,
  StreamedEvent,
  StreamedEvent,
];
const inMemory = [alone, { ...following, isAfterLetGo: true as const }];

function sources(pendingEvents: () => Promise<StreamedEvent[]>): PendingSources {
  const answer = { answer: 'events', pending: inMemory, ended: [] };
  return {
    door: { ask: async () => [answer] },
    listings: { pendingEvents },
    clock: new ManualClock(),
    onHistoryAway: () => undefined,
  } as unknown as PendingSources;
}

const numbersOf = (events: readonly StreamedEvent[]): number[] =>
  events.map(({ event }) => event.occurredAt);

describe('what is pending', () => {
  test('is what memory and history have, in its order', async () => {
    const found = await readPending(
      sources(async () => [inHistory]),
      `terminal:${terminalId}`,
      true,
    );
    expect(numbersOf(found.events)).toEqual(numbersOf([inHistory, alone, following]));
    expect(found.isPartial).toBe(false);
  });

  test('shows no event of a bill without the one before it, whatever is written while it is read', async () => {
    const others = eventsUpTo(1_200);
    const [early, ours] = [must(others[10], 'an event'), must(others[1_150], 'an event')];
    const first = { ...ours, event: { ...ours.event, occurredAt: early.event.occurredAt } };
    const second = { ...ours, event: { ...ours.event, no: ours.event.no + 1 } };
    let rows = others.filter((event) => event !== ours);
    const listings: Partial<Listings> = {
      // History gets both while the first page is under way: one comes before its end, one after it.
      pendingEvents: async (_recipient, after, limit) => {
        const page = rows
          .filter(({ event }) => event.occurredAt > (after?.at ?? 0))
          .slice(0, limit);
        rows = [...others.filter((event) => event !== ours), first, second].sort(byPlace);
        return page;
      },
      allPendingEvents: async (_recipient, _since, page) => {
        page(rows);
      },
    };
    const door = { ask: async () => [] } as unknown as PendingSources['door'];
    const accepts = ({ bill }: StreamedEvent): boolean => bill.id === ours.bill.id;
    const given = { ...sources(async () => []), door, accepts };
    const found = await readPending(
      { ...given, listings: listings as Listings },
      `terminal:${terminalId}`,
      true,
    );
    expect(found.events).toEqual([first, second]);
  });

  test('leaves out dead letters that are in memory still, because their bill has not changed since', async () => {
    const given = sources(async () => []);
    const { occurredAt } = alone.event;
    const at = async (ageMs: number): Promise<number[]> => {
      const clock = { ...given.clock, wall: () => occurredAt + ageMs };
      const { events } = await readPending({ ...given, clock }, `terminal:${terminalId}`, true);
      return numbersOf(events);
    };
    expect(await at(EVENT_LIFE_MS)).toEqual(numbersOf([alone, following]));
    // The other one came a millisecond later.
    expect(await at(EVENT_LIFE_MS + 1)).toEqual(numbersOf([following]));
  });

  test('leaves out, while history is away, what may follow events that only history has', async () => {
    const away = (): Promise<never> => Promise.reject(new Error('away'));
    const found = await readPending(sources(away), `terminal:${terminalId}`, true);
    expect(numbersOf(found.events)).toEqual(numbersOf([alone]));
    expect(found.isPartial).toBe(true);
  });
});

import { describe, expect, test } from 'vitest';
import { terminalId } from '../../../tests/support/bill-fixtures.ts';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { eventsUpTo } from '../../../tests/support/stream-events.ts';
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

  test('leaves out, while history is away, what may follow events that only history has', async () => {
    const away = (): Promise<never> => Promise.reject(new Error('away'));
    const found = await readPending(sources(away), `terminal:${terminalId}`, true);
    expect(numbersOf(found.events)).toEqual(numbersOf([alone]));
    expect(found.isPartial).toBe(true);
  });
});

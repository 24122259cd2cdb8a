import { describe, expect, test } from 'vitest';
import { Hearing } from './hearing.ts';
import type { Json, Link, PushedEvent } from './link.ts';
import { chanceOf } from './rates.ts';
import { Tally } from './tally.ts';

function hearingOf(ackTwice = 0) {
  const tally = new Tally();
  const heard: string[] = [];
  const acknowledged: Json[] = [];
  const link: Link = {
    ask: (_op, body) => {
      acknowledged.push(body);
      return Promise.resolve({ status: 200, body: {} });
    },
    close: () => undefined,
  };
  const onEvent = ({ id }: PushedEvent): boolean => heard.push(id) > 0;
  const hearing = new Hearing({ tally, random: chanceOf(1, 1), ackTwice, onEvent });
  return { hearing, tally, heard, acknowledged, link };
}

function event(id: string, billVersion: number, amount = 100): PushedEvent {
  const data = { bill: { status: 'paid', paid: amount }, payment: { id: 'p', amount } };
  const occurredAt = '2026-01-01T00:00:00.000Z';
  return { id, type: 'bill.paid', billId: 'b', billVersion, occurredAt, data };
}

describe('an event', () => {
  test('is heard once, however often it comes', () => {
    const { hearing, heard, tally } = hearingOf();
    for (const id of ['e1', 'e1', 'e2', 'e1']) hearing.take(event(id, 2));

    expect(heard).toEqual(['e1', 'e2']);
    expect(tally.count('events heard again')).toBe(2);
    expect(tally.contradictions).toEqual([]);
  });

  test('that says something else when it comes again is a contradiction', () => {
    const { hearing, tally } = hearingOf();
    hearing.take(event('e1', 2));
    hearing.take(event('e1', 2, 101));

    expect(tally.contradictions).toEqual([expect.stringContaining('event e1 said')]);
  });

  test('that comes before one of an earlier version of its bill is a contradiction', () => {
    const { hearing, tally } = hearingOf();
    hearing.take(event('e2', 3));
    hearing.take(event('e1', 2));

    expect(tally.contradictions).toEqual([expect.stringContaining('of version 2 came after')]);
  });

  test('is acknowledged, twice where the dice say so', async () => {
    const { hearing, link, acknowledged } = hearingOf(1);
    await hearing.acknowledge(['e1', 'e2'], link);

    expect(acknowledged).toEqual([{ ids: ['e1', 'e2'] }, { ids: ['e1', 'e2'] }]);
  });
});

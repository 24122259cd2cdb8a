// An endpoint that is owed more than is held in memory: its letters tell the rest, in order.

import { describe, expect, test } from 'vitest';
import { NOON } from '../../../tests/support/bill-fixtures.ts';
import { openDeliverer, SLOW_MS, TAKEN } from '../../../tests/support/slow-deliverer.ts';
import { eventNo, idsOf } from '../../../tests/support/stream-events.ts';
import { MINUTE_MS, plus, SECOND_MS } from '../../domain/time.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Delivered } from '../../switch/webhooks/ways.ts';

const HELD = 3;
/** Of one bill. */
const events: readonly StreamedEvent[] = Array.from({ length: 11 }, (_, i) =>
  eventNo(1, { no: i + 1, occurredAt: plus(NOON, i + 1) }),
);
const last = events[10] as StreamedEvent;
const before = events.slice(0, 10);
const written = events.map((event) => ({ event, at: event.event.occurredAt }));
const limits = { owedHeld: HELD };

describe('an endpoint that is down while another takes everything', () => {
  async function behind() {
    const is: { answer: Delivered } = { answer: { is: 'again', said: 'not now', afterMs: 0 } };
    const opened = await openDeliverer({
      endpoints: 2,
      pending: [],
      written,
      limits,
      answer: (endpointId) => (endpointId === 'endpoint-1' ? is.answer : TAKEN),
    });
    for (const event of before) {
      opened.live(event);
      await opened.clock.pass(SLOW_MS);
      opened.acknowledged(event);
    }
    await opened.clock.pass(5 * SLOW_MS);
    return { ...opened, is };
  }

  test('holds up nobody, and of what it is owed no more than the bound is held', async () => {
    const { deliverer, letters, posted } = await behind();
    expect(posted(2)).toEqual(idsOf(before));
    expect(letters.of('endpoint-1', 'owed')).toHaveLength(before.length);
    expect(deliverer.stats().pending).toBeLessThanOrEqual(HELD + 1);
  });

  test('is brought all of it in order once it is back, and then what is new', async () => {
    const { clock, is, letters, posted, live } = await behind();
    is.answer = TAKEN;
    live(last);
    // Before anybody looks by the minute.
    await clock.pass(30 * SECOND_MS);
    expect(posted(1).slice(-events.length)).toEqual(idsOf(events));
    expect(letters.of('endpoint-1', 'owed')).toEqual([]);
  });
});

describe('an endpoint that is owed more than that when its sender begins', () => {
  test('is posted nothing pending before the last of it', async () => {
    const { clock, posted } = await openDeliverer({
      pending: [last],
      written,
      owed: before,
      limits,
      answer: () => TAKEN,
    });
    await clock.pass(MINUTE_MS);
    expect(posted()).toEqual(idsOf(events));
  });
});

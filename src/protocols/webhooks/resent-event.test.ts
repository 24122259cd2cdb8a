// An event that was sent again, long after it occurred, is as young as that was.

import { describe, expect, test } from 'vitest';
import { NOON } from '../../../tests/support/bill-fixtures.ts';
import { openDeliverer, REFUSED, SLOW_MS, TAKEN } from '../../../tests/support/slow-deliverer.ts';
import { eventNo, idOf } from '../../../tests/support/stream-events.ts';
import { DAY_MS, MINUTE_MS, plus, SECOND_MS } from '../../domain/time.ts';

const resentAt = plus(NOON, 40 * DAY_MS);
const event = eventNo(1, { resentAt, resends: 1, no: 2 });
const id = idOf(event);
const now = resentAt + SECOND_MS;

describe('an event that was sent again after it had been a dead letter for its recipient', () => {
  test('is posted', async () => {
    const { posted } = await openDeliverer({ pending: [event], answer: () => TAKEN, now });
    expect(posted()).toEqual([id]);
  });

  test('is tried again like any other', async () => {
    let attempts = 0;
    const { clock, letters, posted } = await openDeliverer({
      pending: [event],
      answer: () => {
        attempts += 1;
        return attempts < 3 ? { is: 'again', said: 'not now', afterMs: 0 } : TAKEN;
      },
      now,
    });
    await clock.pass(MINUTE_MS);
    expect(posted()).toEqual([id, id, id]);
    expect(letters.of('endpoint-1', 'dead')).toEqual([]);
  });

  test('is tried again where one endpoint is behind, which is owed it by a letter', async () => {
    let attempts = 0;
    const { clock, letters, posted } = await openDeliverer({
      endpoints: 2,
      pending: [event],
      written: [{ event, at: resentAt }],
      answer: (endpointId) => {
        if (endpointId === 'endpoint-2') return TAKEN;
        attempts += 1;
        return attempts < 3 ? { is: 'again', said: 'not now', afterMs: 0 } : TAKEN;
      },
      now,
    });
    await clock.pass(MINUTE_MS);
    expect(posted()).toEqual([id, id, id]);
    expect(letters.of('endpoint-1', 'dead')).toEqual([]);
  });

  test('leaves a dead letter of that time, where it is refused', async () => {
    const { clock, letters } = await openDeliverer({
      pending: [event],
      answer: () => REFUSED,
      now,
    });
    await clock.pass(5 * SLOW_MS);
    expect(letters.of('endpoint-1', 'dead').map(({ letter }) => letter.occurredAt)).toEqual([
      resentAt,
    ]);
  });
});

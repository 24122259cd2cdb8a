// A shard whose time is ahead of the sender's wall clock, as after that had been set back.

import { expect, test } from 'vitest';
import { openDeliverer, TAKEN } from '../../../tests/support/slow-deliverer.ts';
import { eventNo, idOf } from '../../../tests/support/stream-events.ts';
import { HOUR_MS } from '../../domain/time.ts';

const event = eventNo(1);

test('a letter of its events is brought, and not taken for one whose event is no more', async () => {
  const { posted } = await openDeliverer({
    pending: [],
    written: [{ event, at: event.event.occurredAt }],
    owed: [event],
    now: event.event.occurredAt - 2 * HOUR_MS,
    answer: () => TAKEN,
  });
  expect(posted()).toEqual([idOf(event)]);
});

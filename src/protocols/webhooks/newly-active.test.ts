// An endpoint that becomes active while another of its holder is being posted what is pending.

import { expect, test } from 'vitest';
import {
  ACKNOWLEDGED,
  endpointNo,
  openDeliverer,
  SLOW_MS,
  TAKEN,
} from '../../../tests/support/slow-deliverer.ts';
import { eventNo, idOf } from '../../../tests/support/stream-events.ts';
import type { Delivered } from '../../switch/webhooks/ways.ts';

const event = eventNo(1);

test('is posted what the other takes from then on, before it is acknowledged', async () => {
  const active = [endpointNo(1)];
  const pending = [event];
  let attempts = 0;
  let taken = (_: Delivered): void => undefined;
  const { deliverer, clock, posted, acknowledged } = await openDeliverer({
    pending,
    // What is pending is read anew: before it has come, the first endpoint takes it.
    beforeTold: async () => taken(TAKEN),
    answer: () => {
      attempts += 1;
      if (attempts > 1) return TAKEN;
      return new Promise((done) => {
        taken = done;
      });
    },
    send: (_, onReply) => {
      pending.length = 0;
      acknowledged(event);
      onReply(200, ACKNOWLEDGED);
    },
    book: { endpoints: async () => [...active] },
  });
  expect(posted(1)).toEqual([idOf(event)]);
  active.push(endpointNo(2));
  deliverer.look();
  await clock.pass(5 * SLOW_MS);
  expect(posted(2)).toEqual([idOf(event)]);
  expect(pending).toEqual([]);
});

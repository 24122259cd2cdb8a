// A node that takes over others' bills knows what their sender was refused.

import { expect, test } from 'vitest';
import { openDeliverer, SHARD, SLOW_MS, TAKEN } from '../../../tests/support/slow-deliverer.ts';
import { eventNo, idOf } from '../../../tests/support/stream-events.ts';
import { SECOND_MS } from '../../domain/time.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { GivenUp } from '../../switch/webhooks/ports.ts';

const event = eventNo(1);

/** The sender of another node has left it a dead letter while this one had other shards. */
async function takenOver(givenUpIsRead: () => boolean) {
  const dead: GivenUp[] = [];
  const pending: StreamedEvent[] = [];
  const opened = await openDeliverer({
    pending,
    answer: () => TAKEN,
    book: {
      givenUp: async () => {
        if (!givenUpIsRead()) throw new Error('Postgres is away');
        return [...dead];
      },
    },
  });
  opened.deliverer.serve([SHARD + 1]);
  await opened.clock.pass(5 * SLOW_MS);
  dead.push({ endpointId: 'endpoint-1', billId: event.bill.id, no: event.event.no });
  pending.push(event);
  return opened;
}

test('what an endpoint has refused of another node is not posted again after a takeover', async () => {
  const { deliverer, clock, posted } = await takenOver(() => true);
  deliverer.serve([SHARD, SHARD + 1]);
  await clock.pass(5 * SECOND_MS);
  expect(posted()).toEqual([]);
});

test('nor where that could not be read at first; what was not refused is posted once it is', async () => {
  const is = { away: false };
  const { deliverer, clock, posted, live } = await takenOver(() => !is.away);
  is.away = true;
  deliverer.serve([SHARD, SHARD + 1]);
  const other = eventNo(1, { no: 2 });
  live(other);
  await clock.pass(1.5 * SECOND_MS);
  expect(posted()).toEqual([]);
  is.away = false;
  await clock.pass(5 * SECOND_MS);
  expect(posted()).toEqual([idOf(other)]);
});

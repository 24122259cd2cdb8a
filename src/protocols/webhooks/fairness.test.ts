// One institution's slow endpoints beside another's quick one.

import { expect, test } from 'vitest';
import { NOON } from '../../../tests/support/bill-fixtures.ts';
import {
  endpointNo,
  openDeliverer,
  SLOW_MS,
  strangerNo,
  TAKEN,
} from '../../../tests/support/slow-deliverer.ts';
import { eventNo, eventsUpTo, idsOf } from '../../../tests/support/stream-events.ts';
import { plus } from '../../domain/time.ts';

const SLOW = 4;
const limits = { parallel: 4, parallelInAll: 8 };

const strangers = Array.from({ length: 5 }, (_, i) =>
  eventNo(i + 1, { recipient: 'terminal:ter_2', no: 9, occurredAt: plus(NOON, 20 + i) }),
);

test('an institution whose endpoints are slow leaves turns for the others', async () => {
  const { deliverer, clock, posted, live } = await openDeliverer({
    pending: eventsUpTo(8),
    limits,
    answer: (endpointId) =>
      endpointId === `endpoint-${SLOW + 1}` ? TAKEN : new Promise(() => undefined),
    book: {
      endpoints: async () => [
        ...Array.from({ length: SLOW }, (_, i) => endpointNo(i + 1)),
        strangerNo(SLOW + 1),
      ],
    },
  });
  deliverer.serve([...Array(1_024).keys()]);
  await clock.pass(5 * SLOW_MS);
  for (const event of strangers) live(event);
  await clock.pass(SLOW_MS);
  expect(posted(SLOW + 1)).toEqual(idsOf(strangers));
});

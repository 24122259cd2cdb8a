// A dead letter that an operator sends again is a matter between its endpoint and its holder: it ends nothing for others.

import { describe, expect, test } from 'vitest';
import {
  ACKNOWLEDGED,
  LATER,
  openDeliverer,
  REFUSED,
  SLOW_MS,
  TAKEN,
} from '../../../tests/support/slow-deliverer.ts';
import { eventNo, idOf } from '../../../tests/support/stream-events.ts';
import { MINUTE_MS } from '../../domain/time.ts';

const event = eventNo(1);
const id = idOf(event);

/** The first has refused the event and is sent it again; the second was behind all the time. */
async function resentToOneOfTwo() {
  const is = { first: REFUSED, second: LATER };
  const acknowledged = { count: 0 };
  const opened = await openDeliverer({
    endpoints: 2,
    pending: [event],
    written: [{ event, at: event.event.occurredAt }],
    answer: (endpointId) => (endpointId === 'endpoint-1' ? is.first : is.second),
    send: (_, onReply) => {
      acknowledged.count += 1;
      onReply(200, ACKNOWLEDGED);
    },
  });
  const { deliverer, clock, letters } = opened;
  await clock.pass(5 * SLOW_MS);
  letters.resend();
  deliverer.look();
  await clock.pass(2.9 * SLOW_MS);
  return { ...opened, is, acknowledged };
}

describe('an event that one endpoint takes as a letter while another waits for its next attempt', () => {
  test('is owed to that one, and acknowledged once it is', async () => {
    const { clock, is, letters, posted, acknowledged } = await resentToOneOfTwo();
    is.first = TAKEN;
    await clock.pass(5 * SLOW_MS);
    expect(posted(1)).toEqual([id, id]);
    expect(letters.of('endpoint-2', 'owed')).toHaveLength(1);
    expect(acknowledged.count).toBe(1);
    is.second = TAKEN;
    await clock.pass(10 * MINUTE_MS);
    expect(posted(2).length).toBeGreaterThan(1);
    expect(letters.of('endpoint-2', 'owed')).toEqual([]);
  });
});

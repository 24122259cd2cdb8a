import { expect, test } from 'vitest';
import type { Receiver } from '../switch/webhooks/ways.ts';
import { deliveryWays } from './delivery-ways.ts';
import type { Asked } from './host/hosted-process.ts';
import { Addresses } from './webhook/addresses.ts';
import { Courier } from './webhook/courier.ts';
import { makeWebhooks } from './webhook/driver.ts';

const receiver: Receiver = { endpointId: 'e', settings: {}, secrets: ['s'] };
const message = { id: 'e-1', type: 'bill.paid', body: new Uint8Array(2) };
const ODD = `no\0 \ud83d${'!'.repeat(600)}`;
const KEPT = `no\ufffd \ufffd${'!'.repeat(495)}`;

/** A loaded way whose driver answers everything so. */
function wayOf(asked: Asked) {
  const webhooks = makeWebhooks(new Courier(new Addresses([])), { wall: () => 0 });
  const loaded = [{ kind: 'terminal', name: 'brook', capabilities: { bodyMax: 100 } }] as const;
  return deliveryWays({ webhooks, loaded, ask: async () => asked }).of('brook', 'terminal');
}

test.each(['again', 'refused', 'gone'])(
  'what a loaded driver says where it is %s is kept with its letter: it is made fit for that',
  async (is) => {
    const answer = { is, said: ODD, afterMs: 7 };
    const { delivered } = await wayOf({ is: 'answered', answer }).deliver(receiver, message);

    expect(delivered).toEqual({ ...answer, said: KEPT });
  },
);

test('so is what it says of a proof', async () => {
  const way = wayOf({ is: 'answered', answer: { isProven: false, said: ODD } });

  expect(await way.prove(receiver)).toEqual({ isProven: false, said: KEPT });
});

test('so is what it throws', async () => {
  const way = wayOf({ is: 'unknown', why: ODD });
  const { delivered } = await way.deliver(receiver, message);

  expect(delivered).toMatchObject({
    is: 'again',
    said: expect.stringContaining('no\ufffd \ufffd'),
  });
});

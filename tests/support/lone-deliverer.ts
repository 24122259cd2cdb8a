// A sender of webhooks behind a scripted door, with one endpoint of the terminal, which takes everything.

import { must } from '../../src/domain/assert.ts';
import { hashOfKey } from '../../src/protocols/gateway/principals.ts';
import { makePresenter } from '../../src/protocols/presenter.ts';
import { Deliverer } from '../../src/protocols/webhooks/deliverer.ts';
import { WEBHOOK_LIMITS } from '../../src/protocols/webhooks/options.ts';
import type { Listings } from '../../src/switch/listings-port.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type { Endpoint, WebhookBook } from '../../src/switch/webhooks/ports.ts';
import { BASE, type Bench, keys } from './fake-door.ts';
import { codesAt } from './qr-claims.ts';

/** A proven endpoint that wants every event of its one holder. */
export function endpointOf(holder: Principal, id = 'whk_1'): Endpoint {
  return {
    id,
    driver: 'webhook',
    kind: 'terminal',
    settings: {},
    eventTypes: null,
    state: 'active',
    secrets: ['secret'],
    principals: [holder],
  };
}

/** `posted`: the ids of events, as they reach the endpoint. */
export function openDeliverer(
  { door, clock, principals }: Bench,
  listings: Partial<Listings>,
  posted: string[],
  given: Partial<WebhookBook> = {},
): Deliverer {
  const endpoint = endpointOf(must(principals.get(hashOfKey(keys.terminal)), 'a principal'));
  const book: Partial<WebhookBook> = {
    endpoints: async () => [endpoint],
    givenUp: async () => [],
    owed: async () => [],
    bury: async () => 0,
    buryOwed: async () => 0,
    discard: async () => false,
    settle: async () => undefined,
    tellHealth: async () => undefined,
    ...given,
  };
  const silent = (): void => undefined;
  return new Deliverer({
    door,
    clock,
    listings: listings as Listings,
    presenter: makePresenter({ publicBaseUrl: BASE, codes: codesAt(BASE) }),
    book: book as WebhookBook,
    ways: {
      of: () => ({
        prove: async () => ({ isProven: true, said: '' }),
        deliver: async (_receiver, { id }) => {
          posted.push(id);
          return { delivered: { is: 'delivered' }, as: '2xx' };
        },
      }),
      check: async () => ({ value: {} }),
    },
    log: { debug: silent, info: silent, warn: silent, error: silent },
    metrics: { delivered: silent, died: silent },
    limits: WEBHOOK_LIMITS,
    newRequestId: () => 'r',
    chance: () => 0,
  });
}

// Webhooks: the first driver of the contract for deliveries. Events are posted, signed by the Standard Webhooks scheme.

import { type Static, Type } from '@sinclair/typebox';
import type { Delivered, Message, Receiver } from '../../switch/webhooks/ways.ts';
import type {
  DeliveryDriver,
  DeliveryDriverModule,
  PaychannelDriverModule,
  TerminalDriverModule,
} from '../contract/delivery-driver.ts';
import { CONTRACT_VERSION, type Surroundings } from '../contract/driver-module.ts';
import { Addresses, parseRange, urlFlaw } from './addresses.ts';
import { challenge, isTaken, saidOf } from './challenge.ts';
import { COURIER_TIMES, Courier, type Outcome } from './courier.ts';
import { signedHeaders } from './signature.ts';

const GONE = 410;
const WHERE = 'must lead to a public address by https, or into a range of QRSWITCH_WEBHOOK_ALLOW';

const settings = Type.Object(
  {
    /** Ranges (CIDR) beside public addresses. */
    allow: Type.Array(Type.String(), { default: [] }),
  },
  { additionalProperties: false },
);
const endpoint = Type.Object(
  { url: Type.String({ pattern: '^https?://' }) },
  { additionalProperties: false },
);

/** The webhook's, which tells how an answer is to be counted, too. */
export interface WebhookDriver extends DeliveryDriver {
  /** What is wrong with an address that somebody registers; null where nothing is that can be seen so far. */
  flawOf(url: string): string | null;
  deliver(receiver: Receiver, message: Message): Promise<Delivered & { readonly as: string }>;
}

const common = {
  contract: CONTRACT_VERSION,
  name: 'webhook',
  settings,
  endpoint,
  make: (given: unknown, { clock }: Surroundings): WebhookDriver => {
    const { allow } = given as Static<typeof settings>;
    const ranges = allow.map((range) => {
      const parsed = parseRange(range);
      if (parsed === undefined) throw new Error(`${range} is no range of addresses`);
      return parsed;
    });
    return makeWebhooks(
      new Courier(new Addresses(ranges), COURIER_TIMES, clock.after.bind(clock)),
      clock,
    );
  },
} as const satisfies Omit<DeliveryDriverModule, 'kind'>;

export const terminalWebhook: TerminalDriverModule = { ...common, kind: 'terminal' };
export const paychannelWebhook: PaychannelDriverModule = { ...common, kind: 'paychannel' };

export function makeWebhooks(
  courier: Courier,
  clock: Pick<Surroundings['clock'], 'wall'>,
): WebhookDriver {
  return {
    capabilities: { bodyMax: 1_048_576 },
    flawOf: (url) => {
      const flaw = urlFlaw(url);
      if (flaw !== null) return flaw;
      const refusal = courier.refusalOf(url);
      return refusal === null ? null : `${WHERE}: ${refusal}`;
    },
    prove: ({ settings: to, secrets }) =>
      challenge(courier, { ...(to as Static<typeof endpoint>), secrets }, clock.wall()),
    async deliver({ settings: to, secrets }, { id, body }) {
      const seconds = Math.floor(clock.wall() / 1_000);
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'qrswitch',
        ...signedHeaders({ id, seconds, body }, secrets),
      };
      const { url } = to as Static<typeof endpoint>;
      const outcome = await courier.post(url, headers, body);
      return { ...deliveredOf(outcome), as: classOf(outcome) };
    },
    close: async () => courier.close(),
  };
}

function deliveredOf(outcome: Outcome): Delivered {
  const said = saidOf(outcome);
  if (outcome.is !== 'answered') return { is: 'again', said, afterMs: 0 };
  if (isTaken(outcome.status)) return { is: 'delivered' };
  if (outcome.status === GONE) return { is: 'gone', said };
  return { is: 'again', said, afterMs: outcome.retryAfterMs };
}

function classOf(outcome: Outcome): string {
  if (outcome.is !== 'answered') return outcome.is;
  const hundreds = Math.floor(outcome.status / 100);
  if (hundreds === 2) return '2xx';
  if (hundreds === 3) return '3xx';
  return hundreds === 4 ? '4xx' : '5xx';
}

// All ways by which events are delivered, as the sender of webhooks and the operators' calls ask them: webhooks here, other
// people's drivers wherever they run.

import type {
  Checked,
  Delivered,
  DeliveryWay,
  DeliveryWays,
  Message,
  Proof,
  Receiver,
  WayKind,
} from '../switch/webhooks/ways.ts';
import { WEBHOOK } from '../switch/webhooks/ways.ts';
import type { DeliveryCapabilities } from './contract/delivery-driver.ts';
import { asWords } from './contract/kept-texts.ts';
import type { Asked } from './host/hosted-process.ts';
import type { WebhookDriver } from './webhook/driver.ts';

/** A way that has been loaded; plain, so that it crosses threads. */
export interface LoadedWay {
  readonly kind: WayKind;
  readonly name: string;
  readonly capabilities: DeliveryCapabilities;
}

/** Asks a driver, wherever it runs. Never rejects. */
export type AskWay = (
  way: Pick<LoadedWay, 'kind' | 'name'>,
  call: 'prove' | 'deliver' | 'checkEndpoint',
  args: readonly unknown[],
) => Promise<Asked>;

/** Nobody mends a list of drivers in less. */
const UNLOADED_MS = 60_000;

export function deliveryWays(of: {
  readonly webhooks: WebhookDriver;
  readonly loaded: readonly LoadedWay[];
  readonly ask: AskWay;
}): DeliveryWays {
  const { loaded, ask } = of;
  const webhooks = wayOfWebhooks(of.webhooks);
  const find = (driver: string, kind: WayKind): LoadedWay | undefined =>
    loaded.find((way) => way.name === driver && way.kind === kind);
  return {
    of: (driver, kind) => {
      if (driver === WEBHOOK) return webhooks;
      const way = find(driver, kind);
      return way === undefined ? unloaded(driver) : hosted(way, ask);
    },
    async check(driver, kind, settings): Promise<Checked> {
      if (driver === WEBHOOK) return checkedUrl(of.webhooks, settings);
      const way = find(driver, kind);
      if (way === undefined) {
        const names = [WEBHOOK, ...loaded.flatMap((one) => (one.kind === kind ? [one.name] : []))];
        const message = `must be one of ${names.join(', ')} for a ${kind}`;
        return { flaws: [{ path: 'driver', message }] };
      }
      const asked = await ask(way, 'checkEndpoint', [settings]);
      if (asked.is !== 'answered') return { away: awayOf(driver, asked) };
      const answer = asked.answer as { value: unknown } | { flaws: string };
      return 'value' in answer
        ? { value: answer.value }
        : { flaws: [{ path: 'settings', message: `do not fit: ${answer.flaws}` }] };
    },
  };
}

function checkedUrl(webhooks: WebhookDriver, settings: unknown): Checked {
  const { url } = settings as { readonly url: string };
  const flaw = webhooks.flawOf(url);
  return flaw === null ? { value: { url } } : { flaws: [{ path: 'url', message: flaw }] };
}

function wayOfWebhooks(webhooks: WebhookDriver): DeliveryWay {
  return {
    prove: (receiver) => webhooks.prove(receiver),
    deliver: async (receiver, message) => {
      const { as, ...delivered } = await webhooks.deliver(receiver, message);
      return { delivered, as };
    },
  };
}

function hosted(way: LoadedWay, ask: AskWay): DeliveryWay {
  return {
    async prove(receiver: Receiver): Promise<Proof> {
      const asked = await ask(way, 'prove', [receiver]);
      if (asked.is !== 'answered') return { isProven: false, said: awayOf(way.name, asked) };
      const { isProven, said } = asked.answer as Proof;
      return { isProven, said: asWords(said) };
    },
    async deliver(receiver: Receiver, message: Message) {
      const { bodyMax } = way.capabilities;
      if (message.body.length > bodyMax) {
        const said = `it has ${message.body.length} bytes, and ${way.name} takes ${bodyMax}`;
        return { delivered: { is: 'refused', said }, as: 'refused' };
      }
      // A copy of its own: a view would cross threads with all of the memory behind it.
      const body = new Uint8Array(message.body);
      const asked = await ask(way, 'deliver', [receiver, { ...message, body }]);
      if (asked.is !== 'answered') {
        const said = awayOf(way.name, asked);
        return { delivered: { is: 'again', said, afterMs: 0 }, as: 'lost' };
      }
      const answer = asked.answer as Delivered;
      const delivered =
        answer.is === 'delivered' ? answer : { ...answer, said: asWords(answer.said) };
      return { delivered, as: delivered.is };
    },
  };
}

function unloaded(driver: string): DeliveryWay {
  const said = `the driver ${driver} is not loaded`;
  return {
    prove: () => Promise.resolve({ isProven: false, said }),
    deliver: () =>
      Promise.resolve({ delivered: { is: 'again', said, afterMs: UNLOADED_MS }, as: 'lost' }),
  };
}

function awayOf(driver: string, asked: Exclude<Asked, { is: 'answered' }>): string {
  return asWords(`the driver ${driver} could not be asked: ${asked.why}`);
}

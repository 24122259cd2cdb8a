// The checks of the contract for a driver that delivers events, each on a receiver of its own. A name says what a driver does;
// the check throws what it saw instead. The rules W1 to W4 stand in delivery-driver.ts.

import type { Delivered, Message, Receiver } from '../../switch/webhooks/ways.ts';
import {
  DELIVERY_MS,
  type DeliveryDriver,
  EVENT_BYTES,
  type PaychannelDriverModule,
  type TerminalDriverModule,
} from '../contract/delivery-driver.ts';
import { fitTo, isClosed } from '../contract/open-driver.ts';
import type { Calls } from './calls.ts';
import { type Check, demand, untilThere } from './check.ts';
import { openHeld } from './held-driver.ts';
import { inTime } from './in-time.ts';
import type { KitClock } from './kit-clock.ts';
import { settingsChecks } from './settings-checks.ts';
import type { DeliveryDisturbance, TestReceiver } from './test-receiver.ts';

/** One check's surroundings. */
export interface DeliveryTrial {
  readonly module: TerminalDriverModule | PaychannelDriverModule;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly receiver: TestReceiver;
  /** A receiver beside it. */
  readonly another: () => Promise<TestReceiver>;
  readonly clock: KitClock;
  readonly calls: Calls;
  readonly driver: DeliveryDriver;
  /** Whether nobody waits for it any more. */
  readonly isOver: () => boolean;
}

const BUSY_MS = 7_000;
const AT_ONCE = 16;
const BODY =
  '{"id":"01KE70EHG0007Q2M4N6P8Q0R2S-e1","type":"bill.paid","note": "\\u0447ай\\n\\u0000 🚕  {}"}';

export function openDelivery(
  { module, clock, calls }: Pick<DeliveryTrial, 'module' | 'clock' | 'calls'>,
  settings: Readonly<Record<string, unknown>>,
): DeliveryDriver {
  return openHeld(module, { settings, surroundings: { clock }, calls });
}

function target({ receiver }: Pick<DeliveryTrial, 'receiver'>, endpointId = 'whk_kit'): Receiver {
  const { endpoint, secrets } = receiver;
  return { endpointId, settings: endpoint, secrets };
}

function message(no = 1, text = BODY): Message {
  const id = `01KE70EHG0007Q2M4N6P8Q0R2S-e${no}`;
  return { id, type: 'bill.paid', body: new TextEncoder().encode(text) };
}

/** Delivers; where the receiver stalls, time passes once the delivery has reached it. */
async function delivered(trial: DeliveryTrial, isStalled = false): Promise<Delivered> {
  const { receiver, driver, clock } = trial;
  const before = receiver.attempts();
  const asked = driver.deliver(target(trial), message());
  if (!isStalled) return asked;
  await untilThere(() => receiver.attempts() > before, asked, trial.isOver);
  return inTime(asked, clock, DELIVERY_MS);
}

const disturbed = (how: DeliveryDisturbance): Check<DeliveryTrial> => ({
  name: `says “again” when a delivery is disturbed, and brings it the next time: ${how}`,
  run: async (trial) => {
    if (!trial.receiver.disturb(how)) return;
    const first = await delivered(trial, how === 'stalled');
    demand(first.is === 'again', `it says ${first.is}`);
    const second = await delivered(trial);
    demand(second.is === 'delivered', `it says ${second.is} the second time`);
    const last = trial.receiver.kept().at(-1);
    demand(last?.id === message().id && last.body === BODY, 'it brought something else then');
  },
});

export const deliveryChecks: readonly Check<DeliveryTrial>[] = [
  ...settingsChecks((trial: DeliveryTrial, settings) => openDelivery(trial, settings)),
  {
    name: 'refuses endpoints with settings that it does not know, or without those it needs',
    run: async ({ module, receiver }) => {
      demand(
        isClosed(module.endpoint),
        'its schema of an endpoint takes members that it does not name',
      );
      demand('value' in fitTo(module.endpoint, receiver.endpoint), 'it refuses its own receiver');
      demand(
        'flaws' in fitTo(module.endpoint, {}),
        'it takes an endpoint of which nothing is said',
      );
    },
  },
  {
    name: 'brings the exact bytes and the id, each time that it is asked',
    run: async (trial) => {
      for (const no of [1, 2]) {
        const result = await delivered(trial);
        demand(result.is === 'delivered', `it says ${result.is}`);
        const kept = trial.receiver.kept();
        demand(kept.length === no, `${kept.length} came, where ${no} were sent`);
        demand(kept.at(-1)?.id === message().id, `the id is ${kept.at(-1)?.id}`);
        demand(kept.at(-1)?.body === BODY, 'the bytes are others');
      }
    },
  },
  {
    name: 'takes events as long as they come, and brings all of each',
    run: async (trial) => {
      const { bodyMax } = trial.driver.capabilities;
      demand(
        bodyMax >= EVENT_BYTES,
        `it takes ${bodyMax} bytes, and an event has to ${EVENT_BYTES}`,
      );
      const [start, end] = ['{"note":"', '"}'];
      const text = start + 'x'.repeat(EVENT_BYTES - start.length - end.length) + end;
      const { is } = await trial.driver.deliver(target(trial), message(1, text));
      demand(is === 'delivered', `it says ${is}`);
      demand(trial.receiver.kept().at(-1)?.body === text, 'something else came');
    },
  },
  {
    name: 'keeps deliveries apart that are under way at once',
    run: async (trial) => {
      const sent = Array.from({ length: AT_ONCE }, (_, no) => message(no, `{"no":${no}}`));
      const results = await Promise.all(sent.map((of) => trial.driver.deliver(target(trial), of)));
      demand(
        results.every(({ is }) => is === 'delivered'),
        `it says ${results.map(({ is }) => is).join(', ')}`,
      );
      const kept = trial.receiver.kept();
      const isAll = sent.every(({ id, body }) => {
        const text = new TextDecoder().decode(body);
        return kept.some((one) => one.id === id && one.body === text);
      });
      demand(isAll && kept.length === AT_ONCE, 'they did not all come, or got mixed up');
    },
  },
  {
    name: 'brings each event to the endpoint that it is for',
    run: async (trial) => {
      const other = await trial.another();
      const both = [target(trial), target({ receiver: other }, 'whk_other')];
      for (const [no, to] of [...both, ...both].entries()) {
        const { is } = await trial.driver.deliver(to, message(no));
        demand(is === 'delivered', `it says ${is}`);
      }
      const [own, others] = [trial.receiver, other].map((one) => one.kept().map(({ id }) => id));
      demand(String(own) === `${message(0).id},${message(2).id}`, `the first got ${own}`);
      demand(String(others) === `${message(1).id},${message(3).id}`, `the other got ${others}`);
    },
  },
  {
    name: 'takes an endpoint for its holder’s only where that shows it',
    run: async (trial) => {
      const own = await trial.driver.prove(target(trial));
      demand(own.isProven, `it does not know the holder’s: ${own.said}`);
      trial.receiver.ofHolder(false);
      demand(!(await trial.driver.prove(target(trial))).isProven, 'it takes anybody’s');
      demand(trial.receiver.kept().length === 0, 'it sent an event in proving');
    },
  },
  ...(['requestLost', 'answerLost', 'failed', 'stalled', 'garbled'] as const).map(disturbed),
  {
    name: 'passes on how long a busy receiver asks to be spared',
    run: async (trial) => {
      if (!trial.receiver.disturb('busy')) return;
      const result = await delivered(trial);
      demand(
        result.is === 'again' && result.afterMs >= BUSY_MS,
        `it says ${JSON.stringify(result)}`,
      );
    },
  },
  {
    name: 'tells an endpoint that is no more from one that fails',
    run: async (trial) => {
      if (!trial.receiver.disturb('gone')) return;
      const result = await delivered(trial);
      demand(result.is === 'gone', `it says ${result.is}`);
    },
  },
  {
    name: 'says “again” when nobody is there',
    run: async (trial) => {
      await trial.receiver.close();
      const result = await delivered(trial);
      demand(result.is === 'again', `it says ${result.is}`);
      const { isProven } = await trial.driver.prove(target(trial));
      demand(!isProven, 'it has proved that nobody is the holder');
    },
  },
];

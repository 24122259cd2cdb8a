import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import type {
  DeliveryDriver,
  TerminalDriverModule,
} from '../../drivers/contract/delivery-driver.ts';
import type { Surroundings } from '../../drivers/contract/driver-module.ts';
import { runChecks } from '../../drivers/kit/run-checks.ts';
import { terminalWebhook } from '../../drivers/webhook/driver.ts';
import type { Receiver } from '../../switch/webhooks/ways.ts';
import { startWebhookReceiverForKit } from './test-receivers.ts';

/** The driver of webhooks with one thing wrong in it. */
type Change = (driver: DeliveryDriver, surroundings: Surroundings) => Partial<DeliveryDriver>;

const planted: readonly [string, string, Change][] = [
  [
    'takes a lost answer for a yes',
    'disturbed, and brings it the next time: requestLost',
    (driver) => ({
      deliver: async (...call) => {
        const result = await driver.deliver(...call);
        return result.is === 'again' ? { is: 'delivered' } : result;
      },
    }),
  ],
  [
    'writes the event anew',
    'the exact bytes',
    (driver) => ({
      deliver: (to, message) => {
        const text = JSON.stringify(JSON.parse(new TextDecoder().decode(message.body)));
        return driver.deliver(to, { ...message, body: new TextEncoder().encode(text) });
      },
    }),
  ],
  [
    'draws an id for each attempt',
    'the exact bytes and the id',
    (driver) => ({
      deliver: (to, message) => driver.deliver(to, { ...message, id: `${message.id}-again` }),
    }),
  ],
  [
    'believes every endpoint',
    'only where that shows it',
    () => ({ prove: async () => ({ isProven: true, said: '' }) }),
  ],
  [
    'gives up at the first trouble',
    'brings it the next time',
    (driver) => ({
      deliver: async (...call) => {
        const result = await driver.deliver(...call);
        return result.is === 'again' ? { is: 'refused', said: result.said } : result;
      },
    }),
  ],
  [
    'does not say how long to wait',
    'asks to be spared',
    (driver) => ({
      deliver: async (...call) => {
        const result = await driver.deliver(...call);
        return result.is === 'again' ? { ...result, afterMs: 0 } : result;
      },
    }),
  ],
  [
    'throws where something is lost',
    'requestLost',
    (driver) => ({
      deliver: async (...call) => {
        const result = await driver.deliver(...call);
        if (result.is === 'again') throw new Error(result.said);
        return result;
      },
    }),
  ],
  [
    'tells more of what is amiss than is read',
    'requestLost',
    (driver) => ({
      deliver: async (...call) => {
        const result = await driver.deliver(...call);
        return result.is === 'again' ? { ...result, said: 'x'.repeat(600) } : result;
      },
    }),
  ],
  [
    'waits longer for an answer than there is time',
    'brings it the next time: stalled',
    (_driver, { clock }) => {
      const after = (ms: number, late: () => void) => clock.after(2 * ms, late);
      return terminalWebhook.make(
        { allow: ['127.0.0.0/8'] },
        { clock: { wall: () => clock.wall(), after } },
      );
    },
  ],
  [
    'takes no events of more than a few lines',
    'as long as they come',
    () => ({ capabilities: { bodyMax: 1_000 } }),
  ],
  [
    'cuts long events off',
    'as long as they come',
    (driver) => ({
      deliver: (to, message) =>
        driver.deliver(to, { ...message, body: message.body.subarray(0, 8_192) }),
    }),
  ],
  [
    'brings all events to where the first went',
    'the endpoint that it is for',
    (driver) => {
      let first: Receiver | undefined;
      return {
        deliver: (to, message) => {
          first ??= to;
          return driver.deliver(first, message);
        },
      };
    },
  ],
  [
    'does not say how much it carries',
    'refuses settings',
    () => ({ capabilities: {} as DeliveryDriver['capabilities'] }),
  ],
];

describe('a driver that delivers', () => {
  test.each(planted)('fails the conformance kit when it %s', async (_what, where, change) => {
    const [first] = await flawsOf({
      ...terminalWebhook,
      make: (settings, surroundings) => {
        const driver = terminalWebhook.make(settings, surroundings);
        return { ...driver, ...change(driver, surroundings) };
      },
    });

    expect(first?.name).toContain(where);
  });

  test('fails the conformance kit when it takes any endpoint', async () => {
    const [first] = await flawsOf({ ...terminalWebhook, endpoint: Type.Object({}) });

    expect(first?.name).toContain('refuses endpoints');
  });

  test('is none without a schema of its endpoints', async () => {
    const { endpoint: _none, ...bare } = terminalWebhook;
    await expect(flawsOf(bare as TerminalDriverModule)).rejects.toThrow('no schema of an endpoint');
  });
});

async function flawsOf(module: TerminalDriverModule) {
  const subject = { exported: { driver: module }, startTestReceiver: startWebhookReceiverForKit };
  const checked = await runChecks(subject, { isOneEnough: true });
  return checked.filter(({ flaw }) => flaw !== undefined);
}

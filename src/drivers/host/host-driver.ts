// The driver of an acquirer in a process of its own, as the switch asks it: what is not answered as it should is `notDone`
// where nothing was sent, and `unknown` where something may have been, now or before.

import { unseen } from '../contract/asking-first.ts';
import {
  type Attempt,
  type BillDriver,
  type Capabilities,
  type NotificationReading,
  notDone,
  type Outcome,
  unknown,
} from '../contract/bill-driver.ts';
import { billShapes } from './bill-shapes.ts';
import { DriverProcess, type ProcessOptions } from './hosted-process.ts';

export type HostOptions = Omit<ProcessOptions, 'kind' | 'tagKey'>;

const ASK_AGAIN_MS = 5_000;
const NEVER_SENT: Attempt = { lastSentAt: null };

/** Resolves once the driver is ready; rejects with DriverRefused where it will never be. */
export async function hostDriver(options: HostOptions): Promise<BillDriver> {
  const process = new DriverProcess({ ...options, kind: 'bill', tagKey: null }, billShapes);
  const { capabilities } = await process.start();
  const ask = async <Value>(
    call: string,
    args: readonly unknown[],
    attempt = NEVER_SENT,
  ): Promise<Outcome<Value>> => {
    const asked = await process.ask(call, args);
    if (asked.is === 'answered') return asked.answer as Outcome<Value>;
    if (asked.is === 'unknown') return unknown(asked.why, ASK_AGAIN_MS);
    // That it was not asked this time says nothing of a call before.
    return unseen(notDone(asked.code, asked.why, { afterMs: ASK_AGAIN_MS }), attempt);
  };
  // Whoever posts may do so often: that takes no room of the calls that are made.
  const readingsMax = Math.ceil(options.callsMax / 2);
  let readings = 0;
  return {
    capabilities: capabilities as Capabilities,
    register: (...args) => ask('register', args, args[1]),
    look: (...args) => ask('look', args),
    cancel: (...args) => ask('cancel', args, args[1]),
    refund: (...args) => ask('refund', args, args[2]),
    readNotification: async (posted) => {
      if (readings >= readingsMax) return UNREAD;
      readings += 1;
      const asked = await process.ask('readNotification', [posted]);
      readings -= 1;
      return asked.is === 'answered' ? (asked.answer as NotificationReading) : UNREAD;
    },
    close: () => process.close(),
  };
}

/** Nobody can read it now: who posted it does so again. */
const UNREAD: NotificationReading = {
  refused: 'the driver is away',
  reply: { status: 503, headers: {}, body: '' },
};

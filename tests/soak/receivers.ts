// The receivers of a soak, in a process of their own: what they do must not wait for those who pay.

import { setTimeout as pause } from 'node:timers/promises';
import { diceOf } from './dice.ts';
import { FlakyReceiver, type Taken } from './flaky-receiver.ts';

const TELL_MS = 200;
/** Each is down for so long, one after the other. */
const DOWN = { everyMs: 20_000, forMs: 2_000 };

export interface ReceiversTask {
  readonly endpoints: number;
  /** Of each bill. */
  readonly events: number;
  readonly seed: number;
}

export type ToReceivers =
  | { readonly is: 'task'; readonly task: ReceiversTask }
  | { readonly is: 'secrets'; readonly secrets: readonly string[] }
  /** What is missing of these bills, by endpoint? */
  | { readonly is: 'missing'; readonly bills: readonly (readonly string[])[] };

export type FromReceivers =
  | { readonly is: 'urls'; readonly urls: readonly string[] }
  | { readonly is: 'taken'; readonly sums: Taken }
  | { readonly is: 'missing'; readonly bills: readonly string[] };

/** Serves until its parent has gone. */
export async function main(): Promise<number> {
  const receivers: FlakyReceiver[] = [];
  const sums: Taken = { requests: 0, taken: 0, repeated: 0, outOfOrder: 0, forged: 0, whole: 0 };
  process.on('message', (message: ToReceivers) => {
    if (message.is === 'task') void open(message.task, receivers, sums);
    else if (message.is === 'secrets') {
      for (const [at, receiver] of receivers.entries()) receiver.secret = message.secrets[at] ?? '';
    } else {
      const bills = receivers.flatMap((receiver, at) => receiver.missing(message.bills[at] ?? []));
      tell({ is: 'missing', bills });
    }
  });
  const telling = setInterval(() => tell({ is: 'taken', sums }), TELL_MS);
  await new Promise<void>((gone) => process.once('disconnect', () => gone()));
  clearInterval(telling);
  for (const receiver of receivers) receiver.close();
  return 0;
}

async function open(task: ReceiversTask, receivers: FlakyReceiver[], sums: Taken): Promise<void> {
  const { endpoints, events, seed } = task;
  for (let at = 0; at < endpoints; at++) {
    receivers.push(new FlakyReceiver({ random: diceOf(seed + at), events, sums }));
  }
  tell({ is: 'urls', urls: await Promise.all(receivers.map((receiver) => receiver.listen())) });
  for (let at = 0; ; at = (at + 1) % endpoints) {
    await pause(DOWN.everyMs / endpoints, undefined, { ref: false });
    const receiver = receivers[at];
    if (receiver !== undefined) void beDown(receiver);
  }
}

async function beDown(receiver: FlakyReceiver): Promise<void> {
  receiver.isDown = true;
  await pause(DOWN.forMs, undefined, { ref: false });
  receiver.isDown = false;
}

function tell(message: FromReceivers): void {
  if (process.connected) process.send?.(message);
}

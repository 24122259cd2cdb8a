// Those who pay in a soak, in a process of their own: so many bills of each terminal, each in so many parts. They stay
// ahead of the receivers by so much and no more.

import { setTimeout as pause } from 'node:timers/promises';
import { Line } from './line.ts';

const TELL_MS = 200;
const WAIT_MS = 5;
/** Bills of one terminal that are paid at once. */
const AT_ONCE = 64;
const PART = 100;

export interface PayersTask {
  /** `ws://…`. */
  readonly baseUrl: string;
  readonly terminalKeys: readonly string[];
  readonly paychannelKey: string;
  /** Of each terminal. */
  readonly bills: number;
  /** Payments of each bill: each of them is an event. */
  readonly events: number;
  /** Events that may wait to be taken. */
  readonly ahead: number;
}

export type ToPayers =
  | { readonly is: 'task'; readonly task: PayersTask }
  | { readonly is: 'taken'; readonly events: number };

export type FromPayers =
  | { readonly is: 'paid'; readonly events: number }
  /** All of them, by terminal. */
  | { readonly is: 'done'; readonly bills: readonly (readonly string[])[] }
  | { readonly is: 'failed'; readonly why: string };

interface Sums {
  paid: number;
  taken: number;
}

/** Pays, and waits until its parent has gone. */
export async function main(): Promise<number> {
  const sums: Sums = { paid: 0, taken: 0 };
  process.on('message', (message: ToPayers) => {
    if (message.is === 'taken') sums.taken = message.events;
    else {
      payAll(message.task, sums).then(
        (bills) => tell({ is: 'done', bills }),
        (error: Error) => tell({ is: 'failed', why: error.message }),
      );
    }
  });
  const telling = setInterval(() => tell({ is: 'paid', events: sums.paid }), TELL_MS);
  await new Promise<void>((gone) => process.once('disconnect', () => gone()));
  clearInterval(telling);
  return 0;
}

async function payAll(task: PayersTask, sums: Sums): Promise<string[][]> {
  return Promise.all(
    task.terminalKeys.map(async (key, at) => {
      const till = new Line(`${task.baseUrl}/v1/terminal/stream`, key);
      const wallet = new Line(`${task.baseUrl}/v1/paychannel/stream`, task.paychannelKey);
      const ids: string[] = [];
      const one = async (): Promise<void> => {
        while (ids.length < task.bills) {
          const no = ids.push('') - 1;
          ids[no] = await payOne({ till, wallet, orderId: `soak-${at}-${no}` }, task, sums);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, one));
      return ids;
    }),
  );
}

async function payOne(
  { till, wallet, orderId }: { till: Line; wallet: Line; orderId: string },
  { events, ahead }: PayersTask,
  sums: Sums,
): Promise<string> {
  while (sums.paid - sums.taken > ahead) await pause(WAIT_MS);
  const order = { orderId, amount: events * PART, currency: 'EUR', expiresIn: 86_400 };
  const { id } = await till.done('bill.create', order);
  for (let no = 1; no <= events; no++) {
    const payment = { billId: id, paymentRef: `part-${no}`, amount: PART, currency: 'EUR' };
    await wallet.done('payment.create', payment);
    sums.paid += 1;
  }
  return String(id);
}

function tell(message: FromPayers): void {
  if (process.connected) process.send?.(message);
}

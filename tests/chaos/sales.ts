// What happens at a till with a sticker: one sale after another is armed, customers scan the sticker and pay what it shows,
// some after the next sale has come, and two sales are armed at once.

import { setTimeout as pause } from 'node:timers/promises';
import type { Body } from '../support/client.ts';
import { billIn, createBill, debit, giveBack, type Parties } from './journeys.ts';
import { isDone } from './memory.ts';

const AMOUNTS = [300, 450, 1_000] as const;

/** What a customer saw on the sticker. */
interface Seen {
  readonly id: string;
  readonly due: number;
}

/** One sticker, from its printing on. */
export async function sticker(parties: Parties): Promise<void> {
  const { till, random } = parties;
  const range = { minAmount: 1, maxAmount: 100_000, usage: 'many', capture: 'auto' };
  const order = { orderId: till.fresh('sticker'), type: 'static', currency: 'EUR', ...range };
  const printed = await createBill(till, order, random);
  if (printed === null) return;
  const billId = printed.id;
  for (let i = random.between(2, 4); i > 0; i--) await sell(parties, billId);
  if (random.chance(0.5)) await till.settle('bill.cancel', { billId });
  if (random.chance(0.3)) await scan(parties, billId);
}

/** A sticker in fair weather: two sales, one after the other, of which everything is heard. */
export async function stickerInCalm({ till }: Parties): Promise<void> {
  const range = { minAmount: 1, maxAmount: 100_000, usage: 'many', capture: 'auto' };
  const order = { orderId: till.fresh('sticker'), type: 'static', currency: 'EUR', ...range };
  const printed = billIn(await till.ask('bill.create', order, 'http'));
  for (const amount of printed === null ? [] : AMOUNTS.slice(0, 2)) {
    const sale: Body = { billId: printed?.id ?? '', orderId: till.fresh('sale'), amount, ttl: 600 };
    await till.ask('bill.arm', sale, 'http');
  }
}

async function sell(parties: Parties, billId: string): Promise<void> {
  const { till, random } = parties;
  const isRace = random.chance(0.2);
  const arms = Array.from({ length: isRace ? 2 : 1 }, () => arm(parties, billId));
  const [sale] = await Promise.all(arms);
  const seen = await scan(parties, billId);
  if (random.chance(0.15)) {
    // Who has an old picture of the sticker pays it itself, or tries to.
    await debit(parties, random.pick(parties.wallets), { billId, amount: 300 });
  }
  if (seen !== null && random.chance(0.75)) await payment(parties, billId, seen);
  if (sale == null || !random.chance(0.85)) return;
  const { id, amount } = sale;
  if (random.chance(0.7)) await till.settle('bill.confirm', { billId: id });
  else await till.settle('bill.cancel', { billId: id });
  if (random.chance(0.2)) await giveBack(parties, { id, amount });
}

/** Sometimes the till gives the customer up at the same moment, and arms the next sale. */
async function payment(parties: Parties, billId: string, { id, due }: Seen): Promise<void> {
  const { random, wallets } = parties;
  const pays = debit(parties, random.pick(wallets), { billId: id, amount: due });
  if (random.chance(0.3)) await Promise.all([pays, arm(parties, billId)]);
  else await pays;
  // Somebody else has seen the same sale, and is late.
  if (random.chance(0.2)) {
    await pause(random.between(0, 500));
    await debit(parties, random.pick(wallets), { billId: id, amount: due });
  }
}

async function arm({ till, random }: Parties, billId: string) {
  const amount = random.pick(AMOUNTS);
  const ttl = random.chance(0.1) ? 3 : 600;
  const sale: Body = { billId, orderId: till.fresh('sale'), amount, ttl };
  const call = await till.settle('bill.arm', sale, random.chance(0.2) ? 1 : undefined);
  if (random.chance(0.05)) await till.settle('bill.arm', { ...sale, amount: amount + 1 });
  if (random.chance(0.1)) await till.settle('bill.arm', sale);
  return billIn(call);
}

async function scan({ wallets, random }: Parties, billId: string): Promise<Seen | null> {
  const call = await random.pick(wallets).settle('bill.view', { billId });
  if (call === null || !isDone(call)) return null;
  const { id, due, payable } = call.answer as Seen & { payable: boolean };
  return payable && id !== billId ? { id, due } : null;
}

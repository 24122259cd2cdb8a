// What becomes of a stay: wallets are told a price, pay it at once, later, or within a hold, and the price goes on rising
// meanwhile; some pay a part first, some stay on after they have paid.

import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { Body } from '../support/client.ts';
import type { Client } from './clients.ts';
import { billIn, createBill, debit, giveBack, type Parties } from './journeys.ts';
import { isDone } from './memory.ts';

/** A price that was told. */
interface Told {
  readonly quoteId: string;
  readonly amount: number;
}

const MINUTE_MS = 60_000;
/** Rules of one phase without an end, after a first time at the most: an auditor works them out by hand. */
const TARIFFS = [
  { graceSeconds: 1, quoteSeconds: 4, rules: [rule({ amount: 100, perMinutes: 1 })] },
  { graceSeconds: 0, quoteSeconds: 2, rules: [rule({ amount: 250, perMinutes: 1 })] },
  {
    graceSeconds: 30,
    quoteSeconds: 60,
    first: [{ amount: 0, forMinutes: 1 }],
    rules: [rule({ amount: 150, perMinutes: 2 })],
  },
] as const;

function rule(phase: object): object {
  return { name: 'Always', phases: [phase] };
}

/** One stay, from its ticket on. */
export async function stay(parties: Parties): Promise<void> {
  const { till, random } = parties;
  const bill = await createBill(till, orderOf(till, random), random);
  if (bill === null) return;
  const billId = bill.id;
  if (random.chance(0.05)) return;
  const dice = random.below(100);
  if (dice < 40) await payQuoted(parties, billId, random.between(0, 800));
  else if (dice < 60) await payQuoted(parties, billId, random.between(1_000, 5_000));
  else if (dice < 85) await payHeld(parties, billId);
  else await payInParts(parties, billId);
  if (random.chance(0.5)) await till.settle('bill.get', { billId });
  if (random.chance(0.4)) {
    // Stays on for longer than what was paid for.
    await pause(random.between(1_000, 3_500));
    await payQuoted(parties, billId, 0);
  }
  await leave(parties, billId);
}

/** Two stays in fair weather: one pays by a quote, the other within a hold that a quote has frozen. */
export async function staysInCalm({ till, wallets, random }: Parties): Promise<void> {
  const [, , calm] = TARIFFS;
  const version = { effectiveFrom: '2020-01-01T00:00:00Z', ...calm };
  const tariff = { currency: 'EUR', timeZone: 'Europe/Riga', versions: [version] };
  const startedAt = new Date(Date.now() - 2 * MINUTE_MS).toISOString();
  const wallet = random.pick(wallets);
  for (const isHeld of [false, true]) {
    const order = { orderId: till.fresh('stay'), type: 'timer', currency: 'EUR' };
    const bill = billIn(await till.ask('bill.create', { ...order, tariff, startedAt }, 'http'));
    const view = bill && (await wallet.ask('bill.view', { billId: bill.id }, 'http'));
    const quote = (view?.answer as { quote?: { id: string; amount: number } } | null)?.quote;
    if (bill === null || !quote) return;
    const { id: quoteId, amount } = quote;
    const payment = { billId: bill.id, paymentRef: wallet.fresh('pay'), amount, currency: 'EUR' };
    const hold = { billId: bill.id, reservationRef: wallet.fresh('hold'), quoteId };
    const held = isHeld ? await wallet.ask('bill.reserve', hold, 'http') : null;
    const { id: reservationId } = (held?.answer ?? {}) as { id?: string };
    const by = reservationId === undefined ? { quoteId } : { reservationId };
    await wallet.ask('payment.create', { ...payment, ...by }, 'http');
    await till.ask('bill.confirm', { billId: bill.id }, 'http');
  }
}

/** A stay that began some units ago, and whose next unit begins within seconds. */
function orderOf(till: Client, random: Random): Body {
  const version = { effectiveFrom: '2020-01-01T00:00:00Z', ...random.pick(TARIFFS) };
  const agoMs = random.between(1, 3) * MINUTE_MS - random.between(200, 6_000);
  return {
    orderId: till.fresh('stay'),
    type: 'timer',
    currency: 'EUR',
    tariff: { currency: 'EUR', timeZone: 'Europe/Riga', versions: [version] },
    startedAt: new Date(Date.now() - agoMs).toISOString(),
    ...(random.chance(0.08) ? { expiresIn: random.between(2, 6) } : {}),
  };
}

/** What the wallet is told that it could pay; null where it is told nothing. */
async function ask(wallet: Client, billId: string): Promise<Told | null> {
  const call = await wallet.settle('bill.view', { billId });
  if (call === null || !isDone(call)) return null;
  const { quote } = call.answer as { quote: { id: string; amount: number } | null };
  return quote === null ? null : { quoteId: quote.id, amount: quote.amount };
}

async function payQuoted(parties: Parties, billId: string, afterMs: number): Promise<void> {
  const wallet = parties.random.pick(parties.wallets);
  const told = await ask(wallet, billId);
  if (told === null) return;
  await pause(afterMs);
  const { quoteId, amount } = told;
  const isOff = parties.random.chance(0.08);
  await debit(parties, wallet, { billId, quoteId, amount: isOff ? amount + 1 : amount });
}

/** The price is frozen until the wallet has debited its customer. */
async function payHeld(parties: Parties, billId: string): Promise<void> {
  const { random, wallets } = parties;
  const wallet = random.pick(wallets);
  const told = await ask(wallet, billId);
  if (told === null) return;
  const { quoteId } = told;
  const held = await wallet.settle('bill.reserve', {
    billId,
    reservationRef: wallet.fresh('hold'),
    quoteId,
  });
  if (held === null || !isDone(held)) return;
  const { id: reservationId, amount } = held.answer as { id: string; amount: number };
  await pause(random.between(0, 5_000));
  if (random.chance(0.2)) {
    await wallet.settle('bill.release', { billId, reservationId });
    return;
  }
  await debit(parties, wallet, { billId, amount, reservationId });
}

async function payInParts(parties: Parties, billId: string): Promise<void> {
  const { random, wallets } = parties;
  await debit(parties, random.pick(wallets), { billId, amount: random.pick([50, 99]) });
  await payQuoted(parties, billId, random.between(0, 1_000));
}

async function leave(parties: Parties, billId: string): Promise<void> {
  const { till, random } = parties;
  const dice = random.below(100);
  if (dice < 60) {
    const call = await till.settle('bill.confirm', { billId });
    const { confirmed } = (call?.answer ?? {}) as { confirmed?: number };
    const isPaid = call !== null && isDone(call) && Number(confirmed) > 0;
    if (isPaid && random.chance(0.3)) {
      await giveBack(parties, { id: billId, amount: Number(confirmed) });
    }
  } else if (dice < 75) await till.settle('bill.cancel', { billId });
  else if (dice < 85) await till.settle('bill.confirm', { billId, amount: 100 });
}

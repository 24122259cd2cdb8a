// What happens with a bill that is paid at a bank: its code is waited for, a payer scans it with the bank's own app, the till
// ends the bill and gives back, and now and then somebody at the bank gives back by hand.

import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import type { Random } from '../simulation/random.ts';
import type { Bill, Body } from '../support/client.ts';
import { type Bank, type Banks, TBANK_MIN } from './banks.ts';
import type { Client } from './clients.ts';
import { billIn, createBill, debit, end, giveBack, type Parties } from './journeys.ts';
import { isDone } from './memory.ts';

const AMOUNTS = [1_250, 4_000, 9_999] as const;
/** Of a bill in fair weather. */
const BY_HAND = 333;
const LOOKS_MAX = 20;
const LOOK_MS = [150, 500] as const;
/** Each of these is brought to its end when the weather is fair. */
const UNENDED = ['pending', 'open', 'paid'];

/** What a payer's app reads out of the code, as it stands in an answer that the till was given. */
interface WithCode {
  readonly payload?: string;
}

export async function saleAtBank(parties: Parties, banks: Banks): Promise<void> {
  const { till, random } = parties;
  const bank = banks.of(till.institution);
  const bill = await createBill(till, orderOf(parties, bank), random);
  if (bill === null) return;
  const billId = bill.id;
  if (random.chance(0.06)) await till.settle('bill.cancel', { billId });
  const payload = await codeOf(till, billId);
  if (payload === null) return;
  if (random.chance(0.05)) {
    // The code is the bank's: no wallet of ours can pay.
    await debit(parties, random.pick(parties.wallets), { billId, amount: bill.amount });
  }
  if (random.chance(0.08)) return;
  if (random.chance(0.15)) bank.fail(payload);
  await payAtBank(parties, bank, { billId, payload });
  if (random.chance(0.1)) bank.giveBack(payload, amountByHand(random));
  if (random.chance(0.85)) await untilPaid(till, billId);
  if (random.chance(0.1)) return;
  await end(parties, bill);
  if (random.chance(0.5)) await giveBack(parties, bill);
  if (!bank.isShort && random.chance(0.3)) {
    await pause(random.between(0, 800));
    bank.giveBack(payload, amountByHand(random));
  }
}

function orderOf({ till, random }: Parties, bank: Bank): Body {
  const isTooSmall = bank.acquirer === 'tbank' && random.chance(0.05);
  return {
    orderId: till.fresh('order'),
    amount: isTooSmall ? TBANK_MIN - 1 : random.pick(AMOUNTS),
    currency: 'RUB',
    acquirer: bank.acquirer,
    ...(random.chance(0.15) ? { capture: 'auto' } : {}),
    ...(bank.isShort && random.chance(0.3) ? { expiresIn: random.between(2, 8) } : {}),
  };
}

/** Mostly a part, sometimes all that is left. */
function amountByHand(random: Random): (left: number) => number {
  return (left) => (random.chance(0.15) ? left : random.between(1, Math.ceil(left / 4)));
}

/** Sometimes the till gives the payer up in the same moment. */
async function payAtBank(
  { till, random }: Parties,
  bank: Bank,
  { billId, payload }: { billId: string; payload: string },
): Promise<void> {
  if (!random.chance(0.15)) {
    bank.pay(payload);
    return;
  }
  const pays = pause(random.between(0, 100)).then(() => bank.pay(payload));
  await Promise.all([till.settle('bill.cancel', { billId }), pays]);
}

/** The bank's code, once the bill is open; null where it does not come to that. */
async function codeOf(till: Client, billId: string): Promise<string | null> {
  for (let i = 0; i < LOOKS_MAX; i++) {
    const call = await till.settle('bill.get', { billId }, 2);
    const bill = call === null || !isDone(call) ? null : (call.answer as Bill & WithCode);
    if (bill !== null && bill.status !== 'pending') {
      return bill.status === 'open' ? (bill.payload ?? null) : null;
    }
    await pause(till.random.between(...LOOK_MS));
  }
  return null;
}

async function untilPaid(till: Client, billId: string): Promise<void> {
  for (let i = 0; i < LOOKS_MAX; i++) {
    const call = await till.settle('bill.get', { billId }, 2);
    if (call !== null && isDone(call) && (call.answer as Bill).status !== 'open') return;
    await pause(till.random.between(...LOOK_MS));
  }
}

/**
 * In fair weather: one whole life at each bank, given back from by both hands, and then every bill that has not ended is
 * ended by its till, whoever has given it up.
 */
export async function banksInCalm(parties: readonly Parties[], banks: Banks): Promise<void> {
  await Promise.all(
    parties.map(async ({ till }) => {
      const bank = banks.of(till.institution);
      const acquirer = bank.acquirer;
      const order = { orderId: till.fresh('order'), amount: 9_999, currency: 'RUB', acquirer };
      const bill = billIn(await till.settle('bill.create', order));
      const payload = bill === null ? null : await codeOf(till, bill.id);
      if (bill === null || payload === null) return;
      const billId = bill.id;
      bank.pay(payload);
      await untilPaid(till, billId);
      await till.settle('bill.confirm', { billId, amount: 9_000 });
      await till.settle('bill.refund', { billId, amount: 700, idempotencyKey: till.fresh('key') });
      if (!bank.isShort) bank.giveBack(payload, () => BY_HAND);
    }),
  );
}

/** Ends what has not ended; whether there was nothing to end, and every credit is settled. */
export async function endedAtBanks(tills: readonly Client[], sql: Sql): Promise<boolean> {
  const left = await sql<{ id: string; terminal_id: string; status: string }[]>`
    select id, terminal_id, status from bills
    where acquirer is not null and status in ${sql(UNENDED)}`;
  for (const { id: billId, terminal_id: terminalId, status } of left) {
    const till = tills.find(({ name }) => name === `terminal:${terminalId}`);
    await till?.ask(status === 'paid' ? 'bill.confirm' : 'bill.cancel', { billId }, 'http');
  }
  const [row] = await sql`
    select count(*)::int as pending from credits c join bills b on b.id = c.bill_id
    where b.acquirer is not null and c.status = 'pending'`;
  return left.length === 0 && row?.pending === 0;
}

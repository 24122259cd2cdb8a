// What people do with bills at the bank: tills make and end them, payers scan a code that they were shown, and somebody
// at the bank gives back by hand what nobody here has asked for.

import { isOver } from '../../src/domain/acquiring/acquired-bill.ts';
import { must } from '../../src/domain/assert.ts';
import { isUnresolved } from '../../src/domain/bill/credits.ts';
import { isPresent, type PresentBill } from '../../src/domain/bill/state.ts';
import type { Minor } from '../../src/domain/money.ts';
import { SECOND_MS } from '../../src/domain/time.ts';
import type { Operation, ProposedTerms } from '../../src/switch/requests.ts';
import type { Client } from './clients.ts';
import { type BankOrder, leftOf, type SimBank } from './sim-bank.ts';
import { atBank } from './sim-desks.ts';
import type { World } from './world.ts';

/** `as`: the terms of some bill. */
export function bankTerms(
  { banking }: World,
  bank: SimBank,
  { tipMax: _, ...as }: ProposedTerms,
): ProposedTerms {
  return {
    ...as,
    digest: `${as.digest} at the bank`,
    expiresInMs: banking.pick([8, 60, 900, 900, 900]) * SECOND_MS,
    acquirer: atBank(bank),
  };
}

/** What a till does with a bill that somebody has paid, mostly; undefined where there is none. */
export function bankOperation(till: Client): Operation | undefined {
  const { world } = till;
  const { banking } = world;
  const bills = atTheBank(world).filter(({ status }) => status !== 'cancelled');
  const paid = bills.filter(({ books }) => books.paid > 0);
  const among = banking.chance(0.8) && paid.length > 0 ? paid : bills;
  const bill = among[banking.below(Math.max(1, among.length))];
  if (bill === undefined) return undefined;
  const { id: billId, amount } = bill.terms;
  const part = banking.pick([null, null, amount, 1, amount - 1]) as Minor | null;
  const dice = banking.below(10);
  if (bill.status === 'paid' && dice < 6) {
    return { op: 'bill.confirm', billId, amount: part, receipt: null };
  }
  if (dice < 2) return { op: 'bill.cancel', billId, amount: null, key: null, digest: '' };
  const used = banking.chance(0.3) ? till.again() : undefined;
  if (used?.op === 'bill.refund') return used;
  const order = { amount: part, paymentNo: null, reason: null, receipt: null, returnsTip: false };
  return { op: 'bill.refund', billId, ...order, key: till.ref(), digest: `refund ${part}` };
}

function atTheBank({ auditor }: World): PresentBill[] {
  const found: PresentBill[] = [];
  for (const { bill } of auditor.ledger.pages.values()) {
    if (isPresent(bill) && bill.terms.acquirer !== undefined) found.push(bill);
  }
  return found;
}

/** The order whose code has been shown: that of a registration that is durable. */
export function shownOf(bank: SimBank, { acquiring }: PresentBill): BankOrder | undefined {
  const { registration } = must(acquiring, 'its chain').record;
  return registration === null
    ? undefined
    : bank.orders.find(({ ref }) => ref === registration.ref);
}

/** Payers, and whoever gives back by hand, for as long as faults strike. */
export async function visitBank(world: World, bank: SimBank): Promise<void> {
  const { agenda, banking } = world;
  while (!world.isHealed) {
    await agenda.sleep(banking.between(50, 600));
    await world.awake();
    const bills = atTheBank(world);
    const latest = banking.chance(0.7) ? bills.slice(-4) : bills;
    const bill = latest[banking.below(Math.max(1, latest.length))];
    const order = bill && shownOf(bank, bill);
    if (bill === undefined || order === undefined) continue;
    if (order.status === 'open' && banking.chance(0.5)) payAt(world, bank, order);
    else if (banking.chance(0.15)) giveBackByHand(world, bank, { bill, order });
  }
}

function payAt(world: World, bank: SimBank, order: BankOrder): void {
  const { banking } = world;
  const { amount, id } = order;
  world.trace(`a payer pays ${amount} for ${id} at the bank`);
  const isTold = banking.chance(0.6);
  bank.pay(order.ref, banking.pick([0, 0, 300, 2_000]), () => {
    world.count('bank paid');
    if (isTold) world.agenda.after(banking.between(0, 500), () => world.desks?.notify(id));
  });
}

/** Once of its own accord, and for what was rejected. */
function giveBackByHand(
  world: World,
  bank: SimBank,
  { bill, order }: { readonly bill: PresentBill; readonly order: BankOrder },
): void {
  const { ref, id } = order;
  const left = leftOf(order);
  const rejected = bill.credits.filter(isUnresolved).map((credit) => credit.amount);
  if (left <= 0 || (rejected.length === 0 && order.refunds.some((one) => one.id === null))) return;
  const amount = world.banking.pick([1, left, ...rejected.filter((each) => each <= left)]);
  world.trace(`somebody at the bank gives back ${amount} of ${id}`);
  world.count('bank gives back by hand');
  bank.refund(ref, null, amount);
}

const LATEST_MS = 6_000;

/** In fair weather somebody pays what is open, or its till ends it; and the bank tells of everything once more. */
export async function settleAtBank(world: World, bank: SimBank, till: Client): Promise<void> {
  const { agenda } = world;
  // What was late in the storm has arrived by then, and makes bills.
  await agenda.sleep(LATEST_MS);
  for (let round = 0; round < world.settings.quietRoundsMax && world.violation === null; round++) {
    const restless = atTheBank(world).filter((bill) => !isAtRest(bank, bill));
    if (restless.length === 0) return;
    for (const bill of restless) {
      await comeToAnEnd(world, bank, { bill, till });
      // The bank may say so as often as it likes: what waits for an earlier call to settle does not wait the longer.
      world.desks?.notify(bill.terms.id);
    }
    await agenda.sleep(5_000);
  }
  const left = atTheBank(world).filter((bill) => !isAtRest(bank, bill));
  if (left.length > 0) world.broke(`bills at the bank come to no end: ${JSON.stringify(left)}`);
}

async function comeToAnEnd(
  world: World,
  bank: SimBank,
  { bill, till }: { readonly bill: PresentBill; readonly till: Client },
): Promise<void> {
  if (!hasNoEnd(bill)) return;
  const order = shownOf(bank, bill);
  if (order?.status === 'open' && world.banking.chance(0.5)) return payAt(world, bank, order);
  const { id: billId } = bill.terms;
  const end: Operation =
    bill.status === 'paid' && world.banking.chance(0.5)
      ? { op: 'bill.confirm', billId, amount: null, receipt: null }
      : { op: 'bill.cancel', billId, amount: null, key: null, digest: '' };
  await world.ask(till.principal, end, 5_000);
}

/** What is paid has none either: what was given back by hand is counted when it is confirmed, or ended. */
function hasNoEnd({ status }: PresentBill): boolean {
  return status === 'pending' || status === 'open' || status === 'paid';
}

/** Whether all that is so at the bank is known here, and nothing is to be asked of it. */
function isAtRest(bank: SimBank, bill: PresentBill): boolean {
  if (hasNoEnd(bill)) return false;
  if (bill.credits.some(({ status }) => status === 'pending')) return false;
  const { record } = must(bill.acquiring, 'its chain');
  if (isOver(record)) return true;
  const order = shownOf(bank, bill);
  if (order === undefined || record.status !== 'paid') return false;
  return record.seen?.returned === bank.sighting(order.ref).returned && !record.seen.isReturning;
}

export function isBankAtRest(world: World): boolean {
  const { bank } = world;
  return bank === null || atTheBank(world).every((bill) => isAtRest(bank, bill));
}

// What an operator does with credits that the bank has rejected: asks again, hands out cash, or gives the money back at the
// bank by hand, and closes them, once or twice, whatever has been found there meanwhile.

import { isUnresolved } from '../../src/domain/bill/credits.ts';
import { isPresent, type PresentBill } from '../../src/domain/bill/state.ts';
import type { Operation } from '../../src/switch/requests.ts';
import { shownOf } from './bank-clients.ts';
import { makeOperator } from './clients.ts';
import type { SimBank } from './sim-bank.ts';
import type { World } from './world.ts';

/** The reference of a credit whose money the operator has given back at the bank. */
export const BY_HAND = 'by-hand';

/** For as long as faults strike. */
export async function mendAtBank(world: World, bank: SimBank): Promise<void> {
  const { agenda, banking } = world;
  const { principal } = makeOperator(world);
  while (!world.isHealed) {
    await agenda.sleep(banking.between(200, 2_000));
    await world.awake();
    const operation = nextOf(world, bank);
    if (operation === undefined) continue;
    world.count(`bank credit ${operation.op}`);
    await world.ask(principal, operation, 5_000);
  }
}

function nextOf(world: World, bank: SimBank): Operation | undefined {
  const { banking } = world;
  const rejected = [...world.auditor.ledger.pages.values()].flatMap(({ bill }) =>
    isPresent(bill) && bill.terms.acquirer !== undefined
      ? bill.credits.filter(isUnresolved).map((credit) => ({ bill, credit }))
      : [],
  );
  const found = rejected[banking.below(Math.max(1, rejected.length))];
  if (found === undefined) return undefined;
  const { bill, credit } = found;
  const which = { billId: bill.terms.id, creditNo: credit.no };
  const dice = banking.below(3);
  if (dice === 0) return { op: 'credit.request', ...which };
  const close = { op: 'credit.close', ...which } as const;
  if (dice === 1 || !givenByHand(world, bank, { bill, amount: credit.amount })) {
    return { ...close, reference: 'cash' };
  }
  // Somebody may find it before the credit is closed, or nobody closes it.
  return banking.chance(0.7) ? { ...close, reference: BY_HAND } : undefined;
}

/** Whether it has been: nobody closes what is on its way and may fail. */
function givenByHand(
  world: World,
  bank: SimBank,
  { bill, amount }: { readonly bill: PresentBill; readonly amount: number },
): boolean {
  const order = shownOf(bank, bill);
  if (order === undefined || bank.ways.refundMs > 0) return false;
  const isGiven = bank.refund(order.ref, null, amount) !== null;
  if (isGiven) world.trace(`an operator gives back ${amount} of ${order.id} at the bank`);
  return isGiven;
}

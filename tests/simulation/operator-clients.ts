// What an operator does with complaints: asks again for credits that wallets rejected, closes those that were given back by
// another way, sends dead letters again, and confirms, cancels and refunds for the till. As a person does it: twice,
// for the wrong credit, after somebody else has, and by a list that is older than the bill.

import { sentAt } from '../../src/domain/bill/outbox.ts';
import { isPresent } from '../../src/domain/bill/state.ts';
import type { BillEvent } from '../../src/domain/bill/vocabulary.ts';
import { EVENT_LIFE_MS } from '../../src/domain/bill/vocabulary.ts';
import type { BillId } from '../../src/domain/ids.ts';
import type { Minor } from '../../src/domain/money.ts';
import type { Operation } from '../../src/switch/requests.ts';
import type { Client } from './clients.ts';
import { EPOCH_MS } from './life.ts';
import type { World } from './world.ts';

interface Credit {
  readonly billId: BillId;
  readonly creditNo: number;
}

/** What it does next; undefined where there is nothing to do. */
export function operatorOperation(operator: Client): Operation | undefined {
  const { random, world } = operator;
  const bill = operator.someBill();
  if (bill === undefined) return undefined;
  const dice = random.below(100);
  if (dice < 15) return operator.again();
  if (dice < 60) return ofCredit(operator);
  if (dice < 75) return resend(world, operator);
  return ofBill(operator, bill.id);
}

/** Mostly of one that was rejected, whether or not somebody has dealt with it since. */
function ofCredit({ random, world }: Client): Operation | undefined {
  const rejected = rejectedCredits(world);
  const bill = random.chance(0.1) ? world.bills.at(-1) : undefined;
  const credit =
    bill === undefined
      ? rejected[random.below(Math.max(1, rejected.length))]
      : { billId: bill.id, creditNo: random.between(1, 3) };
  if (credit === undefined) return undefined;
  if (random.chance(0.6)) return { op: 'credit.request', ...credit };
  return { op: 'credit.close', ...credit, reference: random.pick(['T1', 'T1', 'T2']) };
}

function rejectedCredits({ auditor }: World): Credit[] {
  const found: Credit[] = [];
  for (const [billId, { credits }] of auditor.ledger.pages) {
    for (const { no, status } of credits.values()) {
      if (status === 'rejected') found.push({ billId, creditNo: no });
    }
  }
  return found;
}

/** Letters of one bill as some list has shown them: perhaps some have been taken, or sent again, since. */
function resend({ auditor, agenda }: World, { random }: Client): Operation | undefined {
  const listed: { billId: BillId; events: readonly BillEvent[] }[] = [];
  const isDead = (event: BillEvent): boolean =>
    EPOCH_MS + agenda.now - sentAt(event) > EVENT_LIFE_MS;
  for (const [billId, { bill, states }] of auditor.ledger.pages) {
    if (!isPresent(bill)) continue;
    const { outbox } = random.chance(0.7) ? bill : (states.at(-2)?.bill ?? bill);
    if (outbox.length > 0) listed.push({ billId, events: outbox });
  }
  const dead = listed.filter(({ events }) => events.some(isDead));
  const among = dead.length > 0 ? dead : listed;
  const letters = among[random.below(Math.max(1, among.length))];
  return letters && { op: 'event.resend', ...letters };
}

/** A wallet rejects much where there is somebody to deal with it. */
export function settleWhatIsAsked({ principal, world }: Client): Operation | undefined {
  const pending: Credit[] = [];
  for (const [billId, { credits }] of world.auditor.ledger.pages) {
    for (const { no, status, paychannelId } of credits.values()) {
      if (status !== 'pending' || paychannelId !== principal.id) continue;
      pending.push({ billId, creditNo: no });
    }
  }
  const asked = pending[world.choices.below(Math.max(1, pending.length))];
  if (asked === undefined) return undefined;
  const status = world.choices.pick(['settled', 'rejected', 'rejected'] as const);
  return { op: 'credit.settle', ...asked, status, reference: null, reason: null };
}

function ofBill(operator: Client, billId: BillId): Operation {
  const { random } = operator;
  const amount = random.pick([null, 1, 2]) as Minor | null;
  const used = random.chance(0.3) ? operator.again() : undefined;
  switch (random.below(4)) {
    case 0:
      return { op: 'bill.confirm', billId, amount, receipt: null };
    case 1:
      return { op: 'bill.cancel', billId, amount: null, key: null, digest: '' };
    default: {
      if (used?.op === 'bill.refund') return used;
      const order = { amount, paymentNo: null, reason: null, receipt: null, returnsTip: false };
      return { op: 'bill.refund', billId, ...order, key: operator.ref(), digest: `op ${amount}` };
    }
  }
}

// A simulated wallet gives a customer money back, as the switch asks it to.

import { setTimeout as pause } from 'node:timers/promises';
import { callOf, GaveUp, isDone } from './caller.ts';
import { numberOf, type PushedEvent, partOf, textOf } from './link.ts';
import type { PurchaseContext } from './purchase.ts';
import { chanceOf, happens } from './rates.ts';
import type { Credit } from './wallet-books.ts';

const CREDIT_MS = 50;
/** Lives of credits lie apart from those of scans. */
const CREDITS_FROM = 1_000_000_000;

/** Once for each credit, whoever's payment it is of. Never rejects: what goes wrong is told to the tally. */
export async function giveBack(
  event: PushedEvent,
  context: PurchaseContext,
  seed: number,
): Promise<void> {
  const { books, tally, rates } = context;
  const asked = partOf(event.data, 'credit');
  const id = textOf(asked, 'id');
  // It is asked for again each day until it is settled.
  if (books.credits.has(id)) return;
  const no = books.credits.size;
  const random = chanceOf(seed, CREDITS_FROM + no);
  const credit: Credit = {
    id,
    ref: textOf(asked, 'paymentRef'),
    amount: numberOf(asked, 'amount'),
    status: happens(random, rates.reject) ? 'rejected' : 'settled',
    told: false,
  };
  books.credits.set(id, credit);
  await pause(random.below(CREDIT_MS));
  if (credit.status === 'rejected') tally.fault('reject');
  const body = {
    creditId: id,
    status: credit.status,
    ...(credit.status === 'rejected' ? { reason: 'the account is closed' } : { reference: id }),
  };
  try {
    const answer = await context.caller.ask(callOf('credit.settle', body, { via: no, random }));
    credit.told = isDone(answer);
    if (credit.told) {
      tally.done(`credits ${credit.status}`);
      tally.done(
        credit.status === 'settled' ? 'money given back' : 'money not given back',
        credit.amount,
      );
    } else {
      tally.contradiction(
        `credit ${id}, ${credit.status}: answered ${answer.status} ${textOf(answer.body, 'code')}`,
      );
    }
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
    tally.contradiction(error.message);
  }
}

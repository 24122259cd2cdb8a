// A bill of any type: the seam where the types meet. `decide` says what happens or why not, `evolve` remembers it;
// both are pure. Each type has its own file; a new type is a new row here.

import { assert, unreachable } from '../assert.ts';
import { type Millis, NEVER } from '../time.ts';
import { decideAcquired, nextDueOfAcquired } from './acquired.ts';
import { decideDynamic, evolveDynamic, nextDueOfDynamic } from './dynamic.ts';
import { type Bill, isPresent } from './state.ts';
import { decideStatic, evolveStatic, nextDueOfStatic } from './static.ts';
import { decideTimer, nextDueOfTimer } from './timer.ts';
import type {
  BillCommand,
  BillDecision,
  BillFact,
  BillType,
  KeptReference,
  Moment,
  Parts,
} from './vocabulary.ts';

/**
 * What follows from a command now. `recalled` is the kept reference that the command names, where the bill itself
 * has let it go and the caller has found it in history (A9); null where there is none. `parts` are those that the
 * command names and the bill has let go, as the caller has found them; null where there are none.
 */
export function decide(
  bill: Bill,
  command: BillCommand,
  now: Millis,
  recalled: KeptReference | null = null,
  parts: Parts | null = null,
): BillDecision {
  if (isPresent(bill) && bill.terms.acquirer !== undefined) {
    assert(command.type !== 'CreateBill', 'the bill exists already');
    return decideAcquired(bill, command, now, recalled);
  }
  if (command.type === 'BeginAcquiring' || command.type === 'FinishAcquiring') {
    return { rejected: 'bill.notFound' };
  }
  const type = typeOf(bill, command);
  switch (type) {
    case 'dynamic':
      return decideDynamic(bill, command, now, recalled);
    case 'static':
      return decideStatic(bill, command, now, recalled, parts);
    case 'timer':
      return decideTimer(bill, command, now, recalled);
    case undefined:
      return { rejected: 'bill.notFound' };
    default:
      return unreachable(type);
  }
}

/** The bill after one transition: all facts of one decision. History is never argued with: what cannot follow is a Defect. */
export function evolve(bill: Bill, facts: readonly BillFact[], moment: Moment): Bill {
  const first = facts[0];
  const type = isPresent(bill)
    ? bill.terms.type
    : first?.type === 'BillCreated'
      ? first.terms.type
      : undefined;
  switch (type) {
    case 'dynamic':
    case 'timer':
      return evolveDynamic(bill, facts, moment);
    case 'static':
      return evolveStatic(bill, facts, moment);
    case undefined:
      return bill;
    default:
      return unreachable(type);
  }
}

/** When the bill's earliest timer is due; NEVER where it waits for nothing. */
export function nextDueOf(bill: Bill): Millis {
  if (!isPresent(bill)) return NEVER;
  if (bill.acquiring !== undefined) return nextDueOfAcquired(bill);
  switch (bill.terms.type) {
    case 'dynamic':
      return nextDueOfDynamic(bill);
    case 'static':
      return nextDueOfStatic(bill);
    case 'timer':
      return nextDueOfTimer(bill);
    default:
      return unreachable(bill.terms.type);
  }
}

function typeOf(bill: Bill, command: BillCommand): BillType | undefined {
  if (isPresent(bill)) return bill.terms.type;
  return command.type === 'CreateBill' ? command.terms.type : undefined;
}

// A bill whose money comes through a bank's own QR system (decision 14). It lives as a dynamic bill does, but that it is
// open only once the acquirer has it, that what is seen there pays it, and that the acquirer gives money back.
//
//   absent ──create──▶ pending ──registered──▶ open ──seen paid──▶ paid ──▶ as dynamic.ts says
//                         └──────refused──────▶ failed ◀──┘
//
//   X1. What is wanted of the acquirer is asked for by the transition that decides it: each credit is one refund there.
//   X2. What is seen there counts once: one payment, one settlement a credit, and what was given back by hand.
//   X3. Money that comes to a bill that has ended goes back whole.
//   X4. The wallets of the switch neither pay such a bill nor hear of its credits.

import {
  finish,
  pastExpiry,
  type Step,
  wantCancel,
  wantRefund,
} from '../acquiring/acquired-bill.ts';
import type { AcquiredBill, Acquiring } from '../acquiring/record.ts';
import { ANSWER_MS, isAwaited, stepNow, visitAt, wakeAtOf } from '../acquiring/standing.ts';
import { must } from '../assert.ts';
import { type Millis, millis, plus } from '../time.ts';
import { LATE, seenFacts } from './acquired-sightings.ts';
import { decideWhole } from './dynamic.ts';
import { DYNAMIC_PAYMENTS } from './dynamic-payments.ts';
import { earliestTimer, runTimer } from './dynamic-timers.ts';
import { claimsOf, withExternal } from './external-credits.ts';
import { raiseForCredit, terminal } from './outbox.ts';
import { heldOf, type PresentBill } from './state.ts';
import {
  type AcquiringCommand,
  type AtAcquirer,
  type BillDecision,
  type BillFact,
  type BillRejection,
  type CommandOf,
  type Credit,
  isRejection,
  type KeptReference,
  type PresentCommand,
  type StickerCommand,
} from './vocabulary.ts';

/** What follows from a command. The caller has run all timers that are due by `now`. */
export function decideAcquired(
  bill: PresentBill,
  command: PresentCommand | StickerCommand | AcquiringCommand,
  now: Millis,
  recalled: KeptReference | null,
): BillDecision {
  switch (command.type) {
    case 'BeginAcquiring':
      return beginCall(bill, command, now);
    case 'FinishAcquiring':
      return finishCall(bill, command, now);
    case 'RunTimer':
      return runDue(bill, now);
    case 'SettleCredit':
      return { rejected: 'credit.notFound' };
    default: {
      const unfit = partRefusal(bill, command);
      if (unfit !== null) return unfit;
      const decision = decideWhole(DYNAMIC_PAYMENTS, bill, command, now, recalled);
      return isRejection(decision) ? decision : withWishes(bill, decision, now);
    }
  }
}

/** When the bill's earliest timer is due: its chain of calls is one. */
export function nextDueOfAcquired(bill: PresentBill): Millis {
  const { wakeAt } = acquiringOf(bill);
  return millis(Math.min(wakeAt, ownTimer(bill)?.due ?? wakeAt));
}

/** The look that may be made now, where no call that changes something is due. */
export function lookAt(bill: PresentBill, now: Millis): Step | undefined {
  const step = stepNow(recordOf(bill), now, atOf(bill));
  return step?.call === 'look' ? step : undefined;
}

/** When whoever makes the calls comes back to the bill. */
export function nextVisitTo(bill: PresentBill, now: Millis): Millis {
  return visitAt(recordOf(bill), now, atOf(bill));
}

/** Whether somebody waits for the next call of it. */
export function isCallAwaited(bill: PresentBill): boolean {
  return isAwaited(recordOf(bill));
}

/** What a bill at an acquirer always has; a Defect for any other. */
export function acquiringOf(bill: PresentBill): Acquiring {
  return must(bill.acquiring, 'the chain of a bill at an acquirer');
}

function recordOf(bill: PresentBill): AcquiredBill {
  return acquiringOf(bill).record;
}

function atOf({ terms }: PresentBill): AtAcquirer {
  return must(terms.acquirer, 'the acquirer of a bill');
}

/** The step is durable before it is made; a look changes nothing, and needs no place in the log. */
function beginCall(
  bill: PresentBill,
  { acquirer }: CommandOf<'BeginAcquiring'>,
  now: Millis,
): BillDecision {
  if (atOf(bill).name !== acquirer) return { rejected: 'bill.notFound' };
  const record = pastExpiry(recordOf(bill), now);
  if (record !== recordOf(bill)) return saw(bill, record, now);
  const step = stepNow(record, now, atOf(bill));
  if (step === undefined || step.call === 'look') return [];
  return [{ type: 'AcquiringBegun', step, wakeAt: plus(now, ANSWER_MS) }];
}

/** An answer to an earlier call than the last is an old life's, and says nothing. */
function finishCall(
  bill: PresentBill,
  { acquirer, no, step, outcome }: CommandOf<'FinishAcquiring'>,
  now: Millis,
): BillDecision {
  if (atOf(bill).name !== acquirer) return { rejected: 'bill.notFound' };
  const acquiring = acquiringOf(bill);
  if (no !== acquiring.no) return [];
  const claims = claimsOf(bill, acquiring.record);
  const record = finish(acquiring.record, step, outcome, now, claims);
  // A look that brought nothing new is forgotten.
  if (step.call === 'look' && isSame(record, acquiring.record)) return [];
  return saw(bill, record, now, 1);
}

function runDue(bill: PresentBill, now: Millis): BillDecision {
  const own = ownTimer(bill);
  if (own !== null && own.due <= now) {
    return withWishes(bill, runTimer(bill, now), now);
  }
  if (acquiringOf(bill).wakeAt > now) return [];
  return saw(bill, pastExpiry(recordOf(bill), now), now);
}

/** Its end is the acquirer's to tell, so that only what was paid has timers of its own. */
function ownTimer(bill: PresentBill): ReturnType<typeof earliestTimer> {
  const isTimed = bill.status === 'paid' || bill.status === 'partiallyPaid';
  return isTimed ? earliestTimer(bill) : null;
}

/** `answers`: 1 where it was an answer, so that the same one says nothing when it comes again. */
function saw(bill: PresentBill, record: AcquiredBill, now: Millis, answers = 0): BillFact[] {
  const facts = withExternal(bill, record, seenFacts(bill, record, now), now);
  return wished(bill, record, facts, now, { isSeen: true, answers });
}

function withWishes(bill: PresentBill, decided: readonly BillFact[], now: Millis): BillFact[] {
  const record = recordOf(bill);
  const facts = withExternal(bill, record, decided, now);
  return wished(bill, record, facts, now, { isSeen: false, answers: 0 });
}

/** X1, X4. */
function wished(
  bill: PresentBill,
  from: AcquiredBill,
  decided: readonly BillFact[],
  now: Millis,
  { isSeen, answers }: { readonly isSeen: boolean; readonly answers: number },
): BillFact[] {
  const { paychannelId } = atOf(bill);
  const facts: BillFact[] = [];
  let record = from;
  for (const fact of decided) {
    if (fact.type === 'EventRaised' && fact.to === `paychannel:${paychannelId}`) continue;
    facts.push(fact);
    if (fact.type === 'BillCancelled') record = wantCancelOf(record, now);
    const credit = creditAsked(fact, isSeen);
    if (credit === null) continue;
    const { no, amount } = credit;
    // One that is asked for again has been refused: what was given by hand since has been given for it.
    const attempts = fact.type === 'CreditRequestedAgain' ? 1 : 0;
    const asked = wantRefund(record, { id: `c${no}`, amount, attempts }, now);
    if (asked === undefined) facts.push(...refusedAtOnce(bill, credit));
    else record = asked;
  }
  if (record === recordOf(bill) && !isSeen) return facts;
  const no = acquiringOf(bill).no + answers;
  const wakeAt = wakeAtOf(record, now, atOf(bill));
  facts.push({ type: 'AcquiringKept', acquiring: { record, no, wakeAt } });
  return facts;
}

/** The credit that the acquirer is to be asked for. */
function creditAsked(fact: BillFact, isSeen: boolean): Credit | null {
  if (fact.type !== 'CreditRequested' && fact.type !== 'CreditRequestedAgain') return null;
  const { credit } = fact;
  return credit.origin === 'external' || (isSeen && isLate(credit)) ? null : credit;
}

/** What was paid goes back by its credits. */
function wantCancelOf(record: AcquiredBill, now: Millis): AcquiredBill {
  return record.status === 'paid' ? record : wantCancel(record, now);
}

/** X3: the end that was wanted has become the refund itself (acquired-bill.ts). */
function isLate({ kind, reason }: Credit): boolean {
  return kind === 'reversal' && reason === LATE;
}

/** There is not so much left at the acquirer: somebody there has given back what nobody here has counted. */
function refusedAtOnce(bill: PresentBill, credit: Credit): BillFact[] {
  const reason = 'exceeds: so much is not left at the acquirer';
  return [
    { type: 'CreditSettled', no: credit.no, status: 'rejected', reference: null, reason },
    raiseForCredit(terminal(bill), 'credit.rejected', credit),
  ];
}

/** A confirm that would give back a part, where the acquirer gives back all or nothing. */
function partRefusal(
  bill: PresentBill,
  command: PresentCommand | StickerCommand,
): BillRejection | null {
  if (atOf(bill).partialRefund || command.type !== 'ConfirmBill') return null;
  const { amount } = command;
  const left = heldOf(bill.books);
  const isPart = amount !== null && amount > 0 && amount < left && bill.status === 'paid';
  return isPart ? { rejected: 'refund.partForbidden', left } : null;
}

function isSame(left: AcquiredBill, right: AcquiredBill): boolean {
  const asIs = (record: AcquiredBill): string =>
    JSON.stringify({ ...record, dueAt: 0, failures: 0 });
  return asIs(left) === asIs(right);
}

// What one transition changed, so that the history writer knows which rows to write.

import { isRepeatOf } from './outbox.ts';
import { type Bill, isPresent, type PresentBill } from './state.ts';
import type { BillEvent, BillFact, FactOf, KeptReference, RefusedPayment } from './vocabulary.ts';

export interface Touched {
  /** Numbers of accepted payments that are new or changed. */
  readonly payments: readonly number[];
  /** Payments that were refused: they stand in no state but that of their reference. */
  readonly refused: readonly RefusedPayment[];
  /** Numbers of credits that are new or changed. */
  readonly credits: readonly number[];
  readonly eventsRaised: readonly BillEvent[];
  /** Events that left the outbox. */
  readonly eventsEnded: readonly EndedEvent[];
  readonly references: readonly KeptReference[];
}

export interface EndedEvent {
  readonly event: BillEvent;
  /**
   * `replaced`: by its repeat, which is among those raised. `dead`: by age; history sees that by itself. `letGo`: it is
   * pending as before, and history alone keeps it once it has this transition.
   */
  readonly how: 'acknowledged' | 'replaced' | 'dead' | 'letGo';
}

/** What was touched waits for history with its transition, and most lists of it are empty: all of these are one. */
const NONE: readonly never[] = Object.freeze([]);

const NOTHING: Touched = Object.freeze({
  payments: NONE,
  refused: NONE,
  credits: NONE,
  eventsRaised: NONE,
  eventsEnded: NONE,
  references: NONE,
});

/** `facts` are those that led from the one state to the other, in one transition. */
export function touchedBy(before: Bill, after: Bill, facts: readonly BillFact[]): Touched {
  if (!isPresent(after) || facts.length === 0) return NOTHING;
  const earlier = isPresent(before) ? before : null;
  const lastEvent = earlier?.counts.events ?? 0;
  return {
    payments: changed(earlier?.payments ?? NONE, after.payments),
    refused: refusedIn(facts),
    credits: changed(earlier?.credits ?? NONE, after.credits),
    eventsRaised: raisedSince(lastEvent, after),
    eventsEnded: earlier === null ? NONE : endedEvents(earlier, after, facts),
    references: keptBy(after, facts),
  };
}

/** The list, made for its first item: a push into an empty one makes room for seventeen. */
function withLast<Item>(list: Item[] | null, item: Item): Item[] {
  if (list === null) return [item];
  list.push(item);
  return list;
}

function raisedSince(lastEvent: number, { outbox }: PresentBill): readonly BillEvent[] {
  const last = outbox.at(-1);
  return last === undefined || last.no <= lastEvent
    ? NONE
    : outbox.filter(({ no }) => no > lastEvent);
}

interface Numbered {
  readonly no: number;
}

/**
 * Nouns are replaced, never written to: what is not the same value has changed. Lists are in the order of their numbers,
 * and what a static bill lets go of leaves gaps in them.
 */
function changed(before: readonly Numbered[], after: readonly Numbered[]): readonly number[] {
  if (before === after) return NONE;
  let nos: number[] | null = null;
  let index = 0;
  // Most of what a bill has stays: it is passed over without a look inside.
  while (index < before.length && before[index] === after[index]) index += 1;
  for (let place = index; place < after.length; place++) {
    const part = after[place];
    if (part === undefined) continue;
    let earlier = before[index];
    while (earlier !== undefined && earlier.no < part.no) {
      index += 1;
      earlier = before[index];
    }
    if (part !== earlier) nos = withLast(nos, part.no);
  }
  return nos ?? NONE;
}

function endedEvents(
  before: PresentBill,
  after: PresentBill,
  facts: readonly BillFact[],
): readonly EndedEvent[] {
  if (before.outbox === after.outbox && !isRecall(facts[0])) return NONE;
  let ended: EndedEvent[] | null = null;
  const pending = new Set(after.outbox);
  const acknowledged = new Set<number>();
  for (const fact of facts) {
    if (fact.type !== 'EventsAcknowledged') continue;
    for (const no of fact.nos) acknowledged.add(no);
  }
  for (const event of eventsBefore(before, facts)) {
    if (pending.has(event)) continue;
    const how = acknowledged.has(event.no) ? 'acknowledged' : unheardEnd(event, after, facts);
    ended = withLast(ended, { event, how });
  }
  for (const event of deadBefore(before, facts)) {
    ended = withLast(ended, { event, how: 'replaced' });
  }
  return ended ?? NONE;
}

/** Dead letters that were sent again: they had left the outbox before. */
function deadBefore(before: PresentBill, facts: readonly BillFact[]): BillEvent[] {
  const dead: BillEvent[] = [];
  for (const fact of facts) {
    if (fact.type !== 'EventResent') continue;
    const { resentAt: _resentAt, resends = 0, ...event } = fact.event;
    if (!before.outbox.some(({ no }) => no === resends)) dead.push({ ...event, no: resends });
  }
  return dead;
}

/** How an event has left that nobody has acknowledged. */
function unheardEnd(
  event: BillEvent,
  after: PresentBill,
  facts: readonly BillFact[],
): EndedEvent['how'] {
  if (isLetGo(facts, event)) return 'letGo';
  if (after.outbox.some(({ resends }) => resends === event.no)) return 'replaced';
  return after.outbox.some((later) => isRepeatOf(later, event)) ? 'replaced' : 'dead';
}

function isLetGo(facts: readonly BillFact[], { no }: BillEvent): boolean {
  return facts.some((fact) => fact.type === 'PartsLetGo' && fact.events.includes(no));
}

/** Those in the outbox, and those that the transition brought back into it. */
function eventsBefore(before: PresentBill, facts: readonly BillFact[]): readonly BillEvent[] {
  const first = facts[0];
  return isRecall(first) ? [...first.events, ...before.outbox] : before.outbox;
}

function isRecall(fact: BillFact | undefined): fact is FactOf<'PartsRecalled'> {
  return fact?.type === 'PartsRecalled';
}

function refusedIn(facts: readonly BillFact[]): readonly RefusedPayment[] {
  let refused: RefusedPayment[] | null = null;
  for (const fact of facts) {
    if (fact.type === 'PaymentRefused') refused = withLast(refused, fact.payment);
  }
  return refused ?? NONE;
}

/** Each of these facts has put one reference at the end of the list. */
function keptBy(after: PresentBill, facts: readonly BillFact[]): readonly KeptReference[] {
  let count = 0;
  for (const { type } of facts) {
    if (KEEPS_REFERENCE[type]) count += 1;
  }
  return count === 0 ? NONE : after.references.slice(-count);
}

const KEEPS_REFERENCE = {
  BillCreated: false,
  ReservationMade: true,
  ReservationEnded: false,
  PaymentAccepted: false,
  PaymentAnswered: true,
  PaymentRefused: true,
  PaymentVoided: true,
  BillConfirmed: false,
  BillCancelled: false,
  BillExpired: false,
  StayCharged: false,
  PaymentConfirmed: false,
  CreditRequested: false,
  CreditRepeated: false,
  CreditSettled: false,
  CreditRequestedAgain: false,
  CreditReturnedOtherwise: false,
  ReceiptAttached: false,
  KeyUsed: true,
  EventRaised: false,
  EventsAcknowledged: false,
  EventResent: false,
  ArmingBegun: false,
  ArmingRepeated: false,
  ArmingGivenUp: false,
  StickerArmed: false,
  PartsLetGo: false,
  PartsRecalled: false,
  BillOpened: false,
  BillFailed: false,
  AcquiringBegun: false,
  AcquiringKept: false,
} as const satisfies Record<BillFact['type'], boolean>;

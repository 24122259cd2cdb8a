// What one transition changed, so that the history writer knows which rows to write.

import { isRepeatOf } from './outbox.ts';
import { type Bill, isPresent, type PresentBill } from './state.ts';
import type { BillEvent, BillFact, KeptReference, RefusedPayment } from './vocabulary.ts';

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
  /** `replaced`: by its repeat, which is among those raised. `dead`: by age; history sees that by itself. */
  readonly how: 'acknowledged' | 'replaced' | 'dead';
}

const NOTHING: Touched = Object.freeze({
  payments: [],
  refused: [],
  credits: [],
  eventsRaised: [],
  eventsEnded: [],
  references: [],
});

/** `facts` are those that led from the one state to the other, in one transition. */
export function touchedBy(before: Bill, after: Bill, facts: readonly BillFact[]): Touched {
  if (!isPresent(after) || facts.length === 0) return NOTHING;
  const earlier = isPresent(before) ? before : null;
  const lastEvent = earlier?.counts.events ?? 0;
  return {
    payments: changed(earlier?.payments ?? [], after.payments),
    refused: refusedIn(facts),
    credits: changed(earlier?.credits ?? [], after.credits),
    eventsRaised: after.outbox.filter(({ no }) => no > lastEvent),
    eventsEnded: earlier === null ? [] : endedEvents(earlier, after, facts),
    references: keptBy(after, facts),
  };
}

interface Numbered {
  readonly no: number;
}

/** Nouns are replaced, never written to, and lists only grow: what is not the same value has changed. */
function changed(before: readonly Numbered[], after: readonly Numbered[]): number[] {
  const nos: number[] = [];
  if (before === after) return nos;
  for (const [index, part] of after.entries()) {
    if (part !== before[index]) nos.push(part.no);
  }
  return nos;
}

function endedEvents(
  before: PresentBill,
  after: PresentBill,
  facts: readonly BillFact[],
): EndedEvent[] {
  const ended: EndedEvent[] = [];
  if (before.outbox === after.outbox) return ended;
  const pending = new Set(after.outbox);
  const acknowledged = new Set<number>();
  for (const fact of facts) {
    if (fact.type !== 'EventsAcknowledged') continue;
    for (const no of fact.nos) acknowledged.add(no);
  }
  for (const event of before.outbox) {
    if (pending.has(event)) continue;
    const isReplaced = after.outbox.some((later) => isRepeatOf(later, event));
    const how = acknowledged.has(event.no) ? 'acknowledged' : isReplaced ? 'replaced' : 'dead';
    ended.push({ event, how });
  }
  return ended;
}

function refusedIn(facts: readonly BillFact[]): RefusedPayment[] {
  const refused: RefusedPayment[] = [];
  for (const fact of facts) {
    if (fact.type === 'PaymentRefused') refused.push(fact.payment);
  }
  return refused;
}

/** Each of these facts has put one reference at the end of the list. */
function keptBy(after: PresentBill, facts: readonly BillFact[]): readonly KeptReference[] {
  let count = 0;
  for (const { type } of facts) {
    if (KEEPS_REFERENCE[type]) count += 1;
  }
  return count === 0 ? [] : after.references.slice(-count);
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
  CreditRequested: false,
  CreditRepeated: false,
  CreditSettled: false,
  ReceiptAttached: false,
  KeyUsed: true,
  EventRaised: false,
  EventsAcknowledged: false,
} as const satisfies Record<BillFact['type'], boolean>;

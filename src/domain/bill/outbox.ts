// The facts that put messages into the outbox. They come last in a decision, so that each message shows the bill
// as the whole transition leaves it.

import type { PaychannelId } from '../ids.ts';
import type { Millis } from '../time.ts';
import type { PresentBill } from './state.ts';
import {
  type Actor,
  type BillDecision,
  type BillEvent,
  type Cause,
  type CommandOf,
  type Credit,
  EVENT_LIFE_MS,
  type EventType,
  type FactOf,
  type Payment,
  type Recipient,
} from './vocabulary.ts';

type Raised = FactOf<'EventRaised'>;

/** An event of the bill as a whole: how it ended, and by whom. */
export function raiseForBill(to: Recipient, event: EventType, cause: Cause | null): Raised {
  return { type: 'EventRaised', to, event, cause, paymentNo: null, creditNo: null };
}

export function raiseForPayment(to: Recipient, event: EventType, paymentNo: number): Raised {
  return { type: 'EventRaised', to, event, cause: null, paymentNo, creditNo: null };
}

export function raiseForCredit(to: Recipient, event: EventType, credit: Credit): Raised {
  const { no: creditNo, paymentNo } = credit;
  return { type: 'EventRaised', to, event, cause: null, paymentNo, creditNo };
}

/** `credit.requested` of each credit to its paychannel and, where others asked for it, to the bill's terminal. */
export function raiseForCredits(
  bill: PresentBill,
  credits: readonly Credit[],
  tellsTerminal: boolean,
): Raised[] {
  const raised: Raised[] = [];
  for (const credit of credits) {
    raised.push(raiseForCredit(paychannel(credit.paychannelId), 'credit.requested', credit));
    if (tellsTerminal) raised.push(raiseForCredit(terminal(bill), 'credit.requested', credit));
  }
  return raised;
}

/** `payment.confirmed` to the paychannels that asked to hear it, of payments that keep something. */
export function raiseForConfirmed(
  payments: readonly Payment[],
  reversals: readonly Credit[],
): Raised[] {
  const raised: Raised[] = [];
  for (const payment of payments) {
    if (!payment.subscribed) continue;
    const reversal = reversals.find((credit) => credit.paymentNo === payment.no);
    if (payment.credited + (reversal?.amount ?? 0) === payment.amount) continue;
    raised.push(raiseForPayment(paychannel(payment.paychannelId), 'payment.confirmed', payment.no));
  }
  return raised;
}

/** Who holds a live reservation hears, once, that the bill is no longer to be paid. */
export function raiseForHolders(bill: PresentBill, cause: Cause | null): Raised[] {
  const holders = new Set<PaychannelId>();
  for (const reservation of bill.reservations) holders.add(reservation.paychannelId);
  return [...holders].map((holder) => raiseForBill(paychannel(holder), 'bill.cancelled', cause));
}

/** Only what stands in the outbox for this recipient is acknowledged; the rest is ignored. */
export function acknowledge(
  bill: PresentBill,
  command: CommandOf<'AcknowledgeEvents'>,
): BillDecision {
  const nos: number[] = [];
  for (const event of bill.outbox) {
    if (event.recipient === command.recipient && command.nos.includes(event.no)) nos.push(event.no);
  }
  return nos.length === 0 ? [] : [{ type: 'EventsAcknowledged', nos }];
}

/** Dead letters come back as events of their own, which say what they said. One that is alive, or has come back, stays. */
export function resend(
  bill: PresentBill,
  { events }: CommandOf<'ResendEvents'>,
  now: Millis,
): FactOf<'EventResent'>[] {
  const facts: FactOf<'EventResent'>[] = [];
  for (const event of events) {
    const isAlive = bill.outbox.some(
      (each) => each.resends === event.no || (each.no === event.no && !isDead(each, now)),
    );
    if (isAlive || !isDead(event, now)) continue;
    const no = bill.counts.events + facts.length + 1;
    const again: BillEvent = { ...event, no, resentAt: now, resends: event.no };
    facts.push({ type: 'EventResent', event: again });
  }
  return facts;
}

/** Whether nobody has acknowledged it for so long that it is sent no more. */
export function isDead(event: BillEvent, now: Millis): boolean {
  return now - sentAt(event) > EVENT_LIFE_MS;
}

/** Its place in a stream: when it happened or, of one that was sent again, then. */
export function sentAt({ resentAt, occurredAt }: BillEvent): Millis {
  return resentAt ?? occurredAt;
}

/** Whether one event repeats the other, so that it takes its place. */
export function isRepeatOf(event: BillEvent, earlier: BillEvent): boolean {
  return (
    event.no > earlier.no &&
    event.type === 'credit.requested' &&
    earlier.type === 'credit.requested' &&
    event.recipient === earlier.recipient &&
    event.credit?.no === earlier.credit?.no
  );
}

/** Whether the actor is the terminal that made the bill: it needs no telling of what it did itself. */
export function isOwnTerminal(bill: PresentBill, by: Actor): boolean {
  return by.kind === 'terminal' && by.id === bill.terms.terminalId;
}

export function terminal(bill: PresentBill): Recipient {
  return `terminal:${bill.terms.terminalId}`;
}

export function paychannel(id: PaychannelId): Recipient {
  return `paychannel:${id}`;
}

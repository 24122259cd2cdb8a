// A bill at a bank of a few lines: what is paid and given back stands in its books, answers are lost with and without
// effect, and whoever makes the calls forgets all it knew. The bill is the domain's own.

import { leftOf } from '../../src/domain/acquiring/acquired-bill.ts';
import type {
  Attempt,
  Outcome,
  Refund,
  Registration,
  Sighting,
  Tender,
} from '../../src/domain/acquiring/words.ts';
import { acquiringOf, lookAt, nextVisitTo } from '../../src/domain/bill/acquired.ts';
import { decide, evolve, nextDueOf } from '../../src/domain/bill/bill.ts';
import { isUnresolved } from '../../src/domain/bill/credits.ts';
import { SEEN_AT_ACQUIRER } from '../../src/domain/bill/external-credits.ts';
import { ABSENT, type Bill, isPresent, type PresentBill } from '../../src/domain/bill/state.ts';
import {
  type BillCommand,
  type BillDecision,
  type BillFact,
  type CommandOf,
  type Credit,
  isRejection,
} from '../../src/domain/bill/vocabulary.ts';
import type { PaychannelId } from '../../src/domain/ids.ts';
import { type Millis, NEVER, plus } from '../../src/domain/time.ts';
import { done, unknown, unsent } from '../../src/drivers/contract/bill-driver.ts';
import { judgeRefund } from '../../src/drivers/contract/verdicts.ts';
import { closeCredit, create, momentOf, money, requestAgain, START } from './bill-spec.ts';

export interface BankWays {
  readonly closesByItself: boolean;
  readonly partialRefund: boolean;
  /** Ending what has just been paid gives it back. */
  readonly cancelGivesBack: boolean;
  /** How a refund goes: it is done at once, or is on its way, and shows in the sum when it has come, or from the beginning. */
  readonly refunds?: 'atOnce' | 'shownLate' | 'shownEarly';
}

interface OnItsWay {
  readonly amount: number;
  readonly by: 'us' | 'hand';
}

export type Lost = 'not' | 'before' | 'after';

const LOOKS_MAX = 400;
const CHANNEL = 'acq_bank' as PaychannelId;

export class AcquiredWorld {
  readonly facts: BillFact[] = [];
  readonly ways: BankWays;
  bill: Bill = ABSENT;
  now: Millis = START;
  bank = { status: 'none' as 'none' | 'open' | 'paid' | 'ended', paid: 0, returned: 0, byHand: 0 };
  onItsWay: OnItsWay[] = [];
  registrations = 0;
  /** The bank says no to this, for good or for now. */
  refuses: 'register' | 'refund' | 'refundForNow' | null = null;
  /** What came of a refund that was begun was lost: as much by hand may be taken for it. */
  isRefundLost = false;
  /** What an operator has handed out in notes and coins. */
  cash = 0;
  #late: BillCommand[] = [];

  constructor(ways: BankWays) {
    this.ways = ways;
    const { closesByItself, partialRefund } = ways;
    const acquirer = { name: 'bank', paychannelId: CHANNEL, closesByItself, partialRefund };
    const terms = (create({ acquirer }) as CommandOf<'CreateBill'>).terms;
    this.bill = evolve(ABSENT, [{ type: 'BillCreated', terms }], momentOf(START));
  }

  get present(): PresentBill {
    const { bill } = this;
    if (!isPresent(bill)) throw new Error('there is a bill');
    return bill;
  }

  pass(ms: number): void {
    this.now = plus(this.now, ms);
  }

  /** As a shard does it: timers first. */
  command(command: BillCommand): BillDecision {
    for (let i = 0; nextDueOf(this.bill) <= this.now && i < 100; i++) {
      const due = decide(this.bill, { type: 'RunTimer' }, this.now);
      if (isRejection(due) || due.length === 0) break;
      this.#evolve(due);
    }
    const decision = decide(this.bill, command, this.now);
    if (!isRejection(decision)) this.#evolve(decision);
    return decision;
  }

  #evolve(facts: readonly BillFact[]): void {
    if (facts.length === 0) return;
    this.facts.push(...facts);
    this.bill = evolve(this.bill, facts, momentOf(this.now));
  }

  /** One visit; what is lost is the call, its answer, or the life of whoever made it. */
  visit(lost: Lost, dies = false): void {
    const begun = this.command({ type: 'BeginAcquiring', acquirer: 'bank' });
    if (isRejection(begun)) return;
    const fact = begun.find((each) => each.type === 'AcquiringBegun');
    const step = fact?.step ?? (begun.length === 0 ? lookAt(this.present, this.now) : undefined);
    if (step === undefined) return;
    const { no } = acquiringOf(this.present);
    if (step.call === 'refund' && (lost !== 'not' || dies)) this.isRefundLost = true;
    const answer = lost === 'before' ? null : this.#call(step);
    const outcome =
      lost === 'not' && answer !== null
        ? answer
        : ({ outcome: 'unknown', detail: 'lost', afterMs: 1_000 } as const);
    const finish = { type: 'FinishAcquiring', acquirer: 'bank', no, step, outcome } as const;
    // An old life's answer may come long after.
    if (dies) this.#late.push(finish);
    else if (step.call !== 'look' || outcome.outcome === 'done') this.command(finish);
  }

  /** What an old life had to say comes now. */
  hearLate(): void {
    for (const command of this.#late.splice(0)) this.command(command);
  }

  pay(): void {
    if (this.bank.status !== 'open') return;
    this.bank = { ...this.bank, status: 'paid', paid: this.present.terms.amount };
  }

  byHand(amount: number): void {
    const given = Math.min(amount, this.#leftAtBank);
    if (given > 0) this.#giveBack({ amount: given, by: 'hand' });
  }

  /**
   * An operator deals with the oldest rejected credit: asks again, hands out its amount, or gives it back at the bank by
   * hand, and closes it, before the bank has been looked at or after.
   */
  resolve(how: 'again' | 'cash' | 'byHand' | 'seenByHand'): void {
    const credit = this.present.credits.find(isUnresolved);
    if (credit === undefined) return;
    const { no: creditNo, amount } = credit;
    if (how === 'again') {
      this.command(requestAgain(creditNo));
      return;
    }
    const isAtBank = how !== 'cash';
    // Nobody closes what may still fail.
    if (isAtBank && (this.#leftAtBank < amount || !this.#isAtOnce)) return;
    if (isAtBank) this.byHand(amount);
    if (how === 'seenByHand') this.visit('not');
    const isClosed = !isRejection(this.command(closeCredit(creditNo, how)));
    if (isClosed && !isAtBank) this.cash += amount;
  }

  /** What is on its way comes, or does not. */
  land(isGiven: boolean): void {
    for (const { amount, by } of this.onItsWay.splice(0)) {
      if (!isGiven) continue;
      this.bank.returned += amount;
      if (by === 'hand') this.bank.byHand += amount;
    }
  }

  #giveBack(refund: OnItsWay): void {
    this.onItsWay.push(refund);
    if (this.#isAtOnce) this.land(true);
  }

  get #isAtOnce(): boolean {
    return (this.ways.refunds ?? 'atOnce') === 'atOnce';
  }

  get #leftAtBank(): number {
    const { paid, returned } = this.bank;
    return this.onItsWay.reduce((left, { amount }) => left - amount, paid - returned);
  }

  /** Until nothing is to be called but looks that bring nothing. */
  settle(): void {
    for (let i = 0; i < LOOKS_MAX; i++) {
      this.land(true);
      const at = Math.min(nextVisitTo(this.present, this.now), nextDueOf(this.bill));
      if (at === NEVER) break;
      const { record } = acquiringOf(this.present);
      const isQuiet =
        record.status === 'paid' &&
        record.refunds.every(({ status }) => status === 'done' || status === 'refused') &&
        record.seen?.returned === this.bank.returned &&
        !record.seen.isReturning &&
        this.present.status !== 'paid';
      if (isQuiet) break;
      this.now = Math.max(this.now + 1_000, at) as Millis;
      this.visit('not');
    }
    this.visit('not');
  }

  /** What is not given back yet and nobody has asked for. */
  get left(): number {
    return leftOf(acquiringOf(this.present).record);
  }

  #call(step: NonNullable<ReturnType<typeof lookAt>>): Outcome<Registration> | Outcome<Sighting> {
    switch (step.call) {
      case 'register':
        return this.#register(step.tender);
      case 'look':
        if (this.ways.closesByItself) this.#endIn(this.present.terms.expiresAt);
        return this.#seen();
      case 'cancel':
        return this.#cancel();
      case 'refund':
        return this.#refund(step.refund, step.attempt);
    }
  }

  #register({ id, amount, currency }: Tender): Outcome<Registration> {
    const { bank } = this;
    if (this.refuses === 'register') return refusal('never');
    if (bank.status === 'none') {
      this.registrations += 1;
      bank.status = 'open';
    }
    const value = { id, amount, currency, ref: 'ref-1', payload: 'bank:1', notes: {} };
    return { outcome: 'done', value };
  }

  #endIn(at: Millis): void {
    if (this.bank.status === 'open' && this.now >= at) this.bank.status = 'ended';
  }

  #cancel(): Outcome<Sighting> {
    const { bank, ways } = this;
    this.#endIn(START);
    if (bank.status === 'paid' && bank.returned < bank.paid) {
      if (this.onItsWay.length > 0) return unsent('unclear', 'underway', 1_000);
      if (!ways.cancelGivesBack) return { ...refusal('never'), code: 'paid' };
      this.#giveBack({ amount: this.#leftAtBank, by: 'us' });
    }
    return this.#seen();
  }

  /** As drivers do it, by a bank at which nothing arrives late. */
  #refund(refund: Refund, attempt: Attempt): Outcome<Sighting> {
    const seen = this.#sighting();
    const { verdict } = judgeRefund(seen, refund, attempt, { now: this.now, settleMs: 0 });
    switch (verdict) {
      case 'given':
        return done(seen);
      case 'moved':
        return { ...refusal({ afterMs: 0 }), code: verdict };
      case 'exceeds':
      case 'notPaid':
        return { ...refusal('never'), code: verdict };
      case 'send':
        if (this.refuses === 'refund') return refusal('never');
        if (this.refuses === 'refundForNow') return refusal({ afterMs: 3_600_000 });
        this.#giveBack({ amount: refund.amount, by: 'us' });
        return this.onItsWay.length > 0 ? unknown('on its way', 1_000) : done(this.#sighting());
      default:
        return unsent('unclear', verdict, 1_000);
    }
  }

  #seen(): Outcome<Sighting> {
    return done(this.#sighting());
  }

  #sighting(): Sighting {
    const { status, paid, returned } = this.bank;
    const expired = this.now >= this.present.terms.expiresAt ? 'expired' : 'cancelled';
    const isEarly = this.ways.refunds === 'shownEarly';
    return {
      status: status === 'ended' ? expired : status === 'none' ? 'open' : status,
      paid: money(paid),
      returned: money(isEarly ? paid - this.#leftAtBank : returned),
      isReturning: this.onItsWay.length > 0,
      reference: null,
      payer: null,
    };
  }
}

function refusal(again: 'never' | { readonly afterMs: number }) {
  return { outcome: 'notDone', code: 'refused', detail: 'no', again } as const;
}

/** What a bill's credits say has been given back, and by whom. */
export function returnedBy({ credits }: PresentBill): {
  asked: number;
  /** Seen at the bank: credits of their own, and rejected ones that it has resolved. */
  byHand: number;
  /** By an operator's word. */
  closed: number;
  open: number;
  unresolved: number[];
} {
  const sum = (keep: (credit: Credit) => boolean): number =>
    credits.filter(keep).reduce((total, { amount }) => total + amount, 0);
  const isClosed = ({ resolution }: Credit, isSeen: boolean): boolean =>
    resolution?.how === 'returnedOtherwise' &&
    (resolution.reference === SEEN_AT_ACQUIRER) === isSeen;
  return {
    asked: sum(({ status, origin }) => status === 'settled' && origin === undefined),
    byHand: sum((credit) => credit.origin === 'external' || isClosed(credit, true)),
    closed: sum((credit) => isClosed(credit, false)),
    open: sum(({ status }) => status === 'pending'),
    unresolved: credits.filter(isUnresolved).map(({ amount }) => amount),
  };
}

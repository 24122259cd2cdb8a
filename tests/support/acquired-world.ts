// A bill at a bank of a few lines: what is paid and given back stands in its books, answers are lost with and without
// effect, and whoever makes the calls forgets all it knew. The bill is the domain's own.

import { leftOf } from '../../src/domain/acquiring/acquired-bill.ts';
import type { Outcome, Registration, Sighting, Tender } from '../../src/domain/acquiring/words.ts';
import { must } from '../../src/domain/assert.ts';
import { acquiringOf, lookAt, nextVisitTo } from '../../src/domain/bill/acquired.ts';
import { decide, evolve, nextDueOf } from '../../src/domain/bill/bill.ts';
import { ABSENT, type Bill, isPresent, type PresentBill } from '../../src/domain/bill/state.ts';
import {
  type BillCommand,
  type BillDecision,
  type BillFact,
  type CommandOf,
  isRejection,
} from '../../src/domain/bill/vocabulary.ts';
import type { PaychannelId } from '../../src/domain/ids.ts';
import { type Millis, NEVER, plus } from '../../src/domain/time.ts';
import { create, momentOf, money, START } from './bill-spec.ts';

export interface BankWays {
  readonly closesByItself: boolean;
  readonly partialRefund: boolean;
  /** Ending what has just been paid gives it back. */
  readonly cancelGivesBack: boolean;
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
  registrations = 0;
  /** The bank says no to this for good. */
  refuses: 'register' | 'refund' | null = null;
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
    const given = Math.min(amount, this.bank.paid - this.bank.returned);
    this.bank.returned += given;
    this.bank.byHand += given;
  }

  /** Until nothing is to be called but looks that bring nothing. */
  settle(): void {
    for (let i = 0; i < LOOKS_MAX; i++) {
      const at = Math.min(nextVisitTo(this.present, this.now), nextDueOf(this.bill));
      if (at === NEVER) break;
      const { record } = acquiringOf(this.present);
      const isQuiet =
        record.status === 'paid' &&
        record.refunds.every(({ status }) => status === 'done' || status === 'refused') &&
        record.seen?.returned === this.bank.returned &&
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
        return this.#refund(step.refund, step.attempt.lastSentAt !== null);
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
      if (!ways.cancelGivesBack) return { ...refusal('never'), code: 'paid' };
      bank.returned = bank.paid;
    }
    return this.#seen();
  }

  /** As judgeRefund has it. */
  #refund(
    { amount, returnedBefore }: { readonly amount: number; readonly returnedBefore: number },
    isRepeat: boolean,
  ): Outcome<Sighting> {
    const since = this.bank.returned - returnedBefore;
    if (isRepeat && since >= amount) return this.#seen();
    if (since !== 0) return { ...refusal({ afterMs: 0 }), code: 'moved' };
    if (amount > this.bank.paid - this.bank.returned)
      return { ...refusal('never'), code: 'exceeds' };
    if (this.refuses === 'refund') return refusal('never');
    this.bank.returned += amount;
    return this.#seen();
  }

  #seen(): Outcome<Sighting> {
    const { status, paid, returned } = this.bank;
    const expired = this.now >= this.present.terms.expiresAt ? 'expired' : 'cancelled';
    const value = {
      status: status === 'ended' ? expired : status === 'none' ? 'open' : status,
      paid: money(paid),
      returned: money(returned),
      isReturning: false,
      reference: null,
      payer: null,
    } as const;
    return { outcome: 'done', value };
  }
}

function refusal(again: 'never' | { readonly afterMs: number }) {
  return { outcome: 'notDone', code: 'refused', detail: 'no', again } as const;
}

/** What a bill's credits say has been given back, and by whom. */
export function returnedBy({ credits }: PresentBill): {
  asked: number;
  byHand: number;
  open: number;
} {
  const sum = (keep: (credit: PresentBill['credits'][number]) => boolean): number =>
    credits.filter(keep).reduce((total, { amount }) => total + amount, 0);
  return {
    asked: sum(({ status, origin }) => status === 'settled' && origin === undefined),
    byHand: sum(({ origin }) => must(origin ?? 'none', 'an origin') === 'external'),
    open: sum(({ status }) => status === 'pending'),
  };
}

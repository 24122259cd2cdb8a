// A second set of books, kept from the facts alone and by other rules than the domain's code: what a human auditor would
// write down reading the log line by line.

import type { PresentBill } from '../../src/domain/bill/state.ts';
import type { BillFact } from '../../src/domain/bill/vocabulary.ts';

interface PaymentLine {
  readonly no: number;
  readonly amount: number;
  returned: number;
}

interface CreditLine {
  readonly amount: number;
  isPending: boolean;
}

type CreditFact = Extract<BillFact, { type: 'CreditRequested' }>;

export class Account {
  readonly #payments: PaymentLine[] = [];
  readonly #credits: CreditLine[] = [];
  #total = 0;
  #paid = 0;
  #confirmed = 0;
  #reversed = 0;
  #refunded = 0;
  #unreturned = 0;
  #isClosed = false;

  /** Enters one transition; says what is wrong with it, if anything. */
  enter(facts: readonly BillFact[]): string | null {
    const before = this.#paid - this.#confirmed - this.#reversed;
    const expected = this.#expectedReversals(facts);
    let wrong: string | null = null;
    for (const fact of facts) wrong ??= this.#fact(fact);
    if (wrong !== null) return wrong;
    const reversals = creditsIn(facts, 'reversal');
    if (JSON.stringify(reversals) !== JSON.stringify(expected)) {
      return `reversals ${JSON.stringify(reversals)} should be ${JSON.stringify(expected)}, held ${before}`;
    }
    return this.#balance();
  }

  /** Compares with what the switch itself says. */
  compare({ books, payments }: PresentBill): string | null {
    const mine = [this.#paid, this.#confirmed, this.#reversed, this.#refunded, this.#unreturned];
    const theirs = [books.paid, books.confirmed, books.reversed, books.refunded, books.unreturned];
    if (mine.join() !== theirs.join())
      return `books are ${theirs.join()}, should be ${mine.join()}`;
    const returned = payments.map(({ credited }) => credited).join();
    const expected = this.#payments.map((line) => line.returned).join();
    return returned === expected ? null : `credited is ${returned}, should be ${expected}`;
  }

  /** What must be reversed by these facts: all that is held above what is confirmed, newest payment first. */
  #expectedReversals(facts: readonly BillFact[]): number[][] {
    let rest = 0;
    let held = this.#paid - this.#confirmed - this.#reversed;
    const payments = [...this.#payments];
    for (const fact of facts) {
      if (fact.type === 'PaymentAccepted') {
        held += fact.payment.amount;
        payments.push({ no: fact.payment.no, amount: fact.payment.amount, returned: 0 });
      }
      if (fact.type === 'BillConfirmed') rest = held - fact.amount;
      if (fact.type === 'BillCancelled' || fact.type === 'BillExpired') rest = held;
    }
    const expected: number[][] = [];
    for (const { no, amount, returned } of payments.reverse()) {
      const part = Math.min(rest, amount - returned);
      if (part > 0) expected.push([no, part]);
      rest -= part;
    }
    return expected;
  }

  #fact(fact: BillFact): string | null {
    switch (fact.type) {
      case 'BillCreated':
        this.#total = fact.terms.amount;
        return null;
      case 'PaymentAccepted':
        return this.#paymentAccepted(fact.payment.no, fact.payment.amount);
      case 'BillConfirmed':
        if (this.#confirmed > 0 || this.#isClosed) return 'confirmed after its end';
        this.#confirmed = fact.amount;
        return fact.amount > this.#paid ? 'more is confirmed than was paid' : null;
      case 'BillCancelled':
      case 'BillExpired':
        if (this.#confirmed > 0 || this.#isClosed) return 'closed after its end';
        this.#isClosed = true;
        return null;
      case 'CreditRequested':
        return this.#creditRequested(fact);
      case 'CreditSettled':
        return this.#creditSettled(fact.no, fact.status);
      default:
        return null;
    }
  }

  #paymentAccepted(no: number, amount: number): string | null {
    if (this.#isClosed || this.#confirmed > 0) return 'a payment after the end';
    this.#payments.push({ no, amount, returned: 0 });
    this.#paid += amount;
    return amount > 0 && this.#paid <= this.#total ? null : 'more is paid than is due';
  }

  #creditRequested({ credit }: CreditFact): string | null {
    const line = this.#payments.find(({ no }) => no === credit.paymentNo);
    if (line === undefined) return 'a credit of no payment';
    line.returned += credit.amount;
    this.#credits.push({ amount: credit.amount, isPending: true });
    if (credit.no !== this.#credits.length) return 'credits are not numbered in order';
    if (credit.kind === 'reversal') this.#reversed += credit.amount;
    else this.#refunded += credit.amount;
    return line.returned <= line.amount && credit.amount > 0 ? null : 'a credit above its payment';
  }

  #creditSettled(no: number, status: 'settled' | 'rejected'): string | null {
    const line = this.#credits[no - 1];
    if (line === undefined || !line.isPending) return 'a credit settled twice';
    line.isPending = false;
    if (status === 'rejected') this.#unreturned += line.amount;
    return null;
  }

  #balance(): string | null {
    if (this.#isClosed && this.#paid !== this.#reversed) return 'closed, and not all was reversed';
    if (this.#confirmed > 0 && this.#paid !== this.#confirmed + this.#reversed) {
      return 'paid is not confirmed + reversed';
    }
    if (this.#refunded > this.#confirmed) return 'more is refunded than was confirmed';
    return null;
  }
}

function creditsIn(facts: readonly BillFact[], kind: 'reversal' | 'refund'): number[][] {
  const credits: number[][] = [];
  for (const fact of facts) {
    if (fact.type !== 'CreditRequested' || fact.credit.kind !== kind) continue;
    credits.push([fact.credit.paymentNo, fact.credit.amount]);
  }
  return credits;
}

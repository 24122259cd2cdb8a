// A second set of books, kept from the facts alone and by other rules than the domain's code: what a human auditor would
// write down reading the log line by line.

import type { PresentBill } from '../../src/domain/bill/state.ts';
import type { BillFact, Terms } from '../../src/domain/bill/vocabulary.ts';

interface PaymentLine {
  readonly no: number;
  readonly amount: number;
  readonly tip: number;
  isTipReturned: boolean;
  returned: number;
  isConfirmed: boolean;
}

interface CreditLine {
  readonly kind: string;
  readonly paymentNo: number;
  readonly amount: number;
  readonly isTip: boolean;
  /** The claim that it is for: those that are asked for in place of one another are one claim. */
  readonly claim: Claim;
  isPending: boolean;
  /** Whether a wallet has rejected it, and nobody has dealt with that. */
  isOpen: boolean;
}

/** What a customer is to have back, by whichever credit or other way. */
interface Claim {
  isGivenBack: boolean;
}

type PaidFact = Extract<BillFact, { type: 'PaymentAccepted' }>;
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
  #excess = 0;
  #tipsUnreturned = 0;
  #isClosed = false;
  /** Whether it carries a sale of its own, and whether one is about to be. */
  #isSticker = false;
  #isArming = false;
  #terms: Terms | null = null;

  /** Enters one transition; says what is wrong with it, if anything. */
  enter(facts: readonly BillFact[]): string | null {
    const before = this.#paid - this.#confirmed - this.#reversed;
    for (const fact of facts) if (fact.type === 'StayCharged') this.#total = fact.total;
    const expected = this.#isForMany ? [] : this.#expectedReversals(facts);
    const dueAtBank = this.#reversedAtBank(facts);
    let wrong: string | null = null;
    for (const fact of facts) wrong ??= this.#fact(fact);
    if (wrong !== null) return wrong;
    const reversals = creditsIn(facts, 'reversal');
    if (this.#isAtBank) {
      const asked = sumOf(reversals);
      if (asked === dueAtBank) return this.#balance();
      return `${asked} is reversed, and ${dueAtBank} should be, held ${before}`;
    }
    if (!this.#isForMany && JSON.stringify(reversals) !== JSON.stringify(expected)) {
      return `reversals ${JSON.stringify(reversals)} should be ${JSON.stringify(expected)}, held ${before}`;
    }
    return this.#wrongPayment(facts, reversals) ?? this.#balance();
  }

  /** Compares with what the switch itself says. */
  compare({ books, payments }: PresentBill): string | null {
    const [paid, confirmed, reversed] = [this.#paid, this.#confirmed, this.#reversed];
    const mine = [paid, confirmed, reversed, this.#refunded, this.#unreturned, this.#excess];
    mine.push(...this.#tips());
    const { refunded, unreturned, excess = 0 } = books;
    const theirs = [books.paid, books.confirmed, books.reversed, refunded, unreturned, excess];
    const tips = books.tips ?? { paid: 0, returned: 0, unreturned: 0 };
    const told = [...theirs, tips.paid, tips.returned, tips.unreturned].join();
    if (mine.join() !== told) return `books are ${told}, should be ${mine.join()}`;
    const lines = new Map(this.#payments.map((line) => [line.no, line.returned]));
    const returned = payments.map(({ credited }) => credited).join();
    const expected = payments.map(({ no }) => lines.get(no)).join();
    return returned === expected ? null : `credited is ${returned}, should be ${expected}`;
  }

  /** What must be reversed by these facts: all that is held above what is confirmed, newest payment first. */
  #expectedReversals(facts: readonly BillFact[]): number[][] {
    let rest = 0;
    let held = this.#paid - this.#confirmed - this.#reversed;
    const payments = [...this.#payments];
    const expected: number[][] = [];
    for (const fact of facts) {
      if (fact.type === 'PaymentAccepted') {
        const { no, amount } = fact.payment;
        const over = this.#over(held, amount);
        if (over > 0) expected.push([no, over]);
        held += amount - over;
        payments.push({ ...lineOf(fact.payment), returned: over });
      }
      if (fact.type === 'BillConfirmed') rest = held - fact.amount;
      if (fact.type === 'BillCancelled' || fact.type === 'BillExpired') rest = held;
    }
    for (const { no, amount, returned } of payments.reverse()) {
      const part = Math.min(rest, amount - returned);
      if (part > 0) expected.push([no, part]);
      rest -= part;
    }
    return expected;
  }

  /** At a bank: how much is reversed, by us or by hand. Money that comes after the end goes back whole. */
  #reversedAtBank(facts: readonly BillFact[]): number {
    let due = 0;
    let held = this.#paid - this.#confirmed - this.#reversed;
    let isClosed = this.#isClosed;
    for (const fact of facts) {
      if (fact.type === 'PaymentAccepted') {
        const { amount } = fact.payment;
        const over = isClosed ? amount : this.#over(held, amount);
        due += over;
        held += amount - over;
      }
      if (fact.type === 'BillConfirmed') due += held - fact.amount;
      if (endsBill(fact)) {
        due += held;
        isClosed = true;
      }
    }
    return due;
  }

  /** Nothing is taken late that should not be, and all that is too much goes back with its payment. */
  #wrongPayment(facts: readonly BillFact[], reversals: readonly number[][]): string | null {
    const { expiresAt = 0, policies, tipMax = 0 } = this.#terms ?? {};
    for (const fact of facts) {
      if (fact.type !== 'PaymentAccepted') continue;
      const { no, receivedAt, excess = 0, tip = 0 } = fact.payment;
      if (tip > tipMax) return 'a tip that is too much';
      const isHeld = facts.some((each) => each.type === 'ReservationEnded' && each.how === 'used');
      const isTimely = receivedAt < expiresAt || isHeld || this.#isAtBank;
      if (!isTimely && policies?.late !== 'accept') return 'paid too late';
      const isReturned = reversals.some(([of, amount]) => of === no && amount === excess);
      if (excess > 0 && !isReturned) return 'what was too much stayed';
    }
    return null;
  }

  /** What goes back at once of a payment: what is above what is due. */
  #over(held: number, amount: number): number {
    if (this.#terms?.policies?.excess !== 'reverse') return 0;
    return Math.max(0, held + amount - this.#total);
  }

  #fact(fact: BillFact): string | null {
    switch (fact.type) {
      case 'BillCreated':
        this.#terms = fact.terms;
        this.#total = fact.terms.offer?.maxAmount ?? fact.terms.amount;
        return null;
      case 'PaymentAccepted':
        return this.#paymentAccepted(fact);
      case 'StayCharged':
        return fact.total < this.#paid - this.#excess ? 'less is charged than was paid' : null;
      case 'BillConfirmed':
        if (this.#confirmed > 0 || this.#isClosed) return 'confirmed after its end';
        this.#confirmed = fact.amount;
        return fact.amount > this.#paid ? 'more is confirmed than was paid' : null;
      case 'BillCancelled':
      case 'BillExpired':
      case 'BillFailed':
        if (this.#isClosed || (this.#confirmed > 0 && !this.#isForMany)) {
          return 'closed after its end';
        }
        this.#isClosed = true;
        return null;
      case 'ArmingBegun':
        return this.#armingBegun();
      case 'ArmingGivenUp':
      case 'StickerArmed':
        return this.#armingEnded(fact.type === 'StickerArmed');
      case 'PaymentConfirmed':
        return this.#paymentConfirmed(fact.no);
      case 'CreditRequested':
        return this.#creditRequested(fact);
      case 'CreditSettled':
        return this.#creditSettled(fact.no, fact.status);
      case 'CreditRequestedAgain':
        return this.#requestedAgain(fact.credit);
      case 'CreditReturnedOtherwise':
        return this.#returnedOtherwise(fact.no);
      default:
        return null;
    }
  }

  #armingBegun(): string | null {
    if (this.#isArming || this.#isClosed) return 'an arm beside another, or after the end';
    this.#isArming = true;
    return null;
  }

  #armingEnded(isArmed: boolean): string | null {
    if (!this.#isArming) return 'the end of an arm that was not begun';
    this.#isArming = false;
    this.#isSticker ||= isArmed;
    return null;
  }

  #paymentAccepted({ payment }: PaidFact): string | null {
    const { amount, excess = 0 } = payment;
    const { offer, policies } = this.#terms ?? {};
    const over = this.#over(this.#isForMany ? 0 : this.#paid - this.#reversed, amount);
    if (excess !== over) return `an excess of ${excess} that should be ${over}`;
    this.#excess += over;
    const untimely = this.#untimely();
    if (untimely !== null) return untimely;
    this.#payments.push(lineOf(payment));
    this.#paid += amount;
    const kept = amount - over;
    if (offer !== undefined && (kept < offer.minAmount || kept > offer.maxAmount)) {
      return 'a payment outside of the range';
    }
    if (this.#isForMany) return this.#limitPassed(offer);
    const sum = this.#paid - this.#excess;
    if (policies?.part === 'forbid' && offer === undefined && sum < this.#total) {
      return 'a payment of a part';
    }
    return kept > 0 && sum <= this.#total ? null : 'more is paid than is due';
  }

  /** Why no payment can be taken at all. */
  #untimely(): string | null {
    if (this.#isAtBank) return this.#payments.length > 0 ? 'paid twice' : null;
    if (this.#isClosed || (this.#confirmed > 0 && !this.#isForMany)) {
      return 'a payment after the end';
    }
    return this.#isArming || this.#isSticker ? 'a payment of an armed sticker' : null;
  }

  #limitPassed(offer: Terms['offer']): string | null {
    const { maxPayments = null, maxTotal = null } = offer ?? {};
    if (maxPayments !== null && this.#payments.length > maxPayments) return 'too many payments';
    const sum = this.#paid - this.#excess;
    return maxTotal !== null && sum > maxTotal ? 'more is paid than the limit' : null;
  }

  #paymentConfirmed(no: number): string | null {
    const line = this.#payments.find((each) => each.no === no);
    if (line === undefined || line.isConfirmed) return 'a payment confirmed twice, or never made';
    line.isConfirmed = true;
    this.#confirmed += line.amount - line.returned;
    return line.returned < line.amount ? null : 'nothing is confirmed';
  }

  get #isAtBank(): boolean {
    return this.#terms?.acquirer !== undefined;
  }

  get #isForMany(): boolean {
    return this.#terms?.offer?.usage === 'many';
  }

  #creditRequested({ credit }: CreditFact): string | null {
    const line = this.#payments.find(({ no }) => no === credit.paymentNo);
    if (line === undefined) return 'a credit of no payment';
    if (this.#isForMany && (credit.kind === 'refund') !== line.isConfirmed) {
      return 'a refund before the confirm, or a reversal after it';
    }
    const { amount, isTip = false } = credit;
    this.#credits.push(creditLineOf(credit, { isGivenBack: false }));
    if (credit.no !== this.#credits.length) return 'credits are not numbered in order';
    if (isTip) return this.#tipRequested(line, credit);
    line.returned += amount;
    if (credit.kind === 'reversal') this.#reversed += credit.amount;
    else this.#refunded += credit.amount;
    return line.returned <= line.amount && credit.amount > 0 ? null : 'a credit above its payment';
  }

  #tipRequested(line: PaymentLine, { amount, kind }: CreditFact['credit']): string | null {
    if (line.isTipReturned || line.tip !== amount) return 'a tip returned twice, or in part';
    line.isTipReturned = true;
    if (this.#isForMany) return null;
    return (kind === 'refund') === this.#confirmed > 0
      ? null
      : 'a tip of a confirm went back with it';
  }

  /** What there is of tips: paid, returned, and of that rejected. */
  #tips(): number[] {
    const sum = (amounts: readonly number[]): number => amounts.reduce((a, b) => a + b, 0);
    const returned = this.#payments.filter(({ isTipReturned }) => isTipReturned);
    return [
      sum(this.#payments.map(({ tip }) => tip)),
      sum(returned.map(({ tip }) => tip)),
      this.#tipsUnreturned,
    ];
  }

  #creditSettled(no: number, status: 'settled' | 'rejected'): string | null {
    const line = this.#credits[no - 1];
    if (line === undefined || !line.isPending) return 'a credit settled twice';
    line.isPending = false;
    if (status === 'settled') return givenBack(line);
    line.isOpen = true;
    this.#owe(line, line.amount);
    return null;
  }

  /** By another credit for the same money: nothing more goes back for it than was to go back before. */
  #requestedAgain(credit: CreditFact['credit']): string | null {
    const line = this.#credits[(credit.replaces ?? 0) - 1];
    if (line === undefined || !line.isOpen) return 'a credit asked for again that nobody rejected';
    line.isOpen = false;
    this.#owe(line, -line.amount);
    const again = creditLineOf(credit, line.claim);
    this.#credits.push(again);
    if (credit.no !== this.#credits.length) return 'credits are not numbered in order';
    const isSame = [again.kind, again.paymentNo, again.amount, again.isTip].join();
    const was = [line.kind, line.paymentNo, line.amount, line.isTip].join();
    return isSame === was ? null : `${isSame} is asked for in place of ${was}`;
  }

  #returnedOtherwise(no: number): string | null {
    const line = this.#credits[no - 1];
    if (line === undefined || !line.isOpen) return 'a credit closed that nobody rejected';
    line.isOpen = false;
    this.#owe(line, -line.amount);
    return givenBack(line);
  }

  /** What customers were to have back, and do not. */
  #owe({ isTip }: CreditLine, amount: number): void {
    if (isTip) this.#tipsUnreturned += amount;
    else this.#unreturned += amount;
  }

  /** What is held is what nobody has confirmed or given back, payment by payment. */
  #balanceOfMany(): string | null {
    let held = 0;
    for (const { amount, returned, isConfirmed } of this.#payments) {
      if (!isConfirmed) held += amount - returned;
    }
    if (this.#paid !== held + this.#confirmed + this.#reversed) return 'money is missing';
    return this.#refunded > this.#confirmed ? 'more is refunded than was confirmed' : null;
  }

  #balance(): string | null {
    if (this.#isForMany) return this.#balanceOfMany();
    const [tips, tipsReturned] = this.#tips();
    if (this.#isClosed && tips !== tipsReturned) return 'closed, and tips were kept';
    if (this.#isClosed && this.#paid !== this.#reversed) return 'closed, and not all was reversed';
    if (this.#confirmed > 0 && this.#paid !== this.#confirmed + this.#reversed) {
      return 'paid is not confirmed + reversed';
    }
    if (this.#refunded > this.#confirmed) return 'more is refunded than was confirmed';
    return null;
  }
}

type Brought = Pick<PaymentLine, 'no' | 'amount'> & { readonly tip?: number };

function lineOf({ no, amount, tip = 0 }: Brought): PaymentLine {
  return { no, amount, tip, isTipReturned: false, returned: 0, isConfirmed: false };
}

function creditLineOf(credit: CreditFact['credit'], claim: Claim): CreditLine {
  const { kind, paymentNo, amount, isTip = false } = credit;
  return { kind, paymentNo, amount, isTip, claim, isPending: true, isOpen: false };
}

/** The customer has the money: by one way, once. */
function givenBack({ claim }: CreditLine): string | null {
  if (claim.isGivenBack) return 'money was given back twice';
  claim.isGivenBack = true;
  return null;
}

function endsBill({ type }: BillFact): boolean {
  return type === 'BillCancelled' || type === 'BillExpired';
}

function sumOf(reversals: readonly number[][]): number {
  return reversals.reduce((sum, [, amount = 0]) => sum + amount, 0);
}

function creditsIn(facts: readonly BillFact[], kind: 'reversal' | 'refund'): number[][] {
  const credits: number[][] = [];
  for (const fact of facts) {
    if (fact.type !== 'CreditRequested' || fact.credit.kind !== kind) continue;
    if (fact.credit.isTip) continue;
    credits.push([fact.credit.paymentNo, fact.credit.amount]);
  }
  return credits;
}

// One life of a bill at a simulated bank: the part that the switch plays, with a record that is durable as JSON, and an end
// to it wherever the test says. What the bank's books must say afterwards is checked by sums, apart from the code that
// made them.

import { acquire, wake, wantCancel, wantRefund } from '../../src/domain/acquiring/acquired-bill.ts';
import type { AcquiredBill } from '../../src/domain/acquiring/record.ts';
import type { Currency, Minor } from '../../src/domain/money.ts';
import type { Millis } from '../../src/domain/time.ts';
import type { BillDriver } from '../../src/drivers/contract/bill-driver.ts';
import type { BookEntry } from '../../src/simulators/control.ts';
import type { FaultOrder } from '../../src/simulators/faults.ts';
import type { BankWorld } from './bank-worlds.ts';
import { takeStep } from './take-step.ts';

export type Happening =
  | { readonly do: 'steps'; readonly count: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'pay' | 'failToPay' | 'cancel' | 'wake' }
  | { readonly do: 'refund' | 'byHand'; readonly amount: number }
  | { readonly do: 'refuse'; readonly count: number }
  | { readonly do: 'fault'; readonly fault: FaultOrder }
  /** This life ends before or after the nth record from here on is durable. */
  | { readonly do: 'crash'; readonly afterKeeps: number; readonly isKept: boolean };

const DAY_MS = 86_400_000;
const AMOUNT = 150_00;
const STEPS_MAX = 400;

class Crash extends Error {}

export class AcquiredLife {
  readonly #world: BankWorld;
  readonly #codes = new Set<string>();
  readonly #refusalCode: string;
  #driver: BillDriver;
  #durable: string;
  #current: AcquiredBill;
  #crash: { afterKeeps: number; isKept: boolean } | undefined;
  #refunds = 0;
  lives = 1;

  constructor(world: BankWorld, refusalCode: string) {
    this.#world = world;
    this.#refusalCode = refusalCode;
    this.#driver = world.driver;
    this.#current = acquire({
      billId: '01JB3M0Q2V00AZ4R8XN5T6K9WC',
      amount: AMOUNT as Minor,
      currency: 'RUB' as Currency,
      description: 'A bill',
      createdAt: this.#now(),
      expiresAt: (this.#now() + 900_000) as Millis,
    });
    this.#durable = JSON.stringify(this.#current);
  }

  get bill(): AcquiredBill {
    return JSON.parse(this.#durable) as AcquiredBill;
  }

  async play(happenings: readonly Happening[]): Promise<void> {
    for (const happening of happenings) await this.#happen(happening);
    await this.#settle();
  }

  /** What is not as it should be. */
  flaws(): string[] {
    const bill = this.bill;
    const orders = this.#world.bank.books();
    const paid = orders.filter((order) => order.paid > 0);
    const known = orders.find(({ ref }) => ref === bill.registration?.ref);
    const flaws: string[] = [];
    const claim = (isSo: boolean, flaw: string) => void (isSo || flaws.push(flaw));

    claim(this.#codes.size <= 1, 'two codes were handed out');
    claim(paid.length <= 1, 'two orders were paid');
    claim(paid.length === 0 || paid[0] === known, 'an order was paid that is not in the record');
    claim((bill.status === 'paid') === (paid.length === 1), `it says ${bill.status} at the end`);
    if (known?.paid) flaws.push(...flawsOfMoney(bill, known));
    claim(
      !bill.isCancelWanted || known === undefined || known.paid === known.returned,
      'it was cancelled, and money stayed',
    );
    claim(bill.status !== 'pending' && bill.status !== 'open', `it hangs in ${bill.status}`);
    return flaws;
  }

  #now(): Millis {
    return this.#world.clock.wall() as Millis;
  }

  async #happen(happening: Happening): Promise<void> {
    const { bank, clock } = this.#world;
    const payload = this.bill.registration?.payload;
    switch (happening.do) {
      case 'steps':
        for (let i = 0; i < happening.count; i++) await this.#step();
        return;
      case 'pass':
        await clock.pass(happening.ms);
        return;
      case 'pay':
        if (payload !== undefined) bank.pay(payload);
        return;
      case 'failToPay':
        if (payload !== undefined) bank.failAttempt(payload);
        return;
      case 'byHand':
        if (payload !== undefined) bank.refundByHand(payload, happening.amount);
        return;
      case 'cancel':
        return this.#want((bill) => wantCancel(bill, this.#now()));
      case 'wake':
        return this.#want((bill) => wake(bill, this.#now()));
      case 'refund': {
        this.#refunds += 1;
        const refund = { id: `r${this.#refunds}`, amount: happening.amount as Minor };
        return this.#want((bill) => wantRefund(bill, refund, this.#now()) ?? bill);
      }
      case 'refuse':
        bank.refuseRefunds(this.#refusalCode, happening.count);
        return;
      case 'fault':
        bank.faults.add(happening.fault);
        return;
      case 'crash':
        this.#crash = { afterKeeps: happening.afterKeeps, isKept: happening.isKept };
    }
  }

  async #step(): Promise<boolean> {
    const life = this;
    const record = {
      get current() {
        return life.#current;
      },
      keep: (bill: AcquiredBill) => life.#keep(bill),
    };
    const driving = { driver: this.#driver, now: () => this.#now() };
    return this.#survive(() => takeStep(record, driving));
  }

  async #want(change: (bill: AcquiredBill) => AcquiredBill): Promise<void> {
    await this.#survive(async () => {
      await this.#keep(change(this.#current));
      return true;
    });
  }

  async #keep(bill: AcquiredBill): Promise<void> {
    const crash = this.#crash;
    if (crash !== undefined) crash.afterKeeps -= 1;
    const isNow = crash !== undefined && crash.afterKeeps < 0;
    if (!isNow || crash.isKept) {
      this.#current = bill;
      this.#durable = JSON.stringify(bill);
      if (bill.registration !== null) this.#codes.add(bill.registration.payload);
    }
    if (!isNow) return;
    this.#crash = undefined;
    throw new Crash();
  }

  /** After a crash the next life has a driver of its own, and what was durable. */
  async #survive(work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      await this.#driver.close();
      this.#driver = this.#world.reopen();
      this.#current = JSON.parse(this.#durable) as AcquiredBill;
      this.lives += 1;
      return true;
    }
  }

  /** The faults are over; it goes on until nothing is due within some days. */
  async #settle(): Promise<void> {
    const { bank, clock } = this.#world;
    bank.faults.clear();
    this.#crash = undefined;
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      if (await this.#step()) continue;
      const ms = this.bill.dueAt - this.#now();
      if (ms > 3 * DAY_MS || this.#isAtRest()) return;
      await clock.pass(Math.max(ms, 1));
    }
    throw new Error(`it does not come to rest: ${this.#durable}`);
  }

  #isAtRest(): boolean {
    const { status, refunds, createdAt } = this.bill;
    const isBusy = refunds.some((order) => order.status === 'asked' || order.status === 'sent');
    // Long enough for what was made by hand at the last to be seen.
    return status === 'paid' && !isBusy && this.#now() - createdAt > 12 * DAY_MS;
  }
}

/** The bank’s money against the record’s. Of two equal sums nobody can tell whose was which: the payer has one of each. */
function flawsOfMoney(bill: AcquiredBill, order: BookEntry): string[] {
  const sum = (amounts: readonly { amount: number }[]) =>
    amounts.reduce((total, { amount }) => total + amount, 0);
  const given = order.refunds.filter(({ status }) => status === 'done');
  const byApi = sum(given.filter(({ by }) => by === 'api'));
  const byHand = sum(given.filter(({ by }) => by === 'hand'));
  const done = sum(bill.refunds.filter(({ status }) => status === 'done'));
  const open = bill.refunds.filter(({ status }) => status === 'asked' || status === 'sent');
  const refused = bill.refunds.filter(({ status }) => status === 'refused');
  const flaws: string[] = [];
  const claim = (isSo: boolean, flaw: string) => void (isSo || flaws.push(flaw));

  claim(order.returned === byApi + byHand, 'the bank’s own sums differ');
  claim(byApi <= done, `we gave back ${byApi}, and say ${done}`);
  claim(
    done + bill.external === byApi + byHand,
    `${done} + ${bill.external} of ${byApi} + ${byHand}`,
  );
  claim(open.length === 0, 'a refund hangs');
  const isRight = ({ id, amount, deniedAt }: (typeof refused)[number]): boolean =>
    id === 'cancel' ||
    amount > order.paid - done - byHand ||
    byHand > 0 ||
    // The bank would not give it for a day.
    deniedAt !== undefined;
  claim(refused.every(isRight), 'a refund was refused that there was money for');
  return flaws;
}

// One check's surroundings: an acquirer of its own, a driver on it, and what checks do again and again.

import type { Currency, Minor } from '../../domain/money.ts';
import { type Millis, millis } from '../../domain/time.ts';
import type {
  Attempt,
  BillDriver,
  BillDriverModule,
  Outcome,
  Refund,
  Registration,
  Sighting,
  Tender,
} from '../contract/bill-driver.ts';
import type { Calls } from './calls.ts';
import { CheckFailed, demand } from './check.ts';
import { openHeld } from './held-driver.ts';
import type { KitClock } from './kit-clock.ts';
import type { TestBank, TestBankEntry } from './test-bank.ts';

const NEVER_SENT: Attempt = { lastSentAt: null };
/** As the switch has it: what was not sent does not count as begun. */
export function nextAttempt(
  attempt: Attempt,
  sentAt: Millis,
  outcome: Exclude<Outcome<unknown>, { outcome: 'done' }>,
): Attempt {
  const isUnsent = outcome.outcome === 'unknown' && outcome.unsent !== undefined;
  return isUnsent ? attempt : { lastSentAt: sentAt };
}

const TRIES_MAX = 50;
const AMOUNT = 150_00;

/** The module, as a thread that begins anew imports it. */
export type Anew<Module> = () => Promise<Module>;

/** Of what a trial's driver is made, and where its calls are noted. */
export interface Tried {
  readonly module: BillDriverModule;
  readonly anew: Anew<BillDriverModule>;
  readonly calls: Calls;
}

/** What a tender is of, where not of what all are. */
interface Asked {
  readonly name?: string;
  readonly currency?: string;
  readonly amount?: number;
  /** More than the others ask for. */
  readonly more?: number;
}

export class Trial {
  readonly clock: KitClock;
  readonly bank: TestBank;
  readonly #tried: Tried;
  readonly #drivers: BillDriver[] = [];
  #isOver = false;
  /** Ids of tenders in whose place the driver has asked for another: nobody is shown a code of them. */
  readonly givenUp = new Set<string>();
  driver: BillDriver;

  constructor(tried: Tried, bank: TestBank, clock: KitClock) {
    this.#tried = tried;
    this.bank = bank;
    this.clock = clock;
    this.driver = this.open(tried.module, bank.settings);
  }

  /** The driver is thrown away with its module, and another made. */
  async restart(): Promise<void> {
    this.driver = this.open(await this.#tried.anew(), this.bank.settings);
  }

  /** Another driver, which is closed with the trial. */
  open(module: BillDriverModule, settings: unknown): BillDriver {
    const { clock } = this;
    const { calls } = this.#tried;
    const driver = openHeld(module, { settings, surroundings: { clock }, calls });
    this.#drivers.push(driver);
    return driver;
  }

  /** Whether nobody waits for it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#drivers.map((driver) => driver.close()));
    await this.bank.close();
  }

  now(): Millis {
    return millis(this.clock.wall());
  }

  tender(id = 'a-tender-1', { currency, amount = AMOUNT, more = 0 }: Asked = {}): Tender {
    const { currencies, amountMin, amountMax, lifetimeMinMs, lifetimeMaxMs } =
      this.driver.capabilities;
    const lifetimeMs = Math.min(Math.max(900_000, lifetimeMinMs + 1_000), lifetimeMaxMs);
    return {
      id,
      amount: Math.min(Math.max(amount, amountMin) + more, amountMax) as Minor,
      currency: (currency ?? currencies[0] ?? 'RUB') as Currency,
      description: 'Tea for two, чай на двоих',
      expiresAt: millis(this.clock.wall() + lifetimeMs),
    };
  }

  /** Registers, by another number where the driver says so, until it is done. */
  async registered(
    earlier: Attempt = NEVER_SENT,
    { name = 'a-tender', ...asked }: Asked = {},
  ): Promise<Registration> {
    let attempt = earlier;
    for (let round = 1; round <= TRIES_MAX; round++) {
      const sentAt = this.now();
      const tender = this.tender(`${name}-${round}`, asked);
      const outcome = await this.driver.register(tender, attempt);
      if (outcome.outcome === 'done') return ofTender(outcome.value, tender);
      if (outcome.outcome === 'notDone' && outcome.again === 'anew') {
        this.givenUp.add(tender.id);
        attempt = NEVER_SENT;
        continue;
      }
      this.#wait(outcome, 'register');
      attempt = nextAttempt(attempt, sentAt, outcome);
      round -= 1;
      this.#tries += 1;
      demand(this.#tries < TRIES_MAX, 'registering comes to no end');
    }
    throw new CheckFailed('registering comes to no end');
  }

  async paid(): Promise<Registration> {
    const registration = await this.registered();
    demand(await this.bank.pay(registration), 'its code could not be paid');
    return registration;
  }

  async seen(registration: Registration): Promise<Sighting> {
    return this.doneOf(await this.driver.look(registration), 'look');
  }

  refund(amount: number, returnedBefore = 0, id = 'a-refund-1'): Refund {
    return { id, amount: amount as Minor, returnedBefore: returnedBefore as Minor };
  }

  /** Asks for the refund again and again, a new driver each time, until it is done. */
  async refunded(registration: Registration, refund: Refund, earlier: Attempt): Promise<Sighting> {
    return this.#untilDone('refund', earlier, (attempt) =>
      this.driver.refund(registration, refund, attempt),
    );
  }

  /** Asks for its end again and again, a new driver each time, until it is done. */
  async cancelled(registration: Registration, earlier: Attempt): Promise<Sighting> {
    return this.#untilDone('cancel', earlier, (attempt) =>
      this.driver.cancel(registration, attempt),
    );
  }

  /** The order that the registration names, as the acquirer has it. */
  async entry({ ref }: Registration): Promise<TestBankEntry> {
    const found = (await this.bank.books()).find((entry) => entry.ref === ref);
    if (found === undefined) throw new CheckFailed(`the acquirer has no order ${ref}`);
    return found;
  }

  doneOf<Value>(outcome: Outcome<Value>, what: string): Value {
    if (outcome.outcome === 'done') return outcome.value;
    const code = outcome.outcome === 'notDone' ? ` (${outcome.code})` : '';
    throw new CheckFailed(`${what} is ${outcome.outcome}${code}: ${outcome.detail}`);
  }

  async #untilDone(
    what: string,
    earlier: Attempt,
    ask: (attempt: Attempt) => Promise<Outcome<Sighting>>,
  ): Promise<Sighting> {
    let attempt = earlier;
    for (let i = 0; i < TRIES_MAX; i++) {
      const sentAt = this.now();
      await this.restart();
      const outcome = await ask(attempt);
      if (outcome.outcome === 'done') return outcome.value;
      this.#wait(outcome, what);
      attempt = nextAttempt(attempt, sentAt, outcome);
    }
    throw new CheckFailed(`${what} comes to no end`);
  }

  #tries = 0;

  #wait(outcome: Exclude<Outcome<unknown>, { outcome: 'done' }>, what: string): void {
    if (outcome.outcome === 'unknown') {
      this.clock.pass(Math.max(outcome.afterMs, 1_000));
      return;
    }
    if (typeof outcome.again !== 'object') {
      throw new CheckFailed(`${what} is given up: ${outcome.code}, ${outcome.detail}`);
    }
    this.clock.pass(Math.max(outcome.again.afterMs, 1_000));
  }
}

/** The registration, which is of this tender and no other. */
function ofTender(registration: Registration, tender: Tender): Registration {
  for (const member of ['id', 'amount', 'currency'] as const) {
    const [got, asked] = [registration[member], tender[member]];
    demand(got === asked, `the ${member} of its registration is ${got}, and the tender’s ${asked}`);
  }
  return registration;
}

// A storm of repeats: every reference is sent up to twenty times at once, by several clients over every transport, now and
// then with another body, while the switch is killed and started again; and again when it is long done (R8).

import postgres from 'postgres';
import { Random } from '../simulation/random.ts';
import { faultsInBooks, historyIsWhole } from '../support/books.ts';
import type { Bill } from '../support/client.ts';
import type { Stores } from '../support/set-ups.ts';
import { SwitchProcess } from '../support/switch-process.ts';
import { Doors } from './doors.ts';
import { AMOUNT, type Key, keysOf, refundedBy } from './sale.ts';
import { type Told, type Variant, type Verdict, verdictOf } from './verdict.ts';

export interface StormSettings {
  readonly stores: Stores;
  readonly keys: number;
  readonly seed: number;
  /** The switch is killed each time that so many more keys are through. */
  readonly killEvery: number;
  readonly onProgress?: (tally: StormTally) => void;
}

export interface StormTally {
  /** Through, each with all of its repeats. */
  keys: number;
  sent: number;
  lost: number;
  /** Of another body than the one that won. */
  refused: number;
  /** Repeats of keys that were through before. */
  late: number;
  kills: number;
  faults: string[];
}

/** Sales under way at once. */
const AT_ONCE = 24;
const TIMES_MAX = 20;
/** Of a send, that it brings the key's other body. */
const OTHER = 0.15;
/** Of a sale, that an earlier one's keys are sent once more with it. */
const LATE = 0.2;
const FAULTS_MAX = 20;

interface Settled {
  readonly key: Key;
  readonly billId: string;
  readonly verdict: Verdict;
}

export async function runStorm(settings: StormSettings): Promise<StormTally> {
  const running = await SwitchProcess.start({
    stores: settings.stores,
    env: { QRSWITCH_GATEWAYS: '2' },
  });
  const storm = new Storm(settings, new Doors(running));
  try {
    return await storm.run();
  } finally {
    await storm.running.remove();
  }
}

class Storm {
  readonly #settings: StormSettings;
  readonly #doors: Doors;
  readonly #random: Random;
  readonly #settled: Settled[] = [];
  readonly #tally: StormTally = {
    keys: 0,
    sent: 0,
    lost: 0,
    refused: 0,
    late: 0,
    kills: 0,
    faults: [],
  };
  #sales = 0;
  #restart: Promise<void> | null = null;

  constructor(settings: StormSettings, doors: Doors) {
    this.#settings = settings;
    this.#doors = doors;
    this.#random = new Random(settings.seed);
  }

  get running(): SwitchProcess {
    return this.#doors.running;
  }

  async run(): Promise<StormTally> {
    const seller = async (): Promise<void> => {
      while (this.#goesOn) await this.#sell();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, seller));
    await this.#restart;
    await this.#holdAgainstBooks();
    await this.#doors.close();
    return this.#told;
  }

  get #goesOn(): boolean {
    const { keys, faults } = this.#tally;
    return keys < this.#settings.keys && faults.length < FAULTS_MAX;
  }

  get #told(): StormTally {
    const { sent, lost } = this.#doors;
    return { ...this.#tally, sent, lost };
  }

  async #sell(): Promise<void> {
    this.#sales += 1;
    const { order, payments, refunds } = keysOf(`storm-${this.#settings.seed}-${this.#sales}`);
    const { said } = await this.#settle(order, '');
    if (typeof said !== 'string') return;
    await Promise.all(payments.map((key) => this.#settle(key, said)));
    await this.#ask({ api: 'terminal', op: 'bill.confirm' }, { billId: said, amount: AMOUNT });
    const given = await Promise.all(refunds.map((key) => this.#settle(key, said)));
    await this.#holdAgainstBill(said, refundedBy(given.map(({ winner }) => winner)));
    if (this.#random.chance(LATE)) await this.#sendLate();
  }

  /** Sends a key as often as it falls out, and judges what came back. */
  async #settle(key: Key, billId: string): Promise<Verdict> {
    const times = this.#random.between(1, TIMES_MAX);
    const sends = Array.from({ length: times }, (_, index) => {
      return this.#send(key, billId, index > 0 && this.#random.chance(OTHER) ? 1 : 0);
    });
    const told = await Promise.all(sends);
    const verdict = verdictOf(told, key.rules);
    this.#blame(key, billId, verdict.faults);
    this.#tally.refused += told.filter(({ answer }) => answer.status === 409).length;
    this.#tally.keys += 1;
    this.#settled.push({ key, billId, verdict });
    this.#killInTime();
    this.#settings.onProgress?.(this.#told);
    return verdict;
  }

  /** A key that was through before, with either body. */
  async #sendLate(): Promise<void> {
    const { key, billId, verdict } = this.#random.pick(this.#settled);
    const told = await Promise.all([this.#send(key, billId, 0), this.#send(key, billId, 1)]);
    this.#tally.late += told.length;
    const late = verdictOf(told, key.rules);
    const faults = [...late.faults];
    if (told.some(({ answer }) => answer.status === 201)) faults.push('created anew');
    if (late.winner !== verdict.winner) faults.push('the other body has won later');
    if (JSON.stringify(late.said) !== JSON.stringify(verdict.said)) {
      faults.push(`said ${JSON.stringify(verdict.said)}, later ${JSON.stringify(late.said)}`);
    }
    this.#blame(key, billId, faults);
  }

  async #send(key: Key, billId: string, variant: Variant): Promise<Told> {
    return { variant, answer: await this.#ask(key, key.body(billId, variant)) };
  }

  #ask({ api, op }: Pick<Key, 'api' | 'op'>, body: Readonly<Record<string, unknown>>) {
    return this.#doors.ask(api, op, body, this.#random);
  }

  #blame({ op }: Pick<Key, 'op'>, billId: string, faults: readonly string[]): void {
    for (const fault of faults) this.#tally.faults.push(`${op} of ${billId}: ${fault}`);
  }

  #killInTime(): void {
    const due = Math.floor(this.#tally.keys / this.#settings.killEvery);
    if (this.#restart !== null || due <= this.#tally.kills) return;
    this.#tally.kills += 1;
    this.#restart = this.#doors.killAndStart().finally(() => {
      this.#restart = null;
    });
  }

  /** Each payment and each refund counts once. */
  async #holdAgainstBill(billId: string, refunded: number): Promise<void> {
    const { body } = await this.#ask({ api: 'terminal', op: 'bill.get' }, { billId });
    const bill = body as Bill;
    const is = { paid: bill.paid, payments: bill.payments.length, refunded: bill.refunded };
    const wanted = { paid: AMOUNT, payments: 4, refunded };
    if (JSON.stringify(is) === JSON.stringify(wanted)) return;
    this.#blame({ op: 'bill.get' }, billId, [
      `is ${JSON.stringify(is)} and not ${JSON.stringify(wanted)}`,
    ]);
  }

  /** As many bills as there were orders, and nothing in Postgres that does not add up. */
  async #holdAgainstBooks(): Promise<void> {
    await historyIsWhole(this.running);
    const sql = postgres(this.#settings.stores.databaseUrl, { max: 1, onnotice: () => undefined });
    try {
      this.#tally.faults.push(...(await faultsInBooks(sql)));
      const [row] = await sql<{ n: number }[]>`
        select count(*)::int as n from orders where order_id like ${`storm-${this.#settings.seed}-%`}`;
      if (row?.n !== this.#sales) {
        this.#tally.faults.push(`${this.#sales} orders have made ${row?.n} bills`);
      }
    } finally {
      await sql.end();
    }
  }
}

// Tills that arm one sticker at once, wallets that pay what they see, messages that come late, out of order or never:
// whatever happens, no sale is left payable behind the one that the sticker shows, and no paid one is left behind.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../tests/simulation/random.ts';
import {
  billId,
  makeTerms,
  merchantId,
  NOON,
  reference,
  shard,
} from '../../../tests/support/bill-fixtures.ts';
import { keys, makePrincipals } from '../../../tests/support/fake-door.ts';
import { payers } from '../../../tests/support/payers.ts';
import { codesAt, NO_FORMATS } from '../../../tests/support/qr-claims.ts';
import { silentLogger } from '../../../tests/support/silent-logger.ts';
import { SmallSwitch } from '../../../tests/support/small-switch.ts';
import { noTariffs } from '../../../tests/support/tariffs.ts';
import { must } from '../../domain/assert.ts';
import { evolve } from '../../domain/bill/bill.ts';
import { ABSENT, type PresentBill } from '../../domain/bill/state.ts';
import type { BillId, TerminalId } from '../../domain/ids.ts';
import { type Currency, minor, ZERO } from '../../domain/money.ts';
import { DAY_MS, HOUR_MS, type Millis, NEVER } from '../../domain/time.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Operation } from '../../switch/requests.ts';
import { isProblem, type SingleOperation } from '../operations/addressing.ts';
import { readOperation } from '../operations/read-operation.ts';
import { driveArming } from './arming.ts';
import { ask } from './asking.ts';
import { hashOfKey } from './principals.ts';

const STICKER = billId(1, shard(0));
const ENDED: ReadonlySet<string> = new Set(['confirmed', 'refunded', 'cancelled', 'expired']);
const ORDERS = ['sale-1', 'sale-2', 'sale-3', 'sale-4'];
const STEPS = 250;
const TILLS = ['ter_1', 'ter_9'] as const;

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** One order of one till, with what it was told. */
interface Arm {
  readonly till: Principal;
  readonly orderId: string;
  isAsked: boolean;
  told: Answer | null;
  /** When it was first asked for. */
  askedAt?: Millis;
}

class Market {
  readonly door = new SmallSwitch();
  readonly arms: Arm[];
  /** Sales in the order in which the sticker has shown them. */
  readonly carried: BillId[] = [];
  readonly #random: Random;
  readonly #wallet: Principal;
  readonly #withdraws: boolean;
  #payments = 0;
  #requests = 0;

  /** `withdraws`: somebody withdraws the sticker while it is in use. */
  constructor(random: Random, withdraws: boolean) {
    this.#random = random;
    this.#withdraws = withdraws;
    const principals = makePrincipals();
    const till = must(principals.get(hashOfKey(keys.terminal)), 'a till');
    this.#wallet = must(principals.get(hashOfKey(keys.paychannel)), 'a wallet');
    this.arms = TILLS.flatMap((id) =>
      ORDERS.map((orderId) => ({ till: { ...till, id }, orderId, isAsked: false, told: null })),
    );
    this.door.bills.set(STICKER, sticker());
  }

  get sticker(): PresentBill {
    return this.door.bill(STICKER);
  }

  /** What a party asks, and hears; a call that is lost is answered 504. */
  ask(party: Principal, name: SingleOperation, body: object): Promise<Answer> {
    const { door } = this;
    const codes = codesAt('https://pay.example');
    const context = {
      shards: door.shards,
      codes,
      acquirers: [],
      hosted: NO_FORMATS,
      payers,
      tariffs: noTariffs,
      wall: () => door.now,
    };
    const read = readOperation(name, body, party, context);
    if (read instanceof Promise) throw new Error(`${name} asks a driver`);
    if (isProblem(read)) throw new Error(`${name} cannot be read: ${read.code}`);
    this.#requests += 1;
    const requestId = `r-${this.#requests}`;
    const { shard, operation } = read;
    return new Promise((answered, failed) => {
      const encoding = 'json';
      const request = { shard, operation, principal: party, requestId, encoding } as const;
      const reply = (status: number, bytes: Uint8Array): void =>
        answered({ status, body: JSON.parse(Buffer.from(bytes).toString()) });
      ask({ door, log: silentLogger }, request, { reply, failed });
    });
  }

  async arm(arm: Arm): Promise<void> {
    if (arm.isAsked) return;
    arm.isAsked = true;
    arm.askedAt ??= this.door.now;
    const body = { billId: STICKER, orderId: arm.orderId, amount: 500, ttl: 3_600 };
    const answer = await this.ask(arm.till, 'bill.arm', body);
    arm.isAsked = false;
    // Whoever is told of a sale that can be paid has it on the sticker, or had.
    const seen = [...this.carried, this.sticker.sticker?.carried?.billId];
    if (answer.body.status === 'open') expect(seen).toContain(answer.body.id);
    // An order is known for a day.
    if (this.door.now - arm.askedAt >= DAY_MS) return;
    const isTold = arm.told !== null && arm.told.status < 300;
    // A 504 takes nothing back; nor does a refusal, which a later try may overcome.
    if (answer.status < 300 && isTold) expect(answer.body.id).toBe(arm.told?.body.id);
    if (isTold) expect([200, 504]).toContain(answer.status);
    else arm.told = answer;
  }

  /** Scans the sticker and pays what it shows. */
  async pay(part: number): Promise<void> {
    const view = await this.ask(this.#wallet, 'bill.view', { billId: STICKER });
    if (view.status !== 200 || view.body.payable !== true || view.body.id === STICKER) return;
    this.#payments += 1;
    const paymentRef = `p-${this.#payments}`;
    const { id, due, currency } = view.body;
    const amount = Math.max(1, Math.floor(Number(due) * part));
    await this.ask(this.#wallet, 'payment.create', { billId: id, paymentRef, amount, currency });
  }

  async finish(name: 'bill.confirm' | 'bill.cancel'): Promise<void> {
    const saleId = this.sticker.sticker?.carried?.billId;
    if (saleId === undefined) return;
    await this.ask(must(this.arms[0], 'a till').till, name, { billId: saleId });
  }

  async withdraw(): Promise<void> {
    await this.ask(must(this.arms[0], 'a till').till, 'bill.cancel', { billId: STICKER });
  }

  async resolve({ till, orderId }: Arm): Promise<void> {
    await this.ask(till, 'order.resolve', { orderId, cancelIfUnpaid: true });
  }

  /** Something begins, or some message arrives, or all are lost. */
  async step(): Promise<void> {
    const { door } = this;
    const random = this.#random;
    if (door.underWay > 0 && random.chance(0.75)) {
      await door.deliver(random.below(door.underWay));
    } else if (random.chance(0.04)) {
      await door.loseAll(() => random.chance(0.3));
    } else if (random.chance(0.05)) {
      door.pass(random.pick([1_000, 6_000, HOUR_MS]));
    } else if (door.unfinished.length > 0 && random.chance(0.5)) {
      this.driveOn();
    } else {
      this.#begin();
    }
    this.check();
  }

  #begin(): void {
    const random = this.#random;
    const arm = random.pick(this.arms);
    const dice = random.below(20);
    if (dice < 9) void this.arm(arm);
    else if (dice < 15) void this.pay(random.pick([1, 1, 1, 0.4]));
    else if (dice < 17) void this.finish('bill.confirm');
    else if (dice < 18) void this.finish('bill.cancel');
    else if (dice < 19 && random.chance(0.2)) void this.resolve(arm);
    else if (this.#withdraws && random.chance(0.2)) void this.withdraw();
  }

  driveOn(): void {
    const { door } = this;
    for (const id of door.unfinished.splice(0)) {
      driveArming({ door, log: silentLogger, newRequestId: () => 'drive' }, id);
    }
  }

  check(): void {
    const carriedId = this.sticker.sticker?.carried?.billId;
    if (carriedId !== undefined && carriedId !== this.carried.at(-1)) {
      // What has been replaced never comes back.
      expect(this.carried).not.toContain(carriedId);
      this.carried.push(carriedId);
    }
    for (const id of this.carried.slice(0, -1)) {
      expect(ENDED, `${id} left ${this.door.bill(id).status}`).toContain(this.door.bill(id).status);
    }
    expect(this.sticker.books.paid).toBe(0);
  }

  /** Whose sales there are. */
  orders(): string[] {
    const sales = [...this.door.bills.keys()].filter((id) => id !== STICKER);
    return sales.map((id) => {
      const { terminalId, orderId } = this.door.bill(id).terms;
      return `${terminalId} ${orderId}`;
    });
  }

  /** All that was asked is asked again until it is known. */
  async settle(): Promise<void> {
    await this.door.settle();
    for (const arm of this.arms) {
      const asked = arm.told === null || arm.told.status >= 500;
      if (asked) void this.arm(arm);
      await this.door.settle();
      this.check();
    }
    this.door.pass(2 * HOUR_MS);
    this.driveOn();
    await this.door.settle();
  }
}

function sticker(): PresentBill {
  const range = { minAmount: minor(1), maxAmount: minor(100_000) };
  const limits = { maxPayments: null, maxTotal: null, validFrom: null };
  const terms = makeTerms({
    id: STICKER,
    type: 'static',
    terminalId: 'ter_7' as TerminalId,
    merchantId,
    orderId: reference('sticker'),
    amount: ZERO,
    currency: 'EUR' as Currency,
    capture: 'auto',
    expiresAt: NEVER,
    offer: { usage: 'many', ...range, ...limits },
  });
  const moment = { at: NOON, requestId: 'r-0' };
  return evolve(ABSENT, [{ type: 'BillCreated', terms }], moment) as PresentBill;
}

/** How often the lives came to what they are about. */
const reached = {
  armed: 0,
  carried: 0,
  paid: 0,
  withdrawn: 0,
  overtaken: 0,
  unknown: 0,
  voided: 0,
};

/** What a till was told in the end is one of what it may be told. */
function count({ told }: Arm): void {
  const { status, body } = must(told, 'an answer');
  expect([200, 201, 409], JSON.stringify(body)).toContain(status);
  if (status < 300) reached.armed += 1;
  else if (body.code === 'order.void') reached.voided += 1;
  else {
    expect(body.code).toBe('bill.notArmable');
    expect(['paid', 'withdrawn']).toContain(body.reason);
    reached[body.reason as 'paid' | 'withdrawn'] += 1;
  }
}

async function live(seed: number, withdraws: boolean): Promise<void> {
  const market = new Market(new Random(seed), withdraws);
  for (let i = 0; i < STEPS; i++) await market.step();
  reached.unknown += market.arms.filter(({ told }) => told?.status === 504).length;
  await market.settle();
  for (const arm of market.arms) count(arm);
  reached.carried += market.carried.length;
  expect(market.sticker.sticker?.arming ?? null).toBeNull();
  const orders = market.orders();
  expect(new Set(orders).size, 'an order with two bills').toBe(orders.length);
  const told = market.arms.map((arm) => arm.told?.body.id);
  reached.overtaken += told.filter(
    (id) => id !== undefined && !market.carried.includes(id as BillId),
  ).length;
}

describe('a sticker', () => {
  test('leaves no sale payable behind the one that it shows, and none behind that is paid', async () => {
    await fc.assert(fc.asyncProperty(fc.nat(), fc.boolean(), live), { numRuns: 60 });
    for (const [what, times] of Object.entries(reached)) expect(times, what).toBeGreaterThan(0);
  });
});

describe('the arm of a sticker', () => {
  const till = must(makePrincipals().get(hashOfKey(keys.terminal)), 'a till');

  /** Which requests an arm consists of, in their order. */
  async function stepsOf(market: Market): Promise<Operation['op'][]> {
    const { door } = market;
    const steps: Operation['op'][] = [];
    const { send } = door;
    door.send = (request, onReply) => {
      steps.push(request.operation.op);
      expect(request.shard).toBeLessThan(door.shards);
      send.call(door, request, onReply);
    };
    void market.arm({ till, orderId: 'sale-2', isAsked: false, told: null });
    await door.settle();
    door.send = send;
    return steps;
  }

  /** A sticker that carries `sale-1`, unpaid. */
  async function armed(): Promise<Market> {
    const market = new Market(new Random(1), false);
    void market.arm(must(market.arms[0], 'an arm'));
    await market.door.settle();
    market.check();
    return market;
  }

  test('is six requests, each of which may be the last that is heard of it', async () => {
    const steps = await stepsOf(await armed());
    expect(steps).toEqual([
      'bill.arm',
      'order.check',
      'order.cancel',
      'bill.create',
      'sticker.end',
      'bill.get',
    ]);
    for (let heard = 0; heard <= 2 * steps.length; heard++) {
      await afterDeath(heard, 'is repeated');
      await afterDeath(heard, 'is driven on');
    }
  });

  test('is refused by what came of another body of its order, which it brings to its end', async () => {
    const market = await armed();
    const { door } = market;
    void market.arm({ till, orderId: 'sale-2', isAsked: false, told: null });
    await door.deliver(0);
    await door.loseAll(() => false);
    const body = { billId: STICKER, orderId: 'sale-2', amount: 501, ttl: 3_600 };
    const refused = market.ask(till, 'bill.arm', body);
    await door.settle();
    const { status, body: problem } = await refused;
    const carried = must(market.sticker.sticker?.carried, 'a sale');
    expect(carried.orderId).toBe('sale-2');
    expect([status, problem.code, problem.billId]).toEqual([409, 'order.reused', carried.billId]);
  });

  /** The gateway dies once so many messages have arrived: each request, and each answer to one. */
  async function afterDeath(heard: number, then: 'is repeated' | 'is driven on'): Promise<void> {
    const market = await armed();
    const { door } = market;
    const arm = must(market.arms[1], 'another arm');
    void market.arm(arm);
    for (let i = 0; i < heard; i++) await door.deliver(0);
    await door.loseAll(() => false);
    if (then === 'is repeated') void market.arm(arm);
    else door.pass(10_000);
    market.driveOn();
    await door.settle();
    market.check();
    const isBegun = heard > 0 || then === 'is repeated';
    const { carried, arming } = must(market.sticker.sticker, 'a sticker');
    const { billId: saleId, orderId } = must(carried, 'a sale');
    expect([heard, then, orderId]).toEqual([heard, then, isBegun ? arm.orderId : 'sale-1']);
    expect(arming).toBeNull();
    expect(door.bill(saleId)).toMatchObject({ status: 'open', version: 1 });
  }

  test('that is repeated late changes nothing of the sale that has come since', async () => {
    const market = await armed();
    const [first, second] = market.arms;
    const firstId = market.carried[0];
    void market.arm(must(second, 'an arm'));
    await market.door.settle();
    void market.arm(must(first, 'an arm'));
    await market.door.settle();
    market.check();
    expect(first?.told).toMatchObject({ status: 201, body: { id: firstId } });
    const current = must(market.sticker.sticker?.carried, 'a sale');
    expect(current.orderId).toBe(second?.orderId);
    expect(market.door.bill(current.billId).status).toBe('open');
  });
});

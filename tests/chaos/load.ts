// The load: sales begin at an even rate, whether those before have ended or not, since customers do not wait for each
// other. Afterwards everything that is still open is asked for.

import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { Random } from '../simulation/random.ts';
import type { Body, Op } from '../support/client.ts';
import { banksInCalm, endedAtBanks, saleAtBank } from './at-banks.ts';
import { SKEW_MS } from './audit-hooks.ts';
import type { Banks } from './banks.ts';
import { Client, type Identity, type Surroundings } from './clients.ts';
import { code, codeInCalm } from './codes.ts';
import { CHOOSY, type EndpointPlan, PLAIN, PLANS } from './endpoints.ts';
import { beCalled } from './holding.ts';
import type { Holder } from './hooks.ts';
import { type Parties, readLists, sale, settleCredit } from './journeys.ts';
import { type Call, isDefinite, isUndone, type Via, type Way } from './memory.ts';
import type { House } from './parties.ts';
import { sticker, stickerInCalm } from './sales.ts';
import { stay, staysInCalm } from './stays.ts';

/** Calls of one sale with its events, on average: measured. */
const CALLS_PER_SALE = 14;
/** What is sold, so many of each in a round, in an order of its own. */
const ROUND: readonly ((parties: Parties, banks: Banks) => Promise<void>)[] = [
  ...Array.from({ length: 9 }, () => sale),
  ...Array.from({ length: 5 }, () => code),
  ...Array.from({ length: 4 }, () => stay),
  ...Array.from({ length: 2 }, () => sticker),
  ...Array.from({ length: 3 }, () => saleAtBank),
];
const SALES_AT_ONCE_MAX = 1_500;
const LISTS_MS = 500;
const ASKED_AT_ONCE = 16;
const LAST_TRIES = 60;
const END_MS_MAX = 90_000;
const CALLED_MS_MAX = 20_000;

interface Around extends Surroundings {
  readonly banks: Banks;
  readonly house: House;
}

export class Load {
  readonly clients: readonly Client[];
  /** Sales that did not begin because too many were under way. */
  heldBack = 0;
  readonly #around: Around;
  readonly #random: Random;
  readonly #tills: readonly Client[];
  readonly #wallets: readonly Client[];
  readonly #active = new Set<Promise<void>>();
  #round: ((parties: Parties, banks: Banks) => Promise<void>)[] = [];
  #isRunning = false;
  #isStopping = false;
  #house: Promise<void> = Promise.resolve();
  #beginning: Promise<unknown> = Promise.resolve();
  #fault: unknown = null;

  constructor(identities: readonly Identity[], around: Around, seed: number) {
    this.#around = around;
    this.#random = new Random(seed, 1);
    // Two in five by msgpack, two by JSON, one by HTTP.
    const ways: readonly Via[] = ['msgpack', 'json', 'http', 'msgpack', 'json'];
    this.clients = identities.map((identity, index) => {
      const via = ways[index % ways.length] ?? 'http';
      // Half of the tills of a merchant that has their events posted to itself do not listen.
      const isTold = around.house.terminalIds.indexOf(identity.id) % 2 === 1;
      const how = { via, ways: isTold ? [] : waysOf(index, via), plans: plansOf(index) };
      return new Client(identity, how, around, new Random(seed, 1_000 + index));
    });
    this.#tills = this.clients.filter(({ api }) => api === 'terminal');
    this.#wallets = this.clients.filter(({ api }) => api === 'paychannel');
    for (const wallet of this.#wallets) {
      wallet.onEvent = (event) => this.#track(settleCredit(wallet, event));
    }
  }

  get active(): number {
    return this.#active.size;
  }

  /** Everybody listens, and sales begin, so many calls a second in all. */
  start(callsPerSecond: number): void {
    for (const client of this.clients) client.listen();
    this.#house = this.#beCalled(this.#around.house);
    this.#isRunning = true;
    const everyMs = (1_000 * CALLS_PER_SALE) / callsPerSecond;
    this.#beginning = Promise.all([this.#begin(everyMs), this.#readLists()]);
  }

  /** No more sales; resolves once those under way have ended. */
  async finish(): Promise<void> {
    this.#isRunning = false;
    await this.#beginning;
    await this.quiet();
  }

  /** What chance may have kept from happening in a short storm. */
  async calm(): Promise<void> {
    await this.#callInCalm();
    await stickerInCalm(this.#parties());
    await staysInCalm(this.#parties());
    const of = this.#around.banks.all.map((_, institution) => this.#parties(institution));
    await banksInCalm(of, this.#around.banks);
    await this.quiet();
  }

  /**
   * For everybody who has events posted, some of which must come: an endpoint is owed what happens once something has come
   * to it.
   */
  async #callInCalm(): Promise<void> {
    const { house, hooks } = this.#around;
    const open = hooks.stories.filter(({ closedAt }) => closedAt === null);
    const holders = new Set(open.map(({ holder }) => holder));
    const houses = house.terminalIds.map((id) => `terminal:${id}`);
    const sellToAll = async (): Promise<void> => {
      for (const names of [houses, ...[...holders].map((holder) => [holder])]) {
        const tills = this.#tills.filter(({ name }) => names.includes(name));
        if (tills.length > 0) await codeInCalm(this.#partiesOf(tills));
      }
    };
    await sellToAll();
    const limit = performance.now() + CALLED_MS_MAX;
    while (open.some(({ postings }) => postings.length === 0) && performance.now() < limit) {
      await pause(LISTS_MS);
    }
    await pause(2 * SKEW_MS);
    await sellToAll();
  }

  /** Brings every bill at a bank to its end; gives up when that takes too long, for the audit to tell. */
  async endAtBanks(sql: Sql): Promise<void> {
    const limit = performance.now() + END_MS_MAX;
    while (!(await endedAtBanks(this.#tills, sql))) {
      if (performance.now() > limit) return;
      await pause(LISTS_MS);
    }
  }

  /** Resolves once nothing is under way, credits that events ask for included. */
  async quiet(): Promise<void> {
    while (this.#active.size > 0) await Promise.all([...this.#active]);
    if (this.#fault !== null) throw this.#fault;
  }

  /** What was told to whoever had it posted is asked for again. */
  async rereadAll(): Promise<void> {
    const called = this.#around.memory.heard.filter(({ way }) => way === 'webhook');
    const names = new Set(called.map(({ client }) => client));
    await atOnce(
      this.clients.filter(({ name }) => names.has(name)),
      (client) => client.rereadAll(),
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([this.#house, ...this.clients.map((client) => client.stop())]);
    await this.quiet();
  }

  /** Asks for every reference whose outcome nobody knows, unless its client has given it up for ever. */
  async askAgain(): Promise<number> {
    const { memory } = this.#around;
    const open = new Map<string, Call>();
    const known = new Set(this.clients.flatMap((client) => [...client.abandoned]));
    for (const call of memory.calls) {
      if (call.reference === null || call.op === 'payment.get') continue;
      if (isDefinite(call)) known.add(call.reference);
      else open.set(call.reference, call);
    }
    const unknown = [...open.values()].filter(({ reference }) => !known.has(reference ?? ''));
    await atOnce(unknown, (call) => this.#askFor(call));
    return unknown.length;
  }

  /** Reads every bill by its terminal. */
  async readAll(): Promise<void> {
    const tills = new Map(this.clients.map((client) => [client.name, client]));
    const bills = new Map<string, Client>();
    for (const { client, op, answer } of this.#around.memory.calls) {
      const id = (answer as { id?: unknown } | null)?.id;
      const till = tills.get(client);
      if ((op === 'bill.create' || op === 'bill.arm') && typeof id === 'string' && till)
        bills.set(id, till);
    }
    await atOnce([...bills], async ([billId, till]) => {
      await untilTold(till, 'bill.get', { billId });
    });
  }

  async #askFor({ client: name, op, body }: Call): Promise<void> {
    const client = this.clients.find((each) => each.name === name);
    if (client === undefined) return;
    const { billId, paymentRef, orderId } = body;
    const dice = client.random.below(3);
    if (op === 'payment.create' && dice > 0) {
      await untilTold(client, dice === 1 ? 'payment.void' : 'payment.get', { billId, paymentRef });
    } else if (op === 'bill.create' && dice > 0) {
      await untilTold(client, 'order.resolve', { orderId, cancelIfUnpaid: dice === 1 });
    } else {
      await untilTold(client, op, body);
    }
  }

  async #begin(everyMs: number): Promise<void> {
    let next = performance.now();
    while (this.#isRunning) {
      next += everyMs;
      await pause(Math.max(0, next - performance.now()));
      if (this.#active.size >= SALES_AT_ONCE_MAX) this.heldBack += 1;
      else this.#track(this.#next()(this.#parties(), this.#around.banks));
    }
  }

  /** As many of each kind in a round, so that a short run has some of all. */
  #next(): (typeof ROUND)[number] {
    if (this.#round.length === 0) this.#round = [...ROUND];
    const [chosen] = this.#round.splice(this.#random.below(this.#round.length), 1);
    return chosen ?? sale;
  }

  async #readLists(): Promise<void> {
    while (this.#isRunning) {
      await pause(LISTS_MS);
      this.#track(readLists(this.#parties()));
    }
  }

  /** A merchant's endpoints take what its terminals get, whatever way these have of their own. */
  async #beCalled({ merchantId, terminalIds }: House): Promise<void> {
    const { memory, hooks } = this.#around;
    const name = `merchant:${merchantId}`;
    const recipients = terminalIds.map((id) => `terminal:${id}`);
    const hear: Holder['hear'] = (event, text) =>
      memory.hear(name, event, { way: 'webhook', text });
    const holder = { id: merchantId, name, recipients, hear };
    const isStopping = (): boolean => this.#isStopping;
    const patience = { isOver: isStopping, isPatient: () => !isStopping() };
    const random = new Random(this.#random.next(), 11);
    await beCalled(hooks, holder, [PLAIN, CHOOSY], { ...patience, random });
  }

  #parties(institution?: number): Parties {
    return this.#partiesOf(
      this.#tills.filter((each) => institution === undefined || each.institution === institution),
    );
  }

  #partiesOf(tills: readonly Client[]): Parties {
    const till = this.#random.pick(tills);
    const wallets = this.#wallets.filter(({ institution }) => institution === till.institution);
    const stranger = this.#wallets.find(({ institution }) => institution !== till.institution);
    const random = new Random(this.#random.next(), 2);
    return { till, wallets, stranger: stranger ?? random.pick(wallets), random };
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        this.#fault ??= error;
      })
      .finally(() => this.#active.delete(tracked));
    this.#active.add(tracked);
  }
}

/** A third have their events posted to them, and half of these only for a while. */
function waysOf(index: number, via: Via): readonly Way[] {
  if (index % 6 === 2) return ['webhook'];
  if (index % 6 === 5) return ['webhook', 'socket', 'poll'];
  return [via === 'http' ? 'poll' : 'socket'];
}

/** Those who change their way have one endpoint at a time. */
function plansOf(index: number): readonly EndpointPlan[] {
  const [one = []] = PLANS;
  return index % 6 === 2 ? (PLANS[Math.floor(index / 6) % PLANS.length] ?? one) : one;
}

/** In fair weather everybody is told in the end. */
async function untilTold(client: Client, op: Op, body: Body): Promise<void> {
  for (let i = 0; i < LAST_TRIES; i++) {
    const call = await client.ask(op, body, 'http');
    if (isDefinite(call)) return;
    await pause(isUndone(call) ? 500 : 100);
  }
}

async function atOnce<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const one = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, one));
}

// Model clients: terminals and wallets that do what real ones do, and what they should not: retry, give up, come back,
// say another amount under the same reference, pay what is not due, hold on to what others want.

import { must } from '../../src/domain/assert.ts';
import { quoteFor } from '../../src/domain/bill/charging.ts';
import type { Policies, Recipient, Reservation } from '../../src/domain/bill/vocabulary.ts';
import {
  type BillId,
  type InstitutionId,
  type MerchantId,
  type PaychannelId,
  parsePartId,
  type Reference,
  shardOfBill,
  type TerminalId,
} from '../../src/domain/ids.ts';
import type { Currency, Minor } from '../../src/domain/money.ts';
import { millis, NEVER, SECOND_MS } from '../../src/domain/time.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type { Operation, ProposedTerms, Reply } from '../../src/switch/requests.ts';
import { flat, free, per, rule, tariffOf } from '../support/tariffs.ts';
import { bankOperation, bankTerms } from './bank-clients.ts';
import { EPOCH_MS } from './life.ts';
import { settleWhatIsAsked } from './operator-clients.ts';
import type { Random } from './random.ts';
import { stickerOperation } from './sticker-clients.ts';
import type { World } from './world.ts';

const INSTITUTION = 'inst-1' as InstitutionId;
const MERCHANT = 'merch-1' as MerchantId;
const EURO = 'EUR' as Currency;

type Told = NonNullable<ReturnType<typeof quoteFor>>;

/** One client: what it asked and was not told, and the references that it has used. */
export class Client {
  readonly world: World;
  readonly random: Random;
  readonly principal: Principal;
  /** Operations whose outcome it still wants to know. */
  #unsettled: Operation[] = [];
  /** Operations that it may repeat. */
  readonly #used: Operation[] = [];
  readonly #seen = new Set<string>();
  readonly #quotes = new Map<BillId, Told>();
  readonly #holds = new Map<BillId, Reservation>();
  #number = 0;

  constructor(world: World, principal: Principal) {
    this.world = world;
    this.random = world.random;
    this.principal = principal;
  }

  ref(): Reference {
    this.#number += 1;
    return `${this.principal.id}-${this.#number}` as Reference;
  }

  /** An operation used before, or undefined. */
  again(): Operation | undefined {
    return this.#used.length === 0 ? undefined : this.random.pick(this.#used);
  }

  /** Asks, and asks again with the same reference, until it is told or gives up. */
  async settle(operation: Operation): Promise<Reply | null> {
    this.#used.push(operation);
    for (let i = 0; i < 6; i++) {
      await this.world.awake();
      const reply = await this.world.ask(
        this.principal,
        operation,
        this.random.between(300, 4_000),
      );
      this.#heard(reply);
      if (reply !== null && reply.kind !== 'fault') return reply;
      if (this.random.chance(0.2)) break;
      await this.world.agenda.sleep(this.random.between(10, 1_500));
    }
    this.world.count('client.gaveUp');
    this.#unsettled.push(operation);
    return null;
  }

  #heard(reply: Reply | null): void {
    if (reply === null || !('bill' in reply)) return;
    const { id, tipMax } = reply.bill.terms;
    this.world.heardOf(id);
    if (tipMax !== undefined) this.world.tipped.add(id);
    if (reply.kind === 'reservation') this.#holds.set(id, reply.reservation);
    if (reply.kind !== 'view') return;
    const told = quoteFor(reply.bill, reply.paychannelId, reply.now);
    if (told !== null) this.#quotes.set(id, told);
  }

  /** The price that this client was told last of a bill. */
  quoteOf(billId: BillId): Told | undefined {
    return this.#quotes.get(billId);
  }

  /** What this client has reserved last of a bill. */
  holdOf(billId: BillId): Reservation | undefined {
    return this.#holds.get(billId);
  }

  /** In fair weather everything is answered in the end. */
  async settleAll(): Promise<void> {
    const { stopped, choices } = this.world;
    for (const operation of this.#unsettled.splice(0)) {
      // Some tills never come back for what they have begun.
      if (operation.op === 'bill.arm' && choices.chance(0.5)) continue;
      if (!stopped.has(this.world.shardOf(operation))) await this.#settleNow(operation);
    }
  }

  async #settleNow(operation: Operation): Promise<void> {
    let reply: Reply | null = null;
    for (let i = 0; i <= 40; i++) {
      reply = await this.world.ask(this.principal, operation, 5_000);
      this.#heard(reply);
      if (reply !== null && reply.kind !== 'fault') return;
      await this.world.agenda.sleep(500);
    }
    const told = reply === null ? 'nothing' : JSON.stringify(reply);
    this.world.broke(`no answer in fair weather to ${JSON.stringify(operation)}: ${told}`);
  }

  get recipient(): Recipient {
    return `${this.principal.kind === 'paychannel' ? 'paychannel' : 'terminal'}:${this.principal.id}`;
  }

  /** Reads its stream and acknowledges some of it. Returns how many were pending, or null. */
  async takeEvents(share: number): Promise<number | null> {
    const ids = await this.world.readEvents(this.recipient);
    if (ids === null) return null;
    // What is posted is acknowledged by whoever posts it.
    if (this.world.hooks?.holderOf(this.principal)?.way === 'posted') return ids.length;
    const byBill = new Map<BillId, number[]>();
    for (const id of ids) {
      const part = parsePartId(id, 'e');
      if (part === undefined || this.world.stopped.has(shardOfBill(part.billId))) continue;
      this.#seen.add(id);
      if (!this.random.chance(share)) continue;
      const nos = byBill.get(part.billId) ?? [];
      byBill.set(part.billId, [...nos, part.no]);
    }
    for (const [billId, nos] of byBill) {
      const reply = await this.world.ask(this.principal, { op: 'event.ack', billId, nos }, 3_000);
      if (reply?.kind === 'acknowledged') this.world.count('event.acknowledged');
    }
    return ids.filter((id) => !this.world.stopped.has(shardOfBill(id as BillId))).length;
  }

  hasSeen(eventId: string): boolean {
    const { hooks } = this.world;
    const endpoints = hooks?.holderOf(this.principal)?.endpoints ?? [];
    if (endpoints.some((id) => hooks?.receivers.hasTaken(id, eventId))) return true;
    return this.#seen.has(eventId);
  }

  /** A bill, mostly one of the latest. */
  someBill(): { id: BillId; amount: number } | undefined {
    const { bills } = this.world;
    if (bills.length === 0) return undefined;
    return this.random.chance(0.7)
      ? bills[Math.max(0, bills.length - 1 - this.random.below(3))]
      : this.random.pick(bills);
  }
}

// --------------------------------------------------------------------------------------------------------- till --

export function makeTill(world: World, no: number): Client {
  return new Client(world, {
    kind: 'terminal',
    id: `till-${no}`,
    institutionId: INSTITUTION,
    merchantId: MERCHANT,
    merchant: { name: 'A shop', city: 'Town' },
    restricted: false,
    subscribed: false,
  });
}

export function tillOperation(till: Client): Operation {
  const { random, world } = till;
  const special = specialOperation(till);
  if (special !== undefined) return special;
  const crowded = world.crowdedBill;
  if (crowded !== null && random.chance(0.5)) return byPayment(till, crowded);
  const bill = till.someBill();
  const dice = random.below(100);
  if (bill === undefined || dice < 22) return createOrRepeat(till);
  const billId = bill.id;
  if (dice < 36) return tillOrder(till);
  if (dice < 46) return { op: 'bill.get', billId, afterVersion: null, waitMs: 0 };
  if (dice < 52) {
    const afterVersion = random.between(0, 6);
    return { op: 'bill.get', billId, afterVersion, waitMs: random.between(1, 2_500) };
  }
  if (dice < 68) {
    const amount = random.pick([
      null,
      null,
      0,
      1,
      2,
      2,
      bill.amount - 1,
      bill.amount - 2,
      bill.amount,
    ]);
    return { op: 'bill.confirm', billId, amount: amount as Minor | null, receipt: receipt(random) };
  }
  if (dice < 74) return { op: 'bill.cancel', billId, amount: null, key: null, digest: '' };
  if (dice < 78) {
    const amount = random.between(1, 3) as Minor;
    return { op: 'bill.cancel', billId, amount, key: till.ref(), digest: `cancel ${amount}` };
  }
  if (dice < 90) return refund(till, billId);
  if (dice < 94) return { op: 'bill.receipt', billId, receipt: { no: random.between(1, 3) } };
  return till.again() ?? createOrRepeat(till);
}

function specialOperation(till: Client): Operation | undefined {
  const { hasSticker, hasBank } = till.world.settings;
  if (hasSticker && till.world.choices.chance(0.4)) {
    return stickerOperation(till, () => staticTerms(till, till.ref()));
  }
  return hasBank && till.world.banking.chance(0.35) ? bankOperation(till) : undefined;
}

function receipt(random: Random): { no: number } | null {
  return random.chance(0.3) ? { no: random.between(1, 2) } : null;
}

function refund(till: Client, billId: BillId): Operation {
  const { random } = till;
  const amount = random.pick([null, 1, 1, 2, 3]) as Minor | null;
  const paymentNo = random.pick([null, null, 1, 2]);
  const returnsTip = till.world.tips.chance(0.3);
  const digest = `refund ${amount} ${paymentNo} ${returnsTip}`;
  const used = random.chance(0.3) ? till.again() : undefined;
  const key = used?.op === 'bill.refund' ? used.key : till.ref();
  const order = { amount, paymentNo, reason: null, receipt: null, key, digest, returnsTip };
  return { op: 'bill.refund', billId, ...order };
}

/** What is asked of one payment, mostly: any of those that the bill may have by now. */
function byPayment(till: Client, billId: BillId): Operation {
  const { random } = till;
  const accepted = till.world.paymentsOf(billId);
  const paymentNo = random.chance(0.3) ? random.between(0, 3) : random.below(accepted + 2);
  const amount = random.pick([null, null, 1, 1, 2, 3]) as Minor | null;
  const digest = `${amount} ${paymentNo}`;
  const key = till.ref();
  switch (random.below(4)) {
    case 0:
      return {
        op: 'payment.confirm',
        billId,
        paymentNo,
        amount: random.chance(0.3) ? amount : null,
      };
    case 1:
      return amount === null
        ? { op: 'payment.cancel', billId, paymentNo, amount, key: null, digest: '' }
        : { op: 'payment.cancel', billId, paymentNo, amount, key, digest: `cancel ${digest}` };
    case 2:
      return refund(till, billId);
    default: {
      const again = random.chance(0.2) ? till.again() : undefined;
      if (again?.op === 'payment.refund') return again;
      const returnsTip = till.world.tips.chance(0.3);
      const order = { amount, reason: null, key, digest: `refund ${digest} ${returnsTip}` };
      return { returnsTip, op: 'payment.refund', billId, paymentNo, ...order };
    }
  }
}

function tillOrder(till: Client): Operation {
  const { random } = till;
  const terminalId = till.principal.id as TerminalId;
  const used = random.chance(0.6) ? till.again() : undefined;
  const orderId = used?.op === 'bill.create' ? used.terms.orderId : till.ref();
  if (random.chance(0.4)) return { op: 'order.get', terminalId, orderId };
  return { op: 'order.resolve', terminalId, orderId, cancelIfUnpaid: random.chance(0.5) };
}

function createOrRepeat(till: Client): Operation {
  const { random } = till;
  const used = random.chance(0.2) ? till.again() : undefined;
  if (used?.op === 'bill.create') {
    if (random.chance(0.7)) return used;
    const more = used.terms.type === 'dynamic' ? 1 : 0;
    const amount = (used.terms.amount + more) as Minor;
    const terms = { ...used.terms, amount, digest: 'another' };
    return { op: 'bill.create', terms };
  }
  if (used?.op === 'order.resolve') {
    return { op: 'bill.create', terms: terms(till, used.orderId) };
  }
  return { op: 'bill.create', terms: terms(till, till.ref()) };
}

function terms(till: Client, orderId: Reference): ProposedTerms {
  const { random, world } = till;
  if (world.bank !== null && world.banking.chance(0.6)) {
    return bankTerms(world, world.bank, dynamicTerms(till, orderId));
  }
  if (world.settings.hasStatic && random.chance(0.5)) return staticTerms(till, orderId);
  if (world.settings.hasTimer && random.chance(0.6)) return timerTerms(till, orderId);
  return dynamicTerms(till, orderId);
}

function dynamicTerms(till: Client, orderId: Reference): ProposedTerms {
  const { random } = till;
  const amount = random.pick([3, 6, 10]) as Minor;
  const { choices } = till.world;
  const part = choices.pick(['allow', 'allow', 'allow', 'forbid'] as const);
  return {
    ...policiesAtRandom(choices, { late: 'refuse', part }),
    ...(till.world.tips.chance(0.4) ? { tipMax: 2 as Minor } : {}),
    id: '' as BillId,
    type: 'dynamic',
    institutionId: INSTITUTION,
    merchantId: MERCHANT,
    terminalId: till.principal.id as TerminalId,
    merchant: { name: 'A shop', city: 'Town' },
    orderId,
    digest: `create ${amount}`,
    purpose: 'sale',
    amount,
    currency: EURO,
    description: null,
    lines: [],
    metadata: random.chance(0.2) ? { table: '7' } : null,
    capture: random.chance(0.2) ? 'auto' : 'manual',
    confirmWithinMs: random.pick([2, 5, 20, 3_600]) * SECOND_MS,
    unconfirmed: random.pick(['confirm', 'reverse']),
    qrFormat: 'url',
    returnUrl: null,
    relatedBillId: null,
    expiresInMs: random.pick([1, 4, 15, 60, 900, 900, 900, 86_400]) * SECOND_MS,
  };
}

/** None, often: then all are as usual. */
function policiesAtRandom(
  random: Random,
  of: Pick<Policies, 'late' | 'part'>,
): { policies?: Policies } {
  const excess = random.pick(['refuse', 'reverse'] as const);
  const isUsual = of.late === 'refuse' && excess === 'refuse' && of.part === 'allow';
  return isUsual ? {} : { policies: { ...of, excess } };
}

/** Printed codes of all kinds. */
function staticTerms(till: Client, orderId: Reference): ProposedTerms {
  const { random } = till;
  const usage = random.pick(['single', 'many', 'many', 'many'] as const);
  const isFixed = random.chance(0.5);
  const [minAmount, maxAmount] = (isFixed ? [2, 2] : [2, 5]) as [Minor, Minor];
  const limits = {
    maxPayments: usage === 'many' ? random.pick([null, null, 2, 5, 70]) : null,
    maxTotal: (usage === 'many' ? random.pick([null, null, null, 9, 150]) : null) as Minor | null,
  };
  const now = EPOCH_MS + till.world.agenda.now;
  const validFrom = random.chance(0.2) ? millis(now + random.between(1, 4_000)) : null;
  const ends = random.pick([2, 10, 60, null, null, null]);
  const kind = `${usage} ${minAmount} ${maxAmount} ${limits.maxPayments} ${limits.maxTotal}`;
  const { choices } = till.world;
  const late = usage === 'single' ? choices.pick(['refuse', 'accept'] as const) : 'refuse';
  return {
    ...dynamicTerms(till, orderId),
    ...policiesAtRandom(choices, { late, part: 'forbid' }),
    type: 'static',
    amount: (isFixed ? minAmount : 0) as Minor,
    digest: `create ${kind} ${validFrom} ${ends}`,
    capture: random.pick(['auto', 'auto', 'manual']),
    offer: { usage, minAmount, maxAmount, validFrom, ...limits },
    validUntil: ends === null ? NEVER : millis(now + ends * SECOND_MS),
  };
}

/** Prices that move within seconds, by units of a minute: stays began some minutes ago. */
const TARIFFS = [
  { graceSeconds: 2, quoteSeconds: 5, first: [free(1)], rules: [rule('R', null, per(1, 2))] },
  { graceSeconds: 0, quoteSeconds: 3, rules: [rule('R', null, per(1, 1))] },
  { graceSeconds: 4, quoteSeconds: 1, rules: [rule('R', null, flat(3, 2), flat(5))] },
].map((version) => tariffOf('Europe/Riga', version));

function timerTerms(till: Client, orderId: Reference): ProposedTerms {
  const { random, world } = till;
  const no = random.below(TARIFFS.length);
  const tariff = must(TARIFFS[no], 'a tariff');
  const now = EPOCH_MS + world.agenda.now;
  // The next unit begins soon.
  const ago = random.between(1, 3) * 60 - random.between(1, 12);
  const startedAt = random.chance(0.2) ? null : millis(now - ago * SECOND_MS);
  return {
    ...dynamicTerms(till, orderId),
    type: 'timer',
    amount: 0 as Minor,
    digest: `create timer ${no} ${startedAt}`,
    stay: { tariff, startedAt },
  };
}

// ----------------------------------------------------------------------------------------------------- operator --

export function makeOperator(world: World): Client {
  return new Client(world, {
    kind: 'operator',
    id: 'operator-1',
    institutionId: INSTITUTION,
    merchantId: null,
    merchant: null,
    restricted: false,
    subscribed: false,
    role: 'institutionAdmin',
  });
}

// ------------------------------------------------------------------------------------------------------- wallet --

export function makeWallet(world: World, no: number): Client {
  return new Client(world, {
    kind: 'paychannel',
    id: `wallet-${no}`,
    institutionId: INSTITUTION,
    merchantId: null,
    merchant: null,
    restricted: false,
    subscribed: no === 1,
  });
}

export function walletOperation(wallet: Client): Operation | undefined {
  const { random, world } = wallet;
  if (world.settings.hasOperator && world.choices.chance(0.3)) {
    const asked = settleWhatIsAsked(wallet);
    if (asked !== undefined) return asked;
  }
  const crowded = world.crowdedBill;
  if (crowded !== null && random.chance(0.4)) return settle(wallet, crowded);
  const bill = wallet.someBill();
  if (bill === undefined) return undefined;
  const billId = bill.id;
  const dice = random.below(100);
  const ofStay = world.isTimer(billId) ? stayOperation(wallet, billId) : undefined;
  if (ofStay !== undefined) return ofStay;
  if (dice < 10) return { op: 'bill.view', billId };
  if (dice < 20) return reserve(wallet, bill);
  if (dice < 25) return { op: 'bill.release', billId, reservationNo: random.between(1, 3) };
  if (dice < 60) return pay(wallet, billId, bill.amount, wallet.ref());
  if (dice < 75) return repeat(wallet, bill);
  if (dice < 80) return { op: 'payment.void', billId, paymentRef: wallet.ref() };
  return settle(wallet, billId);
}

/** What a stay costs is asked often, and paid. */
function stayOperation(wallet: Client, billId: BillId): Operation | undefined {
  const { random } = wallet;
  const told = wallet.quoteOf(billId);
  const held = wallet.holdOf(billId);
  if (held !== undefined && wallet.world.choices.chance(0.3)) return payHeld(wallet, billId, held);
  if (told !== undefined && random.chance(0.4)) {
    return payQuoted(wallet, billId, told, wallet.ref());
  }
  return random.chance(0.5) ? { op: 'bill.view', billId } : undefined;
}

function reserve(wallet: Client, bill: { id: BillId; amount: number }): Operation {
  const { random } = wallet;
  const amount = random.pick([null, 1, 2, bill.amount, bill.amount + 1]) as Minor | null;
  const { quote } = wallet.quoteOf(bill.id) ?? {};
  const hold = { op: 'bill.reserve', billId: bill.id, reservationRef: wallet.ref() } as const;
  if (quote === undefined) return { ...hold, digest: `reserve ${amount}`, amount };
  return { ...hold, digest: `reserve ${amount} ${quote.total} ${quote.until}`, amount, quote };
}

function settle(wallet: Client, billId: BillId): Operation {
  const { random, world } = wallet;
  const status = random.pick(['settled', 'settled', 'rejected'] as const);
  const creditNo = random.between(1, Math.max(3, world.creditsOf(billId)));
  return { op: 'credit.settle', billId, creditNo, status, reference: null, reason: null };
}

/** Mostly where it is welcome. */
function tipFor({ world }: Client, billId: BillId): Minor {
  const { tips, tipped } = world;
  return tips.pick(tipped.has(billId) ? [0, 1, 1, 2, 2, 3] : [...NO_TIP, 1]) as Minor;
}

const NO_TIP = Array.from({ length: 40 }, () => 0);

function pay(wallet: Client, billId: BillId, due: number, paymentRef: Reference): Operation {
  const { random } = wallet;
  const told = wallet.quoteOf(billId);
  if (told !== undefined && random.chance(0.7)) return payQuoted(wallet, billId, told, paymentRef);
  const amount = random.pick([1, 2, 2, 3, due, due, Math.max(1, due - 2), due + 1]) as Minor;
  const reservationNo = random.pick([null, null, null, null, 1, 2]);
  const tip = tipFor(wallet, billId);
  return {
    op: 'payment.create',
    billId,
    paymentRef,
    digest: `pay ${amount} ${reservationNo} ${tip}`,
    amount,
    ...(tip === 0 ? {} : { tip }),
    currency: random.chance(0.05) ? ('USD' as Currency) : EURO,
    reservationNo,
    method: null,
    payer: null,
    paidAt: null,
  };
}

/** By what the wallet was told; seldom another amount than that. */
function payQuoted(
  { random }: Client,
  billId: BillId,
  { amount: told, quote }: Told,
  paymentRef: Reference,
): Operation {
  const amount = random.pick([told, told, told, told + 1, Math.max(1, told - 1)]) as Minor;
  const reservationNo = random.pick([null, null, null, 1]);
  return {
    op: 'payment.create',
    billId,
    paymentRef,
    digest: `pay ${amount} ${reservationNo} by ${quote.total} ${quote.until}`,
    amount,
    currency: EURO,
    reservationNo,
    method: null,
    payer: null,
    paidAt: null,
    quote,
  };
}

/** What was reserved, within its time or after it. */
function payHeld(wallet: Client, billId: BillId, { no, amount }: Reservation): Operation {
  return {
    op: 'payment.create',
    billId,
    paymentRef: wallet.ref(),
    digest: `pay ${amount} ${no}`,
    amount,
    currency: EURO,
    reservationNo: no,
    method: null,
    payer: null,
    paidAt: null,
  };
}

/** The same again, or what became of it, or the same reference with another body. */
function repeat(wallet: Client, bill: { id: BillId; amount: number }): Operation {
  const { random } = wallet;
  const used = wallet.again();
  if (used === undefined) return { op: 'bill.view', billId: bill.id };
  if (used.op !== 'payment.create') return used;
  const { billId, paymentRef } = used;
  const dice = random.below(10);
  if (dice < 5) return used;
  if (dice < 7) return { op: 'payment.get', billId, paymentRef };
  if (dice < 8) return { op: 'payment.void', billId, paymentRef };
  return pay(wallet, billId, bill.amount, paymentRef);
}

async function later(wallet: Client, operation: Operation): Promise<void> {
  await wallet.world.agenda.sleep(wallet.random.delay(1_000, 4_000));
  await wallet.settle(operation);
}

/** Many references on one bill, most of them refused, so that it must let go of some. */
export async function flood(wallet: Client): Promise<void> {
  const bill = wallet.someBill();
  if (bill === undefined) return;
  const paychannelId = wallet.principal.id as PaychannelId;
  wallet.world.trace(`${paychannelId} floods ${bill.id}`);
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 80; i++) {
    const operation = pay(wallet, bill.id, bill.amount + 5, wallet.ref());
    calls.push(wallet.settle(operation));
    // The same again while the first is under way, or long after it.
    if (wallet.random.chance(0.2)) calls.push(later(wallet, operation));
  }
  await Promise.all(calls);
}

/** A crowd before one billboard: more payments than the bill keeps at hand. */
export async function crowd(wallet: Client): Promise<void> {
  const { random, world } = wallet;
  const bill = world.bills.findLast(({ id }) => world.takesMany(id));
  if (bill === undefined) return;
  world.trace(`${wallet.principal.id} brings a crowd to ${bill.id}`);
  world.crowdedBill = bill.id;
  for (let round = 0; round < 4; round++) {
    const calls = Array.from({ length: 30 }, () =>
      wallet.settle(pay(wallet, bill.id, bill.amount, wallet.ref())),
    );
    await Promise.all(calls);
    await world.agenda.sleep(random.delay(50, 600));
  }
}

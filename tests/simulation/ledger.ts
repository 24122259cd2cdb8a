// What the durable log says, entry by entry, as it grows: the truth that every answer, event and row is held against.

import { must } from '../../src/domain/assert.ts';
import { evolve, nextDueOf } from '../../src/domain/bill/bill.ts';
import { sentAt } from '../../src/domain/bill/outbox.ts';
import { ABSENT, type Bill, isPresent, type PresentBill } from '../../src/domain/bill/state.ts';
import {
  type BillEvent,
  type BillFact,
  type Credit,
  type KeptReference,
  LATEST_KEPT,
  type Parts,
  type Payment,
  type RefusedPayment,
} from '../../src/domain/bill/vocabulary.ts';
import { type BillId, partId, type ShardId } from '../../src/domain/ids.ts';
import { DAY_MS, HOUR_MS, type Millis } from '../../src/domain/time.ts';
import { makeEntryCodec } from '../../src/persistence/log/entry-codec.ts';
import { canonical } from '../../src/protocols/digest.ts';
import { type EntryId, epochOf, formatEntryId, NO_ENTRY } from '../../src/switch/entry-id.ts';
import type { LogEntry } from '../../src/switch/ports.ts';
import type { BillTransition, EntryContent, Transition } from '../../src/switch/records.ts';
import { Account } from './bookkeeper.ts';
import { stayPrice } from './stay-price.ts';

/** One bill as the log tells it. */
export interface Page {
  bill: Bill;
  /** The bill after each entry that touched it, oldest first. */
  readonly states: { readonly entry: EntryId; readonly bill: PresentBill }[];
  /** The bill as shown, by version. */
  readonly shown: Map<number, string>;
  readonly references: Map<string, KeptReference>;
  readonly refused: RefusedPayment[];
  /** All payments and credits as they last were, at hand or let go. */
  readonly payments: Map<number, Payment>;
  readonly credits: Map<number, Credit>;
  /** What each event said, and when it was sent. */
  readonly raised: Map<number, { readonly said: object; readonly at: Millis }>;
  readonly account: Account;
}

/** One event, from when it was raised to when it ended. */
export interface EventLife {
  readonly id: string;
  readonly billId: BillId;
  readonly no: number;
  readonly recipient: string;
  readonly raised: EntryId;
  readonly sentAt: Millis;
  ended: EntryId | null;
}

export interface OrderLine {
  readonly billId: BillId | null;
  readonly digest: string;
  readonly at: number;
}

export interface EntryLine {
  readonly id: EntryId;
  readonly transitions: readonly Transition[];
  readonly versions: readonly number[];
  /** Of its first transition. */
  readonly at: number;
}

/** One shard's chain. */
export interface Chain {
  top: EntryId;
  holder: string;
  at: number;
  readonly entries: EntryLine[];
}

const codec = makeEntryCodec();

const MONTH_MS = 30 * DAY_MS;
const ENDED: ReadonlySet<string> = new Set(['confirmed', 'refunded', 'cancelled', 'expired']);

export class Ledger {
  readonly pages = new Map<BillId, Page>();
  readonly orders = new Map<string, OrderLine>();
  readonly events = new Map<string, EventLife>();
  /** Which entry a request's transition stands in. */
  readonly requests = new Map<string, EntryId>();
  /** The sales of each sticker, in the order in which it has carried them. */
  readonly #carried = new Map<BillId, readonly BillId[]>();
  readonly #chains = new Map<ShardId, Chain>();
  readonly #broke: (what: string) => void;
  readonly #note: (what: string) => void;

  constructor(broke: (what: string) => void, note: (what: string) => void) {
    this.#broke = broke;
    this.#note = note;
  }

  chain(shard: ShardId): Chain {
    const known = this.#chains.get(shard);
    if (known !== undefined) return known;
    const made: Chain = { top: NO_ENTRY, holder: '', at: 0, entries: [] };
    this.#chains.set(shard, made);
    return made;
  }

  /** The log has taken an entry. `top`: what its top was. */
  append(
    shard: ShardId,
    after: EntryId,
    { id, payload }: LogEntry,
    top: EntryId,
    by: string,
  ): void {
    const chain = this.chain(shard);
    const name = `entry ${formatEntryId(id)} of shard ${shard}`;
    if (after !== top || after !== chain.top) {
      this.#broke(`${name} follows ${formatEntryId(chain.top)} and named ${formatEntryId(after)}`);
    }
    try {
      this.#read(chain, { id, payload }, by, name);
    } catch (error) {
      this.#broke(`${name} cannot be read: ${(error as Error).stack}`);
    }
    chain.top = id;
  }

  #read(chain: Chain, { id, payload }: LogEntry, by: string, name: string): void {
    const content = codec.decode(payload);
    if (content.kind === 'open') this.#open(chain, id, content, by);
    else if (content.kind === 'closed') this.#broke(`${name} closes the log, and nobody moved it`);
    else {
      if (chain.holder !== by) this.#broke(`${name} is by ${by}; the epoch is ${chain.holder}'s`);
      if (id !== chain.top + 1) this.#broke(`${name} leaves a gap`);
      this.#batch(chain, id, content.transitions);
    }
  }

  #open(
    chain: Chain,
    id: EntryId,
    content: Extract<EntryContent, { kind: 'open' }>,
    by: string,
  ): void {
    if (epochOf(id) <= epochOf(chain.top)) this.#broke('an opening that opens no new epoch');
    if (content.at < chain.at)
      this.#broke(`an opening goes back in time by ${chain.at - content.at} ms`);
    chain.at = Math.max(chain.at, content.at);
    chain.holder = by;
    chain.entries.push({ id, transitions: [], versions: [], at: content.at });
  }

  #batch(chain: Chain, id: EntryId, transitions: readonly Transition[]): void {
    const versions: number[] = [];
    for (const transition of transitions) {
      if (transition.at < chain.at) this.#broke(`time goes back in ${formatEntryId(id)}`);
      chain.at = transition.at;
      if (transition.requestId !== 'timer') this.#request(transition.requestId, id);
      if (transition.kind === 'orderVoided') {
        const { terminalId, orderId, at } = transition;
        this.#order(`${terminalId} ${orderId}`, { billId: null, digest: '', at });
        versions.push(0);
      } else {
        versions.push(this.#transition(id, transition));
      }
    }
    chain.entries.push({ id, transitions, versions, at: transitions[0]?.at ?? chain.at });
  }

  #request(requestId: string, id: EntryId): void {
    if (this.requests.has(requestId)) this.#broke(`request ${requestId} was done twice`);
    this.requests.set(requestId, id);
  }

  #order(key: string, line: OrderLine): void {
    const known = this.orders.get(key);
    // Told again after an hour, a tombstone is written anew, so that it holds for a day from then on.
    const isRenewed =
      known?.billId === null && line.billId === null && line.at - known.at >= HOUR_MS;
    if (isRenewed) this.#note('tombstone renewed');
    if (known !== undefined && line.at - known.at < DAY_MS && !isRenewed) {
      this.#broke(`order ${key} was ${known.billId ?? 'void'} and is ${line.billId ?? 'void'}`);
    }
    this.orders.set(key, line);
  }

  #transition(id: EntryId, transition: BillTransition): number {
    const { billId, facts, at, requestId, command } = transition;
    for (const fact of facts) {
      this.#note(`fact ${fact.type}`);
      if (fact.type === 'CreditRequested' && fact.credit.isTip) {
        this.#note(`${fact.credit.kind} of a tip`);
      }
    }
    const page = this.#pageOf(billId);
    const before = page.bill;
    const isDue = nextDueOf(before) <= at;
    if (command === 'RunTimer' && !isDue) this.#broke(`a timer of ${billId} ran early`);
    if (command !== 'RunTimer' && isDue)
      this.#broke(`${command} overtook a due timer of ${billId}`);
    const first = facts[0];
    if (first?.type === 'BillCreated') {
      const { terminalId, orderId, digest } = first.terms;
      this.#order(`${terminalId} ${orderId}`, { billId, digest, at });
    }
    // Before the domain's own assertions: what is wrong is found without them.
    const wrong = page.account.enter(facts);
    if (wrong !== null) this.#broke(`${billId}: ${wrong}`);
    const after = evolve(before, facts, { at, requestId });
    if (!isPresent(after)) {
      this.#broke(`${command} on ${billId}, which does not exist`);
      return 0;
    }
    this.#charged(before, facts, { at, command });
    page.bill = after;
    page.states.push({ entry: id, bill: after });
    this.#parts(page, after, facts);
    this.#money(page, after);
    this.#sales(before, after);
    this.#version(page, before, after);
    this.#references(page, before, after);
    this.#resent(page, before, facts, at);
    remember(page, after);
    this.#events(id, before, after, facts);
    for (const fact of facts) if (fact.type === 'PaymentRefused') page.refused.push(fact.payment);
    return after.version;
  }

  /** What somebody who stayed on owes is worked out anew, in simpler words. */
  #charged(before: Bill, facts: readonly BillFact[], by: { at: Millis; command: string }): void {
    const fact = facts.find(({ type }) => type === 'StayCharged');
    if (fact?.type !== 'StayCharged' || by.command !== 'RunTimer' || !isPresent(before)) return;
    const { id, stay } = before.terms;
    const { tariff, startedAt } = must(stay, 'a stay');
    const price = stayPrice(tariff, startedAt, by.at);
    const owed = Math.max(price, before.charged?.total ?? 0);
    if (fact.total !== owed) this.#broke(`${id} charges ${fact.total}, and not ${owed}`);
    if (price > (before.charged?.total ?? 0)) this.#note('stayed on');
  }

  #pageOf(billId: BillId): Page {
    const known = this.pages.get(billId);
    if (known !== undefined) return known;
    const made: Page = {
      bill: ABSENT,
      states: [],
      shown: new Map(),
      references: new Map(),
      refused: [],
      payments: new Map(),
      credits: new Map(),
      raised: new Map(),
      account: new Account(),
    };
    this.pages.set(billId, made);
    return made;
  }

  #parts(page: Page, after: PresentBill, facts: BillTransition['facts']): void {
    for (const fact of facts) if (fact.type === 'PartsRecalled') this.#recalled(page, after, fact);
    for (const payment of after.payments) page.payments.set(payment.no, payment);
    for (const credit of after.credits) page.credits.set(credit.no, credit);
    if (page.payments.size !== after.counts.accepted) {
      this.#broke(`${after.terms.id} counts ${after.counts.accepted} of ${page.payments.size}`);
    }
  }

  /** What history tells of a part must be what it was when it was let go. */
  #recalled(page: Page, { terms: { id } }: PresentBill, parts: Parts): void {
    const same = (what: string, part: Payment | Credit, known: Payment | Credit | undefined) => {
      this.#note(`${what} recalled`);
      if (known === undefined || canonical(part) !== canonical(known)) {
        this.#broke(`${what} ${part.no} of ${id} came back changed`);
      }
    };
    for (const part of parts.payments) same('payment', part, page.payments.get(part.no));
    for (const part of parts.credits) same('credit', part, page.credits.get(part.no));
    for (const { no } of parts.events) {
      this.#note('event recalled');
      const life = this.events.get(partId(id, 'e', no));
      if (life?.ended !== null) this.#broke(`event ${no} of ${id} came back after its end`);
    }
  }

  #money(page: Page, after: PresentBill): void {
    const wrong = page.account.compare(after);
    if (wrong !== null) this.#broke(`${after.terms.id}: ${wrong}`);
  }

  /** A sticker has one sale at a time: the one before is over, and what has been replaced never comes back. */
  #sales(before: Bill, { sticker, terms: { id } }: PresentBill): void {
    const carried = sticker?.carried ?? null;
    if (carried === null || !isPresent(before) || carried === before.sticker?.carried) return;
    const sales = this.#carried.get(id) ?? [];
    this.#carried.set(id, [...sales, carried.billId]);
    const sale = this.pages.get(carried.billId)?.bill;
    if (sale === undefined || !isPresent(sale)) this.#broke(`${id} carries no sale`);
    if (sales.includes(carried.billId)) this.#broke(`${id} carries ${carried.billId} again`);
    for (const earlier of sales) {
      const { status } = this.pages.get(earlier)?.bill ?? ABSENT;
      if (!ENDED.has(status)) this.#broke(`${id} leaves its sale ${earlier} ${status}`);
    }
    this.#note(sales.length > 0 ? 'sale replaced' : 'sticker armed');
  }

  #version(page: Page, before: Bill, after: PresentBill): void {
    const earlier = isPresent(before) ? before.version : 0;
    const shown = show(after);
    const known = page.shown.get(after.version);
    if (after.version !== earlier && after.version !== earlier + 1) {
      this.#broke(`${after.terms.id} goes from version ${earlier} to ${after.version}`);
    }
    if (known !== undefined && known !== shown) {
      this.#broke(`${after.terms.id} changed without a new version: ${known} became ${shown}`);
    }
    page.shown.set(after.version, shown);
  }

  #references(page: Page, before: Bill, after: PresentBill): void {
    const earlier = isPresent(before) ? before.references : [];
    for (const reference of after.references) {
      if (earlier.includes(reference)) continue;
      const key = referenceKey(reference.kind, reference.scope, reference.ref);
      if (page.references.has(key)) this.#broke(`${key} of ${after.terms.id} has two outcomes`);
      page.references.set(key, reference);
    }
  }

  /** What is sent again has ended, though it may have left the outbox long before. */
  #replaced(id: EntryId, billId: BillId, facts: readonly BillFact[]): void {
    for (const fact of facts) {
      if (fact.type !== 'EventResent') continue;
      const life = this.events.get(partId(billId, 'e', fact.event.resends ?? 0));
      if (life !== undefined) life.ended ??= id;
    }
  }

  /** What is sent again says what it said, to whom it said it, a month ago at least; and stands there once. */
  #resent(page: Page, before: Bill, facts: readonly BillFact[], at: Millis): void {
    if (!isPresent(before)) return;
    for (const fact of facts) {
      if (fact.type === 'EventResent') this.#resentRightly(page, before, fact, at);
    }
  }

  #resentRightly(page: Page, before: PresentBill, { event }: ResentFact, at: Millis): void {
    const { no, resentAt: _, resends, ...said } = event;
    const name = `event ${no} of ${before.terms.id}`;
    const first = page.raised.get(resends ?? 0);
    if (canonical(first?.said ?? null) !== canonical(said)) {
      this.#broke(`${name} says another thing`);
    }
    if (at - (first?.at ?? at) <= MONTH_MS) this.#broke(`${name} was sent again too soon`);
    const twin = before.outbox.find((each) => each.resends === resends);
    if (twin !== undefined) this.#broke(`${name} was sent again already, as ${twin.no}`);
  }

  #events(id: EntryId, before: Bill, after: PresentBill, facts: readonly BillFact[]): void {
    const billId = after.terms.id;
    const earlier = [...recalledIn(facts), ...(isPresent(before) ? before.outbox : [])];
    for (const event of earlier) {
      if (isLetGo(facts, event) || isLeftDead(event, after, facts)) continue;
      const life = this.events.get(partId(billId, 'e', event.no));
      if (life !== undefined && !after.outbox.includes(event)) life.ended = id;
    }
    this.#replaced(id, billId, facts);
    for (const event of after.outbox) {
      const { no, recipient } = event;
      const eventId = partId(billId, 'e', no);
      if (this.events.has(eventId)) continue;
      const line = { id: eventId, billId, no, recipient, raised: id, ended: null };
      this.events.set(eventId, { ...line, sentAt: sentAt(event) });
    }
  }
}

type ResentFact = Extract<BillFact, { type: 'EventResent' }>;

/** What its events say, from when they were raised on. */
function remember(page: Page, { outbox }: PresentBill): void {
  for (const { no, resentAt, resends: _, ...said } of outbox) {
    if (!page.raised.has(no)) page.raised.set(no, { said, at: resentAt ?? said.occurredAt });
  }
}

function recalledIn(facts: readonly BillFact[]): readonly BillEvent[] {
  return facts.flatMap((fact) => (fact.type === 'PartsRecalled' ? fact.events : []));
}

function isLetGo(facts: readonly BillFact[], { no }: BillEvent): boolean {
  return facts.some((fact) => fact.type === 'PartsLetGo' && fact.events.includes(no));
}

/** Whether it has left as a dead letter: nobody has taken it, and nothing has taken its place. */
function isLeftDead(event: BillEvent, after: PresentBill, facts: readonly BillFact[]): boolean {
  if (after.outbox.includes(event)) return false;
  const isTaken = facts.some(
    (fact) => fact.type === 'EventsAcknowledged' && fact.nos.includes(event.no),
  );
  const isReplaced = after.outbox.some(
    (later) =>
      later.resends === event.no ||
      (later.no > event.no &&
        later.type === 'credit.requested' &&
        event.type === 'credit.requested' &&
        later.recipient === event.recipient &&
        later.credit?.no === event.credit?.no),
  );
  return !isTaken && !isReplaced;
}

/** Whether an entry says what happened, and not who owns the log. */
export function isOfTransitions(payload: Uint8Array): boolean {
  return codec.decode(payload).kind === 'batch';
}

const shown = new WeakMap<PresentBill, string>();

/** The bill as API.md shows it, with the latest of its parts: equal for equal versions. */
export function show(bill: PresentBill): string {
  const known = shown.get(bill);
  if (known !== undefined) return known;
  const text = canonical([
    bill.status,
    bill.version,
    bill.books,
    bill.reservations,
    bill.charged ?? null,
    bill.payments.slice(-LATEST_KEPT).map(({ notifiedAt: _, ...payment }) => payment),
    bill.credits.slice(-LATEST_KEPT).map(({ repeats: _, ...credit }) => credit),
    { ...bill.ending, replacedReceipt: null },
  ]);
  shown.set(bill, text);
  return text;
}

export function referenceKey(kind: string, scope: string, ref: string): string {
  return `${kind} ${scope} ${ref}`;
}

// A switch without log, threads or stores: the rules of bills and orders behind a door whose messages come when a test
// says so, in any order, or never. For what gateways do with several bills at a time.

import { decide, evolve, nextDueOf } from '../../src/domain/bill/bill.ts';
import { ABSENT, type Bill, isPresent, type PresentBill } from '../../src/domain/bill/state.ts';
import { isRejection } from '../../src/domain/bill/vocabulary.ts';
import { type BillId, type ShardId, shardOfBill } from '../../src/domain/ids.ts';
import { type Millis, plus } from '../../src/domain/time.ts';
import { makePresenter } from '../../src/protocols/presenter.ts';
import { Agreements } from '../../src/switch/agreements.ts';
import { type BillOperation, commandOf } from '../../src/switch/bill-commands.ts';
import { rejection, replyTo } from '../../src/switch/bill-replies.ts';
import { ORDER_LIFE_MS, orderKey } from '../../src/switch/orders.ts';
import type { Reply, Request, ShardDoor } from '../../src/switch/requests.ts';
import { SuspendedSellers } from '../../src/switch/sellers.ts';
import { isRefused, SUSPENDED, unlessBarred } from '../../src/switch/suspension.ts';
import { termsAt } from '../../src/switch/terms-at.ts';
import { seenBy, unseen } from '../../src/switch/visibility.ts';
import { NOON } from './bill-fixtures.ts';
import { codesAt } from './qr-claims.ts';

type Asked = Omit<Request, 'seq'>;
type OnReply = (status: number, body: Uint8Array) => void;

interface Order {
  /** Null: a tombstone. */
  readonly billId: BillId | null;
  readonly digest: string;
  readonly at: Millis;
}

const NOTHING_SPECIAL = { agreements: new Agreements(), suspended: new SuspendedSellers() };
const AWAY: Reply = { kind: 'fault', code: 'outcome.unknown', detail: 'lost', retryAfterS: 1 };
const presenter = makePresenter({
  publicBaseUrl: 'https://pay.example',
  codes: codesAt('https://pay.example'),
});

export class SmallSwitch implements ShardDoor {
  readonly shards = 4;
  readonly bills = new Map<BillId, Bill>();
  /** Bills at which something was left that the switch wants driven on. */
  readonly unfinished: BillId[] = [];
  now: Millis = NOON;
  readonly #orders = new Map<string, Order>();
  /** What is on its way: a request to its shard, or its answer back. */
  #messages: { readonly arrive: () => void; readonly lose: () => void }[] = [];

  get underWay(): number {
    return this.#messages.length;
  }

  send(request: Asked, onReply: OnReply): void {
    const answer = (reply: Reply): void => {
      const { status, body } = presenter.present(reply, request.encoding, request.requestId);
      onReply(status, body);
    };
    const lose = (): void => answer(AWAY);
    const arrive = (): void => {
      const reply = this.#handle(request);
      this.#messages.push({ arrive: () => answer(reply), lose });
    };
    this.#messages.push({ arrive, lose });
  }

  /** The nth of the messages arrives; its sender goes on. */
  async deliver(nth: number): Promise<void> {
    const [message] = this.#messages.splice(nth, 1);
    message?.arrive();
    await inTheirTurn();
  }

  /** All messages are lost that the test does not spare: whoever waits hears that nobody knows. */
  async loseAll(isSpared: () => boolean): Promise<void> {
    const messages = this.#messages;
    this.#messages = messages.filter(isSpared);
    for (const message of messages) if (!this.#messages.includes(message)) message.lose();
    await inTheirTurn();
  }

  /** All that is on its way arrives, and all that follows from it. */
  async settle(): Promise<void> {
    while (this.#messages.length > 0) await this.deliver(0);
  }

  pass(ms: number): void {
    this.now = plus(this.now, ms);
    for (const id of this.bills.keys()) this.#runTimers(id);
  }

  bill(id: BillId): PresentBill {
    const bill = this.bills.get(id) ?? ABSENT;
    if (!isPresent(bill)) throw new Error(`no bill ${id}`);
    return bill;
  }

  ask(): Promise<never> {
    return Promise.reject(new Error('nothing but bills is asked for here'));
  }

  onEvent(): void {
    // Nobody listens here.
  }

  onEventEnded(): void {
    // Nobody listens here.
  }

  onAcquiring(): void {
    // No acquirer listens here.
  }

  onUnfinished(): void {
    // `unfinished` tells.
  }

  onWorkerStart(): void {
    // It never ends.
  }

  #handle({ operation, principal, requestId, shard }: Asked): Reply {
    switch (operation.op) {
      case 'bill.create': {
        const { terms } = operation;
        const known = this.#repeat(orderKey(terms.terminalId, terms.orderId), terms.digest);
        if (known !== null) return known;
        if (principal?.suspended) return rejection(SUSPENDED);
        this.#expect(shard, terms.id);
        const facts = [{ type: 'BillCreated', terms: termsAt(terms, this.now) } as const];
        const bill = evolve(ABSENT, facts, { at: this.now, requestId }) as PresentBill;
        this.bills.set(terms.id, bill);
        const { id: billId, digest } = terms;
        const key = orderKey(terms.terminalId, terms.orderId);
        this.#orders.set(key, { billId, digest, at: this.now });
        return { kind: 'bill', bill, created: true, now: this.now };
      }
      case 'order.check': {
        const { terminalId, orderId, digest } = operation;
        const free = rejection({ rejected: 'order.notFound' });
        return this.#repeat(orderKey(terminalId, orderId), digest) ?? free;
      }
      case 'order.resolve': {
        const key = orderKey(operation.terminalId, operation.orderId);
        const order = this.#orders.get(key) ?? { billId: null, digest: '', at: this.now };
        this.#orders.set(key, order);
        const { billId } = order;
        if (billId === null) {
          return { kind: 'orderVoided', orderId: operation.orderId, at: order.at };
        }
        const op = operation.cancelIfUnpaid ? 'order.cancel' : 'bill.get';
        const onBill = { op, billId, afterVersion: null, waitMs: 0 } as BillOperation;
        return this.#onBill(onBill, { principal, requestId, shard: shardOfBill(billId) });
      }
      case 'order.get':
        return rejection({ rejected: 'order.notFound' });
      default:
        return this.#onBill(operation, { principal, requestId, shard });
    }
  }

  #repeat(key: string, digest: string): Reply | null {
    const order = this.#orders.get(key);
    if (order === undefined || this.now - order.at >= ORDER_LIFE_MS) return null;
    const { billId } = order;
    if (billId === null) return rejection({ rejected: 'order.void' });
    if (order.digest !== digest) return rejection({ rejected: 'order.reused', billId });
    this.#runTimers(billId);
    return { kind: 'bill', bill: this.bill(billId), created: false, now: this.now };
  }

  #onBill(
    operation: BillOperation,
    { principal, requestId, shard }: Pick<Asked, 'principal' | 'requestId' | 'shard'>,
  ): Reply {
    this.#expect(shard, operation.billId);
    this.#runTimers(operation.billId);
    const found = this.bills.get(operation.billId) ?? ABSENT;
    const seen = seenBy({ principal, operation }, found, NOTHING_SPECIAL, this.now);
    if (seen === null) return rejection(unseen(operation.op));
    const before = seen.bill;
    const command = commandOf(operation, principal);
    const decided = command === null ? [] : decide(before, command, this.now);
    const decision = unlessBarred(operation, seen.bar, decided);
    const facts = isRefused(decision) ? [] : decision;
    const bill = evolve(before, facts, { at: this.now, requestId }) as PresentBill;
    this.bills.set(operation.billId, bill);
    return replyTo(operation, principal, { bill, decision, recalled: null, now: this.now });
  }

  #runTimers(id: BillId): void {
    for (;;) {
      const bill = this.bills.get(id) ?? ABSENT;
      if (nextDueOf(bill) > this.now) return;
      const decision = decide(bill, { type: 'RunTimer' }, this.now);
      if (isRejection(decision)) throw new Error('a timer is never refused');
      if (decision[0]?.type === 'ArmingRepeated') this.unfinished.push(id);
      this.bills.set(id, evolve(bill, decision, { at: this.now, requestId: 'timer' }));
    }
  }

  #expect(shard: ShardId, billId: BillId): void {
    if (shardOfBill(billId) !== shard) throw new Error(`${billId} is not of shard ${shard}`);
  }
}

/** Lets all who have been answered go on until they wait again. */
function inTheirTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// A bank with a QR system of its own, in simulated durable memory: it does what it is asked, as often as it is asked. It
// knows no id of a refund, and takes one number twice: what must happen once, its caller must see to. Its books remember
// all the same whose refund was whose, for the audit.

import type { Sighting, Tender } from '../../src/domain/acquiring/words.ts';
import type { Minor } from '../../src/domain/money.ts';
import type { BookEntry } from '../../src/simulators/control.ts';
import type { Agenda } from './agenda.ts';
import type { Dice } from './dice.ts';
import { EPOCH_MS } from './life.ts';

interface GivenBack {
  /** Null: by hand. */
  readonly id: string | null;
  readonly amount: number;
  isDone: boolean;
}

export interface BankOrder {
  readonly id: string;
  readonly ref: string;
  readonly amount: number;
  readonly expiresAt: number;
  status: Sighting['status'];
  readonly refunds: GivenBack[];
}

export interface BankWays {
  /** Whether it ends what nobody has paid in time. */
  readonly closesByItself: boolean;
  /** Else it gives back all that is left, or nothing. */
  readonly partialRefund: boolean;
  /** How long a refund is on its way. */
  readonly refundMs: number;
  /** Whether it counts as given back meanwhile. */
  readonly refundShowsAtOnce: boolean;
}

export class SimBank {
  readonly ways: BankWays;
  readonly orders: BankOrder[] = [];
  readonly #agenda: Agenda;
  readonly #dice: Dice;
  readonly #broke: (what: string) => void;

  constructor(
    ways: BankWays,
    { agenda, dice, broke }: { agenda: Agenda; dice: Dice; broke: (what: string) => void },
  ) {
    this.ways = ways;
    this.#agenda = agenda;
    this.#dice = dice;
    this.#broke = broke;
  }

  register({ id, amount, expiresAt }: Tender): BankOrder {
    if (this.find(id) !== undefined) this.#broke(`the bank has registered ${id} twice`);
    const ref = `bank-${this.orders.length + 1}`;
    const order: BankOrder = { id, ref, amount, expiresAt, status: 'open', refunds: [] };
    this.orders.push(order);
    return order;
  }

  find(id: string): BankOrder | undefined {
    return this.orders.findLast((order) => order.id === id);
  }

  sighting(ref: string): Sighting {
    const order = this.#order(ref);
    const paid = order.status === 'paid' ? order.amount : 0;
    const returned = this.ways.refundShowsAtOnce ? paid - leftOf(order) : returnedOf(order);
    return {
      status: order.status,
      paid: paid as Minor,
      returned: returned as Minor,
      isReturning: order.refunds.some(({ isDone }) => !isDone),
      reference: null,
      payer: null,
    };
  }

  /** Ends what nobody has paid or begins to pay. */
  cancel(ref: string): Sighting {
    const order = this.#order(ref);
    if (order.status === 'open') order.status = 'cancelled';
    return this.sighting(ref);
  }

  /** Null: there is not so much left, or it is all or nothing. `id`: null where somebody at the bank does it. */
  refund(ref: string, id: string | null, amount: number): Sighting | null {
    const order = this.#order(ref);
    const left = leftOf(order);
    const isFit = this.ways.partialRefund || id === null ? amount <= left : amount === left;
    if (order.status !== 'paid' || amount <= 0 || !isFit) return null;
    if (id !== null && order.refunds.some((refund) => refund.id === id)) {
      this.#broke(`the bank has given back ${id} of ${order.id} twice`);
    }
    const refund: GivenBack = { id, amount, isDone: false };
    order.refunds.push(refund);
    if (this.ways.refundMs === 0) refund.isDone = true;
    else this.#agenda.after(this.ways.refundMs, () => this.#land(order, refund));
    return this.sighting(ref);
  }

  #land(order: BankOrder, refund: GivenBack): void {
    if (!this.#dice.strikes('bank.refundFailed')) refund.isDone = true;
    else order.refunds.splice(order.refunds.indexOf(refund), 1);
  }

  /** A payer scans the code and pays a moment later; false: it can be paid no more. */
  pay(ref: string, afterMs: number, paid: () => void): boolean {
    const order = this.#order(ref);
    if (order.status !== 'open') return false;
    order.status = 'paying';
    this.#agenda.after(afterMs, () => {
      order.status = 'paid';
      paid();
    });
    return true;
  }

  /** As the audit of banks reads it. */
  get books(): BookEntry[] {
    return this.orders.map((order) => {
      const { id, ref, amount, refunds } = this.#order(order.ref);
      const paid = order.status === 'paid' ? amount : 0;
      return {
        order: id,
        ref,
        payload: payloadOf(ref),
        status: order.status === 'open' || order.status === 'paying' ? 'NEW' : order.status,
        amount,
        paid,
        returned: returnedOf(order),
        refunds: refunds.map((refund) => ({
          amount: refund.amount,
          by: refund.id === null ? 'hand' : 'api',
          status: 'done',
          // Its clock is none of the shards': it tells no times.
          at: EPOCH_MS,
        })),
      };
    });
  }

  #order(ref: string): BankOrder {
    const order = this.orders.find((each) => each.ref === ref);
    if (order === undefined) throw new Error(`the bank has no ${ref}`);
    const isOver = EPOCH_MS + this.#agenda.now >= order.expiresAt;
    if (isOver && order.status === 'open' && this.ways.closesByItself) order.status = 'expired';
    return order;
  }
}

export function payloadOf(ref: string): string {
  return `https://bank.example/${ref}`;
}

function returnedOf({ refunds }: BankOrder): number {
  return refunds.reduce((sum, { amount, isDone }) => sum + (isDone ? amount : 0), 0);
}

/** What of it is neither given back nor on its way. */
export function leftOf({ status, amount, refunds }: BankOrder): number {
  return refunds.reduce((left, refund) => left - refund.amount, status === 'paid' ? amount : 0);
}

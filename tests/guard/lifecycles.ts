// The benchmark's load for the counted world: so many tills at once, each going on to its next sale when the last is
// confirmed. Tills are not equally quick, so that requests come spread over time.

import type {
  InstitutionId,
  MerchantId,
  PaychannelId,
  ShardId,
  TerminalId,
} from '../../src/domain/ids.ts';
import {
  type BillId,
  makeBillId,
  type Reference,
  shardOfBill,
  shardOfOrder,
} from '../../src/domain/ids.ts';
import type { Currency, Minor } from '../../src/domain/money.ts';
import { millis } from '../../src/domain/time.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type { Operation } from '../../src/switch/requests.ts';
import { type BenchWorld, SHARDS } from './bench-world.ts';

const IN_FLIGHT = 64;
/** A party goes on so many ms after an answer, at most. */
const PACE_MAX_MS = 8;
const INSTITUTION = 'ins_0123456789ab' as InstitutionId;
const MERCHANT = 'mer_0123456789ab' as MerchantId;
const SHOP = { name: 'Corner Coffee', city: 'Springfield' };
const EURO = 'EUR' as Currency;

const wallet: Principal = {
  kind: 'paychannel',
  id: 'pay_0123456789ab' as PaychannelId,
  institutionId: INSTITUTION,
  merchantId: null,
  merchant: null,
  restricted: false,
  subscribed: false,
};

interface Till {
  readonly principal: Principal;
  billId: BillId;
  amount: Minor;
  isPaid: boolean;
  isConfirmed: boolean;
}

export class Lifecycles {
  readonly #world: BenchWorld;
  readonly #tills: Till[];
  readonly #tillsByBill = new Map<string, Till>();
  #random = 42;
  #requests = 0;
  #begun = 0;
  #completed = 0;
  #goal = 0;

  constructor(world: BenchWorld) {
    this.#world = world;
    this.#tills = Array.from({ length: IN_FLIGHT }, (_, no) => ({
      principal: {
        ...wallet,
        kind: 'terminal',
        id: terminalId(no),
        merchantId: MERCHANT,
        merchant: SHOP,
      },
      billId: '' as BillId,
      amount: 0 as Minor,
      isPaid: false,
      isConfirmed: false,
    }));
    world.door.onEvent(({ bill, event }) => this.#event(bill.id, event.no));
  }

  /** Subscribes the tills to their events. */
  async open(): Promise<void> {
    let open = 0;
    for (const { principal } of this.#tills) {
      const recipient = `terminal:${principal.id}` as const;
      void this.#world.door.ask({ query: 'subscribe', recipient }).then(() => {
        open += 1;
      });
    }
    await this.#world.clock.runUntil(() => open === this.#tills.length);
  }

  /** Resolves when so many more have ended and history has them. */
  async run(count: number): Promise<void> {
    this.#goal = this.#begun + count;
    const end = this.#completed + count;
    for (const till of this.#tills) this.#begin(till);
    await this.#world.clock.runUntil(() => this.#completed === end && this.#world.isWritten);
  }

  #begin(till: Till): void {
    if (this.#begun === this.#goal) return;
    this.#begun += 1;
    const orderId = `order-${this.#begun}` as Reference;
    const terminal = till.principal.id as TerminalId;
    const shard = shardOfOrder(terminal, orderId, SHARDS);
    till.amount = (100 + (this.#draw() % 99_900)) as Minor;
    till.isPaid = false;
    till.isConfirmed = false;
    const bytes = Uint8Array.from({ length: 13 }, () => this.#draw() & 255);
    const id = makeBillId(millis(this.#world.clock.wall()), shard, bytes);
    const digest = `digest-of-22-chars-${this.#begun % 1000}`;
    this.#send(shard, till.principal, createOf(till, id, orderId, digest), 201, () => {
      till.billId = id;
      this.#tillsByBill.set(id, till);
      this.#view(till);
    });
  }

  #view(till: Till): void {
    const { billId } = till;
    this.#sendOn(till, wallet, { op: 'bill.view', billId }, 200, () => this.#pay(till));
  }

  #pay(till: Till): void {
    const operation: Operation = {
      op: 'payment.create',
      billId: till.billId,
      paymentRef: `pay-${this.#requests}` as Reference,
      digest: 'digest-of-22-characters',
      amount: till.amount,
      currency: EURO,
      reservationNo: null,
      method: 'account',
      payer: null,
      paidAt: null,
    };
    this.#sendOn(till, wallet, operation, 201, () => {
      till.isPaid = true;
      this.#end(till);
    });
  }

  #event(billId: BillId, no: number): void {
    const till = this.#tillsByBill.get(billId);
    if (till === undefined) return;
    this.#sendOn(till, till.principal, { op: 'event.ack', billId, nos: [no] }, 200, () => {
      const confirm: Operation = { op: 'bill.confirm', billId, amount: null, receipt: null };
      this.#sendOn(till, till.principal, confirm, 200, () => {
        till.isConfirmed = true;
        this.#end(till);
      });
    });
  }

  #end(till: Till): void {
    if (!till.isPaid || !till.isConfirmed) return;
    this.#tillsByBill.delete(till.billId);
    this.#completed += 1;
    this.#begin(till);
  }

  #sendOn(
    till: Till,
    principal: Principal,
    operation: Operation,
    expected: number,
    next: () => void,
  ): void {
    this.#send(shardOfBill(till.billId), principal, operation, expected, next);
  }

  #send(
    shard: ShardId,
    principal: Principal,
    operation: Operation,
    expected: number,
    next: () => void,
  ): void {
    this.#requests += 1;
    const requestId = `request-${this.#requests}`;
    const request = { shard, principal, requestId, encoding: 'msgpack' as const, operation };
    this.#world.door.send(request, (status, body) => {
      if (status !== expected) {
        throw new Error(`${operation.op} got ${status}: ${Buffer.from(body).toString('latin1')}`);
      }
      this.#world.clock.after(this.#draw() % PACE_MAX_MS, next);
    });
  }

  /** Not for secrets: the same numbers in every run. */
  #draw(): number {
    this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) >>> 0;
    return this.#random >>> 8;
  }
}

function terminalId(no: number): TerminalId {
  return `ter_${String(no).padStart(12, '0')}` as TerminalId;
}

function createOf(till: Till, id: BillId, orderId: Reference, digest: string): Operation {
  return {
    op: 'bill.create',
    terms: {
      id,
      type: 'dynamic',
      institutionId: INSTITUTION,
      merchantId: MERCHANT,
      terminalId: till.principal.id as TerminalId,
      merchant: SHOP,
      orderId,
      digest,
      purpose: 'sale',
      amount: till.amount,
      currency: EURO,
      description: 'Two coffees and a slice of cake, table 7',
      lines: [],
      metadata: null,
      capture: 'manual',
      confirmWithinMs: 86_400_000,
      unconfirmed: 'confirm',
      qrFormat: 'url',
      returnUrl: null,
      relatedBillId: null,
      expiresInMs: 900_000,
    },
  };
}

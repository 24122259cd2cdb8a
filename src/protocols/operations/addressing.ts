// Where an operation goes: the shard of the bill, order or part that it names, and new ids with their shard in them.

import { randomFillSync } from 'node:crypto';
import {
  BILL_ID_RANDOM_LENGTH,
  type BillId,
  makeBillId,
  parseBillId,
  parsePartId,
  type Reference,
  type ShardId,
  shardOfBill,
  shardOfOrder,
  type TerminalId,
} from '../../domain/ids.ts';
import { millis } from '../../domain/time.ts';
import type { KnownAcquirer } from '../../switch/acquirers.ts';
import type { PayerLabels } from '../../switch/payers.ts';
import type { Principal } from '../../switch/principal.ts';
import type { HostedFormats, QrCodes } from '../../switch/qr.ts';
import type { Operation } from '../../switch/requests.ts';
import type { Tariffs } from '../../switch/tariffs.ts';
import type { Problem } from '../problem-document.ts';
import type { RequestName } from '../schemas/requests.ts';

/** An operation with the shard that it goes to. */
export interface Addressed {
  readonly shard: ShardId;
  readonly operation: Operation;
}

/** Operations that are one request to one shard. */
export type SingleOperation = Exclude<RequestName, 'event.ack' | 'ping'>;

/** What reading needs beside the body. */
export interface ReadingContext {
  readonly shards: number;
  readonly codes: QrCodes;
  /** The formats of loaded drivers. */
  readonly hosted: HostedFormats;
  readonly acquirers: readonly KnownAcquirer[];
  readonly payers: PayerLabels;
  readonly tariffs: Tariffs;
  /** Wall clock, ms. */
  wall(): number;
}

/** What was read: at once, but where a driver has to be asked. */
export type Read = Addressed | Problem;

/** Readers of the operations named, each from a body that fits its schema. */
export type ReadersOf<Names extends SingleOperation> = {
  readonly [Name in Names]: (
    body: unknown,
    principal: Principal,
    context: ReadingContext,
  ) => Read | Promise<Read>;
};

export function isProblem(result: object): result is Problem {
  return 'code' in result;
}

export function onBill(
  text: string,
  context: ReadingContext,
  operationOf: (id: BillId) => Operation,
): Addressed | Problem {
  const id = parseBillId(text);
  if (id === undefined) return { code: 'bill.notFound' };
  const shard = shardOfBill(id);
  return shard < context.shards ? { shard, operation: operationOf(id) } : { code: 'bill.notFound' };
}

export function onCredit(
  text: string,
  context: ReadingContext,
  operationOf: (billId: BillId, creditNo: number) => Operation,
): Addressed | Problem {
  const part = parsePartId(text, 'c');
  if (part === undefined) return { code: 'credit.notFound' };
  const shard = shardOfBill(part.billId);
  if (shard >= context.shards) return { code: 'credit.notFound' };
  return { shard, operation: operationOf(part.billId, part.no) };
}

export function onOrder(
  orderId: string,
  principal: Principal,
  context: ReadingContext,
  operationOf: (terminalId: TerminalId, orderId: Reference) => Operation,
): Addressed {
  const terminalId = principal.id as TerminalId;
  const order = orderId as Reference;
  return {
    shard: shardOfOrder(terminalId, order, context.shards),
    operation: operationOf(terminalId, order),
  };
}

/** The number of a part of this bill; 0, which no part has, where the id names none. */
export function partNo(id: string, billId: BillId, kind: 'p' | 'r'): number {
  const part = parsePartId(id, kind);
  return part !== undefined && part.billId === billId ? part.no : 0;
}

/** Ids of events, by bill; what is no event's id is left out. */
export function eventsByBill(ids: readonly string[], shards: number): Map<BillId, number[]> {
  const numbersByBill = new Map<BillId, number[]>();
  for (const id of ids) {
    const part = parsePartId(id, 'e');
    if (part === undefined || shardOfBill(part.billId) >= shards) continue;
    const numbers = numbersByBill.get(part.billId);
    if (numbers === undefined) numbersByBill.set(part.billId, [part.no]);
    else numbers.push(part.no);
  }
  return numbersByBill;
}

export function newBillId(shard: ShardId, context: ReadingContext): BillId {
  return makeBillId(millis(context.wall()), shard, randomBytes());
}

const pool = Buffer.alloc(4_096);
let poolAt = pool.length;

function randomBytes(): Uint8Array {
  if (poolAt + BILL_ID_RANDOM_LENGTH > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  const bytes = pool.subarray(poolAt, poolAt + BILL_ID_RANDOM_LENGTH);
  poolAt += BILL_ID_RANDOM_LENGTH;
  return bytes;
}

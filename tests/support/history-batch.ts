// Builds history batches for tests: rows with their shard and entry filled in.

import type { PresentBill } from '../../src/domain/bill/state.ts';
import type {
  BillEvent,
  Credit,
  KeptReference,
  Payment,
  RefusedPayment,
} from '../../src/domain/bill/vocabulary.ts';
import { type ShardId, shardOfBill } from '../../src/domain/ids.ts';
import type { Millis } from '../../src/domain/time.ts';
import { type EntryId, entryId, NO_ENTRY } from '../../src/switch/entry-id.ts';
import type {
  BillRow,
  CreditRow,
  EventRow,
  HistoryBatch,
  PaymentRow,
  ReferenceRow,
  TransitionRow,
  WatermarkMove,
} from '../../src/switch/ports.ts';
import { NOON } from './bill-fixtures.ts';

/** The nth entry of epoch 1; 0 is before the first. */
export function entry(no: number): EntryId {
  return no === 0 ? NO_ENTRY : entryId(1, no);
}

export function move(shard: ShardId, from: number, to: number, at: Millis = NOON): WatermarkMove {
  return { shard, from: entry(from), to: entry(to), at };
}

export function batch(given: Partial<HistoryBatch> = {}): HistoryBatch {
  return {
    moves: [],
    bills: [],
    payments: [],
    credits: [],
    events: [],
    eventEnds: [],
    orders: [],
    references: [],
    transitions: [],
    ...given,
  };
}

export function billRow(bill: PresentBill, at: number): BillRow {
  return { bill, ...placeOf(bill, at) };
}

export function paymentRow(
  bill: PresentBill,
  at: number,
  payment: Payment | RefusedPayment,
): PaymentRow {
  return { bill, ...placeOf(bill, at), payment };
}

export function creditRow(bill: PresentBill, at: number, credit: Credit): CreditRow {
  return { bill, ...placeOf(bill, at), credit };
}

export function eventRow(
  bill: PresentBill,
  at: number,
  event: BillEvent,
  end: { acknowledgedAt?: Millis; replaced?: boolean } = {},
): EventRow {
  const { acknowledgedAt = null, replaced = false } = end;
  return { bill, ...placeOf(bill, at), event, acknowledgedAt, replaced };
}

export function referenceRow(
  bill: PresentBill,
  at: number,
  reference: KeptReference,
): ReferenceRow {
  return { ...placeOf(bill, at), billId: bill.terms.id, reference };
}

export function transitionRow(bill: PresentBill, at: number, no = 0): TransitionRow {
  return {
    ...placeOf(bill, at),
    no,
    billId: bill.terms.id,
    version: bill.version,
    type: 'CreateBill',
    at: NOON,
    actor: `terminal:${bill.terms.terminalId}`,
    requestId: `request-${no}`,
    outcome: 'BillCreated',
  };
}

function placeOf(bill: PresentBill, at: number): { shard: ShardId; entry: EntryId } {
  return { shard: shardOfBill(bill.terms.id), entry: entry(at) };
}

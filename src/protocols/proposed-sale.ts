// What an arm asks for, as a sale of its own.

import type { ProposedSale } from '../domain/bill/vocabulary.ts';
import {
  type BillId,
  type Reference,
  type ShardId,
  shardOfOrder,
  type TerminalId,
} from '../domain/ids.ts';
import type { Minor } from '../domain/money.ts';
import { SECOND_MS } from '../domain/time.ts';
import type { Principal } from '../switch/principal.ts';
import { digestOf } from './digest.ts';
import { policiesFor } from './policies.ts';
import type { RequestBody } from './schemas/requests.ts';

const TTL_DEFAULT_S = 900;
const NO_NAMES = [] as const;

/** The same order of a create, or of another sticker, is another body: its digest says so. */
export function proposedSale(
  { billId, orderId, amount, ttl = TTL_DEFAULT_S }: RequestBody<'bill.arm'>,
  { id, policies }: Pick<Principal, 'id' | 'policies'>,
  shards: number,
  newBillId: (shard: ShardId) => BillId,
): ProposedSale {
  const terminalId = id as TerminalId;
  const order = orderId as Reference;
  return {
    billId: newBillId(shardOfOrder(terminalId, order, shards)),
    terminalId,
    orderId: order,
    digest: digestOf({ call: `bill.arm ${billId}`, orderId, amount, ttl }, NO_NAMES),
    amount: amount as Minor,
    policies: policiesFor({ type: 'dynamic' }, policies) ?? null,
    ttlMs: ttl * SECOND_MS,
  };
}

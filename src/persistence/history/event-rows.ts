// Rows of events, with what of their bills they show, read back into what streams give.

import { type AllPolicies, usualPolicies } from '../../domain/bill/policies.ts';
import type { BillType, Purpose } from '../../domain/bill/vocabulary.ts';
import type { BillId, Reference } from '../../domain/ids.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { BillCodec } from './bill-codec.ts';

/** Of an event `e` of a bill `b`. */
export const EVENT_COLUMNS =
  'e.body, b.id, b.order_id, b.amount, b.currency, b.purpose, b.type, b.policies';

export interface EventColumns {
  readonly id: BillId;
  readonly order_id: Reference;
  readonly amount: string;
  readonly currency: string;
  readonly purpose: Purpose;
  readonly type: BillType;
  /** Null where all are as usual. */
  readonly policies: string | null;
  readonly body: Uint8Array;
}

export function streamedOf(row: EventColumns, codec: BillCodec): StreamedEvent {
  const { id, order_id: orderId, amount, currency, purpose } = row;
  const policies = policiesIn(row);
  const bill = { id, orderId, amount: Number(amount), currency, purpose, policies };
  return { bill, event: codec.decodeEvent(row.body) };
}

function policiesIn({ type, policies }: EventColumns): AllPolicies {
  if (policies !== null) return JSON.parse(policies) as AllPolicies;
  return { ...usualPolicies(type), unconfirmed: 'confirm' };
}

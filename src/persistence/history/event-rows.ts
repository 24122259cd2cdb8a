// Rows of events, with what of their bills they show, read back into what streams give.

import { type AllPolicies, usualPolicies } from '../../domain/bill/policies.ts';
import type { BillType, Purpose } from '../../domain/bill/vocabulary.ts';
import type { BillId, InstitutionId, Reference } from '../../domain/ids.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { BillCodec } from './bill-codec.ts';

/** Of an event `e` of a bill `b`. */
export const EVENT_COLUMNS =
  'e.body, b.id, b.order_id, b.amount, b.currency, b.purpose, b.type, b.policies, b.institution_id, b.is_test';

export interface EventColumns {
  readonly id: BillId;
  readonly order_id: Reference;
  readonly amount: string;
  readonly currency: string;
  readonly purpose: Purpose;
  readonly type: BillType;
  /** Null where all are as usual. */
  readonly policies: string | null;
  readonly institution_id: InstitutionId;
  readonly is_test: boolean;
  readonly body: Uint8Array;
}

export function streamedOf(row: EventColumns, codec: BillCodec): StreamedEvent {
  const { id, order_id: orderId, currency, purpose, institution_id: institutionId } = row;
  const [amount, policies] = [Number(row.amount), policiesIn(row)];
  const mode = row.is_test ? 'test' : 'live';
  const bill = { id, orderId, amount, currency, purpose, policies, institutionId, mode } as const;
  return { bill, event: codec.decodeEvent(row.body) };
}

function policiesIn({ type, policies }: EventColumns): AllPolicies {
  if (policies !== null) return JSON.parse(policies) as AllPolicies;
  return { ...usualPolicies(type), unconfirmed: 'confirm' };
}

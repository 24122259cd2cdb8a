// Lists for the operators of the institution that pays: what its paychannels have to do with, whoever's the bills are.

import type { PresentBill } from '../../domain/bill/state.ts';
import type { PaychannelId } from '../../domain/ids.ts';
import type { PaidThrough } from '../../switch/listings-port.ts';
import { roleOf } from '../../switch/operator-desk.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Shape } from '../shape-parts.ts';
import type { Fetch, ListSources } from './lists.ts';
import type { QueryValues } from './query.ts';

/** What a list of each call shows, by the call’s id. */
export const PAYING_LISTS = {
  'operator.paying.payments': payments,
  'operator.paying.credits': credits,
} as const;

/** A merchant's administrator has no paychannels. */
export function mayListPaying(operator: Principal): boolean {
  return roleOf(operator) !== 'merchantAdmin';
}

/** Of a system operator: everybody's. */
function paidThrough(operator: Principal, { paychannelId }: QueryValues): PaidThrough {
  const institutionId = roleOf(operator) === 'system' ? null : operator.institutionId;
  const through = typeof paychannelId === 'string' ? (paychannelId as PaychannelId) : null;
  return { institutionId, through };
}

function payments(sources: ListSources, operator: Principal, values: QueryValues): Fetch {
  const { listings, shapes } = sources;
  return async (filter) => {
    const rows = await listings.payments(paidThrough(operator, values), filter);
    return rows.map(({ bill, payment }) => ({
      place: { at: payment.receivedAt, id: bill.terms.id, no: payment.no },
      shape: { ...shapes.paychannelPayment(bill, payment), bill: viewedOf(bill) },
    }));
  };
}

function credits(sources: ListSources, operator: Principal, values: QueryValues): Fetch {
  const { listings, shapes } = sources;
  return async (filter) => {
    const rows = await listings.credits(paidThrough(operator, values), filter);
    return rows.map(({ bill, credit, payingInstitutionId }) => ({
      place: { at: credit.requestedAt, id: bill.terms.id, no: credit.no },
      shape: {
        ...shapes.paychannelCredit(bill, credit, filter.asOf),
        paychannelId: credit.paychannelId,
        payingInstitutionId,
        billingInstitutionId: bill.terms.institutionId,
        bill: viewedOf(bill),
      },
    }));
  };
}

/** What a view tells of the bill, whoever looks. */
function viewedOf({ terms, status }: PresentBill): Shape {
  const { id, type, description, amount } = terms;
  const merchant = { name: terms.merchant.name, city: terms.merchant.city };
  return { id, type, status, merchant, description, amount: amount === 0 ? null : amount };
}

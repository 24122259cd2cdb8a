// The calls about labels of payers: seen where a complaint needs it, erased where the payer asks for it.

import type { Call } from './call.ts';
import * as shown from './schemas/payers.ts';

const base = '/v1/operator/bills/{billId}/payers';

export const payerCalls: readonly Call[] = [
  {
    id: 'operator.payer.list',
    method: 'GET',
    path: base,
    api: 'operator',
    summary: 'What wallets have told of who paid the bill',
    description: 'Stands in the audit, as each look at personal data does.',
    answers: { 200: { description: 'A label a payment.', schema: shown.payers } },
    problems: ['bill.notFound'],
  },
  {
    id: 'operator.payer.erase',
    method: 'POST',
    path: `${base}/erase`,
    api: 'operator',
    summary: 'Erase what wallets have told of who paid the bill, or one payment of it',
    description: 'Final. Safe to retry: what is erased stays erased.',
    request: 'operator.payer.erase',
    answers: { 200: { description: 'Erased.', schema: shown.erased } },
    problems: ['bill.notFound'],
  },
];

// Operations of operators alone: what becomes of a credit that a wallet has rejected.

import type { deskRequests } from '../schemas/desk-requests.ts';
import { asBody } from '../schemas/validation.ts';
import { onCredit, type ReadersOf } from './addressing.ts';

export const deskReaders: ReadersOf<keyof typeof deskRequests> = {
  'credit.request': (body, _principal, context) => {
    const { creditId } = asBody('credit.request', body);
    return onCredit(creditId, context, (billId, creditNo) => ({
      op: 'credit.request',
      billId,
      creditNo,
    }));
  },
  'credit.close': (body, _principal, context) => {
    const { creditId, reference } = asBody('credit.close', body);
    return onCredit(creditId, context, (billId, creditNo) => ({
      op: 'credit.close',
      billId,
      creditNo,
      reference,
    }));
  },
};

// Payments and credits as the institution sees them whose paychannels have to do with them.

import { Type } from '@sinclair/typebox';
import { BILL_STATUSES, paychannelCredit, paychannelPayment } from './part-responses.ts';
import { listOf, owed } from './responses.ts';
import { named, nullable, oneOf } from './scalars.ts';

const bill = Type.Object(
  {
    id: Type.String(),
    type: oneOf(['dynamic', 'static', 'timer']),
    status: oneOf(BILL_STATUSES),
    merchant: Type.Object({ name: Type.String(), city: Type.String() }),
    description: nullable(Type.String()),
    amount: owed,
  },
  { description: 'What a view tells of the bill.' },
);

const payingPayment = named(
  'PayingPayment',
  Type.Object({ ...paychannelPayment.properties, bill }),
);
const payingCredit = named(
  'PayingCredit',
  Type.Object({
    ...paychannelCredit.properties,
    paychannelId: Type.String(),
    payingInstitutionId: Type.String({ description: 'The paychannel’s.' }),
    billingInstitutionId: Type.String({ description: 'The bill’s.' }),
    bill,
  }),
);
export const payingPaymentList = listOf('PayingPaymentList', payingPayment);
export const payingCreditList = listOf('PayingCreditList', payingCredit);

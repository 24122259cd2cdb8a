// What operators ask for beside what terminals do.

import { id, LIMITS, object, text } from './scalars.ts';

const credit = { creditId: id('The credit’s id.') };

export const deskRequests = {
  'credit.request': object(credit),
  'credit.close': object({
    ...credit,
    reference: text(LIMITS.reference, 'What the money went back by: a transfer’s number, say.'),
  }),
} as const;

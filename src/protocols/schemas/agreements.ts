// Agreements between institutions, as operators send and are shown them.

import { Type } from '@sinclair/typebox';
import { listOf } from './responses.ts';
import { id, MODES, named, nullable, oneOf, time } from './scalars.ts';

export const agreementFields = {
  billingInstitutionId: id('Whose bills may be paid.'),
  payingInstitutionId: id('Whose paychannels may pay them.'),
  since: Type.Optional(time('From when on; not in the past. Left out: from now on.')),
};

const moment = (description: string) => Type.String({ format: 'date-time', description });

export const agreement = named(
  'Agreement',
  Type.Object({
    id: Type.String(),
    billingInstitutionId: Type.String({ description: 'Whose bills may be paid.' }),
    payingInstitutionId: Type.String({ description: 'Whose paychannels may pay them.' }),
    mode: oneOf(MODES, { description: 'Of both: test never meets live.' }),
    since: moment('From when on it is in force.'),
    endedAt: nullable(moment('When it ended: nothing new has begun since.')),
    createdAt: moment('When it was made.'),
  }),
);
export const agreementList = listOf('AgreementList', agreement);

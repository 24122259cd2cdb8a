// The calls about agreements between institutions.

import { Type } from '@sinclair/typebox';
import type { Call } from './call.ts';
import * as shown from './schemas/agreements.ts';
import { queries } from './schemas/requests.ts';

const { limit, cursor } = queries.list;
const base = '/v1/operator/agreements';
const one = `${base}/{agreementId}`;
const is = (description: string, schema: typeof shown.agreement) => ({ description, schema });

export const agreementCalls: readonly Call[] = [
  {
    id: 'operator.agreement.add',
    method: 'POST',
    path: base,
    api: 'operator',
    summary: 'Let the paychannels of one institution pay the bills of another',
    description:
      'In force on every thread within a second. For who runs the switch: one side alone could give the other’s customers away.',
    request: 'operator.agreement.add',
    key: 'optional',
    answers: {
      200: is('It has been made by the same call before.', shown.agreement),
      201: is('Made.', shown.agreement),
    },
    problems: ['party.notFound', 'agreement.exists', 'agreement.modesDiffer', 'idempotency.reused'],
  },
  {
    id: 'operator.agreement.list',
    method: 'GET',
    path: base,
    api: 'operator',
    summary: 'The agreements that the operator sees, ended ones too, by id',
    query: {
      limit,
      cursor,
      institutionId: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 64,
          description: 'With this institution on one of the sides only.',
        }),
      ),
    },
    answers: { 200: { description: 'A page.', schema: shown.agreementList } },
  },
  {
    id: 'operator.agreement.get',
    method: 'GET',
    path: one,
    api: 'operator',
    summary: 'One of the agreements',
    answers: { 200: is('It.', shown.agreement) },
    problems: ['agreement.notFound'],
  },
  {
    id: 'operator.agreement.end',
    method: 'DELETE',
    path: one,
    api: 'operator',
    summary: 'End an agreement: within a second nothing new begins under it',
    description:
      'Payments under live reservations, status questions, events, credits and refunds go on to their end. Ending it again changes nothing.',
    answers: { 200: is('As it is now.', shown.agreement) },
    problems: ['agreement.notFound'],
  },
];

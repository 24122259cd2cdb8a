// The calls about tariffs that operators keep for merchants.

import { type TSchema, Type } from '@sinclair/typebox';
import type { Call } from './call.ts';
import * as shown from './schemas/kept-tariffs.ts';
import { queries } from './schemas/requests.ts';

const { limit, cursor } = queries.list;
const base = '/v1/operator/tariffs';
const one = `${base}/{merchantId}/{tariffName}`;
const is = (description: string, schema: TSchema) => ({ description, schema });

export const tariffCalls: readonly Call[] = [
  {
    id: 'operator.tariff.list',
    method: 'GET',
    path: base,
    api: 'operator',
    summary: 'The tariffs of merchants that the operator sees, ended ones too, by id',
    query: {
      limit,
      cursor,
      merchantId: Type.Optional(
        Type.String({ minLength: 1, maxLength: 64, description: 'Of this merchant only.' }),
      ),
    },
    answers: { 200: is('A page.', shown.keptTariffList) },
  },
  {
    id: 'operator.tariff.get',
    method: 'GET',
    path: one,
    api: 'operator',
    summary: 'One of the tariffs: what it says, and who put which revision of it when',
    query: {
      revision: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 2_147_483_647,
          description: 'With the document of this revision, not the newest.',
        }),
      ),
    },
    answers: { 200: is('It.', shown.shownTariff) },
    problems: ['tariff.notFound'],
  },
  {
    id: 'operator.tariff.put',
    method: 'PUT',
    path: one,
    api: 'operator',
    summary: 'Put a tariff of a merchant under a name: a new revision, in force within a second',
    description:
      'The body is the tariff itself. Bills that are there already keep what they were made of. One that has ended begins again. To put what stands there changes nothing.',
    request: 'operator.tariff.put',
    key: 'optional',
    answers: { 200: is('As it is now.', shown.keptTariff) },
    problems: ['party.notFound', 'idempotency.reused'],
  },
  {
    id: 'operator.tariff.end',
    method: 'DELETE',
    path: one,
    api: 'operator',
    summary: 'End a tariff: within a second no bill is made of it',
    description: 'Bills that were made of it go on. Ending it again changes nothing.',
    answers: { 200: is('As it is now.', shown.keptTariff) },
    problems: ['tariff.notFound'],
  },
];

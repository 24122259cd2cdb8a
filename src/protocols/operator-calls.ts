// The calls of operators: who takes part in the switch, and with which keys.

import { type TSchema, Type } from '@sinclair/typebox';
import { agreementCalls } from './agreement-calls.ts';
import type { Call, CallAnswer } from './call.ts';
import { payerCalls } from './payer-calls.ts';
import * as codes from './schemas/codes.ts';
import * as shown from './schemas/operator.ts';
import { queries } from './schemas/requests.ts';
import { tariffCalls } from './tariff-calls.ts';
import { webhookCalls } from './webhook-calls.ts';

const { limit, cursor } = queries.list;
const filter = (what: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: `Of this ${what} only.` }));

const KINDS = {
  institution: 'institutions',
  merchant: 'merchants',
  terminal: 'terminals',
  paychannel: 'paychannels',
  operator: 'operators',
} as const;
type Kind = keyof typeof KINDS;

const REPEAT = 'Safe to retry with the same `Idempotency-Key`; a repeat does not show a key again.';
const is = (description: string, schema: TSchema): CallAnswer => ({ description, schema });

function callsOf(kind: Kind): Call[] {
  const api = 'operator';
  const plural = KINDS[kind];
  const base = `/v1/operator/${plural}`;
  const one = `${base}/{partyId}`;
  const act = (verb: 'suspend' | 'resume', summary: string): Call => ({
    id: `operator.${kind}.${verb}`,
    method: 'POST',
    path: `${one}/${verb}`,
    api,
    summary,
    request: 'operator.party.act',
    key: 'optional',
    answers: { 200: is('As it is now.', shown.party) },
    problems: ['party.notFound', 'idempotency.reused'],
  });
  return [
    {
      id: `operator.${kind}.add`,
      method: 'POST',
      path: base,
      api,
      summary: `Add one to the ${plural}`,
      description: REPEAT,
      request: `operator.${kind}.add`,
      key: 'optional',
      answers: {
        200: is('It has been added by the same call before.', shown.newParty),
        201: is('Added.', shown.newParty),
      },
      problems: ['party.notFound', 'idempotency.reused'],
    },
    {
      id: `operator.${kind}.list`,
      method: 'GET',
      path: base,
      api,
      summary: `The ${plural} that the operator sees, by id`,
      query: {
        limit,
        cursor,
        institutionId: filter('institution'),
        merchantId: filter('merchant'),
      },
      answers: { 200: is('A page.', shown.partyList) },
    },
    {
      id: `operator.${kind}.get`,
      method: 'GET',
      path: one,
      api,
      summary: `One of the ${plural}`,
      answers: { 200: is('It.', shown.party) },
      problems: ['party.notFound'],
    },
    {
      id: `operator.${kind}.change`,
      method: 'PATCH',
      path: one,
      api,
      summary: `Change one of the ${plural}`,
      description: 'Bills keep what they were created with.',
      request: `operator.${kind}.change`,
      key: 'optional',
      answers: { 200: is('As it is now.', shown.party) },
      problems: ['party.notFound', 'idempotency.reused'],
    },
    ...limitCalls(kind, one),
    ...codeCalls(kind, one),
    act('suspend', 'From now on nothing new begins for it; what has begun comes to its end'),
    act('resume', 'Ends its suspension'),
  ];
}

function limitCalls(kind: Kind, one: string): Call[] {
  if (kind === 'merchant' || kind === 'operator') return [];
  const api = 'operator';
  const path = `${one}/limits`;
  return [
    {
      id: `operator.${kind}.limits`,
      method: 'GET',
      path,
      api,
      summary: 'How much it may ask of the switch',
      answers: { 200: is('What is set, and what is in force.', shown.partyLimits) },
      problems: ['party.notFound'],
    },
    {
      id: `operator.${kind}.limit`,
      method: 'PUT',
      path,
      api,
      summary: 'Set how much it may ask of the switch: in force within a second',
      description: 'All of it: what is left out goes by the configuration of the switch.',
      request: 'operator.party.limit',
      key: 'optional',
      answers: { 200: is('As it is now.', shown.partyLimits) },
      problems: ['party.notFound', 'idempotency.reused'],
    },
  ];
}

function codeCalls(kind: Kind, one: string): Call[] {
  if (kind === 'paychannel' || kind === 'operator') return [];
  const api = 'operator';
  const path = `${one}/codes`;
  return [
    {
      id: `operator.${kind}.codes`,
      method: 'GET',
      path,
      api,
      summary: 'What the codes of its bills are made of',
      answers: { 200: is('What is set, and what is in force.', codes.partyCodes) },
      problems: ['party.notFound'],
    },
    {
      id: `operator.${kind}.changeCodes`,
      method: 'PATCH',
      path,
      api,
      summary: 'Change what the codes of its bills are made of: in force within a second',
      description:
        'What is left out stays as it is; null takes it away. Bills keep the code that they were created with.',
      request: `operator.${kind}.changeCodes`,
      key: 'optional',
      answers: { 200: is('As it is now.', codes.partyCodes) },
      problems: ['party.notFound', 'idempotency.reused'],
    },
  ];
}

const keyCalls: readonly Call[] = [
  {
    id: 'operator.key.add',
    method: 'POST',
    path: '/v1/operator/keys',
    api: 'operator',
    summary: 'Make a key: its holder may have several',
    description: REPEAT,
    request: 'operator.key.add',
    key: 'optional',
    answers: {
      200: is('It has been made by the same call before.', shown.newKey),
      201: is('Made.', shown.newKey),
    },
    problems: ['party.notFound', 'idempotency.reused'],
  },
  {
    id: 'operator.key.list',
    method: 'GET',
    path: '/v1/operator/keys',
    api: 'operator',
    summary: 'The keys of those that the operator sees, by id',
    query: { limit, cursor, holderId: filter('holder') },
    answers: { 200: is('A page.', shown.keyList) },
  },
  {
    id: 'operator.key.get',
    method: 'GET',
    path: '/v1/operator/keys/{keyId}',
    api: 'operator',
    summary: 'What is known of a key',
    answers: { 200: is('It, without the key itself.', shown.issuedKey) },
    problems: ['key.notFound'],
  },
  {
    id: 'operator.key.revoke',
    method: 'POST',
    path: '/v1/operator/keys/{keyId}/revoke',
    api: 'operator',
    summary: 'Withdraw a key: within a second it opens nothing, and its sockets are closed',
    request: 'operator.key.revoke',
    key: 'optional',
    answers: { 200: is('As it is now.', shown.issuedKey) },
    problems: ['key.notFound', 'idempotency.reused'],
  },
];

export const operatorCalls: readonly Call[] = [
  ...(Object.keys(KINDS) as Kind[]).flatMap(callsOf),
  ...keyCalls,
  ...agreementCalls,
  ...tariffCalls,
  ...webhookCalls,
  ...payerCalls,
  {
    id: 'operator.audit',
    method: 'GET',
    path: '/v1/operator/audit',
    api: 'operator',
    summary: 'What operators have done, oldest first, as a chain of hashes',
    query: {
      limit,
      after: Type.Optional(
        Type.Integer({ minimum: 0, description: 'Only what comes after this number.' }),
      ),
    },
    answers: { 200: is('The next lines.', shown.auditLines) },
  },
];

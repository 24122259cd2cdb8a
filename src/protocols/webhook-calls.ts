// The calls of operators about webhooks: where holders without a socket get their events.

import { type TSchema, Type } from '@sinclair/typebox';
import type { Call, CallAnswer } from './call.ts';
import { queries } from './schemas/requests.ts';
import * as shown from './schemas/webhooks.ts';

const { limit, cursor } = queries.list;
const ALL = '/v1/operator/webhooks';
const ONE = `${ALL}/{webhookId}`;
const is = (description: string, schema: TSchema): CallAnswer => ({ description, schema });
const REPEAT =
  'Safe to retry with the same `Idempotency-Key`; a repeat does not show a secret again.';
const api = 'operator';

export const webhookCalls: readonly Call[] = [
  {
    id: 'operator.webhook.add',
    method: 'POST',
    path: ALL,
    api,
    summary:
      'Register an endpoint: events of its holder are brought there once it has proved itself',
    description: `It is sent a signed challenge until it answers 2xx with its echo. A holder may have several endpoints. ${REPEAT}`,
    request: 'operator.webhook.add',
    key: 'optional',
    answers: {
      200: is('It has been registered by the same call before.', shown.newWebhook),
      201: is('Registered.', shown.newWebhook),
    },
    problems: ['party.notFound', 'idempotency.reused', 'driver.away'],
  },
  {
    id: 'operator.webhook.list',
    method: 'GET',
    path: ALL,
    api,
    summary: 'The endpoints of those that the operator sees, by id',
    query: {
      limit,
      cursor,
      holderId: Type.Optional(
        Type.String({ minLength: 1, maxLength: 64, description: 'Of this holder only.' }),
      ),
    },
    answers: { 200: is('A page.', shown.webhookList) },
  },
  {
    id: 'operator.webhook.get',
    method: 'GET',
    path: ONE,
    api,
    summary: 'An endpoint, and how it does',
    answers: { 200: is('It, without its secrets.', shown.webhook) },
    problems: ['webhook.notFound'],
  },
  {
    id: 'operator.webhook.rotate',
    method: 'POST',
    path: `${ONE}/rotate`,
    api,
    summary: 'Make it a new secret; those of before sign too until the overlap is over',
    description: REPEAT,
    request: 'operator.webhook.rotate',
    key: 'optional',
    answers: { 200: is('As it is now.', shown.newWebhook) },
    problems: ['webhook.notFound', 'idempotency.reused'],
  },
  {
    id: 'operator.webhook.test',
    method: 'POST',
    path: `${ONE}/test`,
    api,
    summary: 'Send it a signed challenge now: if it echoes it, it is active from then on',
    request: 'operator.webhook.test',
    answers: { 200: is('What it did.', shown.webhookTest) },
    problems: ['webhook.notFound'],
  },
  {
    id: 'operator.webhook.remove',
    method: 'DELETE',
    path: ONE,
    api,
    summary: 'Remove it: nothing more is sent there. What is pending stays so',
    key: 'optional',
    answers: { 200: is('As it was.', shown.webhook) },
    problems: ['webhook.notFound', 'idempotency.reused'],
  },
  {
    id: 'operator.webhook.deadLetters',
    method: 'GET',
    path: `${ONE}/dead-letters`,
    api,
    summary: 'Events that it has not taken in three days, by bill',
    query: { limit, cursor },
    answers: { 200: is('A page.', shown.deadLetterList) },
    problems: ['webhook.notFound'],
  },
  {
    id: 'operator.webhook.resend',
    method: 'POST',
    path: `${ONE}/resend`,
    api,
    summary: 'Send dead letters again, for another three days',
    request: 'operator.webhook.resend',
    key: 'optional',
    answers: { 200: is('As it is now.', shown.webhook) },
    problems: ['webhook.notFound', 'idempotency.reused'],
  },
];

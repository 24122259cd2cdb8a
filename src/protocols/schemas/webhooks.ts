// What operators send and are shown of webhooks.

import { Type } from '@sinclair/typebox';
import { EVENT_TYPES } from './event-responses.ts';
import { listOf } from './responses.ts';
import { explained, id, LIMITS, named, nullable, oneOf } from './scalars.ts';

const URL_MAX = 2_000;
const OVERLAP_MAX_S = 2_592_000;
const DAY_S = 86_400;

export const webhookFields = {
  add: {
    holderId: id(
      'Whose events it gets: a terminal’s, a paychannel’s, or those of all terminals of a merchant.',
    ),
    driver: Type.Optional(
      explained(
        'must be webhook, or the name of a driver that the operator has loaded',
        Type.String({
          pattern: '^[a-z0-9-]{1,32}$',
          default: 'webhook',
          description: 'By which way events reach it. Left out: they are posted.',
        }),
      ),
    ),
    url: Type.Optional(
      explained(
        `must be an https URL of at most ${URL_MAX} characters, without user or fragment`,
        Type.String({
          minLength: 1,
          maxLength: URL_MAX,
          description:
            'Of a webhook: where events are posted. It may hold a secret: logs do not show it.',
        }),
      ),
    ),
    settings: Type.Optional(
      explained(
        'must be an object of at most 32 members',
        Type.Record(Type.String({ pattern: '^[^\\u0000]{1,64}$' }), Type.Unknown(), {
          maxProperties: 32,
          description:
            'Of any other way: what its driver asks to be told of an endpoint. Kept sealed, and never shown.',
        }),
      ),
    ),
    eventTypes: Type.Optional(
      explained(
        'must be an array of event types, each once',
        Type.Array(oneOf(EVENT_TYPES), {
          minItems: 1,
          uniqueItems: true,
          description: 'Only these. Left out: all.',
        }),
      ),
    ),
  },
  rotate: {
    overlapSeconds: Type.Optional(
      explained(
        `must be a whole number from 0 to ${OVERLAP_MAX_S}`,
        Type.Integer({
          minimum: 0,
          maximum: OVERLAP_MAX_S,
          default: DAY_S,
          description: 'For so long the secrets of before go on signing too.',
        }),
      ),
    ),
  },
  resend: {
    eventIds: Type.Optional(
      explained(
        `must be an array of 1 to ${LIMITS.acknowledgedIds} ids of events`,
        Type.Array(id('An event.'), {
          minItems: 1,
          maxItems: LIMITS.acknowledgedIds,
          description: 'Which dead letters. Left out: all.',
        }),
      ),
    ),
  },
} as const;

const moment = (description: string) => Type.String({ format: 'date-time', description });
const HOLDERS = ['terminal', 'merchant', 'paychannel'] as const;

const fields = {
  id: Type.String(),
  holder: Type.Object({ kind: oneOf(HOLDERS), id: Type.String() }),
  driver: Type.String({ description: '`webhook`, or the name of a loaded driver.' }),
  url: nullable(Type.String({ description: 'Of a webhook.' })),
  eventTypes: nullable(Type.Array(Type.String())),
  state: oneOf(['pending', 'active', 'disabled'], {
    description:
      'Pending until it has answered a challenge; disabled once it has answered 410: a test that it passes makes it active again.',
  }),
  createdAt: moment('When it was registered.'),
  secrets: Type.Array(
    Type.Object({
      id: Type.String(),
      createdAt: moment('When it was made.'),
      endsAt: nullable(moment('Until when it signs, beside the one that took its place.')),
    }),
    { description: 'Those that sign now, without themselves, the newest first.' },
  ),
  health: Type.Object({
    breaker: nullable(
      oneOf(['closed', 'open', 'probing'], {
        description: 'Open: it has failed in a row, and is left alone for a while.',
      }),
    ),
    pending: Type.Integer({ minimum: 0, description: 'Events on their way to it.' }),
    deadLetters: Type.Integer({ minimum: 0 }),
    succeededAt: nullable(moment('When it last took an event.')),
    failedAt: nullable(moment('When it last did not.')),
    failure: nullable(Type.String({ description: 'What it did then.' })),
  }),
};

export const webhook = named('Webhook', Type.Object(fields));
export const newWebhook = named(
  'NewWebhook',
  Type.Object({
    ...fields,
    secret: nullable(
      Type.String({
        description: 'It signs with this: shown this once, and to no repeat of the call.',
      }),
    ),
  }),
);
export const webhookList = listOf('WebhookList', webhook);
export const webhookTest = named(
  'WebhookTest',
  Type.Object({
    passed: Type.Boolean({ description: 'Whether it echoed the challenge.' }),
    said: Type.String({ description: 'What it did.' }),
    webhook,
  }),
);
export const deadLetterList = listOf(
  'DeadLetterList',
  named(
    'DeadLetter',
    Type.Object({
      id: Type.String({ description: 'The event’s.' }),
      billId: Type.String(),
      type: Type.String(),
      occurredAt: moment('When it happened.'),
      since: moment('When it was given up.'),
      failure: nullable(Type.String({ description: 'What became of the last attempt.' })),
    }),
  ),
);

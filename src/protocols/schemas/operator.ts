// What operators send and are shown.

import { type Static, type TProperties, Type } from '@sinclair/typebox';
import { agreementFields } from './agreements.ts';
import { codeFields } from './codes.ts';
import { EVENT_TYPES } from './event-responses.ts';
import { policies } from './new-bill-request.ts';
import { payerFields } from './payers.ts';
import { listOf } from './responses.ts';
import { closed, explained, id, MODES, named, nullable, oneOf, text, time } from './scalars.ts';
import { tariffSchema } from './tariff-schema.ts';
import { webhookFields } from './webhooks.ts';

const NAME_MAX = 200;
const CITY_MAX = 100;
const LIMIT_MAX = 1_000_000;
const ROLES = ['system', 'institutionAdmin', 'institutionViewer', 'merchantAdmin'] as const;
const KINDS = ['institution', 'merchant', 'terminal', 'paychannel', 'operator'] as const;
const HOLDERS = ['merchant', 'terminal', 'paychannel', 'operator'] as const;

const flag = (description: string) =>
  explained('must be true or false', Type.Boolean({ default: false, description }));
const name = text(NAME_MAX, 'What people call it.');
const city = text(CITY_MAX, 'Where it does business; payers read it.');
const restricted = flag('Sees its own bills only, not its merchant’s.');
const subscribed = flag('Hears `payment.confirmed`.');
const institutionId = id('The institution that it belongs to.');
const merchantId = id('The merchant that it belongs to.');
const signatures = oneOf(['off', 'required'], {
  description: 'Whether its requests must be signed (RFC 9421) with one of its signing secrets.',
});
const certificates = explained(
  'must be at most 8 SHA-256 fingerprints, as hex with or without colons',
  Type.Array(
    explained(
      'must be a SHA-256 fingerprint, as hex with or without colons',
      Type.String({ pattern: '^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$' }),
    ),
    {
      maxItems: 8,
      uniqueItems: true,
      description:
        'SHA-256 of client certificates: where any is named, its connections must show one of them. They are named anew as a whole.',
    },
  ),
);
const USES = ['key', 'signing'] as const;
const withKey = flag('Makes its first key too, which the answer shows: this once.');
const idempotencyKey = Type.Optional(
  explained(
    'must be 1 to 64 of A-Za-z0-9._:-',
    Type.String({ pattern: '^[A-Za-z0-9._:-]{1,64}$' }),
  ),
);

const count = (description: string) =>
  Type.Optional(
    explained(
      `must be a whole number from 1 to ${LIMIT_MAX}, or null for no limit`,
      nullable(Type.Integer({ minimum: 1, maximum: LIMIT_MAX, description })),
    ),
  );
/** What is left out goes by the configuration of the switch. */
const limitFields = {
  requestsPerSecond: count('Requests in a second, over time. null: no limit.'),
  burst: count('Requests at once after a pause. Left out: those of a second.'),
  sockets: count('WebSockets open at once. null: no limit.'),
};

/** Each also takes `idempotencyKey`, which over HTTP is a header. */
export const operatorRequests = {
  'operator.institution.add': object({
    name,
    mode: Type.Optional(
      oneOf(MODES, { default: 'live', description: 'Test never meets live. For ever.' }),
    ),
    policies: Type.Optional(policies),
  }),
  'operator.institution.change': some({ name, policies }),
  'operator.merchant.add': object({
    institutionId,
    name,
    city,
    policies: Type.Optional(policies),
  }),
  'operator.merchant.change': some({ name, city, policies }),
  'operator.terminal.add': object({
    merchantId,
    name,
    restricted: Type.Optional(restricted),
    withKey: Type.Optional(withKey),
  }),
  'operator.terminal.change': some({ name, restricted }),
  'operator.paychannel.add': object({
    institutionId,
    name,
    subscribed: Type.Optional(subscribed),
    signatures: Type.Optional(signatures),
    certificates: Type.Optional(certificates),
    withKey: Type.Optional(withKey),
  }),
  'operator.paychannel.change': some({ name, subscribed, signatures, certificates }),
  'operator.operator.add': object({
    role: oneOf(ROLES, { description: 'What it may do.' }),
    institutionId: Type.Optional(institutionId),
    merchantId: Type.Optional(merchantId),
    name,
    withKey: Type.Optional(withKey),
  }),
  'operator.operator.change': some({ name }),
  'operator.institution.changeCodes': some(codeFields.institution),
  'operator.merchant.changeCodes': some(codeFields.merchant),
  'operator.terminal.changeCodes': some(codeFields.terminal),
  'operator.party.act': object({}),
  'operator.party.limit': object(limitFields),
  'operator.key.add': object({
    holder: Type.Object({ kind: oneOf(HOLDERS), id: id('Whose key it is to be.') }, closed),
    name: Type.Optional(text(NAME_MAX, 'What the key is for.')),
    use: Type.Optional(
      oneOf(USES, {
        default: 'key',
        description:
          '`signing`: a secret that a paychannel signs its requests with; it opens nothing.',
      }),
    ),
    expiresAt: Type.Optional(time('When it ends. Left out: not by itself.')),
  }),
  'operator.key.revoke': object({}),
  'operator.event.resend': Type.Object({}, closed),
  'operator.event.resendAll': Type.Object(
    {
      type: Type.Optional(oneOf(EVENT_TYPES, { description: 'Of this type only.' })),
      terminalId: Type.Optional(id('Those to this terminal only.')),
      paychannelId: Type.Optional(id('Those to this paychannel only.')),
      from: Type.Optional(time('That happened not before.')),
      to: Type.Optional(time('That happened before.')),
      cursor: Type.Optional(text(512, 'The `nextCursor` of the call before.')),
    },
    closed,
  ),
  'operator.agreement.add': object(agreementFields),
  'operator.tariff.put': object(tariffSchema.properties),
  'operator.webhook.add': object(webhookFields.add),
  'operator.webhook.rotate': object(webhookFields.rotate),
  'operator.webhook.test': object({}),
  'operator.webhook.resend': object(webhookFields.resend),
  'operator.payer.erase': object(payerFields),
} as const;

export type OperatorRequestName = keyof typeof operatorRequests;
export type OperatorRequestBody<Name extends OperatorRequestName> = Static<
  (typeof operatorRequests)[Name]
>;

const moment = (description: string) => Type.String({ format: 'date-time', description });

const partyFields = {
  kind: oneOf(KINDS),
  id: Type.String(),
  institutionId: nullable(Type.String()),
  merchantId: nullable(Type.String()),
  name: Type.String(),
  city: nullable(Type.String()),
  restricted: Type.Boolean(),
  subscribed: Type.Boolean(),
  role: nullable(oneOf(ROLES)),
  policies: nullable(policies),
  mode: nullable(oneOf(MODES, { description: 'Of its institution. Test never meets live.' })),
  signatures: nullable(signatures),
  certificates: nullable(Type.Array(Type.String({ description: 'SHA-256, hex.' }))),
  suspendedAt: nullable(
    moment('Since when nothing new begins for it. What is above it may be suspended too.'),
  ),
  createdAt: moment('When it was added.'),
};
export const party = named('Party', Type.Object(partyFields));

const keyFields = {
  id: Type.String({ description: 'Names the key; it opens nothing.' }),
  name: Type.String(),
  use: oneOf(USES),
  holder: Type.Object({ kind: oneOf(HOLDERS), id: Type.String() }),
  createdAt: moment('When it was made.'),
  expiresAt: nullable(moment('When it ends.')),
  lastUsedAt: nullable(moment('When it was last used, to a minute or two.')),
  revokedAt: nullable(moment('When it was withdrawn.')),
};
export const issuedKey = named('Key', Type.Object(keyFields));

const limit = nullable(Type.Integer({ minimum: 1, maximum: LIMIT_MAX }));
export const partyLimits = named(
  'PartyLimits',
  Type.Object({
    kind: oneOf(['institution', 'terminal', 'paychannel']),
    id: Type.String(),
    set: Type.Object(limitFields, { description: 'What an operator has set.' }),
    inForce: Type.Object(
      { requestsPerSecond: limit, burst: limit, sockets: limit },
      {
        description: 'With what this switch is configured to where nothing is set; null: no limit.',
      },
    ),
  }),
);

const secret = nullable(
  Type.String({ description: 'The key itself: shown this once, and to no repeat of the call.' }),
);
export const newParty = named('NewParty', Type.Object({ ...partyFields, key: secret }));
export const newKey = named('NewKey', Type.Object({ ...keyFields, key: secret }));
export const partyList = listOf('PartyList', party);
export const keyList = listOf('KeyList', issuedKey);
export const auditLines = named(
  'AuditLines',
  Type.Object({
    items: Type.Array(
      Type.Object({
        no: Type.Integer({ minimum: 1, description: 'One after the other, with no gap.' }),
        entry: Type.String({ description: 'JSON, as it was hashed.' }),
        hash: Type.String({
          description: 'SHA-256, hex, of the hash before (the first: none) followed by `entry`.',
        }),
      }),
    ),
  }),
);

function object<T extends TProperties>(properties: T) {
  return Type.Object({ ...properties, idempotencyKey }, closed);
}

/** Any of the fields, at least one. */
function some<T extends TProperties>(properties: T) {
  return explained(
    'must hold at least one field',
    Type.Object({ ...Type.Partial(Type.Object(properties)).properties, idempotencyKey }, closed),
  );
}

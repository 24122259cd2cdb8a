// What the Fastify peer takes and answers: schemas that validate requests and let Fastify compile its serialisers.

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength }) as const;
const reference = { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,64}$' } as const;
const amount = { type: 'integer', minimum: 1, maximum: 1_000_000_000_000 } as const;
const currency = { type: 'string', pattern: '^[A-Z]{3}$' } as const;

const closed = <P extends object>(required: string[], properties: P) => ({
  type: 'object',
  required,
  properties,
  additionalProperties: false,
});

export const createBody = closed(['orderId', 'amount', 'currency'], {
  orderId: reference,
  amount,
  currency,
  description: { type: 'string', maxLength: 500 },
  expiresIn: { type: 'integer', minimum: 1, maximum: 2_592_000 },
  metadata: {
    type: 'object',
    maxProperties: 20,
    additionalProperties: { type: 'string', maxLength: 500 },
  },
});

export const payBody = closed(['paymentRef', 'amount', 'currency'], {
  paymentRef: reference,
  amount,
  currency,
  method: text(32),
  payer: text(64),
});

export const acknowledgeBody = closed(['ids'], {
  ids: { type: 'array', maxItems: 1_000, items: { type: 'string', maxLength: 64 } },
});

export const confirmBody = closed([], {});

export const billParams = closed(['id'], {
  id: { type: 'string', pattern: '^[0-9A-HJKMNP-TV-Z]{26}$' },
});

// ------------------------------------------------------------------------------------------------------ answers --

const string = { type: 'string' };
const integer = { type: 'integer' };
const nullableString = { type: ['string', 'null'] };
const nothing = { type: 'null' };

const shown = (properties: object) => ({ type: 'object', properties });
const each = (type: object, ...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, type]));

const payment = shown({
  ...each(string, 'id', 'paychannelId', 'paymentRef'),
  ...each(integer, 'amount', 'credited'),
  method: nullableString,
  status: string,
  code: nothing,
  receivedAt: string,
  merchantNotifiedAt: nullableString,
});

const bill = shown({
  ...each(string, 'id', 'type', 'status'),
  version: integer,
  ...each(string, 'orderId', 'purpose'),
  amount: integer,
  ...each(nothing, 'minAmount', 'maxAmount'),
  currency: string,
  ...each(integer, 'due', 'paid', 'confirmed', 'reversed', 'refunded', 'unreturned', 'reserved'),
  description: nullableString,
  lines: { type: 'array', items: shown({}) },
  metadata: { type: 'object', additionalProperties: string },
  capture: string,
  policies: shown({ unconfirmed: string }),
  ...each(string, 'terminalId', 'merchantId', 'institutionId'),
  relatedBillId: nothing,
  ...each(string, 'createdAt', 'expiresAt'),
  ...each(nullableString, 'paidAt', 'confirmedAt', 'closedAt', 'cause'),
  receipt: nothing,
  payments: { type: 'array', items: payment },
  credits: { type: 'array', items: shown({}) },
  qr: shown(each(string, 'format', 'payload', 'svg', 'png')),
});

const view = shown({
  ...each(string, 'id', 'type', 'status'),
  merchant: shown(each(string, 'name', 'city')),
  description: nullableString,
  lines: { type: 'array', items: shown({}) },
  currency: string,
  ...each(integer, 'amount', 'due'),
  ...each(nothing, 'minAmount', 'maxAmount'),
  part: string,
  payable: { type: 'boolean' },
  ...each(nullableString, 'reason', 'retryAt'),
  ...each(string, 'now', 'expiresAt'),
  quote: nothing,
});

const paid = shown({
  payment,
  bill: shown({
    ...each(string, 'id', 'status'),
    ...each(integer, 'version', 'amount'),
    currency: string,
    ...each(integer, 'paid', 'due'),
  }),
});

export const answers = {
  bill: { 200: bill, 201: bill },
  view: { 200: view },
  paid: { 201: paid },
  acknowledged: { 200: shown({ acknowledged: integer }) },
};

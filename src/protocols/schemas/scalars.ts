// The small schemas that all others are made of. They validate requests and are the OpenAPI document; `explain` is
// what a client reads where its value does not fit.

import {
  FormatRegistry,
  Kind,
  type TObject,
  type TProperties,
  type TSchema,
  type TUnsafe,
  Type,
  TypeRegistry,
} from '@sinclair/typebox';
import { AMOUNT_MAX } from '../../domain/money.ts';
import { isCurrency } from '../currencies.ts';
import { parseTime } from '../wire-time.ts';

/** Marks what a client reads where the value does not fit. A symbol, so that the OpenAPI document does not show it. */
export const EXPLAIN: unique symbol = Symbol('explain');
/** Marks a schema that stands under its name in the OpenAPI document. */
export const NAME: unique symbol = Symbol('name');

export const LIMITS = {
  bodyBytes: 65_536,
  receiptBytes: 8_192,
  jsonDepth: 16,
  metadataEntries: 20,
  metadataKey: 64,
  metadataValue: 500,
  lines: 200,
  lineName: 500,
  description: 500,
  method: 32,
  payer: 64,
  reason: 500,
  reference: 64,
  returnUrl: 2_000,
  qrText: 2_000,
  expiresInS: 2_592_000,
  confirmWithinMinS: 60,
  confirmWithinS: 2_592_000,
  acknowledgedIds: 1_000,
  waitS: 30,
  payments: 100_000_000,
  page: 100,
  requestId: 128,
} as const;

const STRING_ENUM = 'StringEnum';

TypeRegistry.Set(STRING_ENUM, (schema, value) => {
  const { enum: allowed } = schema as { enum: readonly unknown[] };
  return allowed.includes(value);
});
FormatRegistry.Set('date-time', (text) => parseTime(text) !== undefined);
FormatRegistry.Set('currency', isCurrency);
FormatRegistry.Set('http-url', isHttpUrl);

/** Of institutions, and so of their bills. */
export const MODES = ['test', 'live'] as const;

/** One of several words. */
export function oneOf<const T extends readonly string[]>(
  words: T,
  options: object = {},
): TUnsafe<T[number]> {
  return {
    ...Type.Unsafe<T[number]>({ type: 'string', enum: words, ...options }),
    [Kind]: STRING_ENUM,
    [EXPLAIN]: `must be one of ${words.join(', ')}`,
  } as unknown as TUnsafe<T[number]>;
}

export function named<T extends TSchema>(name: string, schema: T): T {
  return { ...schema, [NAME]: name };
}

export function explained<T extends TSchema>(explanation: string, schema: T): T {
  return { ...schema, [EXPLAIN]: explanation };
}

export function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()]);
}

/** An object that takes no field beside these. */
export const closed = { additionalProperties: false } as const;

export const amount = (minimum: 0 | 1, description: string) =>
  explained(
    `must be a whole number of minor units from ${minimum} to 10^12`,
    Type.Integer({ minimum, maximum: AMOUNT_MAX, description, examples: [1500] }),
  );

export const reference = (description: string) =>
  explained(
    'must be 1 to 64 of A-Za-z0-9._:-',
    Type.String({
      pattern: '^[A-Za-z0-9._:-]{1,64}$',
      minLength: 1,
      maxLength: LIMITS.reference,
      description,
    }),
  );

export const text = (maxLength: number, description: string) =>
  explained(
    `must be text of 1 to ${maxLength} characters`,
    Type.String({ minLength: 1, maxLength, description }),
  );

/** An id that the switch gave out: opaque, and looked up rather than judged. */
export const id = (description: string) =>
  explained(
    'must be an id of 1 to 64 characters',
    Type.String({ minLength: 1, maxLength: 64, description }),
  );

export const billIdText = (description: string) =>
  explained(
    'must be a bill id: 26 characters of Crockford base32',
    Type.String({
      pattern: '^[0-9A-HJKMNP-TV-Z]{26}$',
      description,
      examples: ['01JB3M0Q2V00AZ4R8XN5T6K9WC'],
    }),
  );

export const currency = explained(
  'must be an active ISO 4217 alphabetic code',
  Type.String({
    format: 'currency',
    minLength: 3,
    maxLength: 3,
    description: 'ISO 4217 alphabetic code.',
    examples: ['EUR'],
  }),
);

export const time = (description: string) =>
  explained(
    'must be an RFC 3339 time from 1970 to 2999',
    Type.String({
      format: 'date-time',
      maxLength: 40,
      description,
      examples: ['2026-01-31T09:30:00.000Z'],
    }),
  );

export const httpUrl = (description: string) =>
  explained(
    `must be an http or https address of at most ${LIMITS.returnUrl} characters`,
    Type.String({ format: 'http-url', maxLength: LIMITS.returnUrl, description }),
  );

// The parser leaves out tabs and ends of lines, which would be told to wallets as they came.
const CONTROL = /\p{Cc}/u;

function isHttpUrl(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || CONTROL.test(text)) return false;
  return URL.canParse(text);
}

/** A request’s body: these fields and no others. */
export function object<T extends TProperties>(properties: T): TObject<T> {
  return Type.Object(properties, closed);
}

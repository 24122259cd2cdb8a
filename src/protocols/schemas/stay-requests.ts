// What only the requests of timer bills say.

import { Kind, type Static, type TUnsafe, Type, TypeRegistry } from '@sinclair/typebox';
import { closed, EXPLAIN, id, reference, time } from './scalars.ts';
import { tariffSchema } from './tariff-schema.ts';

export const tariffByName = Type.Object(
  { name: reference('Of a tariff that operators keep for the merchant; its newest revision.') },
  closed,
);
export type TariffByName = Static<typeof tariffByName>;
type GivenTariff = Static<typeof tariffSchema> | TariffByName;

/**
 * The document, or the name of one that is kept. As an alternative of two schemas, what is wrong would be told of the whole
 * alone: here it is seen that it is an object, and the tariff’s reader tells the rest by its place (new-bill.ts).
 */
const GIVEN_TARIFF = 'GivenTariff';
TypeRegistry.Set(
  GIVEN_TARIFF,
  (_schema, value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);
const givenTariff = {
  ...Type.Unsafe<GivenTariff>({
    anyOf: [tariffSchema, tariffByName],
    description: 'Of a timer bill: what its time costs. It is copied onto the bill.',
  }),
  [Kind]: GIVEN_TARIFF,
  [EXPLAIN]: 'must be a tariff, or the name of one that is kept',
} as unknown as TUnsafe<GivenTariff>;

/** Fields that only timer bills have. */
export const timerFields = {
  tariff: Type.Optional(givenTariff),
  startedAt: Type.Optional(
    time('When the stay began, at most 366 days ago. Left out: with the bill.'),
  ),
};

export const quoteId = Type.Optional(
  id('Of a timer bill: the quote whose price is to be paid, to the cent, until it ends.'),
);

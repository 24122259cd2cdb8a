// What the codes of a party are made of, as operators send and are shown it.

import { FormatRegistry, Type } from '@sinclair/typebox';
import { OWN_FORMATS } from '../../domain/bill/vocabulary.ts';
import { isCountry } from '../countries.ts';
import { explained, named, nullable, oneOf } from './scalars.ts';

FormatRegistry.Set('country', isCountry);

const given = (rule: string, schema: Parameters<typeof nullable>[0]) =>
  Type.Optional(explained(`must be ${rule}, or null for none`, nullable(schema)));
const FORMAT = '^[a-z0-9-]{1,32}$';
const format = given(
  'the name of a format: url, emvco, sbp, or one that the operator has loaded',
  Type.String({
    pattern: FORMAT,
    examples: [...OWN_FORMATS],
    description: 'What codes are, where a create does not say.',
  }),
);
const country = given(
  'an ISO 3166-1 alpha-2 code',
  Type.String({
    format: 'country',
    minLength: 2,
    maxLength: 2,
    description: 'Where it does business; the merchant’s goes before its institution’s.',
    examples: ['LV'],
  }),
);
const category = given(
  'a merchant category code of 4 digits',
  Type.String({ pattern: '^[0-9]{4}$', description: 'ISO 18245.', examples: ['5814'] }),
);
const sbpMember = given(
  'a member number of 12 digits',
  Type.String({ pattern: '^[0-9]{12}$', description: 'The number that SBP knows it by.' }),
);

/** What is left out stays as it is. */
export const codeFields = {
  institution: { format, country, sbpMember },
  merchant: { country, category },
  terminal: { format },
} as const;

export const partyCodes = named(
  'PartyCodes',
  Type.Object({
    kind: oneOf(['institution', 'merchant', 'terminal']),
    id: Type.String(),
    set: Type.Object(
      { format, country, category, sbpMember },
      { description: 'What an operator has set of it.' },
    ),
    inForce: Type.Object(
      {
        format: Type.String({ pattern: FORMAT, examples: [...OWN_FORMATS] }),
        country: nullable(Type.String()),
        category: nullable(Type.String()),
        sbpMember: nullable(Type.String()),
      },
      { description: 'With what it has from its merchant and its institution.' },
    ),
  }),
);

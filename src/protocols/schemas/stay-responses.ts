// What only timer bills answer: when a stay began, until when one may leave, and what it costs for a while.

import { Type } from '@sinclair/typebox';
import { named, nullable } from './scalars.ts';

const time = (description: string) => Type.String({ format: 'date-time', description });

export const stayed = {
  startedAt: Type.Optional(time('Of a timer bill: when the stay began.')),
  clearUntil: Type.Optional(
    nullable(
      time(
        'Of a timer bill that is paid: until when one may leave before more becomes due; null: nothing more will.',
      ),
    ),
  ),
};

export const origin = Type.Optional(
  nullable(
    Type.Object(
      { name: Type.String(), revision: Type.Integer({ minimum: 1 }) },
      {
        description:
          'Of a timer bill: the kept tariff, and its revision, that was copied onto it. null: the bill brought its own.',
      },
    ),
  ),
);

export const quote = named(
  'Quote',
  Type.Object(
    {
      id: Type.String({ description: 'For `quoteId`.' }),
      amount: Type.Integer({ minimum: 1, description: 'What pays for the stay until it ends.' }),
      until: time('Before then, the amount is good.'),
    },
    {
      description:
        'A price that is honoured to the cent until it ends, whatever the tariff says by then.',
    },
  ),
);

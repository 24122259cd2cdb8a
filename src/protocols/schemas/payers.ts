// What operators are shown of payers.

import { Type } from '@sinclair/typebox';
import { id, named, nullable } from './scalars.ts';

export const payerFields = {
  paymentId: Type.Optional(id('The payment whose label goes. Left out: of all payments.')),
};

export const payers = named(
  'Payers',
  Type.Object({
    items: Type.Array(
      Type.Object({
        paymentId: Type.String(),
        payer: nullable(
          Type.String({
            description: 'The label; null: none was told, it was erased, or its key is gone.',
          }),
        ),
      }),
    ),
  }),
);
export const erased = named(
  'ErasedPayers',
  Type.Object({ erased: Type.Integer({ minimum: 0, description: 'How many there were.' }) }),
);

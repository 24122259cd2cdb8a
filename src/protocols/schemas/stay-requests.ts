// What only the requests of timer bills say.

import { Type } from '@sinclair/typebox';
import { id, time } from './scalars.ts';
import { tariffSchema } from './tariff-schema.ts';

/** Fields that only timer bills have. */
export const timerFields = {
  tariff: Type.Optional(tariffSchema),
  startedAt: Type.Optional(
    time('When the stay began, at most 366 days ago. Left out: with the bill.'),
  ),
};

export const quoteId = Type.Optional(
  id('Of a timer bill: the quote whose price is to be paid, to the cent, until it ends.'),
);

// Tariffs that operators keep for merchants, as operators send and are shown them.

import { Type } from '@sinclair/typebox';
import { listOf } from './responses.ts';
import { named, nullable } from './scalars.ts';
import { tariffSchema } from './tariff-schema.ts';

const moment = (description: string) => Type.String({ format: 'date-time', description });
const revision = (description: string) => Type.Integer({ minimum: 1, description });

const fields = {
  id: Type.String(),
  merchantId: Type.String({ description: 'Whose bills may be made of it.' }),
  name: Type.String({ description: 'What bills call it: `tariff: { name }`.' }),
  revision: revision('The newest: bills are made of it.'),
  endedAt: nullable(moment('Since when no bill is made of it.')),
  createdAt: moment('When it was first put.'),
};

export const keptTariff = named('KeptTariff', Type.Object(fields));
export const keptTariffList = listOf('KeptTariffList', keptTariff);
export const shownTariff = named(
  'ReadTariff',
  Type.Object({
    ...fields,
    shown: revision('Whose document this is.'),
    document: tariffSchema,
    revisions: Type.Array(
      Type.Object({
        revision: revision('They count from 1.'),
        putBy: Type.String({ description: 'The operator who put it.' }),
        putAt: moment('When.'),
      }),
      { description: 'The latest 100, newest first.' },
    ),
  }),
);

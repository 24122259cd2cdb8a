// The shape that the answers of a driver for an acquirer must have.

import { type TSchema, Type } from '@sinclair/typebox';
import { AMOUNT_MAX } from '../../domain/money.ts';
import { type KindShapes, shapesOf } from './kind-shapes.ts';

const amount = Type.Integer({ minimum: 0, maximum: AMOUNT_MAX });
const ms = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const short = Type.String({ maxLength: 500 });

const registration = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 36 }),
  amount,
  currency: Type.String({ minLength: 3, maxLength: 3 }),
  ref: Type.String({ minLength: 1, maxLength: 128 }),
  payload: Type.String({ minLength: 1, maxLength: 2_000 }),
  notes: Type.Record(Type.String({ maxLength: 64 }), short, { maxProperties: 16 }),
});

const sighting = Type.Object({
  status: Type.Union(
    ['open', 'paying', 'paid', 'cancelled', 'expired', 'failed'].map((word) => Type.Literal(word)),
  ),
  paid: amount,
  returned: amount,
  isReturning: Type.Boolean(),
  reference: Type.Union([Type.Null(), short]),
  payer: Type.Union([Type.Null(), short]),
});

const codes = [
  'unreachable',
  'busy',
  'unauthorised',
  'unfit',
  'unregistered',
  'paid',
  'notPaid',
  'closed',
  'exceeds',
  'moved',
  'usedUp',
  'refused',
];

const outcomeOf = (value: TSchema) =>
  Type.Union([
    Type.Object({ outcome: Type.Literal('done'), value }),
    Type.Object({
      outcome: Type.Literal('notDone'),
      code: Type.Union(codes.map((code) => Type.Literal(code))),
      detail: Type.String({ maxLength: 2_000 }),
      again: Type.Union([
        Type.Literal('never'),
        Type.Literal('anew'),
        Type.Object({ afterMs: ms }),
      ]),
    }),
    Type.Object({
      outcome: Type.Literal('unknown'),
      detail: Type.String({ maxLength: 2_000 }),
      afterMs: ms,
      unsent: Type.Optional(
        Type.Union(['early', 'unclear', 'busy'].map((word) => Type.Literal(word))),
      ),
    }),
  ]);

const reply = Type.Object({
  status: Type.Integer({ minimum: 200, maximum: 599 }),
  headers: Type.Record(Type.String(), Type.String()),
  body: Type.String({ maxLength: 65_536 }),
});

const reading = Type.Union([
  Type.Object({
    about: Type.Object({
      id: Type.String({ maxLength: 64 }),
      ref: Type.String({ maxLength: 128 }),
    }),
    reply,
  }),
  Type.Object({ refused: short, reply }),
]);

const capabilities = Type.Object({
  hold: Type.Boolean(),
  partialRefund: Type.Boolean(),
  closesByItself: Type.Boolean(),
  notifications: Type.Union([
    Type.Literal('signed'),
    Type.Literal('unsigned'),
    Type.Literal('none'),
  ]),
  currencies: Type.Array(Type.String({ pattern: '^[A-Z]{3}$' }), { minItems: 1 }),
  amountMin: amount,
  amountMax: amount,
  lifetimeMinMs: ms,
  lifetimeMaxMs: ms,
});

export const billShapes: KindShapes = shapesOf(capabilities, {
  register: outcomeOf(registration),
  look: outcomeOf(sighting),
  cancel: outcomeOf(sighting),
  refund: outcomeOf(sighting),
  readNotification: reading,
});

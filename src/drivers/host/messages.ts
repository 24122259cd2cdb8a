// What a driver's thread and its host say to each other, and the shape that a driver's answers must have: it is other
// people's code, so nothing of it is believed unread.

import { type TSchema, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { AMOUNT_MAX } from '../../domain/money.ts';

export interface ThreadData {
  /** What it imports: a package's name, or a file's URL. */
  readonly specifier: string;
  readonly settings: unknown;
}

export type HostedCall = 'register' | 'look' | 'cancel' | 'refund' | 'readNotification';

/** Whether the thread still turns. */
export const PING = 'ping';

export interface ToThread {
  readonly no: number;
  readonly call: HostedCall;
  readonly args: readonly unknown[];
}

export type FromThread =
  | { readonly type: 'ready'; readonly capabilities: unknown }
  | { readonly type: 'pong' }
  | { readonly type: 'refused'; readonly why: string }
  | { readonly type: 'answer'; readonly no: number; readonly answer: unknown }
  | { readonly type: 'threw'; readonly no: number; readonly why: string };

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

const answers = {
  register: TypeCompiler.Compile(outcomeOf(registration)),
  look: TypeCompiler.Compile(outcomeOf(sighting)),
  cancel: TypeCompiler.Compile(outcomeOf(sighting)),
  refund: TypeCompiler.Compile(outcomeOf(sighting)),
  readNotification: TypeCompiler.Compile(reading),
} as const;
const capable = TypeCompiler.Compile(capabilities);

/** Whether the answer has the shape that the contract gives to answers of this call. */
export function isAnswer(call: HostedCall, answer: unknown): boolean {
  return answers[call].Check(answer);
}

export function areCapabilities(value: unknown): boolean {
  return capable.Check(value);
}

// The control API, the same for every simulated bank: what payers and people at the bank do, what goes wrong, and the
// books as the bank has them.
//
//   POST   /_sim/pay               { what }                     a payer scans the code and pays
//   POST   /_sim/pay/fail          { what }                     an attempt to pay fails
//   POST   /_sim/refunds/by-hand   { what, amount }             somebody at the bank gives money back
//   POST   /_sim/refunds/refuse    { code, count? }             the next refunds are refused so
//   POST   /_sim/faults            a fault (faults.ts)          DELETE clears them
//   POST   /_sim/notifications     { copies?, hold? }           duplicates; kept back, then let go in another order
//   GET    /_sim/books             what was asked for, paid and given back
//
// `what` is the merchant's number of the order, the bank's, or the text of the code.

import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { Courier, CourierFigures } from './courier.ts';
import { type Faults, faultSchema } from './faults.ts';
import { CONTROL, jsonAnswer, jsonIn, type SimAnswer, type SimRequest } from './server.ts';

/** One order as the bank has it, in the same words for every bank. */
export interface BookEntry {
  /** The merchant's number of it. */
  readonly order: string;
  /** The bank's. */
  readonly ref: string;
  readonly payload: string | undefined;
  readonly status: string;
  readonly amount: number;
  readonly paid: number;
  readonly returned: number;
  /** `at`: when it was asked for, wall clock, ms. */
  readonly refunds: readonly { amount: number; by: 'api' | 'hand'; status: string; at: number }[];
}

/** What the control API does to a bank. A text that comes back says why it could not be done. */
export interface Controlled {
  readonly pay: (what: string) => string | undefined;
  readonly failAttempt: (what: string) => string | undefined;
  readonly refundByHand: (what: string, amount: number) => string | undefined;
  readonly refuseRefunds: (code: string, count: number) => string | undefined;
  readonly books: () => readonly BookEntry[];
  readonly faults: Faults;
  readonly courier: Courier;
}

interface Books {
  readonly orders: readonly BookEntry[];
  readonly notifications: CourierFigures;
}

const closed = { additionalProperties: false } as const;
const what = Type.String({ minLength: 1, maxLength: 512 });

const bodies = {
  'POST pay': Type.Object({ what }, closed),
  'POST pay/fail': Type.Object({ what }, closed),
  'POST refunds/by-hand': Type.Object(
    { what, amount: Type.Integer({ minimum: 1, maximum: 1e15 }) },
    closed,
  ),
  'POST refunds/refuse': Type.Object(
    {
      code: Type.String({ minLength: 1, maxLength: 6 }),
      count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    },
    closed,
  ),
  'POST faults': faultSchema,
  'DELETE faults': Type.Unknown(),
  'POST notifications': Type.Object(
    {
      copies: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
      hold: Type.Optional(Type.Boolean()),
    },
    closed,
  ),
  'GET books': Type.Unknown(),
} as const;

type Call = keyof typeof bodies;
type Calls = {
  readonly [Name in Call]: (
    bank: Controlled,
    body: Static<(typeof bodies)[Name]>,
  ) => string | undefined | Books;
};

const calls: Calls = {
  'POST pay': (bank, body) => bank.pay(body.what),
  'POST pay/fail': (bank, body) => bank.failAttempt(body.what),
  'POST refunds/by-hand': (bank, body) => bank.refundByHand(body.what, body.amount),
  'POST refunds/refuse': (bank, body) => bank.refuseRefunds(body.code, body.count ?? 1),
  'POST faults': (bank, body) => void bank.faults.add(body),
  'DELETE faults': (bank) => void bank.faults.clear(),
  'POST notifications': (bank, body) => {
    if (body.copies !== undefined) bank.courier.copies = body.copies;
    if (body.hold === true) bank.courier.hold();
    if (body.hold === false) bank.courier.release();
    return undefined;
  },
  'GET books': (bank) => ({ orders: bank.books(), notifications: bank.courier.figures }),
};

export function answerControl(bank: Controlled, request: SimRequest): SimAnswer {
  const name = `${request.method} ${request.path.slice(CONTROL.length)}`;
  if (!isCall(name)) return jsonAnswer({ fault: 'There is no such call.' }, 404);
  const body = request.body === '' ? {} : jsonIn(request.body);
  const schema: TSchema = bodies[name];
  if (!Value.Check(schema, body)) {
    const [error] = Value.Errors(schema, body);
    return jsonAnswer({ fault: `${error?.path ?? ''} ${error?.message ?? 'not JSON'}` }, 400);
  }
  const result = (calls[name] as (bank: Controlled, body: unknown) => string | undefined | Books)(
    bank,
    body,
  );
  if (typeof result === 'string') return jsonAnswer({ fault: result }, 409);
  return jsonAnswer(result ?? {});
}

function isCall(name: string): name is Call {
  return name in bodies;
}

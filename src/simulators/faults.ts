// What goes wrong on purpose. A fault is ordered by the control API for the next so many calls of a path, and is used up
// call by call.
//
//   lost    the connection breaks before the answer
//   slow    the answer comes after `delayMs`
//   status  an HTTP status in place of an answer, as a gateway in front of the bank gives it
//
// Each with its effect: `none` (the bank never got it), `now` (it did), or `late`: it gets it after `delayMs`, when the
// caller has long given up.

import { type Static, Type } from '@sinclair/typebox';

export const faultSchema = Type.Object(
  {
    kind: Type.Union([Type.Literal('lost'), Type.Literal('slow'), Type.Literal('status')]),
    effect: Type.Optional(
      Type.Union([Type.Literal('none'), Type.Literal('now'), Type.Literal('late')]),
    ),
    /** For so many calls. */
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    /** Of calls whose path ends so; all calls where it is left out. */
    path: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    delayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
    /** 200: an answer, but none of the bank’s. */
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599 })),
    /** For `status` 429 and 503. */
    retryAfterS: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600 })),
  },
  { additionalProperties: false },
);

export type FaultOrder = Static<typeof faultSchema>;

export interface Fault {
  readonly kind: FaultOrder['kind'];
  readonly effect: 'none' | 'now' | 'late';
  readonly delayMs: number;
  readonly status: number;
  readonly retryAfterS: number | undefined;
}

const DELAY_MS = 1_000;

export class Faults {
  #orders: { readonly order: FaultOrder; left: number }[] = [];

  add(order: FaultOrder): void {
    this.#orders.push({ order, left: order.count ?? 1 });
  }

  clear(): void {
    this.#orders = [];
  }

  /** The fault of a call of this path, if it has one; it counts as used. */
  take(path: string): Fault | undefined {
    const entry = this.#orders.find(
      ({ order }) => order.path === undefined || path.endsWith(order.path),
    );
    if (entry === undefined) return undefined;
    entry.left -= 1;
    if (entry.left === 0) this.#orders = this.#orders.filter((other) => other !== entry);
    const { kind, effect, delayMs, status, retryAfterS } = entry.order;
    return {
      kind,
      effect: effect ?? (kind === 'slow' ? 'now' : 'none'),
      delayMs: delayMs ?? DELAY_MS,
      status: status ?? 500,
      retryAfterS,
    };
  }
}

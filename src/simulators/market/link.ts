// How a simulated party talks to the switch: as the public API says, by HTTP or WebSocket, and by nothing else.

export type Api = 'terminal' | 'paychannel';
export type Transport = 'http' | 'websocket' | 'both';
export type Json = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** An event as it was pushed or polled. */
export interface PushedEvent {
  readonly id: string;
  readonly type: string;
  readonly billId: string;
  readonly billVersion: number;
  readonly occurredAt: string;
  readonly data: Json;
}

/** The call was lost on its way or on the way back: nobody knows what became of it. */
export class Lost extends Error {
  override readonly name = 'Lost';
}

/** The switch is not there, or does not take a key: nothing can be simulated. */
export class NoSwitch extends Error {
  override readonly name = 'NoSwitch';
}

/** Names of the path and the key's header stand in the body, as over WebSocket. */
export interface Link {
  /** Rejects with `Lost`. */
  ask(op: Op, body: Json): Promise<Answer>;
  close(): void;
}

interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
}

/** The operations that are used, as they stand over HTTP. `{api}` is the party's own. */
export const ROUTES = {
  'bill.create': { method: 'POST', path: '/v1/terminal/bills' },
  'order.resolve': { method: 'POST', path: '/v1/terminal/orders/{orderId}/resolve' },
  'bill.confirm': { method: 'POST', path: '/v1/terminal/bills/{billId}/confirm' },
  'bill.cancel': { method: 'POST', path: '/v1/terminal/bills/{billId}/cancel' },
  'bill.refund': { method: 'POST', path: '/v1/terminal/bills/{billId}/refund' },
  'bill.resolve': { method: 'POST', path: '/v1/paychannel/resolve' },
  'bill.reserve': { method: 'POST', path: '/v1/paychannel/bills/{billId}/reservations' },
  'bill.release': {
    method: 'DELETE',
    path: '/v1/paychannel/bills/{billId}/reservations/{reservationId}',
  },
  'payment.create': { method: 'POST', path: '/v1/paychannel/bills/{billId}/payments' },
  'payment.get': { method: 'GET', path: '/v1/paychannel/bills/{billId}/payments/{paymentRef}' },
  'payment.void': {
    method: 'POST',
    path: '/v1/paychannel/bills/{billId}/payments/{paymentRef}/void',
  },
  'credit.settle': { method: 'POST', path: '/v1/paychannel/credits/{creditId}/settle' },
  'event.ack': { method: 'POST', path: '/v1/{api}/events/ack' },
} as const satisfies Readonly<Record<string, Route>>;

export type Op = keyof typeof ROUTES;

/** What stands in an answer's field, as text; empty where it is none. */
export function textOf(body: Json, field: string): string {
  const value = body[field];
  return typeof value === 'string' ? value : '';
}

export function numberOf(body: Json, field: string): number {
  const value = body[field];
  return typeof value === 'number' ? value : 0;
}

export function partOf(body: Json, field: string): Json {
  const value = body[field];
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

export function partsOf(body: Json, field: string): readonly Json[] {
  const value = body[field];
  return Array.isArray(value) ? (value as Json[]) : [];
}

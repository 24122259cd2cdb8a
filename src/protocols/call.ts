// What a call is, and the calls that both APIs have.

import { type TSchema, Type } from '@sinclair/typebox';
import type { ProblemCode } from './problems.ts';
import * as told from './schemas/event-responses.ts';
import type { OperatorRequestName } from './schemas/operator.ts';
import { queries, type RequestName } from './schemas/requests.ts';
import { oneOf } from './schemas/scalars.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Api = 'terminal' | 'paychannel' | 'operator' | 'everyone';

export interface CallAnswer {
  readonly description: string;
  /** Null: no body. */
  readonly schema: TSchema | null;
  /** `application/json` where left out. */
  readonly contentType?: string;
}

export interface Call {
  readonly id: string;
  readonly method: Method;
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly api: Api;
  readonly summary: string;
  readonly description?: string;
  /** What validates it; its fields that are parameters or the key come from there, the rest from the body. */
  readonly request?: RequestName | OperatorRequestName;
  /** Of a call whose body is lines (NDJSON), answered line by line: what each of them is. */
  readonly lines?: RequestName;
  /** Whether the body as a whole is this field of the request. */
  readonly bodyField?: string;
  readonly query?: Readonly<Record<string, TSchema>>;
  readonly key?: 'required' | 'withAmount' | 'optional';
  readonly answers: Readonly<Record<number, CallAnswer>>;
  readonly problems?: readonly ProblemCode[];
}

const eventsQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 100 })),
  wait: queries.wait.wait,
  after: Type.Optional(
    Type.String({
      maxLength: 128,
      description: 'Re-read what came after this event, acknowledged or not, to 30 days back.',
    }),
  ),
};

/** A list: newest first, page by page. */
export function listCall(options: {
  id: string;
  path: string;
  api: Api;
  summary: string;
  statuses: readonly string[];
  schema: TSchema;
  problems?: readonly ProblemCode[];
}): Call {
  const { statuses, schema, ...rest } = options;
  return {
    ...rest,
    method: 'GET',
    description:
      'Newest first; complete up to `asOf`, the time that every shard’s history has reached.',
    query: { status: Type.Optional(oneOf(statuses)), ...queries.list },
    answers: { 200: { description: 'A page.', schema } },
  };
}

/** Events and their stream. */
export function eventCalls(api: 'terminal' | 'paychannel'): Call[] {
  return [
    {
      id: `${api}.stream`,
      method: 'GET',
      path: `/v1/${api}/stream`,
      api,
      summary: 'WebSocket: the same operations, and events as they happen',
      description:
        'Subprotocol `qrswitch.json` (the default) or `qrswitch.msgpack`. The key comes in the `Authorization` header or in the first frame. Requests are `{ id, op, body }`, answers `{ id, status, body }`, events `{ event }`.',
      answers: { 101: { description: 'The connection is a WebSocket now.', schema: null } },
    },
    {
      id: `${api}.events`,
      method: 'GET',
      path: `/v1/${api}/events`,
      api,
      summary: 'Pending events, oldest first',
      description: 'Waits up to `wait` seconds for one. With `after`, re-reads instead.',
      query: eventsQuery,
      answers: { 200: { description: 'Events.', schema: told.events } },
    },
    {
      id: `${api}.event.ack`,
      method: 'POST',
      path: `/v1/${api}/events/ack`,
      api,
      summary: 'Acknowledge events',
      request: 'event.ack',
      answers: { 200: { description: 'How many were still pending.', schema: told.acknowledged } },
    },
  ];
}

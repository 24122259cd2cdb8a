// What clients send. One schema an operation, whichever way it comes: over WebSocket the names that stand in the path
// or a header over HTTP stand in the body, so the HTTP side puts them there before it validates.

import { type Static, Type } from '@sinclair/typebox';
import { deskRequests } from './desk-requests.ts';
import { paychannelRequests } from './paychannel-requests.ts';
import { explained, LIMITS, object, time } from './scalars.ts';
import { terminalRequests } from './terminal-requests.ts';

export const requests = {
  ...terminalRequests,
  ...paychannelRequests,
  ...deskRequests,
  'event.ack': object({
    ids: explained(
      `must be a list of at most ${LIMITS.acknowledgedIds} ids`,
      Type.Array(explained('must be an id', Type.String({ maxLength: 128 })), {
        maxItems: LIMITS.acknowledgedIds,
        description: 'Ids of events; unknown ones are ignored.',
      }),
    ),
  }),
  ping: object({}),
} as const;

export type RequestName = keyof typeof requests;
export type RequestBody<Name extends RequestName> = Static<(typeof requests)[Name]>;

/** Query parameters, as validated after numbers have been read. */
export const queries = {
  wait: {
    wait: Type.Optional(
      Type.Number({ minimum: 0, maximum: LIMITS.waitS, description: 'Seconds to wait, to 30.' }),
    ),
    afterVersion: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Answer once the bill’s version is above this.' }),
    ),
  },
  list: {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.page, default: LIMITS.page })),
    cursor: Type.Optional(
      Type.String({ maxLength: 512, description: 'The `nextCursor` of the page before.' }),
    ),
    from: Type.Optional(time('Not before.')),
    to: Type.Optional(time('Before.')),
  },
} as const;

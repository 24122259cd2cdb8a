// The smallest things that the switch answers with. Unlike a request's, they leave room: a client reads, and checks nothing.

import { Type } from '@sinclair/typebox';

/** Minor units. */
export const amount = (description: string) => Type.Integer({ minimum: 0, description });
/** RFC 3339, UTC. */
export const time = (description: string) => Type.String({ format: 'date-time', description });
export const text = (description: string) => Type.String({ description });

// The smallest things that the switch answers with. Unlike a request's, they leave room: a client reads, and checks nothing.

import { Type } from '@sinclair/typebox';
import { MODES, oneOf } from './scalars.ts';

/** Minor units. */
export const amount = (description: string) => Type.Integer({ minimum: 0, description });
/** RFC 3339, UTC. */
export const time = (description: string) => Type.String({ format: 'date-time', description });
/** Of the bill's institution. */
export const mode = oneOf(MODES, {
  description: '`test`: nothing of it is money. Test never meets live.',
});
export const text = (description: string) => Type.String({ description });

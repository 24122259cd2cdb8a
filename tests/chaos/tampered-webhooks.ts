// Lies about what was posted to holders without a socket.

import { first, type Tampering } from './tampering.ts';

export const tamperingsOfWebhooks: readonly Tampering[] = [
  {
    what: 'a holder without a socket was never posted an event',
    with: ({ memory }) => {
      const { eventId } = first(memory.heard.filter(({ way }) => way === 'webhook'));
      memory.heard = memory.heard.filter((heard) => heard.eventId !== eventId);
    },
    found: 'undelivered',
  },
  {
    what: 'an event was posted before an earlier one of its bill',
    with: ({ memory }) => {
      const { heard } = memory;
      const later = first(
        heard.filter(
          ({ client, billId, no, way }) =>
            way === 'webhook' &&
            heard.some((each) => each.client === client && each.billId === billId && each.no < no),
        ),
      );
      heard.unshift(later);
    },
    found: 'undelivered',
  },
  {
    what: 'an event was posted to another',
    with: ({ memory }) => {
      const posted = first(memory.heard.filter(({ way }) => way === 'webhook'));
      memory.heard.push({ ...posted, client: 'terminal:another' });
    },
    found: 'uninvited',
  },
  {
    what: 'something was posted that nobody had signed',
    with: ({ memory }) => memory.forged.push('an endpoint was sent something by nobody'),
    found: 'uninvited',
  },
  {
    what: 'an event has other words when it is asked for again',
    with: ({ memory }) => {
      memory.rereads.push({ ...first(memory.rereads), digest: 'other words' });
    },
    found: 'contradictions',
  },
  {
    what: 'an event was posted in other words than its stream has',
    with: ({ memory }) => {
      const posted = first(memory.heard.filter(({ way }) => way === 'webhook'));
      memory.heard.push({ ...posted, way: 'socket', digest: 'other words' });
    },
    found: 'contradictions',
  },
];

// A reply on one line, for the story of a seed.

import type { Reply } from '../../src/switch/requests.ts';

export function describeReply(reply: Reply): string {
  switch (reply.kind) {
    case 'fault':
      return `${reply.code}: ${reply.detail}`;
    case 'rejection':
      return JSON.stringify(reply.rejection);
    case 'released':
    case 'acknowledged':
    case 'orderVoided':
    case 'acquiring':
    case 'elsewhere':
      return JSON.stringify(reply);
    default:
      return `${reply.kind} ${reply.bill.terms.id} v${reply.bill.version} ${reply.bill.status}`;
  }
}

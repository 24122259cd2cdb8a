// Who may have a stream, and what it ends with for who may not.

import type { Principal } from '../../switch/principal.ts';
import type { Encoding } from '../../switch/requests.ts';
import type { Problem } from '../problem-document.ts';
import type { Evidence } from './evidence.ts';
import { mayCall } from './http.ts';
import { closeCodeOf, type StreamApi } from './stream-protocol.ts';

const UNKNOWN: Problem = { code: 'request.unauthenticated' };

/** What is known of a socket when it opens. */
export interface Opening {
  readonly api: StreamApi;
  readonly encoding: Encoding;
  readonly evidence: Evidence;
}

/** The principal if the stream is for it; otherwise why not. */
export function enter(
  { api, evidence }: Opening,
  principal: Principal | null,
): { principal: Principal } | { refusal: Problem } {
  if (principal === null) return { refusal: UNKNOWN };
  if (!mayCall(principal, { id: `${api}.events`, api })) {
    return { refusal: { code: 'request.forbidden' } };
  }
  const refusal = evidence.refusal(principal);
  return refusal === null ? { principal } : { refusal };
}

/** Close code and reason: the usual one where it is for the key, else the code of what is missing beside it. */
export function streamEnd({ code }: Problem, usual: string): [code: number, reason: string] {
  const isOfKey = code === UNKNOWN.code || code === 'request.forbidden';
  return [closeCodeOf(code), isOfKey ? usual : code];
}

// What ties a request to the caller’s own records.

import { LIMITS } from '../schemas/scalars.ts';

const REQUEST_ID = new RegExp(`^[A-Za-z0-9._:/+=@-]{1,${LIMITS.requestId}}$`);
/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The caller’s own request id; undefined where it gave none that can stand in a header and a log. */
export function takeRequestId(text: string): string | undefined {
  return REQUEST_ID.test(text) ? text : undefined;
}

export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text);
}

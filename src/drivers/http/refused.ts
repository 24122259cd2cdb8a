import { type NotDone, notDone, type Unknown, unknown } from '../contract/bill-driver.ts';

/** What a status means that a gateway gave before or in place of the acquirer: 4xx was not let in, 5xx nobody knows. */
export function refusedByGateway(
  posted: { readonly status: number; readonly retryAfterMs: number | undefined },
  askAgainMs: number,
): NotDone | Unknown {
  const { status } = posted;
  const afterMs = posted.retryAfterMs ?? askAgainMs;
  const detail = `HTTP ${status}`;
  if (status === 429) return notDone('busy', detail, { afterMs });
  if (status === 401 || status === 403) return notDone('unauthorised', detail, { afterMs });
  // A time-out by the client’s fault, as the gateway sees it, may have come after the request.
  if (status >= 400 && status < 500 && status !== 408)
    return notDone('refused', detail, { afterMs });
  return unknown(detail, afterMs);
}

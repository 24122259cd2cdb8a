// How a shard's answers leave it: to the gateway that asked, or to whoever listens to events.

import type { Recipient } from '../domain/bill/vocabulary.ts';
import type { BillId } from '../domain/ids.ts';
import type { AcquiringNotice } from './acquirers.ts';
import type { FaultCode } from './faults.ts';
import type { StreamedEvent } from './ports.ts';
import type { Reply, Request } from './requests.ts';

/** A request as it reached the worker: `origin` is the gateway's number there. */
export interface Asked extends Request {
  readonly origin: number;
}

export interface ReplySink {
  reply(asked: Asked, reply: Reply): void;
  /** A committed event, for whoever has subscribed to its recipient: it is new, or its bill has just been fetched. */
  event(event: StreamedEvent): void;
  /** An event that has been acknowledged, by whichever session, or replaced: nobody need hear it again. */
  eventEnded(recipient: Recipient, eventId: string): void;
  /** What has begun at this bill and spans others has not ended in its time: some gateway is to drive it on. */
  unfinished(billId: BillId): void;
  acquiring(notice: AcquiringNotice): void;
  /**
   * A shard begins to serve: events of it may have been committed that nobody here was told of, by an append whose
   * outcome was not known, or by another owner. Whoever listens reads what is pending again.
   */
  begun(): void;
  /** The end of a tick: what was told since the last one goes out together. */
  flush(): void;
}

const NOT_NOW_RETRY_S = 1;

/** What strangers are told. Why it is so stands in the log: reasons name bills, nodes and the words of stores. */
export const DETAILS = {
  starting: 'The shard is not served here right now.',
  recovering: 'The shard is finding out what its log holds.',
  stopped: 'The shard has stopped and waits for its operator.',
  notLogged: 'The log did not take the change.',
  historyAway: 'History cannot be asked right now.',
} as const;

/** A 503 that says when to come back: nothing was done. */
export function fault(code: FaultCode, detail: string): Reply {
  return { kind: 'fault', code, detail, retryAfterS: NOT_NOW_RETRY_S };
}

/** What an error says, for the detail of a fault. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

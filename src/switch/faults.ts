// Faults: the world failed us. Thrown by adapters and the switch, turned into 503 or 504 at the edge.

export type FaultCode =
  /** Refused before anything happened: always safe to retry. */
  | 'overloaded'
  /** The shard has no owner here, is starting or recovering. Nothing was done. */
  | 'shard.unavailable'
  /** The shard has stopped for good (A4, A6) and waits for an operator. Nothing was done. */
  | 'shard.stopped'
  /** The log refused the append. Nothing was done. */
  | 'log.refused'
  /** Postgres does not answer, and the answer needs it. Nothing was done. */
  | 'history.unavailable'
  /** Whether it was done is not known: ask or retry with the same reference. */
  | 'outcome.unknown'
  /** Our own code is wrong; nothing is said about the outcome. */
  | 'internal'
  /** The switch is stopping. Nothing was done. */
  | 'shuttingDown';

export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

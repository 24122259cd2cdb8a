// How much one party may ask of the switch. Operators set it; what they leave out goes by the configuration.

/** As it was set: what is left out goes by the configuration, and null is no limit whatever that says. */
export interface LimitSettings {
  /** Requests in a second, over time. */
  readonly requestsPerSecond?: number | null;
  /** Requests at once after a pause; left out: those of a second. */
  readonly burst?: number | null;
  /** WebSockets open at once. */
  readonly sockets?: number | null;
}

/** As it is in force; null: no limit. */
export interface Limits {
  readonly requestsPerSecond: number | null;
  readonly burst: number | null;
  readonly sockets: number | null;
}

export const UNLIMITED: Limits = { requestsPerSecond: null, burst: null, sockets: null };

/** What is in force where this is set. */
export function inForce(set: LimitSettings, fallback: Limits): Limits {
  const requestsPerSecond =
    set.requestsPerSecond === undefined ? fallback.requestsPerSecond : set.requestsPerSecond;
  const burst = set.burst ?? (set.requestsPerSecond === undefined ? fallback.burst : null);
  return {
    requestsPerSecond,
    burst: requestsPerSecond === null ? null : (burst ?? requestsPerSecond),
    sockets: set.sockets === undefined ? fallback.sockets : set.sockets,
  };
}

/**
 * What ends something that has begun, or tells what became of it. It goes before what begins: somebody's money hangs on
 * it, and an acknowledgement that is refused makes its event come again.
 */
const ENDING: ReadonlySet<string> = new Set([
  'payment.create',
  'payment.void',
  'payment.get',
  'payment.confirm',
  'payment.cancel',
  'payment.refund',
  'bill.confirm',
  'bill.cancel',
  'bill.refund',
  'bill.release',
  'bill.receipt',
  'sticker.end',
  'order.resolve',
  'order.cancel',
  'credit.settle',
  'event.ack',
  'acquiring.begin',
  'acquiring.finish',
]);

/** What begins something that takes more requests to its end, and loses nothing where it is asked again later. */
const BEGINNING: ReadonlySet<string> = new Set([
  'bill.create',
  'bill.arm',
  'bill.view',
  'bill.reserve',
]);

/** Of these, what a payer begins with at a bill that is there. */
const PAYER_COMING: ReadonlySet<string> = new Set(['bill.view', 'bill.reserve']);

export function isPayerComing(operation: string): boolean {
  return PAYER_COMING.has(operation);
}

/** Whether an operation, by its name, begins something. */
export function isBeginning(operation: string): boolean {
  return BEGINNING.has(operation);
}

/** Whether an operation, by its name, ends something. */
export function isEnding(operation: string): boolean {
  return ENDING.has(operation);
}

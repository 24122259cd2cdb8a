// What the benchmark and its load generator, a process of its own, say to each other.

export type Protocol = 'ws-msgpack' | 'ws-json' | 'http';

/** Where the load goes, and over how many connections. */
export interface DoorTask {
  readonly protocol: Protocol;
  readonly port: number;
  readonly terminals: readonly { readonly key: string }[];
  readonly wallet: { readonly key: string };
  /** WebSocket connections of the wallet, over which all its calls go. */
  readonly walletConnections: number;
  /** Lifecycles in flight, or as many as may be: over HTTP each has two connections. */
  readonly concurrency: number;
}

export interface LoadTask extends DoorTask {
  /**
   * `lifecycles`: each slot begins the next when the last is over. `echo`: each slot sends the same calls to a server
   * that answers with what it is sent. `hot`: each slot is a payer of one bill. `open`: lifecycles begin by a schedule.
   * `fill`: bills are created and left open. `batch`: the same through the batch call.
   */
  readonly kind: 'lifecycles' | 'echo' | 'hot' | 'open' | 'fill' | 'batch';
  /** Of `hot`: the one bill that all pay, which takes any number of payments; left out, one bill after another. */
  readonly bill?: string;
  /** Of `lifecycles`, `fill` and `batch`: how many, in place of a time. */
  readonly count?: number;
  /**
   * Of `lifecycles` and `fill`: a create or view that gets 503 is sent again after its Retry-After. Of `open`: so is all
   * but a create, which is given up, as after 429. Left out, a 503 ends the run.
   */
  readonly comesAgain?: boolean;
  /** Of `open`: lifecycles that begin in a second. */
  readonly rate?: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Begins every reference, so that no run repeats another's. */
  readonly run: string;
}

/** Milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly p9999: number;
  readonly max: number;
}

/** Calls of a lifecycle whose latency is told, and the way of a payment to the terminal. */
export const TIMED = ['create', 'view', 'pay', 'pay → event', 'confirm'] as const;
export type Timed = (typeof TIMED)[number];

/** What an open loop tells beside. */
export interface OpenOutcome {
  /** From the intended time of sending. */
  readonly latencyMs: Readonly<Record<Timed, Percentiles>>;
  /** For plots: percentile and ms. */
  readonly curves: Readonly<Record<Timed, readonly (readonly [number, number])[]>>;
  /** How much later than intended the generator sent. */
  readonly lagMs: Percentiles;
  readonly offeredPerSecond: number;
  readonly achievedPerSecond: number;
  /** Lifecycles that could not begin in time, since as many were under way as may be. */
  readonly starved: number;
}

export interface LoadOutcome {
  readonly open?: OpenOutcome;
  /** What ended within the measured window: whole lifecycles, echoes or payments. */
  readonly measured: number;
  readonly windowMs: number;
  /** All of them, those of the warm-up and of the end included, and the sum of their amounts. */
  readonly completed: number;
  readonly amount: number;
  readonly eventsRepeated: number;
  /** 503, and of an open loop 429, in the measured window. */
  readonly refused?: number;
  readonly lifecycleMs: Percentiles;
  /** From sending the payment to the event at the terminal. */
  readonly payToEventMs: Percentiles;
  /** Bills that were confirmed last. */
  readonly lastBills: readonly string[];
  /** By Date.now(), when the last answer came. */
  readonly endedAt: number;
}

export type FromLoad =
  | { readonly type: 'windowOpened' }
  | { readonly type: 'windowClosed' }
  | { readonly type: 'done'; readonly outcome: LoadOutcome }
  | { readonly type: 'failed'; readonly reason: string };

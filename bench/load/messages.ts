// What the benchmark and its load generator, a process of its own, say to each other.

export type Protocol = 'ws-msgpack' | 'ws-json' | 'http';

export interface LoadTask {
  readonly protocol: Protocol;
  readonly port: number;
  readonly terminals: readonly { readonly key: string }[];
  readonly wallet: { readonly key: string };
  /** WebSocket connections of the wallet, over which all its calls go. */
  readonly walletConnections: number;
  /** Lifecycles in flight. */
  readonly concurrency: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Begins every reference, so that no run repeats another's. */
  readonly run: string;
}

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadOutcome {
  /** Whole lifecycles that ended within the measured window. */
  readonly measured: number;
  readonly windowMs: number;
  /** All of them, those of the warm-up and of the end included, and the sum of their amounts. */
  readonly completed: number;
  readonly amount: number;
  readonly eventsRepeated: number;
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

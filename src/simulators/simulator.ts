// What every simulated bank is to who starts it.

import type { SimulatorClock } from './clock.ts';
import type { Controlled } from './control.ts';

export interface SimulatorPlace {
  readonly host?: string;
  /** 0, as left out: any that is free. */
  readonly port?: number;
  readonly clock?: SimulatorClock;
}

export interface BankSimulator {
  readonly url: string;
  /** Calls that have come in, those that broke included. */
  calls(): number;
  /** What its control API does, for who runs it in the same process. */
  readonly bank: Controlled;
  close(): Promise<void>;
}

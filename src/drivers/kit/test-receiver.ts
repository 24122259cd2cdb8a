// What the conformance kit asks of a package whose driver delivers events: somebody to deliver them to, who takes them,
// misbehaves and shows what came. It is exported as `startTestReceiver`.

import type { KitClock } from './kit-clock.ts';

/** `driver`: the name of the driver that is tried, for a package that has several. */
export type StartTestReceiver = (clock: KitClock, driver: string) => Promise<TestReceiver>;

export interface TestReceiver {
  /** Settings of the driver, and of an endpoint with which it reaches this receiver. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly endpoint: Readonly<Record<string, unknown>>;
  /** With which its holder verifies, for ways that sign. */
  readonly secrets: readonly string[];
  /** Whether it shows that it is the holder's when it is asked to; at first it does. */
  ofHolder(isIt: boolean): void;
  /** What befalls the next delivery; false: of this its protocol knows nothing. */
  disturb(how: DeliveryDisturbance): boolean;
  /** Deliveries that have reached it, whatever became of them. */
  attempts(): number;
  /** What it has kept, repeats included, in the order of its coming. */
  kept(): readonly { readonly id: string; readonly body: string }[];
  close(): Promise<void>;
}

/**
 * `requestLost`: the connection breaks, and nothing was kept. `answerLost`: it was kept. `failed`: the receiver says that
 * something is wrong with it, and keeps nothing. `stalled`: it is kept, and the answer never comes. `garbled`: it is kept, and
 * the answer is none of its protocol's. `busy`: not kept, again after seven seconds. `gone`: the endpoint is no more.
 */
export type DeliveryDisturbance =
  | 'requestLost'
  | 'answerLost'
  | 'failed'
  | 'stalled'
  | 'garbled'
  | 'busy'
  | 'gone';

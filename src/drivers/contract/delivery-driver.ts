// The contract of a driver by which events reach a terminal or paychannel that keeps no connection to the switch. The
// switch keeps the order within a bill, the schedule, the breaker and the dead letters; the driver brings one event to one
// endpoint and says what came of it. Five rules bind it, and `npm run driver:check` tries them:
//
//   W1. **Delivered is what was kept.** Only where the receiver has said that it has the event: an answer that was lost, is late
//       or cannot be read is `again`. The same event comes again then, with the same id.
//   W2. **The bytes go as they are**, with the event's id, by which the receiver knows a repeat.
//   W3. **It proves before it sends**: an endpoint is sent nothing until it has shown that it is the holder's.
//   W4. **It answers in fifteen seconds**, keeps nothing, and throws nothing.
//   W5. **It takes every event**: none has more than 16 KiB.

import type { TSchema } from '@sinclair/typebox';
import type { Delivered, Message, Proof, Receiver, WayKind } from '../../switch/webhooks/ways.ts';
import type { DriverModule, Surroundings } from './driver-module.ts';

/** W4. */
export const DELIVERY_MS = 15_000;
/** No event has more: a receipt, which is the most of the largest, has 8 KiB. */
export const EVENT_BYTES = 16_384;

/** What a driver's package exports, as `driver`: for terminals and merchants, for paychannels, or an array of both. */
export interface DeliveryDriverModule<Kind extends WayKind = WayKind>
  extends DriverModule<DeliveryDriver, Surroundings> {
  readonly kind: Kind;
  /** What an endpoint is registered with: a TypeBox object that takes no member beside its own. */
  readonly endpoint: TSchema;
}

export type TerminalDriverModule = DeliveryDriverModule<'terminal'>;
export type PaychannelDriverModule = DeliveryDriverModule<'paychannel'>;

export interface DeliveryCapabilities {
  /** An event with more bytes is refused without being sent. */
  readonly bodyMax: number;
}

export interface DeliveryDriver {
  readonly capabilities: DeliveryCapabilities;
  /** Asks the endpoint to show that it is its holder's, say by the echo of a challenge. */
  prove(receiver: Receiver): Promise<Proof>;
  deliver(receiver: Receiver, message: Message): Promise<Delivered>;
  close(): Promise<void>;
}

// An event that waits in a gateway for its acknowledgement, with its bytes, encoded once for all who are sent it.

import { partId } from '../../domain/ids.ts';
import type { StreamedEvent } from '../../switch/ports.ts';
import type { Encoding, Presenter } from '../../switch/requests.ts';
import { eventFrame } from './frames.ts';

/** How many unacknowledged events of a recipient a gateway holds. */
export const WINDOW_MAX = 1_000;

export function eventId(event: StreamedEvent): string {
  return partId(event.bill.id, 'e', event.event.no);
}

export class PendingEvent {
  readonly id: string;
  readonly event: StreamedEvent;
  /** Counts up within the inbox: the order in which readers are sent events. */
  readonly seq: number;
  isDone = false;
  /** Told once it is done: acknowledged, replaced, or no longer looked after here. */
  onDone: (() => void) | null = null;
  /** Sent again so often. */
  repeats = 0;
  /** Counts its places in the redelivery's queues, so that an outdated one is known. */
  turn = 0;
  readonly #presenter: Presenter;
  readonly #frames: { json: Uint8Array | null; msgpack: Uint8Array | null } = {
    json: null,
    msgpack: null,
  };

  constructor(event: StreamedEvent, seq: number, presenter: Presenter) {
    this.id = eventId(event);
    this.event = event;
    this.seq = seq;
    this.#presenter = presenter;
  }

  /** The whole frame that pushes it over a WebSocket. */
  frame(encoding: Encoding): Uint8Array {
    let frame = this.#frames[encoding];
    if (frame === null) {
      frame = eventFrame(this.#presenter.presentEvent(this.event, encoding), encoding);
      this.#frames[encoding] = frame;
    }
    return frame;
  }
}

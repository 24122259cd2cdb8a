import type { StreamedEvent } from '../../switch/ports.ts';

/** What is sent, and who wants to know what became of it. */
export interface Parcel {
  readonly event: StreamedEvent;
  /** Needs no sending any more: somebody has acknowledged it, or another node sends it. */
  isOver(): boolean;
  taken(endpointId: string): void;
  /** An endpoint has failed, and will be tried again later: with this, or with what comes before it. */
  heldUp(): void;
  died(endpointId: string, failure: string): void;
}

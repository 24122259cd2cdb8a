// What the log remembers, as the switch sees it. The codec that turns it into bytes, and reads what older versions
// wrote, belongs to persistence.

import type { BillFact } from '../domain/bill/vocabulary.ts';
import type { BillId, Reference, TerminalId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { EntryId } from './entry-id.ts';

/** One transition of one bill: the facts of one decision. */
export interface BillTransition {
  readonly kind: 'bill';
  readonly billId: BillId;
  readonly at: Millis;
  /** The command's type. */
  readonly command: string;
  /** `kind:id` of who acted. */
  readonly actor: string;
  readonly requestId: string;
  readonly facts: readonly BillFact[];
}

/** `order.resolve` found nothing: a create that arrives later is refused. */
export interface OrderVoided {
  readonly kind: 'orderVoided';
  readonly terminalId: TerminalId;
  readonly orderId: Reference;
  readonly at: Millis;
  readonly actor: string;
  readonly requestId: string;
}

export type Transition = BillTransition | OrderVoided;

/** The payload of one entry. `open` begins an owner's epoch; its nonce is how the owner knows its own (A3). */
export type EntryContent =
  | {
      readonly kind: 'open';
      readonly nonce: string;
      readonly holder: string;
      readonly at: Millis;
      /** The entry it was opened on; where a log takes over from another, the last entry of that one (A7). */
      readonly follows: EntryId;
    }
  /** The log's last entry: history has moved to another log, and nobody opens an epoch on this again (A7). */
  | {
      readonly kind: 'closed';
      readonly holder: string;
      readonly at: Millis;
    }
  | {
      readonly kind: 'batch';
      readonly transitions: readonly Transition[];
    };

/** An entry that this version of the switch cannot read. */
export class UnreadableEntry extends Error {
  override readonly name = 'UnreadableEntry';
}

/** Bytes to content and back; reads every version ever written. */
export interface EntryCodec {
  encode(content: EntryContent): Uint8Array;
  /** Throws UnreadableEntry for what no version of this code has written. */
  decode(payload: Uint8Array): EntryContent;
}

// Labels of payers: what a wallet tells of who paid. Nothing is decided by one, so only the edge knows it; the rest of
// the switch carries it sealed, and forgets it once history has it.

import type { BillId } from '../domain/ids.ts';
import type { Acting } from './operator-desk.ts';

/** What one label belongs to: it opens nowhere else. */
export interface PayerPlace {
  readonly billId: string;
  readonly paychannelId: string;
  readonly paymentRef: string;
}

export interface PayerLabels {
  /** What stands for the label where bodies are compared: the same for the same, and nothing can be read out of it. */
  digest(label: string): string;
  seal(label: string, place: PayerPlace): string;
  /** Null: it cannot be opened any more. */
  open(sealed: string, place: PayerPlace): string | null;
}

/** A label as history has it. */
export interface KeptPayer {
  readonly paymentNo: number;
  readonly place: PayerPlace;
  /** Sealed; null: none was told, or it has been erased. */
  readonly payer: string | null;
}

/** What operators may see and erase. Both stand in the audit, in the same statement. */
export interface PayerDesk {
  /** Null: no such bill in the operator's part. */
  show(acting: Acting, billId: BillId): Promise<readonly KeptPayer[] | null>;
  /** How many labels there were; `paymentNo` null: of all payments of the bill. */
  erase(acting: Acting, of: { billId: BillId; paymentNo: number | null }): Promise<number | null>;
  close(): Promise<void>;
}

// Who speaks to the switch.

import type { PolicySettings } from '../domain/bill/policies.ts';
import type { InstitutionId, MerchantId } from '../domain/ids.ts';
import type { QrSettings } from './qr.ts';

/** Whose key it is and what they are. */
export interface Principal {
  readonly kind: 'terminal' | 'merchant' | 'paychannel' | 'operator';
  readonly id: string;
  readonly institutionId: InstitutionId;
  /** Of a terminal or merchant. */
  readonly merchantId: MerchantId | null;
  /** Of a terminal or merchant: what bills show. */
  readonly merchant: { readonly name: string; readonly city: string } | null;
  /** A terminal that sees its own bills only. */
  readonly restricted: boolean;
  /** A paychannel that wants `payment.confirmed`. */
  readonly subscribed: boolean;
  /** Of a terminal: what its codes are made of, where anything is set. */
  readonly qr?: QrSettings;
  /** Of a terminal: its merchant's policies, else its institution's, where any is set. */
  readonly policies?: PolicySettings;
  /** Of an operator. */
  readonly role?: OperatorRole;
  /** Of an institution that is for tests. */
  readonly mode?: 'test';
  /** It, its merchant or its institution is: nothing new begins, and what has begun comes to its end. */
  readonly suspended?: true;
}

export type OperatorRole = 'system' | 'institutionAdmin' | 'institutionViewer' | 'merchantAdmin';

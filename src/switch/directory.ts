// What the switch asks of its directory: who takes part, whose key is whose, and what has changed.

import type { InstitutionId } from '../domain/ids.ts';
import type { LimitSettings } from './limits.ts';
import type { Principal } from './principal.ts';

/** A key that is good, and whose it is. */
export interface KeyHolder {
  readonly keyId: string;
  /** Wall clock, ms. */
  readonly expiresAt: number | null;
  readonly principal: Principal;
  /** Where an operator has set any. */
  readonly limits?: { readonly holder: LimitSettings; readonly institution: LimitSettings };
  /** Left out: its key is enough. */
  readonly demands?: Demands;
}

/** What a paychannel must show beside its key. */
export interface Demands {
  /** Those that its requests may be signed with; null: they need no signature. */
  readonly secrets: readonly SigningSecret[] | null;
  /** SHA-256, hex, of the client certificates of which its connections must show one; null: they need none. */
  readonly certificates: readonly string[] | null;
}

export interface SigningSecret {
  readonly id: string;
  readonly secret: string;
  /** Wall clock, ms. */
  readonly expiresAt: number | null;
}

/** Somebody, or a key, of whom another thing is true now. */
export interface DirectoryChange {
  readonly kind: 'institution' | Principal['kind'] | 'key' | 'agreement' | 'webhook' | 'tariff';
  readonly id: string;
}

/** Institutions, merchants, terminals, paychannels, operators and their keys. */
export interface Directory {
  /** Whose key has this SHA-256 (base64url); null where nobody's. */
  holderOfKey(keyHash: string): Promise<KeyHolder | null>;
  /** Remembers that keys have been used about now. */
  keysUsed(keyIds: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Wallets as anybody may read of them. */
export interface WalletNames {
  /** In their order, each name once. */
  readonly names: readonly string[];
  /** Whether there are others beside these. */
  readonly isMore: boolean;
}

/** In which wallets bills can be paid. */
export interface PayingWallets {
  /** Those that may pay the bills of this institution now: its own, and by agreement. */
  payingFor(institutionId: InstitutionId): Promise<WalletNames>;
}

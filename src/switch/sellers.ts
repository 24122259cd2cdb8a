// Sellers who are suspended: institutions, merchants and terminals. Every worker has their ids in memory, and main tells it
// of each change: nobody who asks for a bill waits for the directory.
//
//   U1. Their terminals make no bills. With their bills no wallet begins anything new, of whichever institution: no views,
//       no reservations, and no payments but under a live reservation.
//   U2. What has begun comes to its end: repeats, status questions, events, credits.

import type { Terms } from '../domain/bill/vocabulary.ts';

/** Who is suspended, and who is not: of all sellers, or of some that have changed. */
export interface Suspensions {
  /** Whether nobody else is. */
  readonly isWhole: boolean;
  readonly suspended: readonly string[];
  readonly others: readonly string[];
}

/** Whose bill it is, or is to be. */
type Seller = Pick<Terms, 'institutionId' | 'merchantId' | 'terminalId'>;

const NOBODY_SUSPENDED: Suspensions = { isWhole: true, suspended: [], others: [] };

export class SuspendedSellers {
  #ids: Set<string>;

  constructor({ suspended }: Suspensions = NOBODY_SUSPENDED) {
    this.#ids = new Set(suspended);
  }

  learn({ isWhole, suspended, others }: Suspensions): void {
    if (isWhole) this.#ids = new Set(suspended);
    for (const id of suspended) this.#ids.add(id);
    for (const id of others) this.#ids.delete(id);
  }

  /** For a worker that begins. */
  all(): Suspensions {
    return { isWhole: true, suspended: [...this.#ids], others: [] };
  }

  /** Whether nobody may begin anything new with bills of these terms. */
  haveSold({ institutionId, merchantId, terminalId }: Seller): boolean {
    const ids = this.#ids;
    return ids.size > 0 && (ids.has(institutionId) || ids.has(merchantId) || ids.has(terminalId));
  }
}

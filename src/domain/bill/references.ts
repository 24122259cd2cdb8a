// What a bill remembers of its clients' references, so that a retry meets the outcome of the first call (B4).

import { assert } from '../assert.ts';
import type { Reference } from '../ids.ts';
import type { PresentBill } from './state.ts';
import type { KeptReference, ReferenceKind } from './vocabulary.ts';

/** The reference as the bill itself still keeps it; null where it never did, or has let it go (`spilled`). */
export function findReference(
  bill: PresentBill,
  kind: ReferenceKind,
  scope: string,
  ref: Reference,
): KeptReference | null {
  for (let i = bill.references.length - 1; i >= 0; i--) {
    const kept = bill.references[i];
    if (kept !== undefined && isReference(kept, kind, scope, ref)) return kept;
  }
  return null;
}

/** The reference in the bill, or else as the caller recalled it from history. Another's recall is a Defect. */
export function lookUpReference(
  bill: PresentBill,
  recalled: KeptReference | null,
  kind: ReferenceKind,
  scope: string,
  ref: Reference,
): KeptReference | null {
  const kept = findReference(bill, kind, scope, ref);
  if (kept !== null || recalled === null) return kept;
  assert(isReference(recalled, kind, scope, ref), 'another reference was recalled');
  return recalled;
}

function isReference(
  kept: KeptReference,
  kind: ReferenceKind,
  scope: string,
  ref: Reference,
): boolean {
  return kept.ref === ref && kept.scope === scope && kept.kind === kind;
}

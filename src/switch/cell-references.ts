// References that a bill has let go of before history had them: kept beside the bill until it does (A9).

import { type Bill, isPresent } from '../domain/bill/state.ts';
import type { KeptReference } from '../domain/bill/vocabulary.ts';
import type { Cell } from './cell.ts';
import { type EntryId, NO_ENTRY } from './entry-id.ts';
import type { Principal } from './ports.ts';
import { type BillOperation, type NamedReference, referenceOf } from './use-cases.ts';

/**
 * Keeps what the bill let go of in its last transition, until what did so is in history: a batch, whose entry is not
 * known before its commit, or an entry that is read again.
 */
export function lettingGo(
  cell: Cell,
  before: Bill,
  by: { readonly batch: number; readonly entry: EntryId },
): void {
  if (!isPresent(before) || !isPresent(cell.bill)) return;
  const kept = cell.bill.references;
  if (kept === before.references || kept[0] === before.references[0]) return;
  const oldest = kept[0];
  const gone = oldest === undefined ? before.references.length : before.references.indexOf(oldest);
  const released = gone < 0 ? before.references : before.references.slice(0, gone);
  for (const reference of released) {
    cell.unwritten ??= [];
    cell.unwritten.push({ ...by, reference });
  }
}

/** A reference that the bill has let go of and history may not have yet. */
export function recallUnwritten(cell: Cell, named: NamedReference): KeptReference | null {
  for (const { reference } of cell.unwritten ?? []) {
    if (
      reference.ref === named.ref &&
      reference.kind === named.kind &&
      reference.scope === named.scope
    ) {
      return reference;
    }
  }
  return null;
}

/** As `recallUnwritten`, for the reference that an operation names, if it names one. */
export function recallFor(
  cell: Cell,
  operation: BillOperation,
  principal: Principal | null,
): KeptReference | null {
  if (cell.unwritten === null) return null;
  const named = referenceOf(operation, principal);
  return named === null ? null : recallUnwritten(cell, named);
}

/** History has all entries up to this one. */
export function writeOff(cell: Cell | undefined, watermark: EntryId): void {
  if (cell === undefined || cell.unwritten === null) return;
  const rest = cell.unwritten.filter((each) => each.entry === NO_ENTRY || each.entry > watermark);
  cell.unwritten = rest.length > 0 ? rest : null;
}

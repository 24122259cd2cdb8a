// What a bill has let go of before history had it: kept beside the bill until it does (A9).

import { type Bill, isForMany, isPresent } from '../domain/bill/state.ts';
import type { BillFact, KeptReference } from '../domain/bill/vocabulary.ts';
import type { NamedReference } from './bill-replies.ts';
import type { Cell, LettingGo } from './cell.ts';
import { type EntryId, NO_ENTRY } from './entry-id.ts';
import { GoneReferences } from './gone-references.ts';
import { keepBeside } from './parts.ts';

/**
 * Keeps what the bill let go of in its last transition, until what did so is in history: a batch, whose entry is not
 * known before its commit, or an entry that is read again.
 */
export function lettingGo(
  cell: Cell,
  before: Bill,
  facts: readonly BillFact[],
  by: LettingGo,
): void {
  if (!isPresent(before) || !isPresent(cell.bill)) return;
  if (isForMany(before)) keepBeside(cell, before, cell.bill, facts, by);
  const kept = cell.bill.references;
  if (kept === before.references || kept[0] === before.references[0]) return;
  const oldest = kept[0];
  const gone = oldest === undefined ? before.references.length : before.references.indexOf(oldest);
  const released = gone < 0 ? before.references : before.references.slice(0, gone);
  // A bill that had let go of something before it came here keeps none: nobody knows of what.
  if (!before.spilled && released.length > 0) cell.gone ??= new GoneReferences();
  for (const reference of released) {
    cell.unwritten ??= [];
    cell.unwritten.push({ ...by, reference, parts: null });
    cell.gone?.add(reference);
  }
}

/** Whether the bill may have let go of this reference. */
export function mayHaveGone({ bill, gone }: Cell, named: NamedReference): boolean {
  return isPresent(bill) && bill.spilled && (gone === null || gone.mayHold(named));
}

/** A reference that the bill has let go of and history may not have yet. */
export function recallUnwritten(cell: Cell, named: NamedReference): KeptReference | null {
  if (cell.unwritten === null || cell.gone?.mayHold(named) === false) return null;
  for (const { reference } of cell.unwritten) {
    if (
      reference !== null &&
      reference.ref === named.ref &&
      reference.kind === named.kind &&
      reference.scope === named.scope
    ) {
      return reference;
    }
  }
  return null;
}

/** History has all entries up to this one. */
export function writeOff(cell: Cell | undefined, watermark: EntryId): void {
  if (cell === undefined || cell.unwritten === null) return;
  const rest = cell.unwritten.filter((each) => each.entry === NO_ENTRY || each.entry > watermark);
  cell.unwritten = rest.length > 0 ? rest : null;
}

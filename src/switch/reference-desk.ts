// References that a bill has let go of are asked of history: all that wait for one bill in one question (A9).

import { findReference } from '../domain/bill/references.ts';
import { isPresent } from '../domain/bill/state.ts';
import type { KeptReference } from '../domain/bill/vocabulary.ts';
import type { Cell, Waiting } from './cell.ts';
import { recallUnwritten } from './cell-references.ts';
import type { Lookups } from './lookups.ts';
import type { Asked } from './reply-sink.ts';
import { type BillOperation, type NamedReference, referenceOf } from './use-cases.ts';

export class ReferenceDesk {
  readonly #lookups: Lookups;
  readonly #ready: (cell: Cell) => void;
  readonly #failed: (cell: Cell, waiting: Waiting) => void;

  /** `ready`: all that waited for the bill when it was asked may run. `failed`: this one request cannot. */
  constructor(options: {
    lookups: Lookups;
    ready: (cell: Cell) => void;
    failed: (cell: Cell, waiting: Waiting) => void;
  }) {
    this.#lookups = options.lookups;
    this.#ready = options.ready;
    this.#failed = options.failed;
  }

  /** Whether the request names a reference that only history can know. */
  mustLookUp(cell: Cell, asked: Asked): boolean {
    const { bill } = cell;
    if (!isPresent(bill) || !bill.spilled) return false;
    const named = namedBy(asked);
    return named !== null && inMemory(cell, named) === null;
  }

  /** Asks history for every reference that a waiting request names. */
  lookUp(cell: Cell): void {
    const asking = [...(cell.waiting ?? [])].filter(({ looked }) => !looked);
    let open = asking.length;
    for (const waiting of asking) {
      const named = namedBy(waiting.asked);
      const known = named === null ? null : inMemory(cell, named);
      if (named === null || known !== null) {
        // Memory may let it go before the answer comes, of which history had no part when it was asked.
        waiting.recalled = known;
        waiting.looked = true;
        open -= 1;
        continue;
      }
      this.#lookups.references.want({ billId: cell.id, ...named }, (fetched) => {
        open -= 1;
        waiting.looked = true;
        if ('failed' in fetched) this.#failed(cell, waiting);
        else waiting.recalled = fetched.found;
        if (open === 0) this.#ready(cell);
      });
    }
  }
}

/** The reference as the bill keeps it, or as it stands beside the bill until history has it. */
function inMemory(cell: Cell, named: NamedReference): KeptReference | null {
  const { bill } = cell;
  if (!isPresent(bill)) return null;
  return findReference(bill, named.kind, named.scope, named.ref) ?? recallUnwritten(cell, named);
}

function namedBy(asked: Asked): NamedReference | null {
  return referenceOf(asked.operation as BillOperation, asked.principal);
}

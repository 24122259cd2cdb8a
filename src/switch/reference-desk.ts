// References that a bill has let go of are asked of history: all that wait for one bill in one question (A9).

import { findReference } from '../domain/bill/references.ts';
import { isPresent } from '../domain/bill/state.ts';
import type { Cell, Waiting } from './cell.ts';
import { recallUnwritten } from './cell-references.ts';
import type { Lookups } from './lookups.ts';
import type { Asked } from './reply-sink.ts';
import { type BillOperation, type NamedReference, referenceOf } from './use-cases.ts';

export class ReferenceDesk {
  readonly #lookups: Lookups;
  readonly #ready: (cell: Cell) => void;
  readonly #failed: (cell: Cell, waiting: Waiting, error: unknown) => void;

  /** `ready`: all that waited for the bill when it was asked may run. `failed`: this one request cannot. */
  constructor(options: {
    lookups: Lookups;
    ready: (cell: Cell) => void;
    failed: (cell: Cell, waiting: Waiting, error: unknown) => void;
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
    if (named === null) return false;
    if (findReference(bill, named.kind, named.scope, named.ref) !== null) return false;
    return recallUnwritten(cell, named) === null;
  }

  /** Asks history for every reference that a waiting request names. */
  lookUp(cell: Cell): void {
    const asking = [...(cell.waiting ?? [])].filter(({ looked }) => !looked);
    let open = asking.length;
    for (const waiting of asking) {
      const named = namedBy(waiting.asked);
      if (named === null) {
        waiting.looked = true;
        open -= 1;
        continue;
      }
      this.#lookups.references.want({ billId: cell.id, ...named }, (fetched) => {
        open -= 1;
        waiting.looked = true;
        if ('failed' in fetched) this.#failed(cell, waiting, fetched.failed);
        else waiting.recalled = fetched.found;
        if (open === 0) this.#ready(cell);
      });
    }
  }
}

function namedBy(asked: Asked): NamedReference | null {
  return referenceOf(asked.operation as BillOperation, asked.principal);
}

// What a bill has let go of is asked of history: references, then parts, for all that wait for one bill together (A9).

import { findReference } from '../domain/bill/references.ts';
import { type Bill, isForMany, isPresent, type PresentBill } from '../domain/bill/state.ts';
import type { KeptReference, Parts } from '../domain/bill/vocabulary.ts';
import type { BillOperation } from './bill-commands.ts';
import { type NamedReference, referenceOf } from './bill-replies.ts';
import type { Cell, Waiting } from './cell.ts';
import { mayHaveGone, recallUnwritten } from './cell-references.ts';
import type { Lookups } from './lookups.ts';
import type { FoundPart, PartKey } from './part-keys.ts';
import { awayFrom, besideOf, isOfHistory, partsFor, paymentAway } from './parts.ts';
import type { Asked } from './reply-sink.ts';

/** What a request names and its bill has not at hand, as far as it is known anywhere. */
export interface Recalled {
  readonly reference: KeptReference | null;
  readonly parts: Parts | null;
}

const NOTHING: Recalled = Object.freeze({ reference: null, parts: null });

export class ReferenceDesk {
  readonly #lookups: Lookups;
  readonly #sees: (bill: Bill, asked: Asked) => boolean;
  readonly #ready: (cell: Cell) => void;
  readonly #failed: (cell: Cell, waiting: Waiting) => void;

  /** `sees`: whether the bill is there for whoever asks; otherwise nothing is asked of it. `ready`: all that waited for the bill when it was asked may run. `failed`: this one request cannot. */
  constructor(options: {
    lookups: Lookups;
    sees: (bill: Bill, asked: Asked) => boolean;
    ready: (cell: Cell) => void;
    failed: (cell: Cell, waiting: Waiting) => void;
  }) {
    this.#lookups = options.lookups;
    this.#sees = options.sees;
    this.#ready = options.ready;
    this.#failed = options.failed;
  }

  /** Whether the request names what only history can know. */
  mustLookUp(cell: Cell, asked: Asked): boolean {
    const { bill } = cell;
    return isPresent(bill) && this.#isAway(cell, bill, asked) && this.#sees(bill, asked);
  }

  #isAway(cell: Cell, bill: PresentBill, asked: Asked): boolean {
    const named = bill.spilled ? namedBy(asked) : null;
    if (named !== null && mayHaveGone(cell, named) && inMemory(cell, named) === null) return true;
    if (!isForMany(bill)) return false;
    return this.#partsAway(cell, bill, asked, null).some((key) => isOfHistory(cell, bill, key));
  }

  /** Asks history for all that waiting requests name and memory does not have. */
  lookUp(cell: Cell): void {
    const asking = [...(cell.waiting ?? [])].filter(({ looked }) => !looked);
    let open = asking.length;
    const settled = (waiting: Waiting): void => {
      open -= 1;
      waiting.looked = true;
      if (open === 0) this.#ready(cell);
    };
    // History never answers at once, and the first of those who wait asks it for something.
    for (const waiting of asking) {
      if (this.#ask(cell, waiting, settled)) continue;
      open -= 1;
      waiting.looked = true;
    }
  }

  /** What is known now of what the request names: what has been decided meanwhile is newer than history's answer. */
  recall(cell: Cell, asked: Asked, waiting: Waiting | null): Recalled {
    const { bill } = cell;
    const isMany = isPresent(bill) && isForMany(bill);
    if (waiting === null && cell.unwritten === null && !isMany) return NOTHING;
    const named = waiting === null && cell.unwritten === null ? null : namedBy(asked);
    const reference = waiting?.recalled ?? (named === null ? null : recallUnwritten(cell, named));
    if (!isMany) return { reference, parts: null };
    const operation = asked.operation as BillOperation;
    const kept = reference ?? this.#keptBy(bill, asked);
    return { reference, parts: partsFor(cell, operation, kept, waiting?.told ?? []) };
  }

  /** Whether history is asked for anything. */
  #ask(cell: Cell, waiting: Waiting, settled: (waiting: Waiting) => void): boolean {
    if (!this.#sees(cell.bill, waiting.asked)) return false;
    const named = namedBy(waiting.asked);
    const known = named === null ? null : inMemory(cell, named);
    // Memory may let it go before the answer comes, of which history had no part when it was asked.
    waiting.recalled = known;
    if (named === null || known !== null || !mayHaveGone(cell, named)) {
      return this.#askForParts(cell, waiting, settled);
    }
    this.#lookups.references.want({ billId: cell.id, ...named }, (fetched) => {
      if ('failed' in fetched) {
        this.#failed(cell, waiting);
        settled(waiting);
        return;
      }
      waiting.recalled = fetched.found;
      if (!this.#askForParts(cell, waiting, settled)) settled(waiting);
    });
    return true;
  }

  #askForParts(cell: Cell, waiting: Waiting, settled: (waiting: Waiting) => void): boolean {
    const { bill } = cell;
    if (!isPresent(bill) || !isForMany(bill)) return false;
    let open = 0;
    const told = (found: FoundPart): void => {
      waiting.told = [...waiting.told, found];
      const payment = paymentAway(bill, found);
      if (payment !== null) look(payment);
    };
    const look = (key: PartKey): void => {
      // What stands beside the bill may do so no more once the request runs: it is told of at once.
      const beside = besideOf(cell, key);
      if (beside !== undefined) {
        told(beside);
        return;
      }
      open += 1;
      this.#lookups.parts.want(key, (fetched) => {
        open -= 1;
        if ('failed' in fetched) this.#failed(cell, waiting);
        else told(fetched.found);
        if (open === 0) settled(waiting);
      });
    };
    for (const key of this.#partsAway(cell, bill, waiting.asked, waiting.recalled)) look(key);
    return open > 0;
  }

  /** The parts that the request needs and that the bill has not at hand. */
  #partsAway(
    cell: Cell,
    bill: PresentBill,
    asked: Asked,
    recalled: KeptReference | null,
  ): PartKey[] {
    const operation = asked.operation as BillOperation;
    const named = recalled ?? this.#keptBy(bill, asked) ?? this.#besideBy(cell, asked);
    return awayFrom(bill, operation, named);
  }

  #keptBy(bill: PresentBill, asked: Asked): KeptReference | null {
    const named = namedBy(asked);
    return named === null ? null : findReference(bill, named.kind, named.scope, named.ref);
  }

  #besideBy(cell: Cell, asked: Asked): KeptReference | null {
    const named = namedBy(asked);
    return named === null ? null : recallUnwritten(cell, named);
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

// Where one bill lives in memory: its state that runs ahead of the log, its committed value beside it, and what waits
// for it. The cell is also its own timer (TimerHeap).

import type { Fifo } from '../actors/fifo.ts';
import type { Timed } from '../actors/timer-heap.ts';
import { ABSENT, type Bill } from '../domain/bill/state.ts';
import type { KeptReference } from '../domain/bill/vocabulary.ts';
import type { BillId } from '../domain/ids.ts';
import { NEVER } from '../domain/time.ts';
import { type EntryId, NO_ENTRY } from './entry-id.ts';
import type { GoneReferences } from './gone-references.ts';
import type { FoundPart, PartsBeside } from './part-keys.ts';
import type { Asked } from './reply-sink.ts';

/** A request that waits for its bill to be fetched, or for a reference to be looked up. */
export interface Waiting {
  readonly asked: Asked;
  /** Whether history has been asked for the reference that the request names. */
  looked: boolean;
  /** What history answered. */
  recalled: KeptReference | null;
  /** Parts that it needs: as history told of them, or as they stood beside the bill when history was asked. */
  told: readonly FoundPart[];
}

/** For all who have asked for nothing. */
export const NONE_TOLD: Waiting['told'] = [];

/** A long poll: answered when the bill's version passes `afterVersion`, or when due. */
export interface Watcher extends Timed {
  readonly asked: Asked;
  readonly afterVersion: number;
  readonly cell: Cell;
}

/** What made the bill let go of something: a batch whose entry is not known yet, or an entry that is read again. */
export interface LettingGo {
  readonly batch: number;
  readonly entry: EntryId;
}

/** What the bill has let go and history does not have yet: a reference (A9), or parts of it. */
export interface Unwritten {
  readonly batch: number;
  entry: EntryId;
  readonly reference: KeptReference | null;
  readonly parts: PartsBeside | null;
}

export interface Cell extends Timed {
  readonly id: BillId;
  /** Runs ahead of the log. */
  bill: Bill;
  /** What is durable. */
  committed: Bill;
  /** The entry that changed `committed` last. */
  entry: EntryId;
  /** Serial number of the last batch that touched the bill. */
  batch: number;
  /** Fetched from history; until then everything waits. */
  loaded: boolean;
  /** Its mailbox; null: nothing waits. */
  waiting: Fifo<Waiting> | null;
  watchers: Watcher[] | null;
  unwritten: Unwritten[] | null;
  /** What the bill has let go of, where it has been here since before the first; null: nothing, or nobody knows. */
  gone: GoneReferences | null;
  /** Monotonic ms of the last request or transition: the idle leave memory. */
  usedAt: number;
}

/** A cell for a bill that history may know. */
export function makeCell(id: BillId, loaded: boolean, usedAt: number): Cell {
  return {
    id,
    bill: ABSENT,
    committed: ABSENT,
    entry: NO_ENTRY,
    batch: 0,
    loaded,
    waiting: null,
    watchers: null,
    unwritten: null,
    gone: null,
    usedAt,
    dueAt: NEVER,
    heapIndex: -1,
  };
}

/** Whether nothing and nobody needs the bill in memory, once history has its last entry. */
export function isIdle(cell: Cell, committedBatch: number): boolean {
  return (
    cell.loaded &&
    cell.batch <= committedBatch &&
    (cell.waiting === null || cell.waiting.size === 0) &&
    (cell.watchers === null || cell.watchers.length === 0) &&
    (cell.unwritten === null || cell.unwritten.length === 0)
  );
}

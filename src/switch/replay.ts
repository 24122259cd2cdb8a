// Reading a shard's log again: from history's watermark to the top, evolving every bill that the tail touches and
// giving history what it misses (A7). Facts only; nothing is decided again.

import { must } from '../domain/assert.ts';
import { evolve } from '../domain/bill/bill.ts';
import { ABSENT, type Bill } from '../domain/bill/state.ts';
import { touchedBy } from '../domain/bill/touched.ts';
import type { BillId, ShardId } from '../domain/ids.ts';
import { type EntryId, formatEntryId, NO_ENTRY } from './entry-id.ts';
import type { CommittedEntry, CommittedItem } from './history-queue.ts';
import type { HistoryWriter } from './history-writer.ts';
import { guarded } from './lookups.ts';
import type { History, Log, LogEntry, Watermark } from './ports.ts';
import {
  type BillTransition,
  type EntryCodec,
  type EntryContent,
  UnreadableEntry,
} from './records.ts';

const PAGE_ENTRIES = 500;
/** Transitions that may wait for history while the tail is read: it bounds the memory of a long recovery. */
const WAITING_MAX = 20_000;
const FETCH_MAX = 500;

/** Where replayed bills live: the shard's own memory, or a map while a log is drained. */
export interface ReplayHome {
  get(id: BillId): { readonly bill: Bill } | undefined;
  put(id: BillId, bill: Bill, entry: EntryId, touched: ReturnType<typeof touchedBy> | null): void;
}

export interface ReplaySources {
  readonly shard: ShardId;
  readonly log: Log;
  readonly codec: EntryCodec;
  readonly history: History;
  readonly writer: HistoryWriter;
  readonly home: ReplayHome;
  /** Whether the shard has been left meanwhile: its memory may belong to a later life, and must not be touched. */
  readonly isVoid: () => boolean;
}

/** Replays all entries above one; returns the top and the latest time seen. */
export async function replay(
  sources: ReplaySources,
  above: EntryId,
): Promise<{ top: EntryId; at: number; entries: number }> {
  let top = above;
  let at = 0;
  let entries = 0;
  const rows = new Map<BillId, EntryId>();
  for (;;) {
    const page = await sources.log.read(sources.shard, top, PAGE_ENTRIES);
    mustGoOn(sources);
    const last = page.at(-1);
    if (last === undefined) return { top, at, entries };
    const before = top;
    at = Math.max(at, await replayPage(sources, page, rows));
    top = last.id;
    entries += page.length;
    if (sources.writer.depth(sources.shard) > WAITING_MAX) {
      await sources.writer.reached(sources.shard, before);
    }
  }
}

/** `rows`: the entry of every row fetched so far; a row has that entry and all before it. */
async function replayPage(
  sources: ReplaySources,
  page: readonly LogEntry[],
  rows: Map<BillId, EntryId>,
): Promise<number> {
  const contents = page.map(({ payload }) => sources.codec.decode(payload));
  await fetchMissing(sources, contents, rows);
  mustGoOn(sources);
  let at = 0;
  page.forEach(({ id }, i) => {
    const content = must(contents[i], 'content of an entry');
    const entry = replayEntry(sources.home, id, content, rows);
    at = Math.max(at, entry.at);
    sources.writer.enqueue(sources.shard, entry);
  });
  return at;
}

function mustGoOn({ isVoid, shard }: ReplaySources): void {
  if (isVoid()) throw new Error(`shard ${shard} was left while its log was read`);
}

/** Brings in the bills that the page touches and neither makes nor finds in memory. */
async function fetchMissing(
  sources: ReplaySources,
  contents: readonly EntryContent[],
  rows: Map<BillId, EntryId>,
): Promise<void> {
  const missing = new Set<BillId>();
  for (const content of contents) {
    if (content.kind !== 'batch') continue;
    for (const transition of content.transitions) {
      if (transition.kind !== 'bill') continue;
      if (sources.home.get(transition.billId) === undefined) missing.add(transition.billId);
    }
  }
  const ids = [...missing];
  for (let i = 0; i < ids.length; i += FETCH_MAX) {
    const some = ids.slice(i, i + FETCH_MAX);
    const known = (shard: ShardId): EntryId => sources.writer.knownWatermark(shard);
    const { bills } = await guarded([sources.shard], known, () => sources.history.fetchBills(some));
    mustGoOn(sources);
    some.forEach((id, n) => {
      const fetched = must(bills[n], 'a fetched bill');
      sources.home.put(id, fetched.bill, fetched.entry, null);
      rows.set(id, fetched.entry);
    });
  }
}

function replayEntry(
  home: ReplayHome,
  entry: EntryId,
  content: EntryContent,
  rows: ReadonlyMap<BillId, EntryId>,
): CommittedEntry {
  if (content.kind !== 'batch') return { entry, at: content.at, items: [] };
  const items: CommittedItem[] = [];
  let at = 0;
  for (const transition of content.transitions) {
    at = Math.max(at, transition.at);
    if (transition.kind === 'orderVoided') {
      items.push({ kind: 'order', transition });
    } else if ((rows.get(transition.billId) ?? NO_ENTRY) < entry) {
      items.push(replayTransition(home, entry, transition));
    }
  }
  return { entry, at, items };
}

function replayTransition(
  home: ReplayHome,
  entry: EntryId,
  transition: BillTransition,
): CommittedItem {
  const { billId, facts, at, requestId } = transition;
  const before = home.get(billId)?.bill ?? ABSENT;
  const after = evolve(before, facts, { at, requestId });
  const touched = touchedBy(before, after, facts);
  home.put(billId, after, entry, touched);
  return { kind: 'bill', after, touched, transition };
}

/** Checks that the log goes on where history ends; what is wrong, or null (A7). */
export async function checkContinuity(
  log: Log,
  codec: EntryCodec,
  watermark: Watermark,
): Promise<string | null> {
  const { shard, entry } = watermark;
  if (entry === NO_ENTRY) return checkBeginning(log, codec, shard);
  const { first, last } = await log.bounds(shard);
  const at = formatEntryId(entry);
  if (last === NO_ENTRY) return `the log of shard ${shard} is empty, and history ends at ${at}`;
  if (last < entry) {
    return `the log of shard ${shard} ends at ${formatEntryId(last)}, and history at ${at}: the log has lost entries`;
  }
  if (first <= entry) {
    const [found] = await log.read(shard, (entry - 1) as EntryId, 1);
    return found?.id === entry
      ? null
      : `the log of shard ${shard} does not hold ${at}, where history ends`;
  }
  for (const { payload } of await log.read(shard, NO_ENTRY, PAGE_ENTRIES)) {
    const content = codec.decode(payload);
    if (content.kind === 'closed') continue;
    if (content.kind !== 'open') break;
    if (content.follows === entry) return null;
  }
  return `the log of shard ${shard} begins at ${formatEntryId(first)}, and history ends at ${at}: entries between are missing`;
}

/** Whether the entry closes the log: history has moved to another one. */
export async function isClosed(
  log: Log,
  codec: EntryCodec,
  shard: ShardId,
  top: EntryId,
): Promise<boolean> {
  if (top === NO_ENTRY) return false;
  const [entry] = await log.read(shard, (top - 1) as EntryId, 1);
  if (entry?.id !== top) return false;
  try {
    return codec.decode(entry.payload).kind === 'closed';
  } catch (error) {
    // Whoever reads the shard's tail meets it again, and stops that shard alone.
    if (error instanceof UnreadableEntry) return false;
    throw error;
  }
}

/** Beside an empty history only a log that is whole from its very beginning will do. */
async function checkBeginning(log: Log, codec: EntryCodec, shard: ShardId): Promise<string | null> {
  const [first] = await log.read(shard, NO_ENTRY, 1);
  if (first === undefined) return null;
  const content = codec.decode(first.payload);
  if (content.kind === 'open' && content.follows === NO_ENTRY) return null;
  return `history is empty, and the log of shard ${shard} begins only at ${formatEntryId(first.id)}: what came before is missing`;
}

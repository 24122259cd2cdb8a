// Reading a shard's log again: from history's watermark to the top, evolving every bill that the tail touches and
// giving history what it misses (A7). Facts only; nothing is decided again. History need not have any of it before the
// shard serves: what is read here stands in memory as if it had just been committed.

import { must } from '../domain/assert.ts';
import { evolve } from '../domain/bill/bill.ts';
import { ABSENT, type Bill } from '../domain/bill/state.ts';
import { touchedBy } from '../domain/bill/touched.ts';
import type { BillFact } from '../domain/bill/vocabulary.ts';
import type { BillId, ShardId } from '../domain/ids.ts';
import { type EntryId, formatEntryId, NO_ENTRY } from './entry-id.ts';
import { type CommittedEntry, type CommittedItem, weightOf } from './history-queue.ts';
import type { HistoryWriter } from './history-writer.ts';
import { guarded } from './lookups.ts';
import type { History, Log, LogEntry, Watermark } from './ports.ts';
import {
  type BillTransition,
  type EntryCodec,
  type EntryContent,
  type OrderVoided,
  UnreadableEntry,
} from './records.ts';

/** Few enough that a worker's other shards are not held up by a page. */
const PAGE_ENTRIES = 100;
const FETCH_MAX = 500;

/** Where replayed bills live: the shard's own memory, or a map while a log is drained. */
export interface ReplayHome {
  get(id: BillId): { readonly bill: Bill } | undefined;
  /** A bill as history has it (`touched` null), or after a transition that is read again. */
  put(
    id: BillId,
    bill: Bill,
    entry: EntryId,
    touched: ReturnType<typeof touchedBy> | null,
    facts: readonly BillFact[],
  ): void;
  /** A create of this order that arrives later is refused. */
  entomb(order: OrderVoided): void;
}

export interface ReplaySources {
  readonly shard: ShardId;
  readonly log: Log;
  readonly codec: EntryCodec;
  readonly history: History;
  readonly writer: HistoryWriter;
  readonly home: ReplayHome;
  /** Where history ended at the start: what the log has up to there may be gone. */
  readonly watermark: EntryId;
  /** Transitions that may wait for history: the rest of a longer tail is read once it has some. */
  readonly unwrittenMax: number;
  /** The same of all that `writer` writes, a fat one counted as several. */
  readonly unwrittenInAllMax: number;
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
  const { shard, writer } = sources;
  const rows = new Map<BillId, EntryId>();
  // History is given it at the end: writing would take the time that reading needs.
  let unwritten: CommittedEntry[] = [];
  let weight = 0;
  const giveToHistory = (): void => {
    for (const entry of unwritten) writer.enqueue(shard, entry);
    unwritten = [];
    letGo();
  };
  const letGo = (): void => {
    writer.claim(-weight);
    weight = 0;
  };
  try {
    for (;;) {
      const page = await readPage(sources, top);
      mustGoOn(sources);
      const last = page.at(-1);
      if (last === undefined) {
        giveToHistory();
        return { top, at, entries };
      }
      const before = top;
      for (const entry of await replayPage(sources, page, rows)) {
        at = Math.max(at, entry.at);
        weight += entry.weight;
        writer.claim(entry.weight);
        unwritten.push(entry);
      }
      top = last.id;
      entries += page.length;
      if (isTooMuch(sources, weight)) {
        giveToHistory();
        await writer.reached(shard, before);
      }
    }
  } finally {
    letGo();
  }
}

function isTooMuch(
  { shard, writer, unwrittenMax, unwrittenInAllMax }: ReplaySources,
  weight: number,
): boolean {
  // Nothing weighs less than it has transitions.
  return writer.depth(shard) + weight > unwrittenMax || writer.weightInAll > unwrittenInAllMax;
}

/**
 * What comes after an entry that has been read, which must still stand there: the statement of an earlier owner may bring
 * more into history meanwhile, and the log be trimmed. Bills in memory would lack what nobody has read.
 */
async function readPage(
  { shard, log, watermark }: ReplaySources,
  top: EntryId,
): Promise<LogEntry[]> {
  if (top === NO_ENTRY) return log.read(shard, NO_ENTRY, PAGE_ENTRIES);
  const page = await log.read(shard, (top - 1) as EntryId, PAGE_ENTRIES + 1);
  if (page[0]?.id === top) return page.slice(1);
  // Nothing is in memory yet: what is gone comes from history, with the bills.
  if (top === watermark) return page;
  throw new Error(
    `the log of shard ${shard} was trimmed beyond ${formatEntryId(top)}: begin again`,
  );
}

async function replayPage(
  sources: ReplaySources,
  page: readonly LogEntry[],
  rows: Map<BillId, EntryId>,
): Promise<CommittedEntry[]> {
  const contents = page.map(({ payload }) => sources.codec.decode(payload));
  await fetchMissing(sources, contents, rows);
  mustGoOn(sources);
  return page.map(({ id, payload }, i) =>
    replayEntry(sources.home, { id, payload }, must(contents[i], 'content of an entry'), rows),
  );
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
      sources.home.put(id, fetched.bill, fetched.entry, null, []);
      rows.set(id, fetched.entry);
    });
  }
}

function replayEntry(
  home: ReplayHome,
  { id: entry, payload }: LogEntry,
  content: EntryContent,
  rows: ReadonlyMap<BillId, EntryId>,
): CommittedEntry {
  if (content.kind !== 'batch') return { entry, at: content.at, weight: 0, items: [] };
  const items: CommittedItem[] = [];
  let at = 0;
  for (const transition of content.transitions) {
    at = Math.max(at, transition.at);
    if (transition.kind === 'orderVoided') {
      home.entomb(transition);
      items.push({ kind: 'order', transition });
    } else if ((rows.get(transition.billId) ?? NO_ENTRY) < entry) {
      items.push(replayTransition(home, entry, transition));
    }
  }
  return { entry, at, weight: weightOf(items.length, payload.length), items };
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
  home.put(billId, after, entry, touched, facts);
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

// How a shard's log becomes an owner's own: the tail that history misses is read into memory, and the owner's epoch opened
// on it (A7). History need not have the tail first: it follows while the shard serves.

import { type Millis, millis } from '../domain/time.ts';
import type { EntryId } from './entry-id.ts';
import type { HistoryWriter } from './history-writer.ts';
import { type Opener, openEpoch } from './opening.ts';
import { type Clock, type History, LogRefusal, type Watermark } from './ports.ts';
import { isClosed, replay } from './replay.ts';
import { homeOf } from './replay-home.ts';
import type { Shard } from './shard.ts';

export interface TakeOver {
  readonly shard: Shard;
  readonly opener: Opener;
  readonly history: History;
  readonly writer: HistoryWriter;
  readonly clock: Clock;
  /** Transitions that may be held which history does not have, and of all shards of the worker together. */
  readonly unwrittenMax: number;
  readonly unwrittenInAllMax: number;
  /** Whether the shard has been left meanwhile. */
  readonly isVoid: () => boolean;
}

/** The epoch is open: its opening, which is the log's top, and the latest time in the log. */
export interface TakenOver {
  readonly top: EntryId;
  readonly at: Millis;
}

/**
 * Replays what history misses and opens the epoch on it; reads on where that is refused, and rejects where there is
 * nothing to read. A log that is full has room once
 * history has taken what it holds: that is waited for once, then the refusal is thrown. Null where the shard was left
 * meanwhile; `closed` where history has moved to another log.
 */
export async function takeOver(
  given: TakeOver,
  watermark: Watermark,
): Promise<TakenOver | 'closed' | null> {
  const { shard, opener, history, writer, clock, isVoid } = given;
  const { id } = shard;
  const { log, codec } = opener;
  const home = homeOf(shard, clock);
  const from = { shard: id, log, codec, history, watermark: watermark.entry };
  const { unwrittenMax, unwrittenInAllMax } = given;
  const sources = { ...from, writer, home, unwrittenMax, unwrittenInAllMax, isVoid };
  const nonces = new Set<string>();
  let refusal: unknown = null;
  let top = watermark.entry;
  let at: number = watermark.at;
  for (;;) {
    const replayed = await replay(sources, top);
    if (replayed.entries === 0) refuseToWait(refusal);
    top = replayed.top;
    at = Math.max(at, replayed.at);
    const isOver = await isClosed(log, codec, id, top);
    if (isVoid()) return null;
    if (isOver) return 'closed';
    try {
      const openedAt = millis(Math.max(clock.wall(), at));
      const opened = await openEpoch(opener, top, { at: openedAt, nonces });
      if (isVoid()) return null;
      writer.enqueue(id, { entry: opened, at: openedAt, weight: 0, items: [] });
      return { top: opened, at: openedAt };
    } catch (error) {
      // Fenced: another's last entry has landed; read on. Unknown: an own opening is replayed like any entry.
      if (isUnwilling(error)) await makeRoom(given, top, refusal);
      refusal = error;
    }
  }
}

/** Refused, and nothing has landed: the log may have lost what it had. Who begins again holds it against history anew. */
function refuseToWait(refusal: unknown): void {
  if (refusal !== null && !isUnwilling(refusal)) throw refusal;
}

/** Waits until history has all that the log holds, so that it may go; once. */
async function makeRoom(
  { shard, opener, writer }: TakeOver,
  top: EntryId,
  before: unknown,
): Promise<void> {
  if (isUnwilling(before)) throw before;
  await writer.reached(shard.id, top);
  await opener.log.trim(shard.id, top);
}

function isUnwilling(error: unknown): boolean {
  return error instanceof LogRefusal && error.reason === 'unwilling';
}

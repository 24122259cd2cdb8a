// How an owner opens its epoch, and how it finds out what became of an append (A3, A4). It never guesses: it reads the
// log, and it acts only once an opening of its own stands there.

import type { ShardId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import { type EntryId, entryId, epochOf, formatEntryId, NO_ENTRY } from './entry-id.ts';
import { type Log, type LogEntry, LogRefusal } from './ports.ts';
import type { EntryCodec } from './records.ts';

/** An epoch's first sequence is drawn below this, so that two logs that diverged do not agree by chance. */
const FIRST_SEQUENCE_MAX = 2 ** 24;
/** What can stand above the last acknowledged entry: one append and some openings. */
const TAIL_READ = 16;

export interface Opener {
  readonly shard: ShardId;
  readonly log: Log;
  readonly codec: EntryCodec;
  /** Names the owner in its openings, for people. */
  readonly holder: string;
  /** A fresh random string. */
  readonly drawNonce: () => string;
  /** A random integer from 0 to below `limit`. */
  readonly drawInteger: (limit: number) => number;
}

/** Ends the log: nobody opens an epoch on it again, unless the move is given up. Resolves with the closing's id. */
export async function closeLog(opener: Opener, top: EntryId, at: Millis): Promise<EntryId> {
  const { codec, holder, log, shard } = opener;
  const id = entryId(epochOf(top) + 1, opener.drawInteger(FIRST_SEQUENCE_MAX));
  await log.append(shard, top, id, codec.encode({ kind: 'closed', holder, at }));
  return id;
}

export type Reopening =
  /** The epoch is open; whether the unknown append stands below it is known now. */
  | { readonly type: 'open'; readonly top: EntryId; readonly isUnknownCommitted: boolean }
  /** Another owner has written. */
  | { readonly type: 'deposed'; readonly by: string }
  /** Entries that the log had acknowledged are gone. */
  | { readonly type: 'lost'; readonly detail: string };

/**
 * Tries to open the next epoch after `top`. Resolves with the opening's id; rejects as Log.append does. `nonces`
 * collects the nonce, so that an opening whose answer was lost is recognised.
 */
export async function openEpoch(
  opener: Opener,
  top: EntryId,
  options: { at: Millis; nonces: Set<string>; follows?: EntryId },
): Promise<EntryId> {
  const nonce = opener.drawNonce();
  options.nonces.add(nonce);
  const epoch = epochOf(Math.max(top, options.follows ?? NO_ENTRY) as EntryId) + 1;
  const id = entryId(epoch, opener.drawInteger(FIRST_SEQUENCE_MAX));
  const { codec, holder, log, shard } = opener;
  const follows = options.follows ?? top;
  const payload = codec.encode({ kind: 'open', nonce, holder, at: options.at, follows });
  await log.append(shard, top, id, payload);
  return id;
}

/**
 * One try to go on after an append that was not answered OK: reads what stands above the last acknowledged entry and
 * opens the next epoch on it. Rejects where the log refuses or does not answer: try again in a while.
 */
export async function reopen(
  opener: Opener,
  state: { acknowledged: EntryId; unknown: EntryId | null; nonces: Set<string>; at: Millis },
): Promise<Reopening> {
  const tail = await readTail(opener, state.acknowledged);
  if ('type' in tail) return tail;
  const found = judge(opener, tail, state);
  if (found.type !== 'go on') return found;
  const { top, isUnknownCommitted } = found;
  try {
    const opened = await openEpoch(opener, top, state);
    return { type: 'open', top: opened, isUnknownCommitted };
  } catch (error) {
    // Fenced: something has landed since; read again at once. Anything else: the caller waits.
    if (error instanceof LogRefusal && error.reason === 'fenced') return reopen(opener, state);
    throw error;
  }
}

type Judgement = Reopening | { type: 'go on'; top: EntryId; isUnknownCommitted: boolean };

/** What stands above the last acknowledged entry: our own append, an opening of ours, or another's. */
function judge(
  opener: Opener,
  tail: readonly LogEntry[],
  state: { acknowledged: EntryId; unknown: EntryId | null; nonces: ReadonlySet<string> },
): Judgement {
  let top = state.acknowledged;
  let isUnknownCommitted = false;
  for (const { id, payload } of tail) {
    if (id === state.unknown) {
      isUnknownCommitted = true;
      top = id;
      continue;
    }
    const content = opener.codec.decode(payload);
    if (content.kind === 'open' && state.nonces.has(content.nonce)) {
      return { type: 'open', top: id, isUnknownCommitted };
    }
    const by = content.kind === 'batch' ? `the writer of ${formatEntryId(id)}` : content.holder;
    return { type: 'deposed', by };
  }
  return { type: 'go on', top, isUnknownCommitted };
}

/** Entries above the acknowledged one, where that still stands in the log; otherwise what its absence means. */
async function readTail(opener: Opener, acknowledged: EntryId): Promise<LogEntry[] | Reopening> {
  if (acknowledged === NO_ENTRY) return opener.log.read(opener.shard, NO_ENTRY, TAIL_READ);
  const before = (acknowledged - 1) as EntryId;
  const [found, ...tail] = await opener.log.read(opener.shard, before, TAIL_READ);
  if (found?.id === acknowledged) return tail;
  const { first, last } = await opener.log.bounds(opener.shard);
  // Another owner has written above it, brought it into history and trimmed it.
  if (first > acknowledged) return { type: 'deposed', by: `the writer of ${formatEntryId(last)}` };
  const detail =
    `the log of shard ${opener.shard} had acknowledged ${formatEntryId(acknowledged)} and ends at ` +
    `${formatEntryId(last)}: it has lost entries`;
  return { type: 'lost', detail };
}

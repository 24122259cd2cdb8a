// From one log to another: the old one is drained into history and closed, the new one opened above it; only then may
// Postgres name the new one (A7). An owner that still writes to the old log is fenced by the closing.

import type { ShardId } from '../domain/ids.ts';
import { type Millis, millis } from '../domain/time.ts';
import { type EntryId, NO_ENTRY } from './entry-id.ts';
import { HistoryWriter } from './history-writer.ts';
import { LEASE_MS } from './leasing.ts';
import { closeLog, type Opener, openEpoch } from './opening.ts';
import {
  type Clock,
  type History,
  type Leases,
  type Log,
  LogRefusal,
  type Watermark,
} from './ports.ts';
import type { EntryCodec } from './records.ts';
import { checkContinuity, isClosed, type ReplayHome, replay } from './replay.ts';
import { NO_OBSERVER, type Reporter } from './reporter.ts';

export interface Moving {
  readonly shards: readonly ShardId[];
  /** Null: abandoned; what only it held is lost, and the operator has said so by name. */
  readonly from: OldLog | null;
  readonly to: Log;
  readonly history: History;
  readonly codec: EntryCodec;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly holder: string;
  readonly drawNonce: () => string;
  readonly drawInteger: (limit: number) => number;
}

/** Transitions read from the old log that may wait for history: it bounds the memory of a long move. */
const UNWRITTEN_MAX = 20_000;

/** The log to move from, with the leases beside it. */
export interface OldLog {
  readonly log: Log;
  readonly leases: Leases;
  /** Whether the holder of a lease is known to be dead. */
  readonly isGone: (holder: string) => boolean;
}

/** The name that Postgres gives its log. */
export interface NameChange {
  /** From the old log to the new one; rejects where it is neither's to change. */
  change(): Promise<void>;
  /** To the old one again. */
  restore(): Promise<void>;
}

/** Moves every shard, then changes the name. Can be repeated after a crash at any point; rejects with what is wrong. */
export async function moveLog(moving: Moving, name: NameChange): Promise<void> {
  for (const shard of moving.shards) await refuseForeign(moving, shard);
  const ends = new Map<ShardId, EntryId>();
  for (const shard of moving.shards) ends.set(shard, await moveShard(moving, shard));
  await endLeases(moving);
  for (const [shard, end] of ends) await refuseTakenBack(moving, shard, end);
  await name.change();
  // Who takes the old log back opens it first and reads the name then: of two at once, one sees the other here or there.
  try {
    for (const [shard, end] of ends) await refuseTakenBack(moving, shard, end);
  } catch (error) {
    await name.restore();
    throw error;
  }
}

/**
 * A move away from this log was given up: the operator has started on it again while Postgres still names it. Opens
 * what was closed, so that its owners may go on. The name is to be read again after it (see `moveLog`).
 */
export async function takeBack(moving: Moving): Promise<void> {
  const { to: log, codec, clock } = moving;
  for (const shard of moving.shards) {
    const { last } = await log.bounds(shard);
    if (!(await isClosed(log, codec, shard, last))) continue;
    const at = millis(clock.wall());
    await openEpoch(openerOf(moving, shard, log), last, { at, nonces: new Set() });
  }
}

/**
 * Takes the leases of the old log's owners away, and waits until none of them can believe in its own any more: one that
 * only reads would never hear from its log that it is closed, and would answer for ever what was true before the move.
 */
async function endLeases({ from, shards, holder, clock }: Moving): Promise<void> {
  if (from === null) return;
  const { leases, isGone } = from;
  let mustWait = false;
  for (;;) {
    const standing = await leases.read(shards);
    const others = standing.filter((each) => each.holder !== null && each.holder !== holder);
    if (others.length === 0) break;
    await leases.take(others, holder);
    mustWait ||= others.some((each) => !isGone(each.holder ?? ''));
  }
  if (mustWait) await new Promise<void>((done) => clock.after(LEASE_MS, done));
  const taken = await leases.read(shards);
  await leases.release(taken.filter((each) => each.holder === holder));
}

/** Somebody has started on the old log again meanwhile: then it, and not the new one, is the log. */
async function refuseTakenBack({ from }: Moving, shard: ShardId, end: EntryId): Promise<void> {
  if (from === null) return;
  const { last } = await from.log.bounds(shard);
  if (last === end) return;
  throw new Error(`shard ${shard} was served on the old log again while it was being moved`);
}

/** The new log must be empty, but for openings that an earlier try left behind. */
async function refuseForeign({ to, codec }: Moving, shard: ShardId): Promise<void> {
  for (const { payload } of await to.read(shard, NO_ENTRY, 1_000)) {
    if (codec.decode(payload).kind !== 'batch') continue;
    throw new Error(
      `the new log already holds transitions in shard ${shard}: it belongs to another switch`,
    );
  }
}

/** Returns the entry that history ends with in the old log. */
async function moveShard(moving: Moving, shard: ShardId): Promise<EntryId> {
  const closing = moving.from === null ? null : await drain(moving, shard, moving.from.log);
  const { entry, at: reached } = await watermarkOf(moving, shard);
  const last = closing ?? entry;
  const opener = openerOf(moving, shard, moving.to);
  const { last: top } = await moving.to.bounds(shard);
  const at = millis(Math.max(moving.clock.wall(), reached));
  const opened = await openEpoch(opener, top, { at, nonces: new Set(), follows: last });
  // Openings of earlier tries, and the closing from when this was the old log, do not follow history's end: they go.
  await moving.to.trim(shard, opened);
  return last;
}

async function watermarkOf({ history }: Moving, shard: ShardId): Promise<Watermark> {
  const [watermark] = await history.watermarks([shard]);
  return watermark ?? { shard, entry: NO_ENTRY, at: millis(0) };
}

/** Brings all of the old log into history and closes it. Returns the closing. */
async function drain(moving: Moving, shard: ShardId, from: Log): Promise<EntryId> {
  const { history, codec, clock, reporter } = moving;
  const known = await watermarkOf(moving, shard);
  const broken = await checkContinuity(from, codec, known);
  if (broken !== null) throw new Error(broken);
  const writer = new HistoryWriter({ history, clock, reporter, observer: NO_OBSERVER });
  writer.follow(shard, known.entry, {
    written: () => undefined,
    overtaken: () => undefined,
    stopped: () => undefined,
  });
  const isVoid = (): boolean => false;
  const home = emptyHome();
  const sources = {
    shard,
    log: from,
    codec,
    history,
    watermark: known.entry,
    writer,
    home,
    unwrittenMax: UNWRITTEN_MAX,
    unwrittenInAllMax: UNWRITTEN_MAX,
    isVoid,
  };
  const opener = openerOf(moving, shard, from);
  let top: EntryId = known.entry;
  // The shard's own time, which may be ahead of the clock: it never goes back.
  let at = millis(Math.max(clock.wall(), known.at));
  for (;;) {
    const replayed = await replay(sources, top);
    top = replayed.top;
    at = millis(Math.max(at, replayed.at));
    const closing = await close(opener, top, at);
    if (closing === null) continue;
    writer.enqueue(shard, { entry: closing, at, weight: 0, items: [] });
    await writer.reached(shard, closing);
    await writer.close();
    // What history has need not stay, or this log could never take over again (see refuseForeign).
    await from.trim(shard, closing);
    return closing;
  }
}

/** Null: something came in between; read on. */
async function close(opener: Opener, top: EntryId, at: Millis): Promise<EntryId | null> {
  try {
    return await closeLog(opener, top, at);
  } catch (error) {
    if (error instanceof LogRefusal && error.reason === 'fenced') return null;
    throw error;
  }
}

function openerOf(moving: Moving, shard: ShardId, log: Log): Opener {
  const { codec, holder, drawNonce, drawInteger } = moving;
  return { shard, log, codec, holder, drawNonce, drawInteger };
}

function emptyHome(): ReplayHome {
  const bills = new Map<string, { bill: Parameters<ReplayHome['put']>[1] }>();
  return {
    get: (id) => bills.get(id),
    put: (id, bill) => {
      bills.set(id, { bill });
    },
    entomb: () => undefined,
  };
}

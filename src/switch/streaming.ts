// What a committed transition sends into the streams of its recipients.

import { isCallAwaited } from '../domain/bill/acquired.ts';
import { isDead } from '../domain/bill/outbox.ts';
import { type Bill, isPresent } from '../domain/bill/state.ts';
import { type Touched, touchedBy } from '../domain/bill/touched.ts';
import type { Recipient } from '../domain/bill/vocabulary.ts';
import { partId } from '../domain/ids.ts';
import type { Millis } from '../domain/time.ts';
import type { Cell } from './cell.ts';
import { writeOff } from './cell-references.ts';
import type { EntryId } from './entry-id.ts';
import type { Item } from './group-commit.ts';
import type { CommittedItem } from './history-queue.ts';
import type { BillTransition } from './records.ts';
import type { ShardSurroundings } from './shard-surroundings.ts';

type Streams = Pick<ShardSurroundings, 'events' | 'sink'>;

/** The item as history is to have it; its events are told. */
export function asCommitted(streams: Streams, item: Item): CommittedItem {
  if (item.kind === 'order') return item;
  const { before, after, transition } = item;
  const touched = touchedBy(before, after, transition.facts);
  stream(streams, after, touched, true);
  if (transition.facts[0]?.type === 'ArmingRepeated') streams.sink.unfinished(transition.billId);
  wakeCaller(streams, after, transition);
  return { kind: 'bill', after, touched, transition };
}

/** Whoever makes the calls hears of what others have changed: what it did itself it knows. */
function wakeCaller(
  { sink }: Streams,
  after: Bill,
  { billId, command, facts }: BillTransition,
): void {
  if (!isPresent(after) || after.terms.acquirer === undefined || OF_CALLER.has(command)) return;
  const wakes = facts.some(({ type }) => type === 'AcquiringKept' || type === 'BillCreated');
  if (!wakes) return;
  const recipient: Recipient = `paychannel:${after.terms.acquirer.paychannelId}`;
  sink.acquiring({ recipient, billId, isAwaited: isCallAwaited(after) });
}

const OF_CALLER = new Set(['BeginAcquiring', 'FinishAcquiring']);

/** Puts events into the streams and takes ended ones out; where `live`, whoever listens hears of both. */
export function stream(streams: Streams, after: Bill, touched: Touched, live: boolean): void {
  if (!isPresent(after)) return;
  const { events, sink } = streams;
  for (const event of touched.eventsRaised) {
    const streamed = events.add(after, event);
    if (live) sink.event(streamed);
  }
  for (const { event, how } of touched.eventsEnded) {
    // It is pending as before; the stream has it until history has it.
    if (how === 'letGo') continue;
    events.end(after.terms.id, event);
    if (live) sink.eventEnded(event.recipient, partId(after.terms.id, 'e', event.no));
  }
}

/**
 * Says again what is pending of a bill that has been fetched: whoever could not ask history, and so does not know of it,
 * hears of it before anything newer.
 */
export function recall({ events, sink }: Streams, bill: Bill, now: Millis): void {
  if (!isPresent(bill) || bill.outbox.length === 0) return;
  for (const streamed of events.pendingOf(bill)) {
    if (!isDead(streamed.event, now)) sink.event({ ...streamed, isFetched: true });
  }
}

/** History has the item now: it shows the ends of its events itself, and knows its references. */
export function settleItem(
  { events }: Pick<Streams, 'events'>,
  { touched, transition }: Extract<CommittedItem, { kind: 'bill' }>,
  cell: Cell | undefined,
  watermark: EntryId,
): void {
  for (const { event, how } of touched.eventsEnded) {
    if (how === 'letGo') events.leave(transition.billId, event);
    else events.endWritten(transition.billId, event);
  }
  writeOff(cell, watermark);
}

// Lists that operators search: bills, payments, credits and events of all that they see; and the story of one bill.

import { sentAt } from '../../domain/bill/outbox.ts';
import { EVENT_LIFE_MS } from '../../domain/bill/vocabulary.ts';
import type { BillId } from '../../domain/ids.ts';
import { type Millis, millis } from '../../domain/time.ts';
import type {
  Archive,
  ArchiveScope,
  EventSearch,
  FoundEvent,
  FoundTransition,
  PartBill,
  TransitionPlace,
} from '../../switch/archive.ts';
import type { EntryId } from '../../switch/entry-id.ts';
import { Fault } from '../../switch/faults.ts';
import type { ListFilter } from '../../switch/listings-port.ts';
import type { ShardDoor } from '../../switch/requests.ts';
import { encodeBody } from '../presenter.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { LIMITS } from '../schemas/scalars.ts';
import type { Shape } from '../shape-parts.ts';
import type { Shapes } from '../shapes.ts';
import { transitionShape } from '../timeline.ts';
import { formatTime, formatTimeOrNull } from '../wire-time.ts';
import type { Fetch } from './lists.ts';
import { eventId } from './pending.ts';
import type { QueryValues } from './query.ts';

export interface DeskSources {
  readonly archive: Archive;
  readonly shapes: Shapes;
}

export function billsWithin(
  { archive, shapes }: DeskSources,
  scope: ArchiveScope,
  values: QueryValues,
): Fetch {
  return async (filter) => {
    const bills = await archive.bills(scope, {
      ...filter,
      orderId: text(values.orderId),
      paymentRef: text(values.paymentRef),
      merchantId: text(values.merchantId),
      terminalId: text(values.terminalId),
      type: text(values.type),
      amount: number(values.amount),
    });
    return bills.map((bill) => ({
      place: { at: bill.terms.createdAt, id: bill.terms.id, no: 0 },
      shape: shapes.bill(bill, filter.asOf),
    }));
  };
}

export function paymentsWithin(
  { archive, shapes }: DeskSources,
  scope: ArchiveScope,
  values: QueryValues,
): Fetch {
  return async (filter) => {
    const rows = await archive.payments(scope, partSearch(filter, values));
    return rows.map(({ bill, payment }) => ({
      place: { at: payment.receivedAt, id: bill.id, no: payment.no },
      shape: { ...shapes.payment(bill, payment), ...ofBill(bill) },
    }));
  };
}

export function creditsWithin(
  { archive, shapes }: DeskSources,
  scope: ArchiveScope,
  values: QueryValues,
): Fetch {
  return async (filter) => {
    const rows = await archive.credits(scope, partSearch(filter, values));
    return rows.map(({ bill, credit }) => {
      const shape = shapes.credit(bill.id, credit, bill.purpose, filter.asOf);
      const { paychannelId } = credit;
      return {
        place: { at: credit.requestedAt, id: bill.id, no: credit.no },
        shape: { ...shape, paychannelId, ...ofBill(bill) },
      };
    });
  };
}

export function eventsWithin(
  { archive, shapes }: DeskSources,
  of: ArchiveScope | { billId: BillId },
  values: QueryValues,
): Fetch {
  return async (filter) => {
    const found = await archive.events(of, eventSearch(filter, values));
    return found.map((each) => {
      const { bill, event } = each.streamed;
      return {
        place: { at: sentAt(event), id: bill.id, no: event.no },
        shape: eventShape(shapes, each),
      };
    });
  };
}

function eventShape(shapes: Shapes, { streamed, fate, acknowledgedAt }: FoundEvent): Shape {
  const { bill, event } = streamed;
  const [kind = '', ...id] = event.recipient.split(':');
  return {
    id: eventId(streamed),
    billId: bill.id,
    recipient: { kind, id: id.join(':') },
    type: event.type,
    status: fate,
    occurredAt: formatTime(event.occurredAt),
    acknowledgedAt: formatTimeOrNull(acknowledgedAt),
    event: shapes.event(streamed),
  };
}

function partSearch(filter: ListFilter, values: QueryValues) {
  return {
    ...filter,
    paymentRef: text(values.paymentRef),
    paychannelId: text(values.paychannelId),
    merchantId: text(values.merchantId),
    amount: number(values.amount),
  };
}

function eventSearch(filter: ListFilter, values: QueryValues): EventSearch {
  return {
    ...filter,
    type: text(values.type),
    terminalId: text(values.terminalId),
    paychannelId: text(values.paychannelId),
    deadBefore: millis(Math.max(0, filter.asOf - EVENT_LIFE_MS)),
  };
}

function ofBill(bill: PartBill): Shape {
  const { id: billId, orderId, institutionId, merchantId, terminalId, currency } = bill;
  return { billId, orderId, institutionId, merchantId, terminalId, currency };
}

function text(value: string | number | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function number(value: string | number | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

// ----------------------------------------------------------------------------------------------------- timeline --

/** Where a page of a bill's story begins, and how long it may be. */
export interface TimelineReading {
  readonly after: TransitionPlace | null;
  readonly limit: number;
}

export function readTimeline({ cursor, limit }: QueryValues): TimelineReading | Problem {
  const after = typeof cursor === 'string' ? placeIn(cursor) : null;
  if (after === undefined) {
    return invalid([{ path: 'cursor', message: 'is not a cursor that a timeline gave' }]);
  }
  return { after, limit: typeof limit === 'number' ? limit : LIMITS.page };
}

/** Memory is asked first, then history: what goes from the one to the other meanwhile is in both, and never in none. */
export async function timelinePage(
  { archive, door }: { archive: Archive; door: ShardDoor },
  billId: BillId,
  { after, limit }: TimelineReading,
): Promise<Uint8Array> {
  const { at: asOf, transitions: unwritten } = await unwrittenOf(door, billId);
  const written = await archive.transitions(billId, after, limit + 1);
  const last = written.at(-1) ?? null;
  const isFull = written.length > limit;
  const newer = isFull ? [] : unwritten.filter((each) => follows(each, last ?? after));
  const all = [...written, ...newer];
  const items = all.slice(0, limit);
  const end = items.at(-1);
  const nextCursor = all.length > items.length && end !== undefined ? cursorOf(end) : null;
  const body = { items: items.map(transitionShape), nextCursor, asOf: formatTime(asOf) };
  return encodeBody(body, 'json');
}

async function unwrittenOf(
  door: ShardDoor,
  billId: BillId,
): Promise<{ at: Millis; transitions: readonly FoundTransition[] }> {
  for (const answer of await door.ask({ query: 'unwritten', billId })) {
    if (answer.answer === 'unwritten' && answer.at !== null) return { ...answer, at: answer.at };
  }
  throw new Fault('shard.unavailable', 'nobody serves the shard of this bill now');
}

function follows(place: TransitionPlace, after: TransitionPlace | null): boolean {
  if (after === null) return true;
  return place.entry > after.entry || (place.entry === after.entry && place.no > after.no);
}

function cursorOf({ entry, no }: TransitionPlace): string {
  return Buffer.from(`${entry}.${no}`).toString('base64url');
}

/** Undefined where the text is no cursor of ours. */
function placeIn(cursor: string): TransitionPlace | undefined {
  const read = Buffer.from(cursor, 'base64url').toString();
  const [, entry = '', no = ''] = /^(\d{1,16})\.(\d{1,9})$/.exec(read) ?? [];
  if (entry === '' || !Number.isSafeInteger(Number(entry))) return undefined;
  return { entry: Number(entry) as EntryId, no: Number(no) };
}

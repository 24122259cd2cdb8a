// Lists out of history: bills, payments, credits. Complete up to `asOf`, the time that every shard has written.

import { must } from '../../domain/assert.ts';
import type { BillId, PaychannelId, TerminalId } from '../../domain/ids.ts';
import { type Millis, millis } from '../../domain/time.ts';
import type { BillScope, ListFilter, Listings, ListPlace } from '../../switch/listings-port.ts';
import type { Principal } from '../../switch/principal.ts';
import type { ShardDoor } from '../../switch/requests.ts';
import { encodeBody } from '../presenter.ts';
import { invalid, type Problem } from '../problem-document.ts';
import { LIMITS } from '../schemas/scalars.ts';
import type { Shape } from '../shape-parts.ts';
import type { Shapes } from '../shapes.ts';
import { formatTime, parseTime } from '../wire-time.ts';
import { readCursor, writeCursor } from './cursor.ts';
import type { QueryValues } from './query.ts';

export interface ListSources {
  readonly door: ShardDoor;
  readonly listings: Listings;
  readonly shapes: Shapes;
}

interface Row {
  readonly place: ListPlace;
  readonly shape: Shape;
}

/** What is listed: how a page is fetched and shown. */
export type Fetch = (filter: ListFilter) => Promise<Row[]>;

/** Reads the query of a list; the filter lacks `asOf` where no cursor brings it. */
export function readFilter(values: QueryValues): ListReading | { problem: Problem } {
  const cursorText = values.cursor;
  const cursor = typeof cursorText === 'string' ? readCursor(cursorText) : null;
  if (cursor === undefined) {
    return { problem: invalid([{ path: 'cursor', message: 'is not a cursor that a list gave' }]) };
  }
  const [from, to] = [time(values.from), time(values.to)];
  if (from !== null && to !== null && from > to) {
    return { problem: invalid([{ path: 'from', message: 'must not be after `to`' }]) };
  }
  return {
    asOf: cursor?.asOf ?? null,
    after: cursor?.place ?? null,
    status: text(values.status),
    from,
    to,
    limit: typeof values.limit === 'number' ? values.limit : LIMITS.page,
  };
}

export type ListReading = Omit<ListFilter, 'asOf'> & { readonly asOf: Millis | null };

/** One page as the body of its answer. Rejects with a Fault where a worker or Postgres cannot answer. */
export async function listPage(
  sources: ListSources,
  reading: ListReading,
  fetch: Fetch,
): Promise<Uint8Array> {
  const asOf = reading.asOf ?? (await reachedBy(sources.door));
  // One more than asked for tells whether there is a next page.
  const rows = await fetch({ ...reading, asOf, limit: reading.limit + 1 });
  const page = rows.slice(0, reading.limit);
  const last = page.at(-1);
  const hasMore = rows.length > page.length && last !== undefined;
  return encodeBody(
    {
      items: page.map((row) => row.shape),
      nextCursor: hasMore ? writeCursor({ place: last.place, asOf }) : null,
      asOf: formatTime(asOf),
    },
    'json',
  );
}

export function billsOf(sources: ListSources, principal: Principal): Fetch {
  return async (filter) => {
    const bills = await sources.listings.bills(scopeOf(principal), filter);
    return bills.map((bill) => ({
      place: { at: bill.terms.createdAt, id: bill.terms.id, no: 0 },
      shape: sources.shapes.bill(bill, filter.asOf),
    }));
  };
}

export function paymentsOf(
  sources: ListSources,
  of: { billId: BillId } | { paychannelId: PaychannelId },
): Fetch {
  return async (filter) => {
    const rows = await sources.listings.payments(of, filter);
    return rows.map(({ bill, payment }) => ({
      place: { at: payment.receivedAt, id: bill.terms.id, no: payment.no },
      shape:
        'billId' in of
          ? sources.shapes.payment(bill.terms, payment)
          : sources.shapes.paychannelPayment(bill, payment),
    }));
  };
}

export function creditsOf(
  sources: ListSources,
  of: { billId: BillId } | { paychannelId: PaychannelId },
): Fetch {
  return async (filter) => {
    const rows = await sources.listings.credits(of, filter);
    return rows.map(({ bill, credit }) => ({
      place: { at: credit.requestedAt, id: bill.terms.id, no: credit.no },
      shape:
        'billId' in of
          ? sources.shapes.credit(bill.terms.id, credit, bill.terms.purpose, filter.asOf)
          : sources.shapes.paychannelCredit(bill, credit, filter.asOf),
    }));
  };
}

/** The time up to which every worker has written all to history. */
export async function reachedBy(door: ShardDoor): Promise<Millis> {
  const answers = await door.ask({ query: 'reached' });
  let reached: number = Number.MAX_SAFE_INTEGER;
  for (const answer of answers) {
    if (answer.answer === 'reached') reached = Math.min(reached, answer.at);
  }
  return millis(reached === Number.MAX_SAFE_INTEGER ? 0 : reached);
}

function scopeOf(principal: Principal): BillScope {
  const isRestricted = principal.kind === 'terminal' && principal.restricted;
  // Of a paychannel, which lists no bills, and of an operator of a whole institution there is none.
  const { merchantId } = principal;
  const hasMerchant = principal.kind === 'terminal' || principal.kind === 'merchant';
  return {
    institutionId: principal.institutionId,
    merchantId: hasMerchant ? must(merchantId, 'the merchant of a terminal') : merchantId,
    terminalId: isRestricted ? (principal.id as TerminalId) : null,
  };
}

function text(value: string | number | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function time(value: string | number | undefined): Millis | null {
  return typeof value === 'string' ? (parseTime(value) ?? null) : null;
}

// Dead letters are sent again: one by its id, or all that a filter names, a page at a time.

import { sentAt } from '../../domain/bill/outbox.ts';
import { EVENT_LIFE_MS } from '../../domain/bill/vocabulary.ts';
import { type BillId, parsePartId, shardOfBill } from '../../domain/ids.ts';
import { type Millis, millis } from '../../domain/time.ts';
import type { EventSearch, FoundEvent } from '../../switch/archive.ts';
import { scopeOfOperator } from '../../switch/operator-desk.ts';
import type { Principal } from '../../switch/principal.ts';
import { encodeBody } from '../presenter.ts';
import { invalid } from '../problem-document.ts';
import type { OperatorRequestBody } from '../schemas/operator.ts';
import { LIMITS } from '../schemas/scalars.ts';
import { violationsOf } from '../schemas/validation.ts';
import { askShard, type ShardAnswer } from '../shard/ask-shard.ts';
import { formatTime, parseTime } from '../wire-time.ts';
import { readCursor, writeCursor } from './cursor.ts';
import type { Exchange } from './exchange.ts';
import { reachedBy } from './lists.ts';
import type { GatewaySurroundings, ListOptions } from './options.ts';

/** One event: nothing is done of one that is not dead, or has been sent again. */
export async function resendOne(
  options: GatewaySurroundings & ListOptions,
  exchange: Exchange,
  operator: Principal,
): Promise<void> {
  const part = parsePartId(exchange.incoming.params.eventId ?? '', 'e');
  const { shards } = options.door;
  if (part === undefined || shardOfBill(part.billId) >= shards) {
    exchange.refuse({ code: 'event.notFound' });
    return;
  }
  // Whether the bill is the operator's to see comes first: what is another's takes the way of what is not there.
  const seen = await send(options, exchange, operator, part.billId, []);
  if (seen.status !== 200) {
    answer(exchange, seen);
    return;
  }
  const deadBefore = deadBy(millis(options.clock.wall()));
  const found = await options.archive.event(part.billId, part.no, deadBefore);
  if (exchange.isAnswered) return;
  if (found === null) exchange.refuse({ code: 'event.notFound' });
  else if (found.fate !== 'dead') answer(exchange, seen);
  else answer(exchange, await send(options, exchange, operator, part.billId, [found]));
}

/** A page of the dead letters that the filter names; the answer's cursor leads to the next. */
export async function resendPage(
  options: GatewaySurroundings & ListOptions,
  exchange: Exchange,
  operator: Principal,
): Promise<void> {
  const body = exchange.json();
  if (body === undefined) return;
  const name = 'operator.event.resendAll';
  const violations = violationsOf(name, body);
  const { cursor, ...filter } = body as OperatorRequestBody<typeof name>;
  const from = cursor === undefined ? null : readCursor(cursor);
  if (violations !== undefined || from === undefined) {
    const flaw = { path: 'cursor', message: 'is not a cursor that this call gave' };
    exchange.refuse(invalid(violations ?? [flaw]));
    return;
  }
  const asOf = from?.asOf ?? (await reachedBy(options.door));
  const search: EventSearch = {
    status: 'dead',
    type: filter.type ?? null,
    terminalId: filter.terminalId ?? null,
    paychannelId: filter.paychannelId ?? null,
    from: timeOf(filter.from),
    to: timeOf(filter.to),
    asOf,
    after: from?.place ?? null,
    limit: LIMITS.page,
    deadBefore: deadBy(asOf),
  };
  const found = await options.archive.events(scopeOfOperator(operator), search);
  const told = await Promise.all(
    [...byBill(found)].map(([id, events]) => send(options, exchange, operator, id, events)),
  );
  if (exchange.isAnswered) return;
  const failed = told.find(({ status }) => status !== 200);
  if (failed !== undefined) {
    exchange.reply(failed.status, failed.body);
    return;
  }
  const last = found.length < LIMITS.page ? undefined : found.at(-1)?.streamed;
  const place =
    last === undefined ? null : { at: sentAt(last.event), id: last.bill.id, no: last.event.no };
  const nextCursor = place === null ? null : writeCursor({ place, asOf });
  const resent = told.reduce((sum, each) => sum + countIn(each), 0);
  exchange.reply(200, encodeBody({ resent, nextCursor, asOf: formatTime(asOf) }, 'json'));
}

function answer(exchange: Exchange, told: ShardAnswer): void {
  const { status, body } = told;
  if (status !== 200) exchange.reply(status, body);
  else exchange.reply(200, encodeBody({ resent: countIn(told) }, 'json'));
}

function send(
  { door }: GatewaySurroundings,
  { incoming: { requestId } }: Exchange,
  principal: Principal,
  billId: BillId,
  found: readonly FoundEvent[],
): Promise<ShardAnswer> {
  const events = found.map(({ streamed }) => streamed.event);
  const operation = { op: 'event.resend', billId, events } as const;
  const shard = shardOfBill(billId);
  return askShard(door, { shard, principal, requestId, encoding: 'json', operation });
}

function byBill(found: readonly FoundEvent[]): Map<BillId, FoundEvent[]> {
  const events = new Map<BillId, FoundEvent[]>();
  for (const each of found) {
    const { id } = each.streamed.bill;
    events.set(id, [...(events.get(id) ?? []), each]);
  }
  return events;
}

function countIn({ body }: ShardAnswer): number {
  return (JSON.parse(Buffer.from(body).toString('utf8')) as { acknowledged: number }).acknowledged;
}

function deadBy(now: Millis): Millis {
  return millis(Math.max(0, now - EVENT_LIFE_MS));
}

function timeOf(text: string | undefined): Millis | null {
  return text === undefined ? null : (parseTime(text) ?? null);
}

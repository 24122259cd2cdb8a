// A line that goes silent holds no event: what its book cannot tell in time, the sender asks again.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBadLine, type TcpBadLine } from '../../tests/support/bad-line.ts';
import { billId } from '../../tests/support/bill-fixtures.ts';
import {
  createDatabase,
  startPostgres,
  type TestPostgres,
} from '../../tests/support/postgres-server.ts';
import { silentLogger as logger } from '../../tests/support/silent-logger.ts';
import type { Acting } from '../switch/operator-desk.ts';
import type { Principal } from '../switch/principal.ts';
import type { Letter } from '../switch/webhooks/ports.ts';
import { DataKeys } from './data-keys.ts';
import { migrate } from './migrate.ts';
import { addInstitution, addPaychannel } from './onboarding.ts';
import { DISCARDED_AT_ONCE, hasWebhooks, PostgresWebhookBook } from './webhook-book.ts';
import { PostgresWebhookDesk } from './webhook-desk.ts';

const TIMEOUT_MS = 400;

let server: TestPostgres;
let line: TcpBadLine;
let sql: Sql;
let book: PostgresWebhookBook;
/** One that waits for no answer for long, over a line that may go silent. */
let hasty: PostgresWebhookBook;
let desk: PostgresWebhookDesk;

beforeAll(async () => {
  server = await startPostgres();
  const url = await createDatabase(server.url);
  await migrate(url);
  sql = postgres(url, { max: 1 });
  line = await startBadLine(server.port);
  const over = new URL(url);
  over.port = String(line.port);
  const dataKeys = new DataKeys([], 'the key of this database');
  book = new PostgresWebhookBook({ url, logger, dataKeys });
  hasty = new PostgresWebhookBook({ url: over.href, logger, dataKeys, timeoutMs: TIMEOUT_MS });
  desk = new PostgresWebhookDesk({ url, logger, dataKeys, makeSecret: () => 'a secret' });
});
afterAll(async () => {
  await book.close();
  await hasty.close();
  await desk.close();
  await line.close();
  await sql.end({ timeout: 1 });
  await server.stop();
});

const acting: Acting = {
  operator: { kind: 'operator', id: 'opr_1', role: 'system' } as unknown as Principal,
  scope: { institutionId: null, merchantId: null, seesSystem: true, holders: [] },
  requestId: 'request',
  idempotencyKey: null,
  digest: '',
};

/** A letter of its endpoint for an event of the nth bill. */
async function endpointWithLetters(id: string, to = sql): Promise<(no: number) => Letter> {
  const institutionId = await addInstitution(to, { name: 'an institution' });
  const paychannelId = await addPaychannel(to, { institutionId, name: 'a wallet' });
  await to`
    insert into webhook_endpoints (id, paychannel_id, driver, url, state)
    values (${id}, ${paychannelId}, 'webhook', 'https://receiver.test/', 'active')`;
  return (no) => ({
    billId: billId(no),
    no: 1,
    recipient: `paychannel:${paychannelId}`,
    type: 'bill.paid',
    occurredAt: no,
  });
}

test('what is asked of the book on a silent line rejects in its time, and goes through when it is asked again', async () => {
  const id = 'whk_1';
  const letter = (await endpointWithLetters(id))(1);
  await book.keep([id], 'owed', [letter], { failure: 'it was away', isRepeat: false });
  line.silenceNextAnswer();
  await expect(hasty.owed(id, 10)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  expect(await hasty.owed(id, 10)).toMatchObject([{ letter }]);
  line.silenceNextAnswer();
  await expect(hasty.settle(id, [letter])).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  await hasty.settle(id, [letter]);
  expect(await book.owed(id, 10)).toEqual([]);
  expect((await book.endpoints()).map((endpoint) => endpoint.id)).toEqual([id]);
});

test('dead letters of what occurred before a time are deleted, so many at once, and no others', async () => {
  const id = 'whk_2';
  const letterNo = await endpointWithLetters(id);
  const before = 2 * DISCARDED_AT_ONCE;
  const dead = Array.from({ length: DISCARDED_AT_ONCE + 1 }, (_, i) => letterNo(i + 1));
  await book.keep([id], 'dead', dead, { failure: 'it was away', isRepeat: false });
  await book.keep([id], 'owed', [letterNo(before - 1)], {
    failure: 'it was away',
    isRepeat: false,
  });
  await book.keep([id], 'dead', [letterNo(before)], { failure: 'it was away', isRepeat: false });
  expect(await book.discard(before)).toBe(true);
  expect(await book.discard(before)).toBe(false);
  expect(await book.owed(id, 10)).toHaveLength(1);
  const left = await book.givenUp([id], 0, 10);
  expect(left).toEqual([{ endpointId: id, billId: billId(before), no: 1 }]);
});

test('what is given up by a statement that is repeated stays sent again, where an operator has had that done meanwhile', async () => {
  const id = 'whk_3';
  const letter = (await endpointWithLetters(id))(1);
  const failure = 'answered 422';
  await book.keep([id], 'owed', [letter], { failure: '', isRepeat: false });
  await book.keep([id], 'dead', [letter], { failure, isRepeat: true });
  expect(await book.owed(id, 10)).toEqual([]);
  await desk.resend(acting, id, null);
  await book.keep([id], 'dead', [letter], { failure, isRepeat: true });
  expect(await book.owed(id, 10)).toMatchObject([{ letter }]);
  await book.keep([id], 'dead', [letter], { failure, isRepeat: false });
  expect(await book.owed(id, 10)).toEqual([]);
});

test('letters of an endpoint that was removed go with it, owed ones too, and no others', async () => {
  const removed = 'whk_removed';
  const other = 'whk_other';
  for (const id of [removed, other]) {
    const letterNo = await endpointWithLetters(id);
    await book.keep([id], 'owed', [letterNo(1)], { failure: '', isRepeat: false });
    await book.keep([id], 'dead', [letterNo(2)], { failure: 'answered 422', isRepeat: false });
  }
  await desk.remove(acting, removed);
  expect(await book.discard(0)).toBe(false);
  const left = await sql`
    select endpoint_id from webhook_letters where endpoint_id in (${removed}, ${other})`;
  expect(left).toEqual([{ endpoint_id: other }, { endpoint_id: other }]);
});

test('there is something to do until the last letter of an endpoint that was removed is gone', async () => {
  const url = await createDatabase(server.url);
  await migrate(url);
  const place = { url, logger };
  const alone = postgres(url, { max: 1 });
  const { billId: bill, recipient } = (await endpointWithLetters('whk_1', alone))(1);
  await alone`update webhook_endpoints set removed_at = now()`;
  await alone`
    insert into webhook_letters (endpoint_id, bill_id, no, recipient, type, occurred_at, state)
    values ('whk_1', ${bill}, 1, ${recipient}, 'bill.paid', 1, 'owed')`;
  expect(await hasWebhooks(place)).toBe(true);
  await alone`delete from webhook_letters`;
  expect(await hasWebhooks(place)).toBe(false);
  await alone.end();
});

test('what an endpoint is owed for long becomes dead letters where it is disabled, and nothing else does', async () => {
  const disabled = 'whk_disabled';
  const active = 'whk_active';
  const before = Date.now();
  for (const id of [disabled, active]) {
    const letterNo = await endpointWithLetters(id);
    const letters = [letterNo(1), letterNo(2)];
    await book.keep([id], 'owed', letters, { failure: '', isRepeat: false });
    await sql`
      update webhook_letters set since = ${new Date(before - 1)}
      where endpoint_id = ${id} and bill_id = ${billId(1)}`;
  }
  await book.disable(disabled);
  expect(await book.buryOwed(before)).toBe(1);
  expect(await book.buryOwed(before)).toBe(0);
  expect(await book.givenUp([disabled, active], 0, 10)).toEqual([
    { endpointId: disabled, billId: billId(1), no: 1 },
  ]);
  expect(await book.owed(disabled, 10)).toMatchObject([{ letter: { billId: billId(2) } }]);
  expect(await book.owed(active, 10)).toHaveLength(2);
});

test('the health of an endpoint says of the last failure when and what, whoever has begun anew since', async () => {
  const id = 'whk_health';
  await endpointWithLetters(id);
  const health = { id, breaker: 'closed', pending: 0, succeededAt: null } as const;
  const last = { failedAt: 1_700_000_000_000, failure: 'no answer in time' };
  await book.tellHealth([{ ...health, ...last }]);
  await book.tellHealth([{ ...health, failedAt: null, failure: null }]);
  const [row] = await sql`select failed_at, failure from webhook_health where endpoint_id = ${id}`;
  expect(row).toEqual({ failed_at: new Date(last.failedAt), failure: last.failure });
});

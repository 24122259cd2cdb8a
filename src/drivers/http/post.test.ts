import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { HttpDoor } from './post.ts';

/** A bank that keeps its answers to itself, and one connection to it. */
async function given() {
  const waiting: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    waiting.push(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock = new ManualClock();
  const door = new HttpDoor({ clock, timeoutMs: 60_000, connectionsMax: 1 });
  onTestFinished(() => {
    door.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const post = (sendBy?: number) =>
    door.post({ url, headers: {}, body: 'x', ...(sendBy === undefined ? {} : { sendBy }) });
  return { clock, waiting, post };
}

test('what waits for a connection until it is too late is not sent any more', async () => {
  const { clock, waiting, post } = await given();
  const first = post();
  await expect.poll(() => waiting.length).toBe(1);
  const second = post(clock.wall() + 30_000);
  clock.advance(30_001);
  expect(await second).toEqual({ kind: 'notSent', detail: 'too late' });
  waiting[0]?.end('done');
  expect(await first).toMatchObject({ kind: 'answer', body: 'done' });
  const third = post();
  await expect.poll(() => waiting.length).toBe(2);
  waiting[1]?.end('third');

  expect(await third).toMatchObject({ kind: 'answer', body: 'third' });
});

test('what was sent in time is waited for beyond it', async () => {
  const { clock, waiting, post } = await given();
  const posted = post(clock.wall() + 30_000);
  await expect.poll(() => waiting.length).toBe(1);
  clock.advance(40_000);
  waiting[0]?.end('done');

  expect(await posted).toMatchObject({ kind: 'answer', body: 'done' });
});

test.each([
  ['in seconds', 429, () => '7', 7_000],
  ['as a time', 429, (nowS: number) => String(nowS + 9), 9_000],
  ['as a time that is past', 429, (nowS: number) => String(nowS - 9), 0],
  ['as a time far off', 429, (nowS: number) => String(nowS + 1e6), 3_600_000],
  ['in words', 429, () => 'soon', undefined],
  ['with an answer', 200, () => '7', undefined],
])('a count of calls that begins anew is waited for, told %s', async (_how, status, reset, ms) => {
  const { clock, waiting, post } = await given();
  const posted = post();
  await expect.poll(() => waiting.length).toBe(1);
  waiting[0]?.writeHead(status, { 'x-rate-limit-reset': reset(clock.wall() / 1_000) }).end();

  expect(await posted).toMatchObject({ kind: 'answer', status, retryAfterMs: ms });
});

test('what Retry-After says goes before it', async () => {
  const { waiting, post } = await given();
  const posted = post();
  await expect.poll(() => waiting.length).toBe(1);
  waiting[0]?.writeHead(429, { 'x-rate-limit-reset': '7', 'retry-after': '3' }).end();

  expect(await posted).toMatchObject({ retryAfterMs: 3_000 });
});

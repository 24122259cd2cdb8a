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

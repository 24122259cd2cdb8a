// Somebody for the conformance kit to post webhooks to.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DeliveryDisturbance, TestReceiver } from '../../drivers/kit/test-receiver.ts';
import { signedHeaders } from '../../drivers/webhook/signature.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export async function startWebhookReceiverForKit(): Promise<TestReceiver> {
  const kept: { id: string; body: string }[] = [];
  let attempts = 0;
  let isHolder = true;
  let next: DeliveryDisturbance | undefined;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray());
    if (!isSigned(request, body)) {
      response.writeHead(400).end();
      return;
    }
    const event = JSON.parse(body.toString()) as { type: string; challenge?: string };
    if (event.type === 'webhook.challenge') {
      response.end(JSON.stringify({ challenge: isHolder ? event.challenge : 'another' }));
      return;
    }
    attempts += 1;
    const how = next;
    next = undefined;
    if (how === undefined || how === 'answerLost' || how === 'stalled') {
      kept.push({ id: String(request.headers['webhook-id']), body: body.toString() });
    }
    answer(response, how);
  };
  const server = createServer((request, response) => {
    take(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    settings: { allow: ['127.0.0.0/8'] },
    endpoint: { url: `http://127.0.0.1:${port}/events` },
    secrets: [SECRET],
    ofHolder: (isIt) => {
      isHolder = isIt;
    },
    disturb: (how) => {
      // Whatever the body of a 2xx says, it is one.
      if (how === 'garbled') return false;
      next = how;
      return true;
    },
    attempts: () => attempts,
    kept: () => kept,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

function answer(response: ServerResponse, how: DeliveryDisturbance | undefined): void {
  if (how === 'requestLost' || how === 'answerLost') response.destroy();
  else if (how === 'failed') response.writeHead(500).end();
  else if (how === 'busy') response.writeHead(429, { 'retry-after': '7' }).end();
  else if (how === 'gone') response.writeHead(410).end();
  else if (how === undefined) response.writeHead(204).end();
}

function isSigned(request: IncomingMessage, body: Uint8Array): boolean {
  const id = String(request.headers['webhook-id']);
  const seconds = Number(request.headers['webhook-timestamp']);
  const expected = signedHeaders({ id, seconds, body }, [SECRET])['webhook-signature'];
  return request.headers['webhook-signature'] === expected;
}

// Answers in place of the gateways while a start waits for somebody to act: it is alive, and says why it does not serve.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { problemBody } from './protocols/problem-document.ts';
import type { SwitchState } from './threads.ts';

const RETRY_AFTER_S = '5';

/** Answers what closes it. */
export async function openWaitingRoom(
  { host, port }: { readonly host: string; readonly port: number },
  state: SwitchState,
): Promise<() => Promise<void>> {
  const server = createServer(({ url }, response) => {
    const requestId = randomUUID();
    const send = (status: number, type: string, body: object): void => {
      const headers = { 'content-type': type, 'x-request-id': requestId };
      response.writeHead(status, { ...headers, 'retry-after': RETRY_AFTER_S });
      response.end(JSON.stringify(body));
    };
    if (url === '/healthz') send(200, 'application/json', { status: 'ok' });
    else if (url === '/readyz') send(503, 'application/json', state);
    else {
      send(503, 'application/problem+json', problemBody({ code: 'shard.unavailable' }, requestId));
    }
  });
  server.listen({ host, port, exclusive: true });
  await once(server, 'listening');
  return async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
}

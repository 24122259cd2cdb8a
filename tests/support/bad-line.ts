// A TCP line between a client and a store that fails on request: the request is lost, the answer is lost, or the
// line goes silent. What the client then knows of its request is nothing.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface BadLine {
  /** The next request never arrives, and the connection breaks. */
  loseNextRequest(): void;
  /** The next request arrives and is answered; the answer is lost with the connection. */
  loseNextAnswer(): void;
  /** The next request arrives; its connection stays open and says nothing any more. */
  silenceNextAnswer(): void;
  /** How many requests were dealt with so. */
  readonly failures: number;
}

export interface TcpBadLine extends BadLine {
  readonly port: number;
  close(): Promise<void>;
}

type Fate = 'pass' | 'loseRequest' | 'loseAnswer' | 'silence';

/** Listens on a free port of this machine and passes on to another. */
export async function startBadLine(targetPort: number): Promise<TcpBadLine> {
  let next: Fate = 'pass';
  let failures = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    let fate: Fate = 'pass';
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (chunk) => {
      if (next !== 'pass') {
        fate = next;
        next = 'pass';
        failures++;
      }
      if (fate === 'loseRequest') cut();
      else upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (fate === 'loseAnswer') cut();
      else if (fate === 'pass') client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    loseNextRequest: () => {
      next = 'loseRequest';
    },
    loseNextAnswer: () => {
      next = 'loseAnswer';
    },
    silenceNextAnswer: () => {
      next = 'silence';
    },
    get failures() {
      return failures;
    },
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

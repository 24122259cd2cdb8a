// HTTP as bytes on a socket of one's own: for clients that send half a request, or many at once, and go away.

import { connect, type Socket } from 'node:net';

/** The bytes of a request. */
export function requestBytes(of: {
  method: string;
  path: string;
  key: string;
  body?: unknown;
}): string {
  const body = of.body === undefined ? '' : JSON.stringify(of.body);
  const type = body === '' ? '' : 'Content-Type: application/json\r\n';
  return (
    `${of.method} ${of.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${of.key}\r\n` +
    `${type}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** A connection that keeps what it hears. */
export class RawConnection {
  readonly socket: Socket;
  /** Resolves once it is gone, whoever ended it. */
  readonly closed: Promise<void>;
  #heard = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((gone) => socket.once('close', () => gone()));
  }

  static open(port: number): Promise<RawConnection> {
    return new Promise((opened, failed) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      socket.once('error', failed);
      socket.once('connect', () => opened(new RawConnection(socket)));
    });
  }

  /** All that has come. */
  get heard(): string {
    return this.#heard;
  }

  /** The status of each answer that has begun to come. */
  get statuses(): number[] {
    return [...this.#heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }

  /** Resolves once the bytes have been handed to the system. */
  write(bytes: string): Promise<void> {
    return new Promise((written) => {
      this.socket.write(bytes, () => written());
    });
  }

  /** As a client that crashes: no farewell. */
  abort(): void {
    this.socket.resetAndDestroy();
  }
}

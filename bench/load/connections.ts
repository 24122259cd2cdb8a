// The generator's two kinds of connections, on plain sockets: a WebSocket, and a kept HTTP connection with one request
// under way at a time. Both write what a turn of the event loop has gathered with one call.

import { connect, type Socket } from 'node:net';
import { clientFrame, FrameReader, OPCODE } from './frames.ts';

const READ_BYTES = 65_536;

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Gathers what is written in one turn. */
class Outlet {
  readonly #socket: Socket;
  #gathered = '';

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  write(text: string): void {
    if (this.#gathered === '') queueMicrotask(() => this.#flush());
    this.#gathered += text;
  }

  #flush(): void {
    this.#socket.write(this.#gathered, 'latin1');
    this.#gathered = '';
  }
}

/** A socket that reads into one buffer of its own; `onBytes` must not keep what it is given. */
function openSocket(
  address: Address,
  onBytes: (bytes: Buffer) => void,
  onLost: (why: Error) => void,
): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BYTES),
        callback: (length, buffer) => {
          onBytes((buffer as Buffer).subarray(0, length));
          return true;
        },
      },
    });
    socket.once('connect', () => done(socket));
    socket.on('error', (error) => {
      fail(error);
      onLost(error);
    });
    socket.on('close', () => onLost(new Error('the switch closed a connection')));
  });
}

export interface WebSocketOptions extends Address {
  readonly path: string;
  readonly key: string;
  readonly subprotocol: string;
  readonly opcode: number;
  readonly onMessage: (text: string) => void;
  readonly onLost: (why: Error) => void;
}

export interface WebSocketLink {
  send(text: string): void;
  close(): void;
}

export async function openWebSocket(options: WebSocketOptions): Promise<WebSocketLink> {
  let isClosing = false;
  let isUpgraded = false;
  let answer = '';
  let upgraded: (error: Error | null) => void = () => undefined;
  const upgrading = new Promise<void>((done, fail) => {
    upgraded = (error) => (error === null ? done() : fail(error));
  });
  // Whoever waits for it is told; nobody may, yet.
  upgrading.catch(() => undefined);
  const lost = (why: Error): void => {
    upgraded(new Error(`${why.message}, no WebSocket yet: ${answer}`));
    if (!isClosing)
      options.onLost(
        new Error(`${why.message} (${options.path}, ${isUpgraded ? 'open' : 'being opened'})`),
      );
  };
  const reader = new FrameReader((opcode, payload) => {
    if (opcode === options.opcode) options.onMessage(payload);
    else if (opcode === OPCODE.ping) outlet.write(clientFrame(OPCODE.pong, payload));
    else if (opcode === OPCODE.close) lost(new Error(`closed by the switch: ${payload.slice(2)}`));
  });
  const onBytes = (bytes: Buffer): void => {
    if (isUpgraded) {
      reader.push(bytes);
      return;
    }
    answer += bytes.toString('latin1');
    const end = answer.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!answer.startsWith('HTTP/1.1 101')) {
      upgraded(new Error(`no WebSocket: ${answer.slice(0, 300)}`));
      return;
    }
    isUpgraded = true;
    upgraded(null);
    if (answer.length > end + 4) reader.push(Buffer.from(answer.slice(end + 4), 'latin1'));
  };
  const socket = await openSocket(options, onBytes, lost);
  const outlet = new Outlet(socket);
  outlet.write(
    `GET ${options.path} HTTP/1.1\r\nHost: ${options.host}:${options.port}\r\nUpgrade: websocket\r\n` +
      'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n' +
      `Sec-WebSocket-Protocol: ${options.subprotocol}\r\nAuthorization: Bearer ${options.key}\r\n\r\n`,
  );
  await upgrading;
  return {
    send: (text) => outlet.write(clientFrame(options.opcode, text)),
    close() {
      isClosing = true;
      socket.destroy();
    },
  };
}

export interface HttpOptions extends Address {
  readonly key: string;
  readonly onLost: (why: Error) => void;
}

/** Called with the status and the body as text of one byte a character. */
export type OnAnswer = (status: number, body: string) => void;

export interface HttpLink {
  /** From now on its calls are somebody else's. */
  become(key: string): void;
  /** One at a time: the answer to the one before must have come. */
  get(path: string, onAnswer: OnAnswer): void;
  post(path: string, body: string, onAnswer: OnAnswer): void;
  close(): void;
}

const LENGTH = /\r\ncontent-length: *(\d+)/i;

export async function openHttp(options: HttpOptions): Promise<HttpLink> {
  let isClosing = false;
  let waiting: OnAnswer | null = null;
  let partial = '';
  const onBytes = (bytes: Buffer): void => {
    const text = partial + bytes.toString('latin1');
    const headEnd = text.indexOf('\r\n\r\n');
    const length = headEnd < 0 ? -1 : Number(LENGTH.exec(text.slice(0, headEnd))?.[1] ?? 0);
    if (length < 0 || text.length < headEnd + 4 + length) {
      partial = text;
      return;
    }
    partial = '';
    const onAnswer = waiting;
    waiting = null;
    onAnswer?.(Number(text.slice(9, 12)), text.slice(headEnd + 4));
  };
  const socket = await openSocket(options, onBytes, (why) => {
    if (!isClosing) options.onLost(why);
  });
  const headersOf = (key: string): string =>
    `Host: ${options.host}:${options.port}\r\nAuthorization: Bearer ${key}\r\n`;
  let headers = headersOf(options.key);
  const ask = (request: string, onAnswer: OnAnswer): void => {
    if (waiting !== null) throw new Error('a request is under way on this connection');
    waiting = onAnswer;
    socket.write(request, 'latin1');
  };
  return {
    become(key) {
      headers = headersOf(key);
    },
    get: (path, onAnswer) => ask(`GET ${path} HTTP/1.1\r\n${headers}\r\n`, onAnswer),
    post: (path, body, onAnswer) =>
      ask(
        `POST ${path} HTTP/1.1\r\n${headers}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        onAnswer,
      ),
    close() {
      isClosing = true;
      socket.destroy();
    },
  };
}

// A WebSocket client for tests: frames are read one by one, in the order in which they came.

import { Packr, Unpackr } from 'msgpackr';
import WebSocket from 'ws';

export type Frame = Record<string, unknown>;

const packr = new Packr({ useRecords: false });
// `auto` is missing from the library's types: numbers where they are safe, BigInt beyond.
export const unpackr = new Unpackr({ useRecords: false, int64AsType: 'auto' as 'number' });

export interface SocketOptions {
  readonly key?: string;
  readonly protocol?: string;
  /** More of the request that opens it. */
  readonly headers?: Readonly<Record<string, string>>;
}

export class TestSocket {
  readonly frames: Frame[] = [];
  readonly raw: Buffer[] = [];
  closed: { code: number; reason: string } | null = null;
  readonly ws: WebSocket;
  readonly #isMsgpack: boolean;
  #wake: (() => void) | null = null;
  #read = 0;

  constructor(url: string, options: SocketOptions = {}) {
    const headers = {
      ...(options.key === undefined ? {} : { Authorization: `Bearer ${options.key}` }),
      ...options.headers,
    };
    this.ws = new WebSocket(url, options.protocol === undefined ? [] : [options.protocol], {
      headers,
    });
    this.#isMsgpack = options.protocol === 'qrswitch.msgpack';
    this.ws.on('message', (data: Buffer) => {
      this.raw.push(data);
      this.frames.push(
        (this.#isMsgpack ? unpackr.unpack(data) : JSON.parse(data.toString('utf8'))) as Frame,
      );
      this.#wake?.();
    });
    this.ws.on('close', (code: number, reason: Buffer) => {
      this.closed = { code, reason: reason.toString('utf8') };
      this.#wake?.();
    });
    this.ws.on('error', () => this.#wake?.());
  }

  static async open(url: string, options: SocketOptions = {}): Promise<TestSocket> {
    const socket = new TestSocket(url, options);
    await new Promise<void>((resolve, reject) => {
      socket.ws.once('open', () => resolve());
      socket.ws.once('error', reject);
    });
    return socket;
  }

  send(frame: unknown): void {
    this.ws.send(this.#isMsgpack ? packr.pack(frame) : JSON.stringify(frame));
  }

  /** The next frame that nobody has read. */
  async next(): Promise<Frame> {
    while (this.frames.length <= this.#read) {
      if (this.closed !== null) throw new Error(`closed: ${JSON.stringify(this.closed)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const frame = this.frames[this.#read];
    this.#read += 1;
    return frame ?? {};
  }

  async ask(frame: Frame): Promise<Frame> {
    this.send(frame);
    return this.next();
  }

  async end(): Promise<{ code: number; reason: string }> {
    while (this.closed === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.closed;
  }

  close(): void {
    this.ws.terminate();
  }
}

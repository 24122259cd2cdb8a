// A client that sends exactly the bytes that it is given, and reads answers of HTTP one by one.

import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** What came instead of an answer. */
export type NoAnswer = 'closed' | 'silent';

const END_OF_HEAD = Buffer.from('\r\n\r\n');

export class RawConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  static open(port: number): Promise<RawConnection> {
    return new Promise((opened, failed) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
        socket.off('error', failed);
        opened(new RawConnection(socket));
      });
      socket.once('error', failed);
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(bytes: string | Uint8Array): void {
    if (!this.#isClosed)
      this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Sends, and waits until it has left. */
  flush(bytes: Uint8Array): Promise<void> {
    return new Promise((gone) => {
      if (this.#isClosed) gone();
      else this.#socket.write(bytes, () => gone());
    });
  }

  /** As a network that breaks. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  /** As a client that has said all; what has come and was not read is forgotten. */
  end(): void {
    this.#isClosed = true;
    this.#received = Buffer.alloc(0);
    this.#socket.destroy();
  }

  /** The next whole answer, whatever it is to. */
  answer(options: { isHead?: boolean; withinMs?: number } = {}): Promise<RawAnswer | NoAnswer> {
    return this.#next(() => this.#takeAnswer(options.isHead ?? false), options.withinMs);
  }

  /** Bytes that came, at least one. */
  bytes(withinMs?: number): Promise<Buffer | NoAnswer> {
    return this.#next(() => {
      if (this.#received.length === 0) return undefined;
      const bytes = this.#received;
      this.#received = Buffer.alloc(0);
      return bytes;
    }, withinMs);
  }

  /** Resolves once the other side has closed; false where it does not in time. */
  async closed(withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (!this.#isClosed && performance.now() < until) {
      this.#received = Buffer.alloc(0);
      await this.#change(until - performance.now());
    }
    return this.#isClosed;
  }

  async #next<Item>(take: () => Item | undefined, withinMs = 15_000): Promise<Item | NoAnswer> {
    const until = performance.now() + withinMs;
    for (;;) {
      const item = take();
      if (item !== undefined) return item;
      if (this.#isClosed) return 'closed';
      const left = until - performance.now();
      if (left <= 0) return 'silent';
      await this.#change(left);
    }
  }

  #change(withinMs: number): Promise<void> {
    return new Promise((changed) => {
      const timer = setTimeout(changed, withinMs);
      this.#wake = () => {
        clearTimeout(timer);
        changed();
      };
    });
  }

  #takeAnswer(isHead: boolean): RawAnswer | undefined {
    const headEnd = this.#received.indexOf(END_OF_HEAD);
    if (headEnd < 0) return undefined;
    const [first = '', ...lines] = this.#received.toString('latin1', 0, headEnd).split('\r\n');
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const status = Number(first.split(' ')[1]);
    const length =
      isHead || status === 204 || status === 101 ? 0 : Number(headers.get('content-length') ?? 0);
    const start = headEnd + END_OF_HEAD.length;
    if (this.#received.length < start + length) return undefined;
    const body = Buffer.from(this.#received.subarray(start, start + length));
    this.#received = this.#received.subarray(start + length);
    return { status, headers, body };
  }
}

// A party over one WebSocket that connects anew whenever it has gone.

import { WebSocket } from 'ws';
import {
  type Answer,
  type Api,
  type Json,
  type Link,
  Lost,
  type Op,
  type PushedEvent,
} from './link.ts';

const ANSWER_MS = 40_000;
const AGAIN_MS = 50;
const AGAIN_MAX_MS = 2_000;

interface Frame {
  readonly id?: number | null;
  readonly status?: number;
  readonly body?: Json | null;
  readonly event?: PushedEvent;
}

interface Asked {
  readonly answered: (answer: Answer) => void;
  readonly lost: (error: Lost) => void;
}

export interface StreamTarget {
  readonly baseUrl: string;
  readonly api: Api;
  readonly key: string;
  /** Each event, repeats too, and the link by which it came. */
  readonly onEvent: (event: PushedEvent, link: StreamLink) => void;
}

export class StreamLink implements Link {
  readonly #target: StreamTarget;
  readonly #asked = new Map<number, Asked>();
  #socket: WebSocket | null = null;
  #waiting: (() => void)[] = [];
  #again: NodeJS.Timeout | null = null;
  #againMs = AGAIN_MS;
  #isClosed = false;
  #seq = 0;

  constructor(target: StreamTarget) {
    this.#target = target;
    this.#connect();
  }

  async ask(op: Op, body: Json): Promise<Answer> {
    await this.#opened(op);
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) throw new Lost(`${op}: there is no connection`);
    this.#seq += 1;
    const id = this.#seq;
    const { promise, resolve, reject } = deferred();
    const late = setTimeout(() => {
      this.#asked.delete(id);
      reject(new Lost(`${op}: no answer in time`));
    }, ANSWER_MS);
    this.#asked.set(id, { answered: resolve, lost: reject });
    socket.send(JSON.stringify({ id, op, body }));
    try {
      return await promise;
    } finally {
      clearTimeout(late);
    }
  }

  /** As a cut network would: no farewell. It connects anew. */
  drop(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#again !== null) clearTimeout(this.#again);
    this.#socket?.terminate();
    for (const go of this.#waiting.splice(0)) go();
  }

  #connect(): void {
    const { baseUrl, api, key } = this.#target;
    const url = `${baseUrl.replace(/^http/, 'ws')}/v1/${api}/stream`;
    const headers = { Authorization: `Bearer ${key}` };
    const socket = new WebSocket(url, 'qrswitch.json', { headers });
    this.#socket = socket;
    socket.on('open', () => {
      this.#againMs = AGAIN_MS;
      for (const go of this.#waiting.splice(0)) go();
    });
    socket.on('message', (data: Buffer) => this.#hear(JSON.parse(data.toString()) as Frame));
    // A close follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
  }

  #closed(): void {
    for (const { lost } of this.#asked.values()) lost(new Lost('the connection has gone'));
    this.#asked.clear();
    if (this.#isClosed) return;
    this.#again = setTimeout(() => this.#connect(), this.#againMs);
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_MAX_MS);
  }

  #hear(frame: Frame): void {
    if (frame.event !== undefined) {
      this.#target.onEvent(frame.event, this);
      return;
    }
    const id = frame.id ?? -1;
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    asked?.answered({ status: frame.status ?? 0, body: frame.body ?? {} });
  }

  /** Resolves once there is a connection, or it has been waited for long enough. */
  #opened(op: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Lost(`${op}: closed`));
    if (this.#socket?.readyState === WebSocket.OPEN) return Promise.resolve();
    return new Promise((done) => {
      const late = setTimeout(done, AGAIN_MAX_MS);
      this.#waiting.push(() => {
        clearTimeout(late);
        done();
      });
    });
  }
}

function deferred(): {
  promise: Promise<Answer>;
  resolve: (answer: Answer) => void;
  reject: (error: Lost) => void;
} {
  let resolve: (answer: Answer) => void = () => undefined;
  let reject: (error: Lost) => void = () => undefined;
  const promise = new Promise<Answer>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}

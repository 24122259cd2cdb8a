// A WebSocket that many ask by at once, and that connects anew: whoever pays in a soak asks again with the same
// references until it is done, whatever dies on the way.

import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';

const AGAIN_MS = 100;
/** Who is told that the switch has too much to do asks less and less often. */
const AGAIN_MAX_MS = 2_000;

interface Answer {
  readonly id: number;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export class Line {
  readonly #url: string;
  readonly #key: string;
  readonly #asked = new Map<number, (answer: Answer | null) => void>();
  #socket: WebSocket | null = null;
  #opened: Promise<void> = Promise.resolve();
  #seq = 0;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
    this.#connect();
  }

  /** A change, sent until it is done. Rejects where it is refused. */
  async done(op: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    for (let wait = AGAIN_MS; ; wait = Math.min(AGAIN_MAX_MS, 2 * wait)) {
      const answer = await this.#ask(op, body);
      if (answer !== null && answer.status < 300) return answer.body;
      if (answer !== null && answer.status < 429) {
        throw new Error(`${op} ${JSON.stringify(body)}: ${JSON.stringify(answer)}`);
      }
      await pause(wait);
    }
  }

  async #ask(op: string, body: object): Promise<Answer | null> {
    await this.#opened;
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return null;
    this.#seq += 1;
    const id = this.#seq;
    return new Promise((done) => {
      this.#asked.set(id, done);
      socket.send(JSON.stringify({ id, op, body }));
    });
  }

  #connect(): void {
    const headers = { Authorization: `Bearer ${this.#key}` };
    const socket = new WebSocket(this.#url, 'qrswitch.json', { headers });
    this.#socket = socket;
    this.#opened = new Promise((settled) => {
      socket.once('open', () => settled());
      socket.once('close', () => settled());
    });
    socket.on('message', (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer;
      this.#asked.get(answer.id)?.(answer);
      this.#asked.delete(answer.id);
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      const lost = [...this.#asked.values()];
      this.#asked.clear();
      setTimeout(() => this.#connect(), AGAIN_MS);
      for (const gone of lost) gone(null);
    });
  }
}

// A small client of the switch's WebSocket: requests by id, events as they come. For the demo; a terminal's or wallet's
// own client would also reconnect, and keep its references until it knows what became of them.

import { WebSocket } from 'ws';

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface PushedEvent {
  readonly id: string;
  readonly type: string;
  readonly billId: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Frame {
  readonly id?: number;
  readonly status?: number;
  readonly body?: Record<string, unknown>;
  readonly event?: PushedEvent;
}

export class Stream {
  readonly #socket: WebSocket;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  readonly #events: PushedEvent[] = [];
  #expecting: { matches: (event: PushedEvent) => boolean; done: (event: PushedEvent) => void }[] =
    [];
  #seq = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#hear(JSON.parse(data.toString()) as Frame));
  }

  /** Connects with a key; rejects where the switch does not take it. */
  static connect(url: string, key: string): Promise<Stream> {
    return new Promise((done, failed) => {
      const headers = { Authorization: `Bearer ${key}` };
      const socket = new WebSocket(url, 'qrswitch.json', { headers });
      const stream = new Stream(socket);
      socket.once('open', () => done(stream));
      socket.once('error', failed);
    });
  }

  /** Asks, and throws with the problem's words where the answer is one. */
  async ask(op: string, body: Record<string, unknown>): Promise<Answer['body']> {
    this.#seq += 1;
    const id = this.#seq;
    const answered = new Promise<Answer>((done) => {
      this.#asked.set(id, done);
    });
    this.#socket.send(JSON.stringify({ id, op, body }));
    const answer = await answered;
    if (answer.status < 300) return answer.body;
    throw new Error(`${op} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }

  /** The next event that matches, and acknowledges it. */
  async event(matches: (event: PushedEvent) => boolean): Promise<PushedEvent> {
    const known = this.#events.find(matches);
    const event =
      known ??
      (await new Promise<PushedEvent>((done) => {
        this.#expecting.push({ matches, done });
      }));
    await this.ask('event.ack', { ids: [event.id] });
    return event;
  }

  close(): void {
    this.#socket.close();
  }

  #hear(frame: Frame): void {
    if (frame.event !== undefined) {
      const { event } = frame;
      this.#events.push(event);
      for (const each of this.#expecting.filter(({ matches }) => matches(event))) each.done(event);
      this.#expecting = this.#expecting.filter(({ matches }) => !matches(event));
    } else if (frame.id !== undefined) {
      this.#asked.get(frame.id)?.({ status: frame.status ?? 0, body: frame.body ?? {} });
      this.#asked.delete(frame.id);
    }
  }
}

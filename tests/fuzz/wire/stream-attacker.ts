// Frames that nearly fit, of every operation, over WebSockets of both encodings.

import { OPERATIONS } from '../../../src/protocols/gateway/stream-protocol.ts';
import type { RequestName } from '../../../src/protocols/schemas/requests.ts';
import { Choices } from '../choices.ts';
import { mutated } from '../mutations.ts';
import { type Odd, oddValue } from '../odd-values.ts';
import { promise } from '../target.ts';
import { jsonText, msgpackBytes } from '../writers.ts';
import { aimedBody, orderOf } from './aim.ts';
import { RawStream } from './raw-stream.ts';
import type { Siege } from './siege.ts';

const ALL = [
  ...OPERATIONS.terminal,
  ...OPERATIONS.paychannel,
  'event.ack',
  'ping',
] as RequestName[];

interface Asked {
  readonly op: RequestName;
  readonly body: Odd;
}

/** One stream after another; each is kept until it is closed by what was sent. */
export class StreamAttacker {
  readonly #siege: Siege;
  readonly #encoding: 'json' | 'msgpack';
  readonly #api: 'terminal' | 'paychannel';
  #stream: RawStream | null = null;
  #id = 0;

  constructor(siege: Siege, encoding: 'json' | 'msgpack', api: 'terminal' | 'paychannel') {
    this.#siege = siege;
    this.#encoding = encoding;
    this.#api = api;
  }

  close(): void {
    this.#stream?.connection.end();
  }

  async attack(choices: Choices): Promise<void> {
    const siege = this.#siege;
    siege.count(`frames of ${this.#encoding}`);
    const stream = await this.#open();
    const own = [...OPERATIONS[this.#api]] as RequestName[];
    const op = choices.pick(choices.chance(0.9) ? own : ALL);
    const body = aimedBody(choices, siege, op);
    const isOdd = choices.chance(0.05);
    this.#id += 1;
    const frame: Odd = isOdd ? oddValue(choices) : { id: this.#id, op, body };
    const bytes =
      this.#encoding === 'json'
        ? Buffer.from(jsonText(choices, frame))
        : msgpackBytes(choices, frame);
    const isMutated = isOdd || choices.chance(0.05);
    if (op === 'bill.create' && isMutated) {
      siege.noteCreate(orderOf(body), null, null);
    }
    stream.say(isMutated ? mutated(choices, bytes) : bytes);
    // Frames that could not be read have no id; a ping that can be tells where the answers end.
    await this.#answers(stream, isMutated ? null : { op, body });
  }

  async #open(): Promise<RawStream> {
    if (this.#stream !== null && !this.#stream.connection.isClosed) return this.#stream;
    const { terminal, paychannel } = this.#siege.institution;
    const { key } = this.#api === 'terminal' ? terminal : paychannel;
    const { port } = this.#siege;
    this.#stream = await RawStream.open({ port, api: this.#api, encoding: this.#encoding, key });
    return this.#stream;
  }

  /** Reads until the frame is answered; where it was spoilt, until the ping after it is. */
  async #answers(stream: RawStream, asked: Asked | null): Promise<void> {
    const last = `last-${this.#id}`;
    if (asked === null) stream.say(this.#written({ id: last, op: 'ping' }));
    for (;;) {
      const message = await stream.message();
      if (typeof message === 'string') {
        promise(message === 'closed', 'a stream has fallen silent', asked);
        stream.connection.end();
        return;
      }
      if (Number(message.status) >= 400) this.#check(null, message, asked);
      if (asked === null && message.id === last) return;
      if (asked !== null && this.#isAnswered(asked, message)) return;
    }
  }

  /** Whether this is the answer: that of a frame spoilt before, which was right after all, may come late. */
  #isAnswered({ op, body }: Asked, message: Record<string, unknown>): boolean {
    const status = Number(message.status);
    // What cannot even be read as this encoding is answered without its id.
    if (message.id === null && status >= 400) return true;
    if (message.id !== this.#id) return false;
    if (op === 'bill.create') this.#siege.noteCreate(orderOf(body), status, message.body);
    if (OPERATIONS[this.#api].has(op)) this.#check(op, message, [op, body]);
    return true;
  }

  #check(op: string | null, message: Record<string, unknown>, input: unknown): void {
    const status = Number(message.status);
    this.#siege.check(op, { status, contentType: null, body: message.body ?? null }, input);
  }

  #written(frame: Odd): Buffer {
    const plain = Choices.ofTape([]);
    return this.#encoding === 'json'
      ? Buffer.from(jsonText(plain, frame))
      : msgpackBytes(plain, frame);
  }
}

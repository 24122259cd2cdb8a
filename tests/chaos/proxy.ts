// A network of our own: a TCP proxy that carries bytes faithfully until it is told not to.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What becomes of the bytes. `loseAnswers` lets a request through, drops what comes back, and cuts the line. */
export type Weather = 'fair' | 'slow' | 'stalled' | 'trickling' | 'losingAnswers';
export type Side = 'client' | 'server';

const DELAY_MS = 150;
const TRICKLE_BYTES = 200;
const TRICKLE_MS = 10;

interface Line {
  readonly client: Socket;
  readonly upstream: Socket;
  isBroken: boolean;
}

export class Link {
  readonly port: number;
  /** Where it leads; lines that are open stay where they are. */
  target: number;
  /** Changes what clients send, for proofs that the audit sees. */
  rewrite: ((bytes: Buffer) => Buffer) | null = null;
  /** How many answers were lost, of requests that had been passed on. */
  answersLost = 0;
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  #weather: Weather = 'fair';
  #clears: Promise<void> = Promise.resolve();
  #clear: () => void = () => undefined;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.target = target;
    server.on('connection', (client) => this.#join(client));
  }

  static async start(target: number): Promise<Link> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Link(server, target);
  }

  get lines(): number {
    return this.#lines.size;
  }

  set weather(weather: Weather) {
    this.#clear();
    this.#weather = weather;
    this.#clears = weather === 'fair' ? Promise.resolve() : new Promise((go) => (this.#clear = go));
  }

  /** Cuts the lines that `share` of them (0 to 1) chooses, without a farewell or with one. */
  cut(how: 'reset' | 'fin', isMeant: () => boolean = () => true): number {
    const meant = [...this.#lines].filter(isMeant);
    for (const line of meant) {
      if (how === 'reset') reset(line);
      else finish(line);
    }
    return meant.length;
  }

  /** Ends one direction of each line: its receiver hears no more, and may go on talking. */
  halfClose(side: Side): number {
    const count = this.#lines.size;
    for (const line of this.#lines) {
      line.isBroken = true;
      (side === 'client' ? line.client : line.upstream).end();
    }
    return count;
  }

  /** Fair weather, and no line that was half closed stays. */
  heal(): void {
    this.weather = 'fair';
    for (const line of this.#lines) if (line.isBroken) reset(line);
  }

  async close(): Promise<void> {
    this.heal();
    this.#server.close();
    this.cut('reset');
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    const upstream = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    upstream.setNoDelay(true);
    const line: Line = { client, upstream, isBroken: false };
    this.#lines.add(line);
    const gone = (): void => {
      this.#lines.delete(line);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on('error', gone);
      socket.on('close', gone);
    }
    this.#carry(line, 'client');
    this.#carry(line, 'server');
  }

  /** Carries what one side says, in order, through whatever weather there is when it comes. */
  #carry(line: Line, from: Side): void {
    const source = from === 'client' ? line.client : line.upstream;
    const drain = from === 'client' ? line.upstream : line.client;
    let waiting = 0;
    let last = Promise.resolve();
    const enqueue = (step: () => Promise<void> | void): void => {
      waiting += 1;
      last = last.then(step).then(() => {
        waiting -= 1;
      });
    };
    source.on('data', (bytes: Buffer) => {
      if (from === 'server' && this.#weather === 'losingAnswers') {
        this.answersLost += 1;
        reset(line);
        return;
      }
      const said = from === 'client' && this.rewrite !== null ? this.rewrite(bytes) : bytes;
      if (waiting === 0 && this.#weather === 'fair') write(drain, said);
      else enqueue(() => this.#pass(drain, said));
    });
    source.on('end', () => enqueue(() => void drain.end()));
  }

  async #pass(drain: Socket, bytes: Buffer): Promise<void> {
    if (this.#weather === 'stalled') await this.#clears;
    if (this.#weather === 'slow') await Promise.race([pause(DELAY_MS), this.#clears]);
    let rest = bytes;
    while (rest.length > 0 && this.#weather === 'trickling') {
      write(drain, rest.subarray(0, TRICKLE_BYTES));
      rest = rest.subarray(TRICKLE_BYTES);
      await Promise.race([pause(TRICKLE_MS), this.#clears]);
    }
    if (rest.length > 0) write(drain, rest);
  }
}

function write(drain: Socket, bytes: Buffer): void {
  if (drain.writable) drain.write(bytes);
}

function reset({ client, upstream }: Line): void {
  client.resetAndDestroy();
  upstream.resetAndDestroy();
}

function finish({ client, upstream }: Line): void {
  client.end(() => client.destroy());
  upstream.end(() => upstream.destroy());
}

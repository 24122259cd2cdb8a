// A receiver that fails in all the ways that real ones do, by dice, and keeps account of what it has taken.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

const SLOW_MS = 200;
/** Of a thousand requests: answered 500, answered 429, taken without an answer, cut off, taken late. */
const FAULTS = { broken: 40, busy: 10, lost: 20, reset: 10, slow: 10 };

/** Sums of all endpoints, as they are told now and then. */
export interface Taken {
  requests: number;
  /** Deliveries that were the next of their bill. */
  taken: number;
  repeated: number;
  /** One that came before those before it: it was skipped then, or they are lost. */
  outOfOrder: number;
  forged: number;
  /** Bills of which all has come. */
  whole: number;
}

/** One endpoint, and of each of its bills the number of the latest event that was taken. */
export class FlakyReceiver {
  isDown = false;
  secret = '';
  readonly #bills = new Map<string, number>();
  readonly #sums: Taken;
  readonly #events: number;
  readonly #random: () => number;
  readonly #server: Server;

  /** `events`: of each bill. */
  constructor(of: {
    readonly random: () => number;
    readonly events: number;
    readonly sums: Taken;
  }) {
    this.#random = of.random;
    this.#events = of.events;
    this.#sums = of.sums;
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
      void this.#take(req, res);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', () => done()));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Bills of which something is missing, of those that are named. */
  missing(billIds: readonly string[]): string[] {
    return billIds.filter((id) => (this.#bills.get(id) ?? 0) < this.#events);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of req as AsyncIterable<Buffer>) parts.push(part);
    const body = Buffer.concat(parts).toString();
    if (body.startsWith('{"type":"webhook.challenge"')) {
      res.end(JSON.stringify({ challenge: (JSON.parse(body) as { challenge: string }).challenge }));
      return;
    }
    this.#sums.requests += 1;
    if (this.isDown) {
      res.writeHead(503).end();
      return;
    }
    await this.#behave(req, res, body);
  }

  async #behave(req: IncomingMessage, res: ServerResponse, body: string): Promise<void> {
    let dice = this.#random() * 1_000;
    const is = (fault: keyof typeof FAULTS): boolean => {
      dice -= FAULTS[fault];
      return dice < 0 && dice + FAULTS[fault] >= 0;
    };
    if (is('broken')) res.writeHead(500).end();
    else if (is('busy')) res.writeHead(429).end();
    else if (is('reset')) req.socket.resetAndDestroy();
    else if (!this.#keep(req, body)) res.writeHead(400).end();
    else if (is('lost')) req.socket.destroy();
    else {
      if (is('slow')) await pause(SLOW_MS);
      res.writeHead(204).end();
    }
  }

  #keep(req: IncomingMessage, body: string): boolean {
    const sums = this.#sums;
    try {
      new Webhook(this.secret).verify(body, req.headers as Record<string, string>);
    } catch {
      sums.forged += 1;
      return false;
    }
    const [billId = '', text] = String(req.headers['webhook-id']).split('-e');
    const last = this.#bills.get(billId) ?? 0;
    const no = Number(text);
    if (no > last + 1) sums.outOfOrder += 1;
    if (no <= last) {
      sums.repeated += 1;
      return true;
    }
    sums.taken += 1;
    if (no === this.#events) sums.whole += 1;
    this.#bills.set(billId, no);
    return true;
  }
}

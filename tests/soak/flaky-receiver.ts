// A receiver that fails in all the ways that real ones do, by dice, and keeps account of what it has taken.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

const SLOW_MS = 200;
/** Of a thousand requests: answered 500, answered 429, taken without an answer, cut off, taken late. */
const FAULTS = { broken: 40, busy: 10, lost: 20, reset: 10, slow: 10 };

export class FlakyReceiver {
  /** Of each bill, the number of the latest event that was taken. */
  readonly bills = new Map<string, number>();
  requests = 0;
  taken = 0;
  repeated = 0;
  outOfOrder = 0;
  forged = 0;
  isDown = false;
  secret = '';
  #random: () => number;
  readonly #server: Server;

  constructor(random: () => number) {
    this.#random = random;
    this.#server = createServer((req, res) => {
      void this.#take(req, res);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', () => done()));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = Buffer.concat((await req.toArray()) as Buffer[]).toString();
    const { challenge } = JSON.parse(body) as { challenge?: string };
    if (challenge !== undefined) {
      res.end(JSON.stringify({ challenge }));
      return;
    }
    this.requests += 1;
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
    try {
      new Webhook(this.secret).verify(body, req.headers as Record<string, string>);
    } catch {
      this.forged += 1;
      return false;
    }
    const [billId = '', no] = String(req.headers['webhook-id']).split('-e');
    const last = this.bills.get(billId) ?? 0;
    this.taken += 1;
    if (Number(no) === last) this.repeated += 1;
    if (Number(no) < last) this.outOfOrder += 1;
    this.bills.set(billId, Math.max(last, Number(no)));
    return true;
  }
}

// A receiver of webhooks as a terminal's owner would run one: a real HTTP server that verifies what comes with the public
// package, and that fails in whatever way a test asks for.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Event } from './client.ts';

/**
 * `lost`: taken, but the answer never leaves. `reset`: cut off before anything is taken. `slow`: taken after a while.
 * A number: answered with that status, nothing taken.
 */
export type Behaviour = 'ok' | 'lost' | 'reset' | 'slow' | number;

export interface Received {
  readonly id: string;
  readonly event: Event;
  /** As it came. */
  readonly text: string;
  readonly signatures: number;
}

const SLOW_MS = 30;

export class WebhookReceiver {
  /** What was taken, in the order in which it came, repeats included. */
  readonly taken: Received[] = [];
  readonly challenges: string[] = [];
  /** What could not be verified, and why. */
  readonly forged: string[] = [];
  /** Times that each id came. */
  readonly attempts = new Map<string, number>();
  secrets: string[] = [];
  echoes = true;
  underWayMost = 0;
  #underWay = 0;
  behave: (attempt: number, id: string, event: Event) => Behaviour = () => 'ok';
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<WebhookReceiver> {
    const server = createServer();
    const receiver = new WebhookReceiver(server);
    server.on('request', (req, res) => receiver.#take(req, res));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook?token=unspoken`;
  }

  /** Ids of what was taken, each once, in the order of its first coming. */
  get ids(): string[] {
    return [...new Set(this.taken.map(({ id }) => id))];
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }

  #take(req: IncomingMessage, res: ServerResponse): void {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('end', () => {
      this.#underWay += 1;
      this.underWayMost = Math.max(this.underWayMost, this.#underWay);
      res.on('close', () => {
        this.#underWay -= 1;
      });
      this.#answer(req, res, Buffer.concat(parts).toString('utf8'));
    });
  }

  #answer(req: IncomingMessage, res: ServerResponse, text: string): void {
    const body = JSON.parse(text) as Event & { challenge?: string };
    const { challenge } = body;
    if (challenge !== undefined) {
      this.challenges.push(challenge);
      res.end(this.echoes ? JSON.stringify({ challenge }) : '{}');
      return;
    }
    const id = String(req.headers['webhook-id']);
    if (!this.#verify(req, text, id)) {
      res.writeHead(400).end();
      return;
    }
    const attempt = (this.attempts.get(id) ?? 0) + 1;
    this.attempts.set(id, attempt);
    const behaviour = this.behave(attempt, id, body);
    if (behaviour === 'reset') {
      req.socket.resetAndDestroy();
      return;
    }
    if (typeof behaviour === 'number') {
      res.writeHead(behaviour).end('x'.repeat(100_000));
      return;
    }
    const signatures = String(req.headers['webhook-signature']).split(' ').length;
    this.taken.push({ id, event: body, text, signatures });
    if (behaviour === 'lost') req.socket.destroy();
    else if (behaviour === 'slow') setTimeout(() => res.writeHead(200).end(), SLOW_MS);
    else res.writeHead(204).end();
  }

  #verify(req: IncomingMessage, text: string, id: string): boolean {
    const faults = this.secrets.map((secret) => {
      try {
        new Webhook(secret).verify(text, req.headers as Record<string, string>);
        return undefined;
      } catch (error) {
        return String(error);
      }
    });
    if (this.secrets.length > 0 && faults.every((fault) => fault === undefined)) return true;
    this.forged.push(`${id}: ${faults.join(' ') || 'no secret'}`);
    return false;
  }
}

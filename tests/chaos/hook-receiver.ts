// The server behind all endpoints, as badly run as real ones: it refuses, is down now and then, answers late, or takes an
// event and never says so. A choosy one refuses some events for good. Whatever is signed by nobody is kept as a finding.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Random } from '../simulation/random.ts';
import type { Event } from '../support/client.ts';
import type { EndpointStory, Posting } from './endpoints.ts';

const SLOW_MS = [50, 800] as const;
const DOWN_MS = [200, 1_500] as const;
const DOWN = 0.005;
/** Of what comes while it is up. */
const FAULTS: readonly (readonly [Behaviour, number])[] = [
  [500, 0.04],
  [302, 0.01],
  [429, 0.005],
  ['lost', 0.03],
  ['reset', 0.02],
  ['slow', 0.03],
];
/** What the choosy driver takes for a refusal that is meant for good. */
export const NEVER = 422;
const REFUSED = 0.15;

/** `lost`: taken, and nobody is told. `reset`: cut off before it is taken. `slow`: taken, and told late. */
type Behaviour = 'lost' | 'reset' | 'slow' | number;

/** One endpoint as it was registered. */
export interface Hook {
  readonly path: string;
  readonly story: EndpointStory;
  readonly hear: (event: Event, text: string) => void;
  /** Events that it does not take unless they are sent again. */
  readonly refused: Set<string>;
  downUntil: number;
}

export class HookReceiver {
  /** What came and was signed by none of the secrets. */
  readonly forged: string[] = [];
  /** Fair weather: everything is taken at once, but for what a choosy endpoint has not refused yet. */
  isCalm = false;
  readonly #server: Server;
  readonly #random: Random;
  readonly #hooks = new Map<string, Hook>();

  private constructor(server: Server, random: Random) {
    this.#server = server;
    this.#random = random;
  }

  static async start(random: Random): Promise<HookReceiver> {
    const server = createServer({ keepAliveTimeout: 30_000 });
    const receiver = new HookReceiver(server, random);
    server.on('request', (req, res) => receiver.#take(req, res));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
    return receiver;
  }

  /** Where the endpoint is reached from now on. */
  add(hook: Hook): string {
    this.#hooks.set(hook.path, hook);
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${hook.path}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }

  #take(req: IncomingMessage, res: ServerResponse): void {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('error', () => undefined);
    req.on('end', () => this.#answer(req, res, Buffer.concat(parts).toString('utf8')));
  }

  #answer(req: IncomingMessage, res: ServerResponse, text: string): void {
    const hook = this.#hooks.get(req.url ?? '');
    if (hook === undefined || hook.story.secrets.length === 0) {
      res.writeHead(503).end();
      return;
    }
    const body = JSON.parse(text) as Event & { challenge?: string };
    const signedBy = signersOf(hook.story, text, req);
    if (body.challenge !== undefined) {
      // It may be signed by a secret whose answer was lost.
      if (signedBy.length > 0) res.end(JSON.stringify({ challenge: body.challenge }));
      else res.writeHead(400).end();
      return;
    }
    if (signedBy.length === 0 || req.headers['webhook-id'] !== body.id) {
      this.forged.push(`${hook.story.id} was sent ${text.slice(0, 200)} by nobody`);
      res.writeHead(400).end();
      return;
    }
    const { id: eventId, billId, type } = body;
    const no = Number(eventId.slice(eventId.lastIndexOf('-e') + 2));
    const sentAt = Number(req.headers['webhook-timestamp']) * 1_000;
    const came = { eventId, billId, no, type, at: Date.now(), sentAt, signedBy };
    const outcome = this.#behave(hook, eventId, req, res);
    hook.story.postings.push({ ...came, outcome });
    if (outcome === 'taken') hook.hear(body, text);
  }

  #behave(
    hook: Hook,
    eventId: string,
    req: IncomingMessage,
    res: ServerResponse,
  ): Posting['outcome'] {
    const behaviour = this.#behaviour(hook);
    if (behaviour === 'reset') {
      req.socket.resetAndDestroy();
      return 'failed';
    }
    if (typeof behaviour === 'number') {
      res.writeHead(behaviour).end();
      return 'failed';
    }
    const isRefused = this.#refuses(hook, eventId);
    const status = isRefused ? NEVER : 204;
    if (behaviour === 'lost') req.socket.destroy();
    else if (behaviour === 'slow') {
      setTimeout(() => res.writeHead(status).end(), this.#random.between(...SLOW_MS));
    } else res.writeHead(status).end();
    return isRefused ? 'refused' : 'taken';
  }

  #behaviour(hook: Hook): Behaviour | 'ok' {
    if (this.isCalm) return 'ok';
    if (performance.now() < hook.downUntil) return this.#random.chance(0.5) ? 503 : 'reset';
    if (this.#random.chance(DOWN)) {
      hook.downUntil = performance.now() + this.#random.between(...DOWN_MS);
    }
    for (const [behaviour, share] of FAULTS) if (this.#random.chance(share)) return behaviour;
    return 'ok';
  }

  /** What it refuses once it goes on refusing; what it has had before it takes again. */
  #refuses({ story, refused }: Hook, eventId: string): boolean {
    if (story.plan.driver !== 'choosy') return false;
    if (refused.has(eventId)) return true;
    const isKnown = story.postings.some((each) => each.eventId === eventId);
    if (isKnown) return false;
    // One at the least, however few come in a short run, and however late.
    const isFirst = story.postings.every(({ outcome }) => outcome !== 'refused');
    if (!isFirst && (this.isCalm || !this.#random.chance(REFUSED))) return false;
    refused.add(eventId);
    return true;
  }
}

function signersOf({ secrets }: EndpointStory, text: string, req: IncomingMessage): number[] {
  return secrets.flatMap(({ text: secret }, place) => {
    try {
      new Webhook(secret).verify(text, req.headers as Record<string, string>);
      return [place];
    } catch {
      return [];
    }
  });
}

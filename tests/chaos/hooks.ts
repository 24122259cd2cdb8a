// Endpoints of holders without a socket, as badly run as real ones: they refuse, are down now and then, answer late, or
// take an event and never say so. They are registered, given new secrets and taken away through the operators' API, as bad
// as the weather is; whatever is signed by nobody is kept as a finding.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import type { Random } from '../simulation/random.ts';
import type { Event } from '../support/client.ts';

const CALLS = '/v1/operator/webhooks';
const TIMEOUT_MS = 4_000;
const AGAIN_MS = 300;
const OVERLAP_S = 60;
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

/** `lost`: taken, and nobody is told. `reset`: cut off before it is taken. `slow`: taken, and told late. */
type Behaviour = 'lost' | 'reset' | 'slow' | number;

/** One endpoint as it was registered. */
export interface Hook {
  readonly id: string;
  readonly path: string;
  readonly secrets: string[];
  readonly hear: (event: Event, text: string) => void;
  downUntil: number;
}

export class Hooks {
  /** What came and was signed by none of the secrets. */
  readonly forged: string[] = [];
  /** All that were ever told, and the paths, which may hold some. */
  readonly secrets: string[] = [];
  /** Fair weather: everything is taken at once. */
  isCalm = false;
  readonly #server: Server;
  readonly #random: Random;
  readonly #hooks = new Map<string, Hook>();
  readonly #switch: { readonly port: number; readonly key: string };
  #registered = 0;

  private constructor(server: Server, at: { port: number; key: string }, random: Random) {
    this.#server = server;
    this.#switch = at;
    this.#random = random;
  }

  /** `at`: where the switch is reached, and the key of an operator. */
  static async start(at: { port: number; key: string }, random: Random): Promise<Hooks> {
    const server = createServer({ keepAliveTimeout: 30_000 });
    const hooks = new Hooks(server, at, random);
    server.on('request', (req, res) => hooks.#take(req, res));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', () => listening()));
    return hooks;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }

  // --------------------------------------------------------------------------------------------- the operator --

  /** Asks until it is done; null where patience ends first, which leaves an endpoint that nobody answers for. */
  async open(holderId: string, hear: Hook['hear'], isPatient: () => boolean): Promise<Hook | null> {
    this.#registered += 1;
    const path = `/hook-${this.#registered}-${this.#random.next().toString(36)}`;
    this.secrets.push(path);
    const hook = { id: '', path, secrets: [], hear, downUntil: 0 };
    this.#hooks.set(path, hook);
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
    const made = await this.#done('POST', CALLS, { holderId, url }, isPatient);
    if (made === null) return null;
    const opened: Hook = Object.assign(hook, { id: made.id });
    if (this.#learn(opened, made)) return opened;
    // A repeat of a call whose answer was lost does not tell the secret.
    return (await this.rotate(opened, isPatient)) ? opened : null;
  }

  /** Gives it another secret; both are good for a while. */
  async rotate(hook: Hook, isPatient: () => boolean): Promise<boolean> {
    while (isPatient()) {
      const body = { overlapSeconds: OVERLAP_S };
      const made = await this.#done('POST', `${CALLS}/${hook.id}/rotate`, body, isPatient);
      if (made !== null && this.#learn(hook, made)) return true;
    }
    return false;
  }

  /** Takes it away; what is on its way may still come. */
  async close(hook: Hook, isPatient: () => boolean): Promise<void> {
    await this.#done('DELETE', `${CALLS}/${hook.id}`, null, isPatient);
  }

  #learn(hook: Hook, { secret }: Made): boolean {
    if (typeof secret !== 'string') return false;
    hook.secrets.push(secret);
    this.secrets.push(secret);
    return true;
  }

  async #done(
    method: string,
    path: string,
    body: object | null,
    isPatient: () => boolean,
  ): Promise<Made | null> {
    const once = `hook-${this.#random.next()}-${this.#random.next()}`;
    while (isPatient()) {
      const said = await this.#ask({ method, path, body, once }).catch(() => null);
      if (said !== null && said.status < 300) {
        return said.text === '' ? { id: '' } : (JSON.parse(said.text) as Made);
      }
      // An earlier attempt has taken it away.
      if (method === 'DELETE' && said?.status === 404) return { id: '' };
      if (said !== null && said.status < 500 && said.status !== 429) {
        throw new Error(`${method} ${path} was answered ${said.status} ${said.text}`);
      }
      await pause(AGAIN_MS);
    }
    return null;
  }

  async #ask(call: {
    readonly method: string;
    readonly path: string;
    readonly body: object | null;
    readonly once: string;
  }): Promise<{ readonly status: number; readonly text: string }> {
    const { method, path, body, once } = call;
    const content = body === null ? {} : { body: JSON.stringify(body) };
    const type = body === null ? {} : { 'Content-Type': 'application/json' };
    const authorization = `Bearer ${this.#switch.key}`;
    const answer = await fetch(`http://127.0.0.1:${this.#switch.port}${path}`, {
      method,
      headers: { Authorization: authorization, 'Idempotency-Key': once, ...type },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...content,
    });
    return { status: answer.status, text: await answer.text() };
  }

  // --------------------------------------------------------------------------------------------- the receiver --

  #take(req: IncomingMessage, res: ServerResponse): void {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('error', () => undefined);
    req.on('end', () => this.#answer(req, res, Buffer.concat(parts).toString('utf8')));
  }

  #answer(req: IncomingMessage, res: ServerResponse, text: string): void {
    const hook = this.#hooks.get(req.url ?? '');
    if (hook === undefined || hook.secrets.length === 0) {
      res.writeHead(503).end();
      return;
    }
    const body = JSON.parse(text) as Event & { challenge?: string };
    const isSigned = isVerified(hook.secrets, text, req);
    if (body.challenge !== undefined) {
      // It may be signed by a secret whose answer was lost.
      if (isSigned) res.end(JSON.stringify({ challenge: body.challenge }));
      else res.writeHead(400).end();
      return;
    }
    if (!isSigned || req.headers['webhook-id'] !== body.id) {
      this.forged.push(`${hook.id} was sent ${text.slice(0, 200)} by nobody`);
      res.writeHead(400).end();
      return;
    }
    this.#behave(hook, req, res, () => hook.hear(body, text));
  }

  #behave(hook: Hook, req: IncomingMessage, res: ServerResponse, take: () => void): void {
    const behaviour = this.#behaviour(hook);
    if (typeof behaviour === 'number') {
      res.writeHead(behaviour).end();
      return;
    }
    if (behaviour === 'reset') {
      req.socket.resetAndDestroy();
      return;
    }
    take();
    if (behaviour === 'lost') req.socket.destroy();
    else if (behaviour === 'slow') {
      setTimeout(() => res.writeHead(200).end(), this.#random.between(...SLOW_MS));
    } else res.writeHead(204).end();
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
}

interface Made {
  readonly id: string;
  readonly secret?: string | null;
}

function isVerified(secrets: readonly string[], text: string, req: IncomingMessage): boolean {
  return secrets.some((secret) => {
    try {
      new Webhook(secret).verify(text, req.headers as Record<string, string>);
      return true;
    } catch {
      return false;
    }
  });
}

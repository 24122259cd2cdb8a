// Everything of one key: the links by which it calls, and those by which it hears.

import { type Hearing, pending, poll } from './hearing.ts';
import { HttpLink } from './http-link.ts';
import { type Api, type Json, type Link, Lost, NoSwitch, type Transport, textOf } from './link.ts';
import { StreamLink } from './stream-link.ts';

/** Sockets of one key: enough that copies of a call overtake each other. */
const SOCKETS = 3;
const CONNECTIONS = 64;
const PAGE = 100;

export interface PartyOptions {
  readonly baseUrl: string;
  readonly api: Api;
  readonly key: string;
  readonly transport: Transport;
}

export class Party {
  readonly api: Api;
  readonly links: readonly Link[];
  readonly #streams: readonly StreamLink[];
  /** For lists, which only HTTP has. */
  readonly #http: HttpLink;
  readonly #poller: HttpLink | null;
  #isClosed = false;

  private constructor(options: PartyOptions, hearing: Hearing) {
    const { api, transport } = options;
    this.api = api;
    this.#http = new HttpLink({ ...options, connections: CONNECTIONS });
    const onEvent = (event: Parameters<Hearing['take']>[0], link: Link): void => {
      hearing.take(event);
      hearing.acknowledgeSoon(event.id, link);
    };
    const sockets = transport === 'http' ? 0 : SOCKETS;
    this.#streams = Array.from({ length: sockets }, () => new StreamLink({ ...options, onEvent }));
    this.#poller = transport === 'websocket' ? null : new HttpLink({ ...options, connections: 2 });
    this.links = transport === 'websocket' ? this.#streams : [this.#http, ...this.#streams];
    if (this.#poller !== null) {
      void poll(hearing, { api, link: this.#poller }, () => this.#isClosed);
    }
  }

  /** Rejects with `NoSwitch` where there is none, or where it does not take the key. */
  static async open(options: PartyOptions, hearing: Hearing): Promise<Party> {
    const { baseUrl, api } = options;
    const probe = new HttpLink({ ...options, connections: 1 });
    try {
      const { status, body } = await probe.get(`/v1/${api}/events?limit=1`);
      if (status !== 200) {
        throw new NoSwitch(`${baseUrl} does not take the ${api}'s key: ${status} ${codeOf(body)}`);
      }
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      throw new NoSwitch(`there is no switch at ${baseUrl}`, { cause: error });
    } finally {
      probe.close();
    }
    return new Party(options, hearing);
  }

  /** Cuts one of its sockets, if it has any. */
  drop(no: number): boolean {
    const stream = this.#streams[no % Math.max(1, this.#streams.length)];
    stream?.drop();
    return stream !== undefined;
  }

  /** All of a list from a time on, newest first, and up to when it is complete. Rejects where it is not told. */
  async list(path: string, from: string): Promise<{ items: Json[]; asOf: string }> {
    const items: Json[] = [];
    let cursor: string | null = null;
    let asOf = '';
    do {
      const query = new URLSearchParams({ limit: String(PAGE), from });
      if (cursor !== null) query.set('cursor', cursor);
      const { status, body } = await this.#http.get(`${path}?${query}`);
      if (status !== 200) throw new Error(`${path} was answered ${status} ${codeOf(body)}`);
      const page = body as { items: Json[]; nextCursor: string | null; asOf: string };
      items.push(...page.items);
      ({ nextCursor: cursor, asOf } = page);
    } while (cursor !== null);
    return { items, asOf };
  }

  /** The first events that nobody has acknowledged. */
  async pending(): Promise<string[]> {
    return (await pending(this.api, this.#http, 0)).map(({ id }) => id);
  }

  close(): void {
    this.#isClosed = true;
    for (const link of [...this.#streams, this.#http]) link.close();
    this.#poller?.close();
  }
}

function codeOf(body: Json): string {
  return textOf(body, 'code');
}

// A terminal or a wallet that lives with a bad network: it asks again with the same reference, sometimes twice at once
// and by another way, sometimes gives up for ever; it listens to its events all the time and acknowledges them: by a socket,
// by polls, by a webhook, or by one after the other.

import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { Api, Body, Event, Op } from '../support/client.ts';
import type { EndpointPlan } from './endpoints.ts';
import { beCalled } from './holding.ts';
import type { Holder, Hooks } from './hooks.ts';
import { type Call, isDefinite, type Memory, type Via, type Way } from './memory.ts';
import { type HttpLine, StreamLine } from './transports.ts';

export interface Identity {
  readonly api: Api;
  readonly id: string;
  readonly key: string;
  readonly institution: number;
}

export interface Surroundings {
  readonly memory: Memory;
  readonly http: HttpLine;
  /** Where the switch is reached, through the proxy. */
  readonly port: number;
  readonly hooks: Hooks;
}

const TIMEOUT_MS = 4_000;
const TRIES_MAX = 8;
const ACK_MS = 250;
const ACKED_AT_ONCE = 100;
const POLL_S = 2;
const REREAD_AT_ONCE = 100;
const LEAVE_MS = 200;
/** How long who changes stays with one way. */
const STAY_MS = [1_000, 8_000] as const;
const ONLY_HTTP: ReadonlySet<Op> = new Set<Op>([
  'bill.list',
  'terminal.events',
  'paychannel.events',
]);
const ONLY_HTTP_TOO: ReadonlySet<string> = new Set(['paychannel.payments', 'paychannel.credits']);

export class Client {
  readonly api: Api;
  readonly name: string;
  readonly institution: number;
  readonly random: Random;
  /** Called with each event the first time that it comes. */
  onEvent: (event: Event) => void = () => undefined;
  /** Calls that this client has given up for ever: nobody will ever know. */
  readonly abandoned = new Set<string>();
  readonly #key: string;
  readonly #via: Via;
  /** One for ever, or one after the other again and again; none: others are told in its place. */
  readonly #ways: readonly Way[];
  /** Its endpoints while it has its events posted. */
  readonly #plans: readonly EndpointPlan[];
  readonly #around: Surroundings;
  readonly #seen = new Set<string>();
  readonly #toAcknowledge = new Set<string>();
  readonly #id: string;
  #stream: StreamLine | null = null;
  #isStopping = false;
  #listening: Promise<void> = Promise.resolve();
  #acknowledging: Promise<void> = Promise.resolve();
  #references = 0;

  constructor(
    identity: Identity,
    how: {
      readonly via: Via;
      readonly ways: readonly Way[];
      readonly plans: readonly EndpointPlan[];
    },
    around: Surroundings,
    random: Random,
  ) {
    this.api = identity.api;
    this.#id = identity.id;
    this.name = `${identity.api}:${identity.id}`;
    this.institution = identity.institution;
    this.#key = identity.key;
    this.#via = how.via;
    this.#ways = how.ways;
    this.#plans = how.plans;
    this.#around = around;
    this.random = random;
  }

  /** A reference that this client has not used. */
  fresh(prefix: string): string {
    this.#references += 1;
    return `${prefix}-${this.#references}`;
  }

  // -------------------------------------------------------------------------------------------------- asking --

  /** Sends once. What comes back is noted; nothing may. */
  async ask(op: Op, body: Body, via: Via = this.#via): Promise<Call> {
    const stream = this.#stream;
    const isByHttp =
      via === 'http' || stream?.isOpen !== true || ONLY_HTTP.has(op) || ONLY_HTTP_TOO.has(op);
    const { memory, http } = this.#around;
    const call = memory.intend({ client: this.name, via: isByHttp ? 'http' : via, op, body });
    const { requestId } = call;
    const question = { op, body, requestId, timeoutMs: TIMEOUT_MS };
    const told = isByHttp
      ? await http.ask(this.api, this.#key, question)
      : await stream.ask(question);
    memory.learn(call, told);
    return call;
  }

  /** Asks until there is an answer that will stand, or gives up: null. */
  async settle(
    op: Op,
    body: Body,
    tries = this.random.between(2, TRIES_MAX),
  ): Promise<Call | null> {
    for (let attempt = 1; ; attempt++) {
      const calls = await this.#try(op, body, attempt);
      const definite = calls.find(isDefinite);
      if (definite !== undefined) return definite;
      if (attempt >= tries || (this.#isStopping && attempt > 1)) return this.#giveUp(calls);
      await pause(this.random.between(50, 100 * 2 ** Math.min(attempt, 4)));
    }
  }

  /** Impatient customers press twice: the same call by two ways at once. */
  async #try(op: Op, body: Body, attempt: number): Promise<Call[]> {
    if (this.random.chance(attempt === 1 ? 0.04 : 0.15)) {
      return await Promise.all([this.ask(op, body), this.ask(op, body, 'http')]);
    }
    const via = attempt > 2 && this.random.chance(0.5) ? 'http' : this.#via;
    return [await this.ask(op, body, via)];
  }

  /** Most of what is given up is asked for again when the network is well; of the rest nobody will ever know. */
  #giveUp(calls: readonly Call[]): null {
    const reference = calls[0]?.reference ?? null;
    if (reference !== null && this.random.chance(0.3)) this.abandoned.add(reference);
    return null;
  }

  // ------------------------------------------------------------------------------------------------ listening --

  listen(): void {
    this.#listening = this.#listen();
    this.#acknowledging = this.#acknowledge();
  }

  /** From now on no more patience; resolves once it has hung up. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stream?.cut();
    await Promise.all([this.#listening, this.#acknowledging]);
  }

  /** All that was said to it may be asked for again: of each event the text that is told now. */
  async rereadAll(): Promise<void> {
    const { memory, http } = this.#around;
    const [first] = memory.heard.filter(({ client }) => client === this.name);
    for (let after = first?.eventId; after !== undefined; ) {
      const body = { after, limit: REREAD_AT_ONCE };
      const question = { op: `${this.api}.events` as Op, body, requestId: 'reread' };
      const told = await http.ask(this.api, this.#key, { ...question, timeoutMs: TIMEOUT_MS });
      if (told === null || told.status >= 500) continue;
      const { events } = told.body as { events: Event[] };
      for (const event of events) memory.reread(this.name, event);
      after = events.at(-1)?.id;
    }
  }

  async #listen(): Promise<void> {
    if (this.#ways.length === 0) return;
    for (let turn = 0; !this.#isStopping; turn++) {
      const way = this.#ways[turn % this.#ways.length] ?? 'poll';
      const until =
        this.#ways.length === 1
          ? Number.POSITIVE_INFINITY
          : performance.now() + this.random.between(...STAY_MS);
      const isOver = (): boolean => this.#isStopping || performance.now() > until;
      if (way === 'poll') await this.#poll(isOver);
      else if (way === 'webhook') await this.#beCalled(isOver);
      else await this.#stayConnected(isOver);
    }
  }

  /** Has its events posted to it. */
  async #beCalled(isOver: () => boolean): Promise<void> {
    const { random, name } = this;
    const hear: Holder['hear'] = (event, text) => this.#hear(event, 'webhook', text);
    const holder = { id: this.#id, name, recipients: [name], hear };
    const isPatient = (): boolean => !this.#isStopping;
    await beCalled(this.#around.hooks, holder, this.#plans, { isOver, isPatient, random });
  }

  async #stayConnected(isOver: () => boolean): Promise<void> {
    const encoding = this.#via === 'msgpack' ? 'msgpack' : 'json';
    const to = { port: this.#around.port, api: this.api, key: this.#key, encoding } as const;
    while (!isOver()) {
      const stream = await StreamLine.connect(to, (event) => this.#hear(event, 'socket'));
      this.#stream = stream;
      if (stream !== null) {
        if (this.#isStopping) stream.cut();
        await Promise.race([stream.closed, this.#watch(stream), this.#leave(stream, isOver)]);
      }
      // Spread over a second, or all come back in one.
      if (!isOver()) await pause(this.random.between(20, 1_000));
    }
  }

  /** Hangs up when it goes on by another way. */
  async #leave(stream: StreamLine, isOver: () => boolean): Promise<void> {
    while (stream.isOpen) {
      await pause(LEAVE_MS, undefined, { ref: false });
      if (!isOver() || !stream.isOpen) continue;
      stream.cut();
      await stream.closed;
    }
  }

  /** A line can die without a word: only asking shows it. */
  async #watch(stream: StreamLine): Promise<void> {
    while (stream.isOpen) {
      await pause(5_000, undefined, { ref: false });
      const question = { op: 'ping' as const, body: {}, requestId: 'ping', timeoutMs: TIMEOUT_MS };
      if (stream.isOpen && (await stream.ask(question)) === null) stream.cut();
    }
  }

  async #poll(isOver: () => boolean): Promise<void> {
    const { http } = this.#around;
    const op: Op = `${this.api}.events`;
    while (!isOver()) {
      const body = { wait: POLL_S };
      const question = { op, body, requestId: 'poll', timeoutMs: TIMEOUT_MS + POLL_S * 1_000 };
      const told = await http.ask(this.api, this.#key, question);
      if (told?.status === 200) {
        const { events } = told.body as { events: Event[] };
        for (const event of events) this.#hear(event, 'poll');
        // What is being acknowledged would come again at once.
        if (events.length > 0) await pause(2 * ACK_MS);
      } else await pause(this.random.between(200, 1_000));
    }
  }

  #hear(event: Event, way: Way, text = JSON.stringify(event)): void {
    this.#around.memory.hear(this.name, event, { way, text });
    const isNew = !this.#seen.has(event.id);
    this.#seen.add(event.id);
    // Sometimes a client goes down before it has acknowledged; the event must come again. Who is called has acknowledged
    // by its answer.
    if (way !== 'webhook' && (!isNew || !this.random.chance(0.02)))
      this.#toAcknowledge.add(event.id);
    if (isNew) this.onEvent(event);
  }

  async #acknowledge(): Promise<void> {
    while (!this.#isStopping) {
      await pause(ACK_MS);
      const ids = [...this.#toAcknowledge].slice(0, ACKED_AT_ONCE);
      if (ids.length === 0) continue;
      const call = await this.ask('event.ack', { ids });
      if (call.status === 200) for (const id of ids) this.#toAcknowledge.delete(id);
    }
  }
}

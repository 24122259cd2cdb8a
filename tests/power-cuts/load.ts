// Many sales at once over WebSocket, each of which knows what was acknowledged to it. When the power goes, what was
// under way is unknown, and is asked for again with the same references once there is somebody to ask.

import { openWebSocket, type WebSocketLink } from '../../bench/load/connections.ts';
import type { DemoData } from '../../src/persistence/demo-data.ts';

const TEXT = 1;
const CONNECTIONS = 2;
const RETRY_MS = 20;
/** Ids of frames below this are slots. */
const FIRST_FREE_ID = 1_000_000;
/** Acknowledgements of events are gathered for this long. */
const GATHER_MS = 5;
const EVENTS_MAX = 500;

type Api = 'terminal' | 'paychannel';

/** A bill on its way: created, paid in parts, confirmed. */
export interface Sale {
  readonly orderId: string;
  readonly parts: readonly number[];
  readonly kept: number;
  billId: string;
  /** Steps that were acknowledged: the creation, each part, the confirmation. */
  step: number;
}

interface Frame {
  readonly id?: number;
  readonly status?: number;
  readonly body?: unknown;
  readonly event?: { readonly id: string };
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export class Load {
  /** Changes that were answered with a 2xx. */
  acknowledged = 0;
  /** Questions of which nobody knows whether they were done. */
  unknown = 0;
  /** Answers that are wrong in themselves. */
  readonly faults: string[] = [];
  /** Sales with an acknowledged step, and acknowledged events, since the last audit. */
  touched = new Set<Sale>();
  readonly endedEvents: string[] = [];
  readonly #run: string;
  readonly #slots: { sale: Sale; isAsking: boolean }[];
  #count = 0;
  #links: { terminal: WebSocketLink[]; paychannel: WebSocketLink[] } | null = null;
  #isRunning = false;
  #nextId = FIRST_FREE_ID;
  readonly #asked = new Map<number, { answered: (answer: Answer) => void; lost: () => void }>();
  readonly #events: Record<Api, string[]> = { terminal: [], paychannel: [] };
  #gathering = false;
  #disconnected: () => void = () => undefined;
  #settled: () => void = () => undefined;

  constructor({ run, slots }: { run: string; slots: number }) {
    this.#run = run;
    this.#slots = Array.from({ length: slots }, () => ({ sale: this.#fresh(), isAsking: false }));
  }

  get isConnected(): boolean {
    return this.#links !== null;
  }

  /** The sales that are on their way. */
  get underWay(): Sale[] {
    return this.#slots.map(({ sale }) => sale);
  }

  async connect(port: number, { terminal, paychannel }: DemoData): Promise<void> {
    const links = { terminal: [] as WebSocketLink[], paychannel: [] as WebSocketLink[] };
    for (const [api, key] of [
      ['terminal', terminal.key],
      ['paychannel', paychannel.key],
    ] as const) {
      for (let i = 0; i < CONNECTIONS; i++) {
        links[api].push(
          await openWebSocket({
            host: '127.0.0.1',
            port,
            path: `/v1/${api}/stream`,
            key,
            subprotocol: 'qrswitch.json',
            opcode: TEXT,
            // Every connection hears every event; one acknowledgement is enough.
            onMessage: (text) => this.#hear(api, i === 0, text),
            onLost: () => this.#lost(),
          }),
        );
      }
    }
    this.#links = links;
  }

  /** Resolves once the switch has gone away; what was on its way to us has been heard by then. */
  disconnected(): Promise<void> {
    if (this.#links === null) return Promise.resolve();
    return new Promise((done) => {
      this.#disconnected = done;
    });
  }

  run(): void {
    this.#isRunning = true;
    this.#slots.forEach((_, index) => {
      this.#next(index);
    });
  }

  /** Asks nothing more; resolves once all that was asked is answered or lost. */
  async pause(): Promise<void> {
    this.#isRunning = false;
    if (this.#isQuiet()) return;
    await new Promise<void>((done) => {
      this.#settled = done;
    });
  }

  /** Leaves all sales as they are and begins others: what was lost is counted once. */
  abandonSales(): void {
    for (const slot of this.#slots) slot.sale = this.#fresh();
    this.touched = new Set();
    this.endedEvents.splice(0);
  }

  close(): void {
    this.#isRunning = false;
    for (const link of this.#all()) link.close();
    this.#lost();
  }

  /** One question beside the load; null where the answer is lost. */
  ask(api: Api, op: string, body: object): Promise<Answer | null> {
    const link = this.#links?.[api][0];
    if (link === undefined) return Promise.resolve(null);
    const id = this.#nextId++;
    return new Promise((done) => {
      this.#asked.set(id, { answered: done, lost: () => done(null) });
      link.send(JSON.stringify({ id, op, body }));
    });
  }

  #fresh(): Sale {
    this.#count += 1;
    const amount = 100 + (this.#count % 900);
    const isWhole = this.#count % 4 !== 0;
    const parts = isWhole ? [amount] : [40, amount - 40];
    return {
      orderId: `${this.#run}-${this.#count}`,
      parts,
      kept: isWhole ? amount : amount - 10,
      billId: '',
      step: 0,
    };
  }

  #next(index: number): void {
    const slot = this.#slots[index];
    const links = this.#links;
    if (slot === undefined || slot.isAsking || !this.#isRunning || links === null) return;
    slot.isAsking = true;
    const { sale } = slot;
    const { api, op, body } = question(sale);
    links[api][index % CONNECTIONS]?.send(JSON.stringify({ id: index, op, body }));
  }

  #hear(api: Api, isFirst: boolean, text: string): void {
    const frame = JSON.parse(Buffer.from(text, 'latin1').toString()) as Frame;
    if (frame.event !== undefined) {
      if (isFirst) this.#gather(api, frame.event.id);
      return;
    }
    const { id = -1, status = 0 } = frame;
    const body = (frame.body ?? {}) as Answer['body'];
    if (id < FIRST_FREE_ID) this.#answered(id, status, body);
    else {
      this.#asked.get(id)?.answered({ status, body });
      this.#asked.delete(id);
    }
    this.#tellQuiet();
  }

  #answered(index: number, status: number, body: Answer['body']): void {
    const slot = this.#slots[index];
    if (slot === undefined) return;
    slot.isAsking = false;
    if (status >= 200 && status < 300) this.#done(slot, body);
    else if (status !== 503 && status !== 504) {
      this.faults.push(
        `${question(slot.sale).op} of ${slot.sale.orderId} got ${status}: ${JSON.stringify(body).slice(0, 300)}`,
      );
      slot.sale = this.#fresh();
    }
    if (status < 500) this.#next(index);
    else setTimeout(() => this.#next(index), RETRY_MS);
  }

  #done(slot: { sale: Sale }, body: Answer['body']): void {
    const { sale } = slot;
    this.acknowledged += 1;
    if (sale.step === 0) sale.billId = String(body.id);
    sale.step += 1;
    this.touched.add(sale);
    if (sale.step === sale.parts.length + 2) slot.sale = this.#fresh();
  }

  #gather(api: Api, eventId: string): void {
    this.#events[api].push(eventId);
    if (this.#gathering) return;
    this.#gathering = true;
    setTimeout(() => {
      this.#gathering = false;
      for (const each of ['terminal', 'paychannel'] as const) {
        while (this.#events[each].length > 0) {
          this.#end(each, this.#events[each].splice(0, EVENTS_MAX));
        }
      }
    }, GATHER_MS);
  }

  #end(api: Api, ids: string[]): void {
    void this.ask(api, 'event.ack', { ids }).then((answer) => {
      // What is not acknowledged comes again by itself.
      if (answer?.status !== 200) return;
      this.acknowledged += 1;
      this.endedEvents.push(...ids);
    });
  }

  #lost(): void {
    const links = this.#all();
    if (links.length === 0) return;
    this.#links = null;
    for (const link of links) link.close();
    for (const slot of this.#slots) {
      if (slot.isAsking) this.unknown += 1;
      slot.isAsking = false;
    }
    for (const { lost } of this.#asked.values()) lost();
    this.#asked.clear();
    this.#events.terminal = [];
    this.#events.paychannel = [];
    this.#disconnected();
    this.#tellQuiet();
  }

  #all(): WebSocketLink[] {
    return [...(this.#links?.terminal ?? []), ...(this.#links?.paychannel ?? [])];
  }

  #isQuiet(): boolean {
    return this.#slots.every(({ isAsking }) => !isAsking);
  }

  #tellQuiet(): void {
    if (!this.#isRunning && this.#isQuiet()) this.#settled();
  }
}

/** What a sale asks next. */
export function question(sale: Sale): { api: Api; op: string; body: object } {
  const { orderId, billId, parts, kept, step } = sale;
  if (step === 0) {
    const amount = parts.reduce((sum, part) => sum + part, 0);
    return { api: 'terminal', op: 'bill.create', body: { orderId, amount, currency: 'EUR' } };
  }
  const part = parts[step - 1];
  if (part !== undefined) {
    const body = { billId, paymentRef: `p-${step}`, amount: part, currency: 'EUR' };
    return { api: 'paychannel', op: 'payment.create', body };
  }
  return { api: 'terminal', op: 'bill.confirm', body: { billId, amount: kept } };
}

// Tills and wallets whose events are posted to them: in each process the real sender, in a thread of its own that may die
// by itself. Some have one endpoint, and go on to their stream and back; some have two, one of which may be behind.

import { must } from '../../src/domain/assert.ts';
import type { Recipient } from '../../src/domain/bill/vocabulary.ts';
import type { Courier } from '../../src/drivers/webhook/courier.ts';
import { makeWebhooks } from '../../src/drivers/webhook/driver.ts';
import type { GatewayLog } from '../../src/protocols/gateway/options.ts';
import { Deliverer } from '../../src/protocols/webhooks/deliverer.ts';
import { WEBHOOK_LIMITS } from '../../src/protocols/webhooks/options.ts';
import type { StreamedEvent } from '../../src/switch/ports.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type { Reply, ShardDoor, WorkerQuery } from '../../src/switch/requests.ts';
import { Life } from './life.ts';
import { Line } from './line.ts';
import type { SimNode } from './node.ts';
import { REFUSED_FOR_GOOD, SimHookBook } from './sim-hook-book.ts';
import { hookPresenter, type Poster, SimReceivers } from './sim-receivers.ts';
import type { World } from './world.ts';

const PATIENCE_MS = 10_000;
const RESTART_MS = 1_000;
const LOOK_MS = 250;
const DRAIN_MS = 1_000;
/** How many of the holders have two. */
const TWO_ENDPOINTS = 0.3;
/** Of what an endpoint is owed, little is held. The second attempt comes after 50 ms, the sixth after 18 s. */
const LIMITS = { ...WEBHOOK_LIMITS, pace: 0.01, owedHeld: 3 };
/** Those that recover for a moment too, as main has it. */
const OWNED = new Set<string>(['serving', 'recovering']);

const LATE: Reply = { kind: 'fault', code: 'outcome.unknown', detail: 'late', retryAfterS: 1 };
const GONE: Reply = { kind: 'fault', code: 'shard.unavailable', detail: 'no', retryAfterS: 1 };

/** By which way a holder is told. */
export type HookWay = 'posted' | 'read' | 'both';

export interface Holder {
  readonly principal: Principal;
  readonly endpoints: readonly string[];
  way: HookWay;
}

interface Running extends Poster {
  readonly deliverer: Deliverer;
  /** What the worker tells it, and what it asks the worker. */
  readonly told: Line;
  readonly asked: Line;
  readonly subscribed: Set<Recipient>;
  readonly live: ((event: StreamedEvent) => void)[];
  readonly ended: Parameters<ShardDoor['onEventEnded']>[0][];
  readonly begins: (() => void)[];
}

export class SimWebhooks {
  readonly holders: readonly Holder[];
  readonly book: SimHookBook;
  readonly receivers: SimReceivers;
  readonly #world: World;
  readonly #running = new Map<SimNode, Running>();
  #requests = 0;
  #lives = 0;

  constructor(world: World, holders: readonly Principal[]) {
    this.#world = world;
    this.book = new SimHookBook(world);
    this.receivers = new SimReceivers(world, this.book);
    this.holders = holders.map((principal) => {
      const endpoints = [`hook-${principal.id}-a`];
      if (world.hooking.chance(TWO_ENDPOINTS)) endpoints.push(`hook-${principal.id}-b`);
      for (const id of endpoints) this.book.add(id, principal);
      return { principal, endpoints, way: 'posted' };
    });
  }

  holderOf({ id }: Principal): Holder | undefined {
    return this.holders.find(({ principal }) => principal.id === id);
  }

  // ------------------------------------------------------------------------------------------------- threads --

  began(node: SimNode): void {
    const of = node.running?.life;
    if (of === undefined) return;
    this.#lives += 1;
    const { agenda } = this.#world;
    const life = new Life(`${of.name} sender ${this.#lives}`, agenda, of.monotonic() - agenda.now);
    const running = this.#make(node, life);
    this.#running.set(node, running);
    if (of.isPaused) life.pause();
    life.run(() => {
      running.deliverer.start();
      this.#lookAt(running);
    });
  }

  #make(node: SimNode, life: Life): Running {
    const { hooking } = this.#world;
    const { now } = this.#world.agenda;
    const lists = { subscribed: new Set<Recipient>(), live: [], ended: [], begins: [] };
    const poster: Poster = { node, life, beganAt: now, wokeAt: now };
    const hop = (): number => this.#hop();
    const worker = must(node.running, 'a process').life;
    const lines = { told: new Line(life, hop), asked: new Line(worker, hop) };
    const made: { running?: Running } = {};
    const webhooks = makeWebhooks(this.receivers.courierOf(poster) as unknown as Courier, life);
    const log = this.#log;
    const deliverer = new Deliverer({
      door: this.#doorOf(() => must(made.running, 'a sender'), { ...lists, life, node }),
      listings: this.book.listingsFor(life),
      presenter: hookPresenter,
      clock: life,
      book: this.book.openedBy(life),
      ways: {
        of: () => ({
          prove: () => Promise.resolve({ isProven: true, said: '' }),
          deliver: async (receiver, message) => {
            if (this.receivers.refuses(receiver.endpointId, message.id)) {
              return { delivered: { is: 'refused', said: REFUSED_FOR_GOOD }, as: 'refused' };
            }
            const { as, ...delivered } = await webhooks.deliver(receiver, message);
            return { delivered, as };
          },
        }),
        check: () => Promise.resolve({ away: 'nobody asks' }),
      },
      log,
      metrics: {
        delivered: (outcome) => this.#world.count(`hook answered ${outcome}`),
        died: () => this.#world.count('hook given up'),
      },
      limits: LIMITS,
      newRequestId: () => '',
      chance: () => hooking.below(1_000) / 1_000,
    });
    made.running = Object.assign(poster, { deliverer, ...lines, ...lists });
    return made.running;
  }

  get #log(): GatewayLog {
    const note = (_: object, what: string): void => this.#world.count(`hook log ${what}`);
    return { debug: note, info: note, warn: note, error: note };
  }

  ended(node: SimNode): void {
    this.#running.get(node)?.life.end();
    this.#running.delete(node);
  }

  crash(node: SimNode): void {
    const of = node.running;
    if (of === null || !this.#running.has(node)) return;
    this.#world.trace(`the sender of ${node.name} dies`);
    this.ended(node);
    this.#world.agenda.after(RESTART_MS, () => {
      if (node.running === of && !this.#running.has(node) && !node.isLeaving) this.began(node);
    });
  }

  pause(node: SimNode): void {
    this.#running.get(node)?.life.pause();
  }

  resume(node: SimNode): void {
    const running = this.#running.get(node);
    if (running === undefined) return;
    running.wokeAt = this.#world.agenda.now;
    running.life.resume();
  }

  stop(node: SimNode): void {
    const running = this.#running.get(node);
    running?.life.run(() => void running.deliverer.drain(DRAIN_MS));
  }

  /** Fair weather: all receivers are there, and who has missed a change of endpoints looks. */
  heal(): void {
    this.receivers.heal();
    for (const { life, deliverer } of this.#running.values()) life.run(() => deliverer.look());
  }

  /** A holder goes on to another way; its endpoint is removed, disabled, or back. */
  change(holder: Holder, way: HookWay): void {
    const { hookDice, hooking, agenda } = this.#world;
    const away = hooking.pick(['removed', 'disabled'] as const);
    const state = way === 'read' ? away : 'active';
    this.#world.trace(`${holder.principal.id} is ${way} from now on: its endpoint is ${state}`);
    holder.way = way;
    for (const id of holder.endpoints) this.book.change(id, state, holder.principal);
    for (const { life, deliverer } of this.#running.values()) {
      if (hookDice.strikes('hook.untold')) continue;
      agenda.after(hooking.below(1_000), () => life.run(() => deliverer.look()));
    }
  }

  /** An operator has what an endpoint has refused sent to it again. */
  resend(endpointId: string): void {
    const { hookDice, hooking, agenda } = this.#world;
    if (!this.book.resend(endpointId)) return;
    this.#world.trace(`what ${endpointId} has refused is sent to it again`);
    for (const { life, deliverer } of this.#running.values()) {
      if (hookDice.strikes('hook.untold')) continue;
      agenda.after(hooking.below(1_000), () => life.run(() => deliverer.look()));
    }
  }

  // ---------------------------------------------------------------------------------------------- what is told --

  /** A committed event. */
  heard(node: SimNode, event: StreamedEvent): void {
    this.receivers.raised(`${event.bill.id}-e${event.event.no}`);
    this.#tell(node, event.event.recipient, ({ live }) => {
      for (const listener of live) listener(event);
    });
  }

  /** One that is pending no more. */
  heardEnd(node: SimNode, recipient: Recipient, id: string): void {
    this.receivers.ended(id);
    this.#tell(node, recipient, ({ ended }) => {
      for (const listener of ended) listener(recipient, id);
    });
  }

  /** A shard begins to serve. */
  heardBegin(node: SimNode): void {
    this.#tell(node, null, ({ begins }) => {
      for (const listener of begins) listener();
    });
  }

  #tell(node: SimNode, recipient: Recipient | null, tell: (running: Running) => void): void {
    const running = this.#running.get(node);
    if (running === undefined) return;
    if (recipient !== null && !running.subscribed.has(recipient)) return;
    running.told.say(() => tell(running));
  }

  /** Which shards its process serves is told it, as main does. */
  #lookAt(running: Running): void {
    const states = running.node.running?.host.status() ?? [];
    const shards = states.filter(({ state }) => OWNED.has(state)).map(({ shard }) => shard);
    running.deliverer.serve(shards);
    running.life.after(LOOK_MS, () => this.#lookAt(running));
  }

  // ------------------------------------------------------------------------------------------------- its door --

  #doorOf(
    running: () => Running,
    of: Pick<Running, 'live' | 'ended' | 'begins' | 'life' | 'node'>,
  ): ShardDoor {
    const nobody = (): void => undefined;
    return {
      shards: this.#world.settings.shards.length,
      send: (request, onReply) => this.#send(of, request, onReply),
      ask: (query) => this.#ask(running(), query),
      onEvent: (listener) => of.live.push(listener),
      onEventEnded: (listener) => of.ended.push(listener),
      onUnfinished: nobody,
      onAcquiring: nobody,
      onWorkerStart: (listener) => of.begins.push(listener),
    };
  }

  #send(
    { life, node }: Pick<Running, 'life' | 'node'>,
    { principal, operation }: Parameters<ShardDoor['send']>[0],
    onReply: Parameters<ShardDoor['send']>[1],
  ): void {
    this.#requests += 1;
    const requestId = `w${this.#requests}`;
    let isAnswered = false;
    const answer = (reply: Reply | null): void => {
      if (isAnswered) return;
      isAnswered = true;
      life.run(() => {
        const { status, body } = hookPresenter.present(reply ?? GONE, 'json', requestId);
        onReply(status, body);
      });
    };
    this.#world.agenda.after(PATIENCE_MS, () => answer(LATE));
    this.#world.send(principal, operation, { done: answer }, this.#hop(), { node });
  }

  #ask(
    { node, asked, told, subscribed }: Running,
    query: WorkerQuery,
  ): ReturnType<ShardDoor['ask']> {
    return new Promise((resolve, reject) => {
      asked.say(() =>
        node.inside(({ host }) => {
          if (query.query === 'subscribe') subscribed.add(query.recipient);
          if (query.query === 'unsubscribe') subscribed.delete(query.recipient);
          host.ask(query).then((answer) => told.say(() => resolve([answer])), reject);
        }),
      );
    });
  }

  #hop(): number {
    return this.#world.hooking.below(3);
  }
}

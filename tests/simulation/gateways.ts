// The gateways of the simulation, for what spans several bills: arming a sticker, and looking at one. What such a call
// consists of goes out as messages of their own, each of which may come late or never; and a gateway dies with its process.

import { type BillId, makeBillId, shardOfOrder } from '../../src/domain/ids.ts';
import { HOUR_MS, millis } from '../../src/domain/time.ts';
import { driveArming } from '../../src/protocols/gateway/arming.ts';
import { ask } from '../../src/protocols/gateway/asking.ts';
import { makePresenter } from '../../src/protocols/presenter.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type { Operation, Reply, ShardDoor } from '../../src/switch/requests.ts';
import { codesAt } from '../support/qr-claims.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { EPOCH_MS, type Life } from './life.ts';
import type { World } from './world.ts';

/** After so long a gateway answers that nobody knows. */
const PATIENCE_MS = 10_000;
/** The same order is the same sale for a day. */
const ORDER_MS = 23 * HOUR_MS;

const BASE_URL = 'https://pay.example';
const presenter = makePresenter({ publicBaseUrl: BASE_URL, codes: codesAt(BASE_URL) });

const AWAY: Reply = { kind: 'fault', code: 'outcome.unknown', detail: 'late', retryAfterS: 1 };
const CLOSED: Reply = { kind: 'fault', code: 'shard.unavailable', detail: 'no', retryAfterS: 1 };
const REFUSED: Reply = { kind: 'rejection', rejection: { rejected: 'order.void' } };

type OnReply = (reply: Reply | null) => void;

export class Gateways {
  readonly #world: World;
  /** By order, what a till was told of its arm. */
  readonly #told = new Map<string, { readonly saleId: string; readonly at: number }>();
  #requests = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Whether a call needs a gateway: the others go straight to their shards. */
  isFor({ op }: Operation): boolean {
    return this.#world.settings.hasSticker && (op === 'bill.arm' || op === 'bill.view');
  }

  /** A client's call has reached some process. */
  receive(principal: Principal, proposed: Operation, done: OnReply): void {
    const { world } = { world: this.#world };
    const up = world.nodes.filter(({ running }) => running !== null);
    const life = up.length === 0 ? undefined : world.random.pick(up).running?.life;
    if (life === undefined || life.isPaused) {
      world.agenda.after(5, () => done(null));
      return;
    }
    const operation = this.#named(proposed);
    const known = operation.op === 'bill.arm' ? this.#toldOf(operation) : null;
    let last: Reply = AWAY;
    const door = this.#doorOf(life, (reply) => {
      last = reply;
    });
    const request = { shard: world.shardOf(operation), principal, encoding: 'json' } as const;
    const call = { ...request, requestId: this.#requestId(), operation };
    const reply = (status: number, body: Uint8Array): void => {
      if (operation.op === 'bill.arm') this.#tell(operation, { status, body }, known);
      if (status >= 500 || status === 429) done(status === 504 ? AWAY : CLOSED);
      else done(status >= 400 ? REFUSED : last);
    };
    const failed = (error: unknown): never => {
      throw error;
    };
    ask({ door, log: silentLogger }, call, { reply, failed });
  }

  /** A shard asks for an arm that nobody has ended to be driven on. */
  driveOn(life: Life, billId: BillId): void {
    this.#world.count('arm driven on');
    const door = this.#doorOf(life, () => undefined);
    driveArming({ door, log: silentLogger, newRequestId: () => this.#requestId() }, billId);
  }

  #requestId(): string {
    this.#requests += 1;
    return `g${this.#requests}`;
  }

  /** The gateway draws the id of the sale's bill, each time that it is asked. */
  #named(operation: Operation): Operation {
    if (operation.op !== 'bill.arm') return operation;
    const { agenda, random, settings } = this.#world;
    const { sale } = operation;
    const shard = shardOfOrder(sale.terminalId, sale.orderId, settings.shards.length);
    const bytes = Uint8Array.from({ length: 13 }, () => random.below(256));
    const billId = makeBillId(millis(EPOCH_MS + agenda.now), shard, bytes);
    return { ...operation, sale: { ...sale, billId } };
  }

  #toldOf({ billId, sale }: Extract<Operation, { op: 'bill.arm' }>): string | null {
    const told = this.#told.get(`${billId} ${sale.terminalId} ${sale.orderId} ${sale.digest}`);
    if (told === undefined || this.#world.agenda.now - told.at > ORDER_MS) return null;
    return told.saleId;
  }

  /** What a till has been told of its arm stays so, whatever has become of its sale. */
  #tell(
    { billId, sale }: Extract<Operation, { op: 'bill.arm' }>,
    { status, body }: { readonly status: number; readonly body: Uint8Array },
    known: string | null,
  ): void {
    const world = this.#world;
    world.count(`arm ${status}`);
    const order = `${billId} ${sale.terminalId} ${sale.orderId} ${sale.digest}`;
    if (status >= 500) return;
    const { id } = JSON.parse(Buffer.from(body).toString()) as { readonly id?: string };
    if (known !== null && id !== known) {
      world.broke(`the arm ${order} was told ${known}, and now ${status} ${id}`);
    }
    if (id !== undefined && status < 300) {
      this.#told.set(order, { saleId: id, at: world.agenda.now });
    }
  }

  #doorOf(life: Life, heard: (reply: Reply) => void): ShardDoor {
    const world = this.#world;
    const nobody = (): void => undefined;
    return {
      shards: world.settings.shards.length,
      send: ({ principal, operation, encoding, requestId }, onReply) => {
        if (life.isOver) return;
        let isAnswered = false;
        const answer = (reply: Reply | null): void => {
          if (isAnswered) return;
          isAnswered = true;
          life.run(() => {
            heard(reply ?? CLOSED);
            const { status, body } = presenter.present(reply ?? CLOSED, encoding, requestId);
            onReply(status, body);
          });
        };
        world.agenda.after(PATIENCE_MS, () => answer(AWAY));
        const delay = world.random.delay(1, 5);
        world.send(principal, operation, { done: answer }, delay, { isGateway: true });
      },
      ask: () => Promise.reject(new Error('nothing but bills is asked for here')),
      onEvent: nobody,
      onEventEnded: nobody,
      onUnfinished: nobody,
      onAcquiring: nobody,
      onWorkerStart: nobody,
    };
  }
}

// Whoever makes the calls to the bank: in each process the real desk, in a thread of its own that may die by itself. What
// it kept dies with it.

import { isPresent } from '../../src/domain/bill/state.ts';
import type { AtAcquirer } from '../../src/domain/bill/vocabulary.ts';
import type { BillId, PaychannelId } from '../../src/domain/ids.ts';
import { AcquirerDesk } from '../../src/drivers/acquiring/desk.ts';
import { makePresenter } from '../../src/protocols/presenter.ts';
import type { AcquiringNotice } from '../../src/switch/acquirers.ts';
import type { Operation, Reply, ShardDoor } from '../../src/switch/requests.ts';
import { codesAt } from '../support/qr-claims.ts';
import { Life } from './life.ts';
import type { SimNode } from './node.ts';
import type { SimBank } from './sim-bank.ts';
import { SimBankDriver } from './sim-bank-driver.ts';
import type { World } from './world.ts';

const NAME = 'bank';
const TOKEN = 'n0tificati0ns';
const PACE = { callsPerSecond: 50, callsAtOnce: 8 };
const PATIENCE_MS = 10_000;
const RESTART_MS = 1_000;

const BASE_URL = 'https://pay.example';
const presenter = makePresenter({ publicBaseUrl: BASE_URL, codes: codesAt(BASE_URL) });

const LATE: Reply = { kind: 'fault', code: 'outcome.unknown', detail: 'late', retryAfterS: 1 };
const GONE: Reply = { kind: 'fault', code: 'shard.unavailable', detail: 'no', retryAfterS: 1 };

/** What a bill's terms say of the bank. */
export function atBank({ ways }: SimBank): AtAcquirer {
  const { closesByItself, partialRefund } = ways;
  return { name: NAME, paychannelId: 'acq_bank' as PaychannelId, closesByItself, partialRefund };
}

interface Running {
  readonly node: SimNode;
  /** The desk's own: it may end before its process does. */
  readonly life: Life;
  readonly desk: AcquirerDesk;
  isSubscribed: boolean;
  wakes: (notice: AcquiringNotice) => void;
}

export class SimDesks {
  readonly #world: World;
  readonly #bank: SimBank;
  readonly #running = new Map<SimNode, Running>();
  /** Durable: the bill of each reference of the bank's. */
  readonly #owners = new Map<string, BillId>();
  #requests = 0;
  #lives = 0;

  constructor(world: World, bank: SimBank) {
    this.#world = world;
    this.#bank = bank;
  }

  /** A process has begun. */
  began(node: SimNode): void {
    const { agenda, bankDice: dice, banking: random } = this.#world;
    const of = node.running?.life;
    if (of === undefined) return;
    this.#lives += 1;
    const life = new Life(`${of.name} desk ${this.#lives}`, agenda, of.monotonic() - agenda.now);
    const driver = new SimBankDriver({ bank: this.#bank, life, dice, random });
    let begins = (): void => undefined;
    const desk = new AcquirerDesk({
      door: this.#doorOf(node, life, (listener) => {
        begins = listener;
      }),
      clock: life,
      newRequestId: () => '',
      openBills: (_, limit) => this.#open(life, limit),
      claimRef: async (_, ref, billId) => {
        const owner = this.#owners.get(ref) ?? billId;
        this.#owners.set(ref, owner);
        return owner;
      },
      called: ({ operation, outcome }) => dice.note(`bank ${operation} ${outcome}`),
      info: (what) => dice.note(what),
      warn: (what) => dice.note(what),
      error: (what, fields) => this.#world.broke(`${what} ${JSON.stringify(fields)}`),
    });
    desk.serve({ at: atBank(this.#bank), driver, notificationToken: TOKEN, ...PACE });
    const running: Running = { node, life, desk, isSubscribed: false, wakes: () => undefined };
    this.#running.set(node, running);
    if (of.isPaused) life.pause();
    life.run(() => {
      desk.start();
      begins();
    });
  }

  /** A process has ended, or its desk alone. */
  ended(node: SimNode): void {
    this.#running.get(node)?.life.end();
    this.#running.delete(node);
  }

  /** The thread dies, and another takes its place. */
  crash(node: SimNode): void {
    const of = node.running;
    if (of === null || !this.#running.has(node)) return;
    this.#world.trace(`the desk of ${node.name} dies`);
    this.ended(node);
    this.#world.agenda.after(RESTART_MS, () => {
      if (node.running === of && !this.#running.has(node)) this.began(node);
    });
  }

  pause(node: SimNode): void {
    this.#running.get(node)?.life.pause();
  }

  resume(node: SimNode): void {
    this.#running.get(node)?.life.resume();
  }

  /** It begins nothing any more: its process is about to stop. */
  stop(node: SimNode): void {
    const running = this.#running.get(node);
    running?.life.run(() => void running.desk.stop());
  }

  /** A shard says that a call may be due. */
  heard(node: SimNode, notice: AcquiringNotice): void {
    const running = this.#running.get(node);
    if (running?.isSubscribed !== true) return;
    running.life.after(this.#hop(), () => running.wakes(notice));
  }

  /** The bank tells of an order, whoever hears it. */
  notify(orderId: string): void {
    for (const { life, desk } of this.#running.values()) {
      life.run(() => void desk.notified(TOKEN, { headers: {}, body: orderId }));
    }
  }

  #doorOf(
    node: SimNode,
    life: Life,
    onWorkerStart: (listener: () => void) => void,
  ): ConstructorParameters<typeof AcquirerDesk>[0]['door'] {
    return {
      shards: this.#world.settings.shards.length,
      send: ({ operation }, onReply) => this.#send(node, life, operation, onReply),
      ask: () =>
        life.call(this.#hop(), this.#hop(), () => {
          const running = this.#running.get(node);
          if (running?.life === life) running.isSubscribed = true;
          return [{ answer: 'done' as const }];
        }),
      onAcquiring: (listener) => {
        const running = this.#running.get(node);
        if (running?.life === life) running.wakes = listener;
      },
      onWorkerStart,
    };
  }

  #send(
    node: SimNode,
    life: Life,
    operation: Operation,
    onReply: Parameters<ShardDoor['send']>[1],
  ): void {
    const world = this.#world;
    this.#requests += 1;
    const requestId = `d${this.#requests}`;
    let isAnswered = false;
    const answer = (reply: Reply | null): void => {
      if (isAnswered) return;
      isAnswered = true;
      life.run(() => {
        const { status, body } = presenter.present(reply ?? GONE, 'json', requestId);
        onReply(status, body);
      });
    };
    world.agenda.after(PATIENCE_MS, () => answer(LATE));
    world.send(null, operation, { done: answer }, this.#hop(), { node });
  }

  /** Of history as it stands, the youngest first. */
  #open(life: Life, limit: number): Promise<BillId[]> {
    const { history, agenda, bankDice } = this.#world;
    const isAway = agenda.now < history.awayUntil || bankDice.strikes('desk.unread');
    if (isAway) return life.fail(this.#hop(), new Error('Postgres cannot be asked'));
    return life.call(this.#hop(), this.#hop(), () => {
      const open: BillId[] = [];
      for (const id of history.bills.keys()) {
        const bill = history.bill(id);
        if (bill === null || !isPresent(bill) || bill.terms.acquirer === undefined) continue;
        if (bill.status === 'pending' || bill.status === 'open') open.push(bill.terms.id);
      }
      return open.sort().reverse().slice(0, limit);
    });
  }

  #hop(): number {
    return this.#world.banking.below(3);
  }
}

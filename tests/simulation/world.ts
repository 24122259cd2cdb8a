// One simulated world: durable stores, processes that come and go, a network between them and their clients, a storm of
// faults, and then fair weather in which everything must come right.

import { must } from '../../src/domain/assert.ts';
import { isForMany, isPresent } from '../../src/domain/bill/state.ts';
import type { Recipient } from '../../src/domain/bill/vocabulary.ts';
import {
  type BillId,
  makeBillId,
  partId,
  type ShardId,
  shardOfBill,
  shardOfOrder,
} from '../../src/domain/ids.ts';
import { millis } from '../../src/domain/time.ts';
import type { AcquiringNotice } from '../../src/switch/acquirers.ts';
import type { HistoryBatch } from '../../src/switch/ports.ts';
import type { Principal } from '../../src/switch/principal.ts';
import type { Asked } from '../../src/switch/reply-sink.ts';
import type { Operation, Reply } from '../../src/switch/requests.ts';
import { Agenda } from './agenda.ts';
import { Auditor } from './auditor.ts';
import { describeReply } from './describe-reply.ts';
import { BANK_FAULTS, Dice, FAULTS, type FaultKind, HOOK_FAULTS } from './dice.ts';
import { Gateways } from './gateways.ts';
import { Hearsay } from './hearsay.ts';
import { HistoryStore } from './history-store.ts';
import { EPOCH_MS } from './life.ts';
import { type NodeWorld, SimNode } from './node.ts';
import type { Attempt } from './promises.ts';
import { Random } from './random.ts';
import { drawSettings, type RunOptions, type Settings } from './settings.ts';
import { SimBank } from './sim-bank.ts';
import { SimDesks } from './sim-desks.ts';
import { streamedOf } from './sim-hook-book.ts';
import { LeaseStore } from './sim-leases.ts';
import { LogStore } from './sim-log.ts';
import type { SimWebhooks } from './sim-webhooks.ts';

/** Who sends it, where it is not a client. */
interface By {
  readonly isGateway?: boolean;
  /** A thread of this process, which knows no other. */
  readonly node?: SimNode;
}

interface Call {
  readonly done: (reply: Reply | null) => void;
}

export class World implements NodeWorld {
  readonly settings: Settings;
  readonly random: Random;
  /** Of the policies of new bills. */
  readonly choices: Random;
  /** Who may tip, who does, and who gives it back. */
  readonly tips: Random;
  /** Bills that are known to take a tip. */
  readonly tipped = new Set<BillId>();
  readonly agenda: Agenda;
  readonly dice: Dice;
  /** Of all that has to do with a bank, so that worlds without one are as they were. */
  readonly banking: Random;
  readonly bankDice: Dice;
  readonly bank: SimBank | null;
  readonly desks: SimDesks | null;
  readonly hooking: Random;
  readonly hookDice: Dice;
  hooks: SimWebhooks | null = null;
  readonly auditor: Auditor;
  readonly log: LogStore;
  readonly history: HistoryStore;
  readonly hearsay = new Hearsay();
  readonly gateways = new Gateways(this);
  readonly leases = new LeaseStore();
  readonly gone = new Set<string>();
  readonly nodes: SimNode[] = [];
  readonly counts = new Map<string, number>();
  /** Bills that clients have heard of. */
  readonly bills: { id: BillId; amount: number }[] = [];
  readonly #trace: ((line: string) => void) | null;
  readonly #attempts = new Map<string, { attempt: Attempt; call: Call }>();
  #requests = 0;
  #operations: number;
  #violation: string | null = null;
  /** Shards that have stopped for good, where the run allows it. */
  readonly stopped = new Set<ShardId>();
  readonly #mayStop: boolean;
  /** Whether some machine's clock has jumped. */
  hasSkew = false;
  asleepUntil = 0;
  /** The billboard that a crowd has come to last. */
  crowdedBill: BillId | null = null;
  /** When fair weather begins. */
  stormUntil = 0;

  constructor(options: RunOptions) {
    this.settings = drawSettings(new Random(options.seed, 1), options);
    this.random = new Random(options.seed, 2);
    this.choices = new Random(options.seed, 5);
    this.tips = new Random(options.seed, 7);
    this.agenda = new Agenda(new Random(options.seed, 3));
    const { faults: allowed, hasBank } = this.settings;
    const { counts } = this;
    this.dice = new Dice(new Random(options.seed, 4), FAULTS, { allowed, counts });
    this.banking = new Random(options.seed, 13);
    const inBank = hasBank ? allowed : new Set<FaultKind>();
    this.bankDice = new Dice(new Random(options.seed, 17), BANK_FAULTS, {
      allowed: inBank,
      counts,
    });
    this.hooking = new Random(options.seed, 23);
    const inHooks = this.settings.hasWebhook ? allowed : new Set<FaultKind>();
    this.hookDice = new Dice(new Random(options.seed, 29), HOOK_FAULTS, {
      allowed: inHooks,
      counts,
    });
    this.bank = hasBank ? this.#openBank() : null;
    this.desks = this.bank === null ? null : new SimDesks(this, this.bank);
    this.#operations = this.settings.operations;
    this.#trace = options.trace ?? null;
    this.#mayStop = options.mayStop ?? false;
    this.auditor = new Auditor(
      (what) => this.broke(what),
      (what) => this.count(what),
    );
    this.log = new LogStore({
      appended: (shard, after, entry, by, top) => {
        this.trace(`log ${shard}: ${entry.id} after ${after} by ${by}`);
        this.auditor.appended(shard, after, entry, { top, by });
      },
      fenced: (shard, entry, by) => {
        if (this.auditor.isStale(shard, entry, by)) this.count('stale write refused');
      },
      trimmed: (shard, keep) => this.auditor.trimmed(shard, keep, this.history),
      acknowledged: (shard, id, by) => this.auditor.acknowledged(shard, id, by),
    });
    this.history = new HistoryStore({
      wrote: (batch, moved) => this.#wrote(batch, moved),
      lost: () => {
        this.trace('Postgres comes back as it was');
        this.auditor.forgetWatermarks();
      },
      broke: (what) => this.broke(what),
    });
    for (let i = 0; i < this.settings.nodes; i++) this.nodes.push(new SimNode(`node-${i}`, this));
  }

  #openBank(): SimBank {
    const { banking } = this;
    const ways = {
      closesByItself: banking.chance(0.5),
      partialRefund: banking.chance(0.7),
      refundMs: banking.pick([0, 1_500, 5_000]),
      refundShowsAtOnce: banking.chance(0.5),
    };
    const { agenda, bankDice: dice } = this;
    return new SimBank(ways, { agenda, dice, broke: (what) => this.broke(what) });
  }

  get violation(): string | null {
    return this.#violation;
  }

  get isHealed(): boolean {
    return this.dice.isHealed;
  }

  trace(line: string): void {
    this.#trace?.(`${String(this.agenda.now).padStart(8)} ${line}`);
  }

  get isTracing(): boolean {
    return this.#trace !== null;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  broke(what: string): void {
    this.trace(`VIOLATION ${what}`);
    this.#violation ??= `${what} (at ${this.agenda.now} ms)`;
  }

  /** Whether a client may begin one more operation. */
  begin(): boolean {
    if (this.#operations <= 0 || this.isHealed) return false;
    this.#operations -= 1;
    return true;
  }

  /** A machine's clock has jumped: owners whose clocks disagree cannot keep each other's word about time. */
  skewed(): void {
    this.hasSkew = true;
    this.auditor.forgetReached();
  }

  /** Resolves at once, or when the long sleep of everything is over. */
  async awake(): Promise<void> {
    while (this.agenda.now < this.asleepUntil) {
      await this.agenda.sleep(this.asleepUntil - this.agenda.now);
    }
  }

  // ------------------------------------------------------------------------------------------------- network --

  /** Sends a request and waits for its answer; null where none came in time. */
  async ask(principal: Principal, operation: Operation, patienceMs: number): Promise<Reply | null> {
    const { dice, agenda, random } = this;
    return await new Promise((resolve) => {
      let isDone = false;
      const done = (reply: Reply | null): void => {
        if (isDone) return;
        isDone = true;
        resolve(reply);
      };
      agenda.after(patienceMs, () => done(null));
      const copies = dice.strikes('request.doubled') ? 2 : 1;
      for (let i = 0; i < copies; i++) {
        if (dice.strikes('request.lost')) continue;
        const late = dice.strikes('request.late') ? random.between(200, 5_000) : 0;
        const delay = random.delay(3, 30) + late;
        if (!this.gateways.isFor(operation)) this.send(principal, operation, { done }, delay);
        else agenda.after(delay, () => this.#toGateway(principal, operation, done));
      }
    });
  }

  #toGateway(principal: Principal, operation: Operation, done: Call['done']): void {
    const { dice, agenda, random } = this;
    this.gateways.receive(principal, operation, (reply) => {
      if (dice.strikes('reply.lost')) return;
      const late = dice.strikes('reply.late') ? random.between(200, 5_000) : 0;
      agenda.after(random.delay(3, 30) + late, () => done(reply));
    });
  }

  /** Sends one request to its shard, wherever that is. */
  send(
    principal: Principal | null,
    proposed: Operation,
    call: Call,
    delay: number,
    by: By = {},
  ): void {
    const operation = this.#named(proposed);
    const shard = this.shardOf(operation);
    this.#requests += 1;
    const requestId = `r${this.#requests}`;
    const floor = this.auditor.promises.floor(operation, principal);
    const attempt: Attempt = { requestId, principal, operation, arrivedAt: 0, floor, answered: 0 };
    this.#attempts.set(requestId, { attempt, call });
    const asked: Asked = {
      seq: this.#requests,
      origin: 0,
      shard,
      principal,
      requestId,
      encoding: 'json',
      operation,
    };
    this.agenda.after(delay, () => {
      this.#deliver(asked, attempt, call, by.node ?? this.#nodeFor(asked, by.isGateway === true));
    });
  }

  #deliver(asked: Asked, attempt: Attempt, call: Call, node: SimNode | undefined): void {
    const running = node?.running;
    if (node === undefined || running == null || node.isLeaving) {
      this.agenda.after(5, () => call.done(null));
      return;
    }
    if (this.isTracing) {
      this.trace(`${asked.requestId} → ${running.life.name} ${JSON.stringify(asked.operation)}`);
    }
    const { life } = running;
    node.inside(({ host }) => {
      if (life.isOver) return;
      attempt.arrivedAt = this.agenda.now;
      this.auditor.arrived(attempt.requestId, life.name);
      const { requestId, principal, operation } = attempt;
      this.hearsay.arrived(requestId, principal?.id ?? '', operation, this.agenda.now);
      host.receive(asked);
    });
  }

  /** A create is given a new bill id each time it is sent: the gateway draws it. */
  #named(operation: Operation): Operation {
    if (operation.op !== 'bill.create' || operation.terms.id !== '') return operation;
    const bytes = Uint8Array.from({ length: 13 }, () => this.random.below(256));
    const shard = this.shardOf(operation);
    const id = makeBillId(millis(EPOCH_MS + this.agenda.now), shard, bytes);
    return { op: 'bill.create', terms: { ...operation.terms, id } };
  }

  /** The shards that must come right in fair weather. */
  get sound(): ShardId[] {
    return this.settings.shards.filter((shard) => !this.stopped.has(shard));
  }

  shardOf(operation: Operation): ShardId {
    const shards = this.settings.shards.length;
    switch (operation.op) {
      case 'bill.create':
        return shardOfOrder(operation.terms.terminalId, operation.terms.orderId, shards);
      case 'order.resolve':
      case 'order.get':
      case 'order.check':
        return shardOfOrder(operation.terminalId, operation.orderId, shards);
      default:
        return shardOfBill(operation.billId);
    }
  }

  /** Clients may ask anybody; gateways know the owner, where there is one. */
  #nodeFor({ shard, operation }: Asked, isFromGateway: boolean): SimNode | undefined {
    const { holder } = this.leases.at(shard);
    const owner = this.nodes.find(({ running }) => running?.life.name === holder);
    const isRead = operation.op === 'bill.get' || operation.op === 'payment.get';
    const faithful = !this.settings.hasPoller ? 0.7 : isRead ? 0.3 : 1;
    if (owner !== undefined && (isFromGateway || this.random.chance(faithful))) return owner;
    const up = this.nodes.filter(({ running }) => running !== null);
    return up.length === 0 ? undefined : this.random.pick(up);
  }

  reply(node: SimNode, asked: Asked, reply: Reply): void {
    const known = this.#attempts.get(asked.requestId);
    if (known === undefined) return;
    if (this.isTracing) this.trace(`${asked.requestId} ← ${node.name} ${describeReply(reply)}`);
    if (reply.kind === 'fault') this.count(`fault ${reply.code}`);
    else if (reply.kind === 'rejection') this.count(`rejected ${reply.rejection.rejected}`);
    else this.count(`reply ${reply.kind}`);
    this.auditor.promises.answered(known.attempt, reply, this.agenda.now);
    this.hearsay.answered(asked.requestId, reply, this.agenda.now);
    this.auditor.left(asked.requestId);
    const { dice, random } = this;
    if (dice.strikes('reply.lost')) return;
    const late = dice.strikes('reply.late') ? random.between(200, 5_000) : 0;
    this.agenda.after(random.delay(3, 30) + late, () => known.call.done(reply));
  }

  // -------------------------------------------------------------------------------------------------- events --

  event(node: SimNode, streamed: Parameters<NodeWorld['event']>[1]): void {
    this.auditor.pushed(node.running?.life.name ?? '', streamed);
    this.hooks?.heard(node, streamed);
  }

  /** Whether this process owns the shard of a bill or of one of its parts, by the log. */
  isOwner({ running }: SimNode, id: string): boolean {
    return this.auditor.ledger.chain(shardOfBill(id as BillId)).holder === running?.life.name;
  }

  /** Reads a stream as a gateway does: each worker's memory first, history second. Null: it cannot be read now. */
  async readEvents(recipient: Recipient): Promise<string[] | null> {
    const pending = new Set<string>();
    const ended = new Set<string>();
    for (const { running } of this.nodes) {
      if (running === null) continue;
      if (running.life.isPaused) return null;
      const answer = await running.host.ask({ query: 'events', recipient });
      if (answer.answer !== 'events') continue;
      for (const { bill, event } of answer.pending) pending.add(partId(bill.id, 'e', event.no));
      this.hooks?.receivers.told(answer.pending, 'memory');
      for (const id of answer.ended) ended.add(id);
    }
    await this.agenda.sleep(this.random.delay(3, 50));
    const reader = this.nodes.find(({ running }) => running !== null)?.running;
    if (reader == null) return null;
    const stored = await Promise.race([
      reader.history.pendingEvents(recipient).catch(() => null),
      this.agenda.sleep(5_000).then(() => null),
    ]);
    if (stored === null) return null;
    for (const id of stored) pending.add(id);
    this.hooks?.receivers.told(
      stored.flatMap((id) => streamedOf(this.history, id) ?? []),
      'history',
    );
    return [...pending].filter((id) => !ended.has(id));
  }

  // ------------------------------------------------------------------------------------------------ watching --

  #wrote(batch: HistoryBatch, moved: ReadonlySet<ShardId>): void {
    if (this.isTracing) {
      for (const { shard, from, to } of batch.moves) {
        this.trace(
          `history ${shard}: ${from} to ${to} ${moved.has(shard) ? 'moved' : 'did not move'}`,
        );
      }
    }
    if (moved.size < batch.moves.length) this.count('history.notMoved');
    this.auditor.wrote(batch, moved, this.history);
    if (!this.settings.logTrimsItself) return;
    for (const { shard, to } of batch.moves) if (moved.has(shard)) this.log.trim(shard, to);
  }

  unfinished(node: SimNode, billId: BillId): void {
    const life = node.running?.life;
    if (life !== undefined) this.gateways.driveOn(life, billId);
  }

  acquiring(node: SimNode, notice: AcquiringNotice): void {
    this.desks?.heard(node, notice);
  }

  report(node: SimNode, level: string, what: string, fields: object): void {
    const state = 'state' in fields ? ` ${String(fields.state)}` : '';
    if ('reason' in fields) this.#noteReason(String(fields.reason));
    this.count(`report ${what}${state}`);
    if (this.isTracing) this.trace(`${node.name} ${level} ${what} ${JSON.stringify(fields)}`);
    const hasStopped = what === 'shard.stopped' || what === 'history.shardStopped';
    if (hasStopped && this.#mayStop && 'shard' in fields) this.stopped.add(fields.shard as ShardId);
    else if (hasStopped || what.endsWith('.defect') || 'stack' in fields) {
      this.broke(`${node.name} ${what}: ${JSON.stringify(fields)}`);
    }
  }

  #noteReason(reason: string): void {
    if (reason.startsWith('another owner has written')) this.count('deposed by the log');
    if (reason.startsWith('the lease is another')) this.count('deposed by the lease');
    if (reason === 'the epoch has no sequence left') this.count('epoch ran out');
  }

  /** Whether a bill takes more payments than it keeps at hand. */
  takesMany(id: BillId): boolean {
    const { bill } = this.auditor.ledger.pages.get(id) ?? {};
    if (bill === undefined || !isPresent(bill) || !isForMany(bill)) return false;
    const { maxPayments, maxTotal } = must(bill.terms.offer, 'an offer');
    return bill.status === 'open' && maxPayments === null && maxTotal === null;
  }

  /** How many payments, refused ones included, the bill has numbered. */
  paymentsOf(id: BillId): number {
    const { bill } = this.auditor.ledger.pages.get(id) ?? {};
    return bill !== undefined && isPresent(bill) ? bill.counts.payments : 0;
  }

  isTimer(id: BillId): boolean {
    const { bill } = this.auditor.ledger.pages.get(id) ?? {};
    return bill !== undefined && isPresent(bill) && bill.terms.type === 'timer';
  }

  /** The sticker that was printed last; null where there is none. */
  get latestSticker(): BillId | null {
    const isSticker = (id: BillId): boolean => {
      const { bill } = this.auditor.ledger.pages.get(id) ?? {};
      return bill !== undefined && isPresent(bill) && bill.terms.digest === 'create sticker';
    };
    return this.bills.findLast(({ id }) => isSticker(id))?.id ?? null;
  }

  creditsOf(id: BillId): number {
    const { bill } = this.auditor.ledger.pages.get(id) ?? {};
    return bill !== undefined && isPresent(bill) ? bill.counts.credits : 0;
  }

  /** A bill that a client has heard of. */
  heardOf(id: BillId): void {
    if (this.bills.some((bill) => bill.id === id)) return;
    const page = this.auditor.ledger.pages.get(id);
    const terms = page !== undefined && isPresent(page.bill) ? page.bill.terms : undefined;
    const amount = terms?.offer?.minAmount ?? (terms?.stay === undefined ? terms?.amount : 4) ?? 0;
    this.bills.push({ id, amount });
  }
}

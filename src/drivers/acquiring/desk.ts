// Makes the calls to acquirers. A shard says which call is due and keeps that it is about to be made; the call is made
// here, outside shards, and its outcome goes back to the shard, named by the number of its step. Nothing is kept here but
// what is due when: whoever begins anew takes up the open bills, and is woken by the shards for all else (decision 14).
//
//   E1. A bill is with one visit at a time, and no call is made of it but the one that its shard has told.
//   E2. What cannot be told the shard is given up: the shard asks again, and the driver looks before it does.

import { backoffMs } from '../../domain/acquiring/schedule.ts';
import type { AtAcquirer, Recipient } from '../../domain/bill/vocabulary.ts';
import { type BillId, parseBillId, shardOfBill } from '../../domain/ids.ts';
import { MINUTE_MS, type Millis, millis, NEVER, plus, SECOND_MS } from '../../domain/time.ts';
import type { AcquirerReply, AcquiringStanding, PostedToAcquirer } from '../../switch/acquirers.ts';
import type { Clock } from '../../switch/ports.ts';
import type { Operation, ShardDoor } from '../../switch/requests.ts';
import type { BillDriver, NotificationReading } from '../contract/bill-driver.ts';
import { type CallOutcome, callOf } from './drive.ts';
import { Refs, type RefsOptions } from './refs.ts';
import { Rounds, type Visited } from './rounds.ts';

/** An acquirer whose calls are made. */
export interface Served {
  readonly at: Pick<AtAcquirer, 'name' | 'paychannelId'>;
  readonly driver: BillDriver;
  readonly notificationToken: string | null;
  readonly callsPerSecond: number;
  readonly callsAtOnce: number;
}

export interface DeskOptions {
  readonly door: Pick<ShardDoor, 'send' | 'ask' | 'onAcquiring' | 'onWorkerStart' | 'shards'>;
  readonly clock: Clock;
  readonly newRequestId: () => string;
  /** Bills of an acquirer that nobody has paid or ended yet, the youngest first. */
  readonly openBills: (acquirer: string, limit: number) => Promise<readonly BillId[]>;
  /** The bill that has a reference of an acquirer's from now on: this one, unless another had it before. */
  readonly claimRef: RefsOptions['claim'];
  /** Told of what came of a call; `busy` where the acquirer wants to be left alone for a while. */
  readonly called: (
    call: { readonly acquirer: string; readonly operation: string; readonly outcome: string },
    tookMs: number,
  ) => void;
  readonly info: (what: string, fields: object) => void;
  readonly warn: (what: string, fields: object) => void;
  /** Our code is wrong, or a driver's. */
  readonly error: (what: string, fields: object) => void;
}

/** What is due later than this is the shard's to remember. */
const KEPT_MS = 6 * MINUTE_MS;
const ASK_SHARD_AGAIN_MS = SECOND_MS;
const TELLS_MAX = 5;
const SHARD_FAILURES_MAX = 8;
/** Looks in a row that bring nothing at a bill that nobody waits for. */
const LOOK_FAILURES_MAX = 8;
const SUBSCRIBE_AGAIN_MS = SECOND_MS;
/** Shards begin one after the other: they are waited for, so that one list serves all. */
const RESUME_AFTER_MS = 500;
/** What is taken up has every so-manieth call of the pace: the others are for bills that are made meanwhile. */
const RESUME_SHARE = 2;
/** Shards wake all other bills within this (standing.ts). */
const RESUME_WITHIN_MS = 10 * MINUTE_MS;

/** More notifications wait than are read one by one: whoever posted it does so again. */
const TOO_MANY: AcquirerReply = { status: 503, headers: {}, body: '' };

/** Its driver broke over it: who posted it does so again. */
const UNREAD: NotificationReading = {
  refused: 'the driver cannot read it',
  reply: { status: 503, headers: {}, body: '' },
};

export class AcquirerDesk {
  readonly #options: DeskOptions;
  readonly #byChannel = new Map<Recipient, { readonly served: Served; readonly rounds: Rounds }>();
  /** Calls in a row that brought nothing, by bill. */
  readonly #failures = new Map<string, number>();
  readonly #refs: Refs;
  #isStopped = false;
  #hasShards = false;
  #cancelResume: () => void = () => {};

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#refs = new Refs({ claim: options.claimRef, warn: options.warn });
  }

  /** Makes the calls of one, from now on. */
  serve(served: Served): void {
    const { clock, error } = this.#options;
    const { callsPerSecond: perSecond, callsAtOnce: atOnceMax } = served;
    const visit = (billId: string): Promise<Visited> => this.#visit(served, billId as BillId);
    const defect = (billId: string, err: unknown): void =>
      error('acquirer.defect', { acquirer: served.at.name, billId, err });
    const rounds = new Rounds({ clock, perSecond, atOnceMax, visit, defect });
    this.#byChannel.set(`paychannel:${served.at.paychannelId}`, { served, rounds });
    if (this.#hasShards) this.#subscribe();
  }

  /** Bills that wait for their next call or are out, by acquirer. */
  stats(): { readonly acquirer: string; readonly bills: number }[] {
    return [...this.#byChannel.values()].map(({ served, rounds }) => ({
      acquirer: served.at.name,
      bills: rounds.size,
    }));
  }

  start(): void {
    const { door } = this.#options;
    door.onAcquiring(({ recipient, billId, isAwaited }) => {
      this.#byChannel.get(recipient)?.rounds.hasten(billId, isAwaited);
    });
    door.onWorkerStart(() => {
      this.#hasShards = true;
      this.#subscribe();
    });
  }

  /** Whatever it is, it is a reason to look at the bill that it names, and nothing more. */
  async notified(token: string, posted: PostedToAcquirer): Promise<AcquirerReply | undefined> {
    for (const { served, rounds } of this.#byChannel.values()) {
      if (served.notificationToken !== token) continue;
      const reading = await this.#read(served, posted);
      if ('about' in reading) {
        // A tender's id begins with its bill's (acquired-bill.ts).
        const billId = parseBillId(reading.about.id.slice(0, 26));
        if (billId !== undefined && !rounds.wake(billId)) return TOO_MANY;
      } else {
        this.#options.warn('acquirer.notificationRefused', {
          acquirer: served.at.name,
          reason: reading.refused,
        });
      }
      return reading.reply;
    }
    return undefined;
  }

  async #read({ at, driver }: Served, posted: PostedToAcquirer): Promise<NotificationReading> {
    try {
      return await driver.readNotification(posted);
    } catch (err) {
      this.#options.error('acquirer.defect', { acquirer: at.name, err });
      return UNREAD;
    }
  }

  /** Begins no visit any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelResume();
    for (const { rounds } of this.#byChannel.values()) rounds.stop();
    await Promise.allSettled(
      [...this.#byChannel.values()].map(({ served }) => served.driver.close()),
    );
  }

  #subscribe(): void {
    const { door, clock, warn } = this.#options;
    const queries = [...this.#byChannel.keys()].map((recipient) =>
      door.ask({ query: 'subscribe', recipient }),
    );
    Promise.all(queries).then(
      () => this.#resumeSoon(RESUME_AFTER_MS),
      (error: unknown) => {
        if (this.#isStopped) return;
        warn('acquirer.unsubscribed', { err: error });
        clock.after(SUBSCRIBE_AGAIN_MS, () => this.#subscribe());
      },
    );
  }

  #resumeSoon(afterMs: number): void {
    this.#cancelResume();
    if (this.#isStopped) return;
    this.#cancelResume = this.#options.clock.after(afterMs, () => {
      this.#resume().catch((error: unknown) => {
        this.#options.warn('acquirer.notResumed', { err: error });
        this.#resumeSoon(SUBSCRIBE_AGAIN_MS);
      });
    });
  }

  /** Takes up open bills that nobody here knows of, each in its turn: somebody may have paid one while nobody looked. */
  async #resume(): Promise<void> {
    const { clock, openBills, info } = this.#options;
    for (const { served, rounds } of this.#byChannel.values()) {
      const acquirer = served.at.name;
      const spaceMs = (RESUME_SHARE * SECOND_MS) / served.callsPerSecond;
      const open = await openBills(acquirer, Math.ceil(RESUME_WITHIN_MS / spaceMs));
      const now = millis(clock.wall());
      const unknown = open.filter((billId) => !rounds.has(billId));
      unknown.forEach((billId, i) => {
        rounds.plan(billId, plus(now, Math.round(i * spaceMs)));
      });
      if (unknown.length > 0) info('acquirer.resumed', { acquirer, bills: unknown.length });
    }
  }

  async #visit({ at, driver }: Served, billId: BillId): Promise<Visited> {
    const { name: acquirer } = at;
    const { clock, called } = this.#options;
    // Not when it was heard of: what sleeps in between may be taken over, and made by another.
    const askedAt = millis(clock.wall());
    const begun = await this.#ask(billId, { op: 'acquiring.begin', billId, acquirer });
    if (begun === 'away') return this.#shardLater(billId);
    if (begun === 'unknown') {
      this.#failures.delete(billId);
      return { dueAt: NEVER };
    }
    const { no, step, visitAt, isAwaited } = begun;
    if (step === null) return this.#next(billId, begun);
    const from = clock.monotonic();
    const outcome = await callOf(driver, step, askedAt, {
      otherOf: (ref) => this.#refs.otherOf(acquirer, ref, billId),
      doubted: (why) => this.#options.error('acquirer.doubted', { acquirer, billId, why }),
    });
    const busy = busyOf(outcome);
    called(
      { acquirer, operation: step.call, outcome: 'busyForMs' in busy ? 'busy' : outcome.outcome },
      clock.monotonic() - from,
    );
    if (step.call === 'look' && outcome.outcome !== 'done') {
      return { dueAt: this.#lookLater(billId, afterMsOf(outcome), visitAt), isAwaited, ...busy };
    }
    this.#failures.delete(billId);
    const told = { op: 'acquiring.finish', billId, acquirer, no, step, outcome } as const;
    return { ...(await this.#tell(billId, told)), ...busy };
  }

  /** E2. A shard that is away for a moment is told again. */
  async #tell(billId: BillId, operation: Operation): Promise<Visited> {
    for (let i = 0; i < TELLS_MAX && !this.#isStopped; i++) {
      const answer = await this.#ask(billId, operation);
      if (answer === 'unknown') break;
      if (answer !== 'away') return this.#next(billId, answer);
      await new Promise<void>((on) => this.#options.clock.after(ASK_SHARD_AGAIN_MS, on));
    }
    return { dueAt: NEVER };
  }

  #ask(billId: BillId, operation: Operation): Promise<AcquiringStanding | 'away' | 'unknown'> {
    const { door, newRequestId } = this.#options;
    const shard = shardOfBill(billId);
    if (shard >= door.shards) return Promise.resolve('unknown');
    const request = {
      shard,
      principal: null,
      requestId: newRequestId(),
      encoding: 'json',
    } as const;
    return new Promise((answer) => {
      door.send({ ...request, operation }, (status, body) => {
        if (status === 200) answer(JSON.parse(Buffer.from(body).toString()) as AcquiringStanding);
        else answer(status >= 500 ? 'away' : 'unknown');
      });
    });
  }

  #next(billId: BillId, { visitAt, isAwaited }: AcquiringStanding): Visited {
    const isKept = visitAt - this.#options.clock.wall() <= KEPT_MS;
    if (!isKept) this.#failures.delete(billId);
    return { dueAt: isKept ? visitAt : NEVER, isAwaited };
  }

  /** What its shard would leave alone for long it wakes by itself: nobody here insists on what cannot be seen. */
  #lookLater(billId: BillId, afterMs: number, visitAt: Millis): Millis {
    const dueAt = this.#later(billId, afterMs);
    const isUrgent = visitAt - this.#options.clock.wall() <= KEPT_MS;
    if (isUrgent || (this.#failures.get(billId) ?? 0) <= LOOK_FAILURES_MAX) return dueAt;
    this.#failures.delete(billId);
    return NEVER;
  }

  /** A shard that has gone for good has another desk. */
  #shardLater(billId: BillId): Visited {
    const dueAt = this.#later(billId, 0);
    if ((this.#failures.get(billId) ?? 0) <= SHARD_FAILURES_MAX) return { dueAt };
    this.#failures.delete(billId);
    return { dueAt: NEVER };
  }

  #later(billId: BillId, afterMs: number): Millis {
    const failures = (this.#failures.get(billId) ?? 0) + 1;
    this.#failures.set(billId, failures);
    return plus(millis(this.#options.clock.wall()), Math.max(afterMs, backoffMs(failures)));
  }
}

function busyOf(outcome: CallOutcome): { busyForMs?: number } {
  if (outcome.outcome === 'done') return {};
  const said = outcome.outcome === 'unknown' ? outcome.unsent : outcome.code;
  return said === 'busy' ? { busyForMs: afterMsOf(outcome) } : {};
}

function afterMsOf(outcome: Exclude<CallOutcome, { outcome: 'done' }>): number {
  if (outcome.outcome === 'unknown') return outcome.afterMs;
  return typeof outcome.again === 'object' ? outcome.again.afterMs : 0;
}

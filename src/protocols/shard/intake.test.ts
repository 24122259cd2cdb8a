// What a gateway lets a worker have, over a real port, with a worker that takes things when the test says so.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { billId } from '../../../tests/support/bill-fixtures.ts';
import { ManualClock, settled } from '../../../tests/support/manual-clock.ts';
import { codesAt } from '../../../tests/support/qr-claims.ts';
import type { InstitutionId, ShardId } from '../../domain/ids.ts';
import type { Principal } from '../../switch/principal.ts';
import type { Asked } from '../../switch/reply-sink.ts';
import type { Operation } from '../../switch/requests.ts';
import { makePresenter } from '../presenter.ts';
import { GatewayLink } from './gateway-link.ts';
import type { IntakeLimits } from './intake.ts';
import { WorkerLink } from './worker-link.ts';

const TURNS_MAX = 1_000;
const BASE = 'https://pay.example';
const presenter = makePresenter({ publicBaseUrl: BASE, codes: codesAt(BASE) });

interface Answer {
  readonly of: string;
  readonly status: number;
}

/** A worker whose messages wait until it is let go on, as those of a busy thread do. */
class Bench {
  readonly clock = new ManualClock();
  readonly taken: Asked[] = [];
  readonly answers: Answer[] = [];
  readonly gateway: GatewayLink;
  readonly #link = new WorkerLink(presenter);
  readonly #port: MessagePort;

  /** `listens`: whether its worker ever takes anything. */
  constructor(limits: IntakeLimits, listens = true) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const { clock } = this;
    this.gateway = new GatewayLink({ shards: 1, workers: 1, clock, presenter, limits });
    if (listens) this.#listen();
    this.gateway.attach(0, port2);
  }

  #listen(): void {
    this.#link.attach(this.#port, {
      receive: (asked) => {
        this.taken.push(asked);
      },
      ask: (query) =>
        query.query === 'taken'
          ? Promise.resolve({ answer: 'done' })
          : Promise.reject(new Error('nobody asks')),
    });
  }

  send(institution: string, op: 'bill.view' | 'event.ack' = 'bill.view', waitMs?: number): void {
    const operation: Operation =
      op === 'event.ack'
        ? { op, billId: billId(1), nos: [1] }
        : waitMs === undefined
          ? { op, billId: billId(1) }
          : { op: 'bill.get', billId: billId(1), afterVersion: null, waitMs };
    this.gateway.send(
      {
        shard: 0 as ShardId,
        operation,
        principal: { institutionId: institution as InstitutionId } as Principal,
        requestId: institution,
        encoding: 'json',
      },
      (status) => this.answers.push({ of: institution, status }),
    );
  }

  sendMany(institution: string, count: number): void {
    for (let i = 0; i < count; i++) this.send(institution);
  }

  /** The gateway's tick is over: what it posts is posted. The worker takes nothing of it yet. */
  tick(): void {
    this.clock.advance(0);
  }

  /** The worker takes what it was given, and tells; the gateway hears of it. */
  async work(): Promise<void> {
    for (let i = 0; i < 4; i++) await settled();
    this.tick();
  }

  /** Lets it work on; fails where that does not lead there. */
  async until(holds: () => boolean): Promise<void> {
    for (let turn = 0; !holds(); turn++) {
      if (turn === TURNS_MAX) throw new Error('the worker is given no more');
      await this.work();
    }
  }

  /** Everything that was taken is answered. */
  async answer(): Promise<void> {
    const detail = 'answered';
    for (const asked of this.taken.splice(0)) {
      this.#link.reply(asked, { kind: 'fault', code: 'log.refused', detail, retryAfterS: 1 });
    }
    this.#link.flush();
    await this.work();
  }

  get whose(): string[] {
    return this.taken.map(({ requestId }) => requestId);
  }

  close(): void {
    this.gateway.close();
    this.#link.close();
    this.#port.close();
  }
}

describe('a worker', () => {
  let bench: Bench;
  afterEach(() => bench.close());

  function open(limits = { aheadMax: 8, waitingMax: 1_000 }): void {
    bench = new Bench(limits);
  }

  test('that keeps up is given everything at once', async () => {
    open();
    bench.sendMany('loud', 8);
    bench.tick();
    expect(bench.gateway.waiting).toBe(0);
    await bench.work();
    expect(bench.whose).toHaveLength(8);
  });

  test('is given one of each institution in turn, once more waits than it is given ahead', async () => {
    open();
    bench.sendMany('loud', 200);
    bench.sendMany('quiet', 2);
    bench.tick();
    expect(bench.gateway.waiting).toBe(194);
    await bench.until(() => bench.whose.includes('quiet'));
    // Behind those that the worker had before, it has every second turn.
    expect(bench.whose.indexOf('quiet')).toBeLessThanOrEqual(9);
    await bench.until(() => bench.gateway.waiting === 0);
    await bench.work();
    expect(bench.whose.filter((name) => name === 'loud')).toHaveLength(200);
    expect(bench.whose.filter((name) => name === 'quiet')).toHaveLength(2);
    expect(bench.whose.lastIndexOf('quiet')).toBeLessThanOrEqual(11);
    await bench.answer();
    expect(bench.answers).toHaveLength(202);
  });

  test('that has taken everything and answers nothing, as while a store is slow, holds nobody up', async () => {
    open();
    bench.sendMany('loud', 100);
    bench.tick();
    await bench.until(() => bench.gateway.waiting === 0);
    await bench.work();
    expect(bench.taken).toHaveLength(100);
    bench.send('quiet');
    bench.tick();
    await bench.work();
    await bench.work();
    expect(bench.whose.at(-1)).toBe('quiet');
    expect(bench.answers).toEqual([]);
  });

  test('is not full of those who wait for a change', async () => {
    open();
    for (let i = 0; i < 100; i++) bench.send('loud', 'bill.view', 10_000);
    bench.tick();
    expect(bench.gateway.waiting).toBe(0);
    await bench.work();
    expect(bench.taken).toHaveLength(100);
    await bench.answer();
    bench.sendMany('loud', 9);
    bench.tick();
    expect(bench.gateway.waiting).toBe(1);
  });
});

describe('what waits for a worker', () => {
  let bench: Bench;
  afterEach(() => bench.close());

  test('is refused where its institution has had its share, and others find theirs', async () => {
    bench = new Bench({ aheadMax: 4, waitingMax: 20 });
    bench.sendMany('loud', 100);
    expect(bench.answers).toHaveLength(100 - 4 - 15);
    expect(bench.answers).toContainEqual({ of: 'loud', status: 503 });
    // What ends something has room left.
    bench.send('loud', 'event.ack');
    expect(bench.answers).toHaveLength(81);
    bench.sendMany('quiet', 7);
    expect(bench.answers).toHaveLength(81);
    bench.tick();
    await bench.until(() => bench.gateway.waiting === 0);
    await bench.work();
    await bench.answer();
    expect(bench.answers.filter(({ of }) => of === 'quiet')).toHaveLength(7);
  });

  test('is refused as not done once it has waited too long, or its worker is lost', async () => {
    bench = new Bench({ aheadMax: 4, waitingMax: 20 }, false);
    bench.sendMany('loud', 6);
    await bench.clock.pass(4_000);
    bench.sendMany('loud', 1);
    await bench.clock.pass(1_500);
    const notDone = { of: 'loud', status: 503 };
    expect(bench.answers).toEqual([notDone, notDone]);
    // Of what it was given nobody knows.
    bench.close();
    const unknown = { of: 'loud', status: 504 };
    expect(bench.answers.slice(2)).toEqual([unknown, unknown, unknown, unknown, notDone]);
  });
});

// Two institutions at a gateway that is late: who has most under way is refused what begins something, and nobody else is.
// What is counted is answers; how long they take is a matter of measurements (`npm run bench -- fairness`).

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Answer, Body, Op, Party, Results } from '../support/client.ts';
import { fresh, type StreamParty } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type House, OperatorParty, onboardHouse } from '../support/operator.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { metric } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

/** With several hundred requests under way, whatever machine this is takes longer than that for a turn. */
const ENV = { QRSWITCH_GATEWAYS: '1', QRSWITCH_DELAY_TARGET_MS: '1' };
/** More than the 256 that a gateway always has room for. */
const CALLERS = 360;
/** Each of them once, on the average, before anybody else comes. */
const ALONE = CALLERS;
/** Of the quiet one, once the other is being refused. */
const LIVES = 2;
const WITHIN = { timeout: 90_000, interval: 50 };

let world: World;
let system: OperatorParty;
let loud: House;

beforeAll(async () => {
  world = await World.start(postgresAlone, ENV);
  system = new OperatorParty(world, world.process.demo.operator.key);
  loud = await onboardHouse(system, 'Loud');
});
afterAll(() => world?.stop());
beforeEach(() => showOutputOnFailure(() => world?.process));

const order = (): Body => ({ orderId: fresh('order'), amount: 500, currency: 'EUR' });

/** Refused for what it has under way itself, and for nothing else. */
const isCrowded = ({ status, body }: Answer): boolean =>
  status === 503 && String((body as { detail?: unknown }).detail).includes('more requests under');

/** So many programs at once that create bills, and heed a refusal. */
class Shouting {
  taken = 0;
  readonly refused: Answer[] = [];
  #isOver = false;
  readonly #callers: readonly Promise<void>[];

  constructor(till: StreamParty) {
    this.#callers = Array.from({ length: CALLERS }, () => this.#call(till));
  }

  async #call(till: StreamParty): Promise<void> {
    while (!this.#isOver) {
      const answer = await till.ask('bill.create', order());
      if (answer.status === 201) this.taken += 1;
      if (!isCrowded(answer)) continue;
      this.refused.push(answer);
      await pause(1_000);
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#callers);
  }
}

/** A step of the quiet one: repeated where a store had no time for it, and never refused for what is under way. */
async function step<O extends Op>(party: Party, op: O, body: Body): Promise<Results[O]> {
  for (;;) {
    const answer = await party.ask(op, body);
    expect(isCrowded(answer), JSON.stringify(answer.body)).toBe(false);
    if (answer.status < 300) return answer.body as Results[O];
    expect(answer).toMatchObject({ body: { retryable: true } });
    await pause(100);
  }
}

describe('an institution that has several hundred requests under way where all are late', () => {
  test('is refused what is too much beside another, which is refused nothing', async () => {
    const shouter = await world.stream('terminal', 'json', loud.terminal.key ?? '');
    const shouting = new Shouting(shouter);
    await expect.poll(() => shouting.taken, WITHIN).toBeGreaterThan(ALONE);
    const refusedAlone = shouting.refused.length;

    const [till, wallet] = [await world.stream('terminal'), await world.stream('paychannel')];
    const live = async (): Promise<void> => {
      const { id: billId } = await step(till, 'bill.create', order());
      await step(wallet, 'bill.view', { billId });
      const payment = { billId, paymentRef: 'p', amount: 500, currency: 'EUR' };
      await step(wallet, 'payment.create', payment);
      expect(await step(till, 'bill.confirm', { billId })).toMatchObject({ status: 'confirmed' });
    };
    while (shouting.refused.length === refusedAlone) await live();
    const takenBefore = shouting.taken;
    for (let i = 0; i < LIVES; i++) await live();
    for (const { body } of shouting.refused) {
      expect(body).toMatchObject({ code: 'overloaded', retryable: true, retryAfter: 1 });
    }
    // It is served as well, and told over HTTP in the header when to come again.
    expect(shouting.taken).toBeGreaterThan(takenBefore);
    const overHttp = world.http('terminal', loud.terminal.key ?? '');
    const crowded: string[] = [];
    await expect
      .poll(async () => {
        const answer = await overHttp.ask('bill.create', order());
        if (isCrowded(answer)) crowded.push(answer.headers.get('retry-after') ?? 'none');
        return crowded;
      }, WITHIN)
      .toEqual(['1']);
    await shouting.end();
    // Nobody else was: each one who was is among these.
    const shed = () => metric(world.process.baseUrl, 'qrswitch_requests_shed_total');
    await expect.poll(shed, WITHIN).toBe(shouting.refused.length + crowded.length);
  });
});

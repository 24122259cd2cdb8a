// Histories of one bill that are linearisable because they were made so: every call takes effect at one moment between
// its beginning and its answer. Some are never answered, and some of those take effect long after.

import { Random } from '../simulation/random.ts';
import { found, type Model, NOTHING, type Shown, type Told } from './bill.ts';
import type { Answer, Body, Call, Op } from './calls.ts';
import { say } from './model.ts';

const BILL = 'B';
const CLIENTS = 5;

interface Planned {
  readonly call: Call;
  readonly effectAt: number;
  readonly isHeard: boolean;
}

/** The same history for the same seed, of 10 to 40 calls. `lost`: the share of answers that never come. */
export function makeHistory(seed: number, lost = 0.08): Call[] {
  const random = new Random(seed, 11);
  const planned = plan(random, lost);
  planned.sort((left, right) => left.effectAt - right.effectAt);
  let model: Model = NOTHING;
  const calls: Call[] = [];
  for (const { call, isHeard } of planned) {
    const turn = say(found(model), call);
    model = turn.model;
    calls.push(isHeard ? { ...call, answer: answerOf(turn.told) } : call);
  }
  return calls;
}

function plan(random: Random, lost: number): Planned[] {
  const planned: Planned[] = [];
  const size = random.between(10, 40);
  const free = Array.from({ length: CLIENTS }, () => 2);
  const create = { orderId: 'o', amount: 10, currency: 'EUR', digest: 'a' };
  planned.push(planOne(random, { client: 'till-1', op: 'bill.create', body: create }, 0, 0));
  while (planned.length < size) {
    const who = random.below(CLIENTS);
    const invokedAt = (free[who] ?? 0) + random.below(4);
    const one = planOne(random, ask(random, who), invokedAt, lost);
    free[who] = invokedAt + 12;
    planned.push(one);
  }
  return planned;
}

function planOne(
  random: Random,
  asked: Pick<Call, 'client' | 'op' | 'body'>,
  invokedAt: number,
  lost: number,
): Planned {
  const isHeard = !random.chance(lost);
  const late = !isHeard && random.chance(0.5) ? random.below(200) : 0;
  const effectAt = invokedAt + 1 + random.below(5) + late;
  const returnedAt = isHeard ? effectAt + 1 + random.below(5) : Number.POSITIVE_INFINITY;
  // Times are told apart, so that no two effects are at the same moment.
  const call: Call = { ...asked, answer: null, invokedAt, returnedAt };
  return { call, effectAt: effectAt + random.below(1_000) / 1_001, isHeard };
}

function ask(random: Random, who: number): Pick<Call, 'client' | 'op' | 'body'> {
  const isTill = who < 2;
  const client = `${isTill ? 'till' : 'wallet'}-${who}`;
  const [op, body] = isTill ? askOfTill(random) : askOfWallet(random, client);
  return { client, op, body: { billId: BILL, ...body } };
}

function askOfTill(random: Random): [Op, Body] {
  const dice = random.below(10);
  if (dice < 6) return ['bill.get', {}];
  if (dice < 7) return ['bill.confirm', { amount: random.pick([null, 3, 5, 10]) }];
  if (dice < 8) return ['bill.cancel', {}];
  const idempotencyKey = `k-${random.below(4)}`;
  return ['bill.refund', { amount: random.between(1, 3), idempotencyKey }];
}

function askOfWallet(random: Random, client: string): [Op, Body] {
  const dice = random.below(10);
  const paymentRef = `${client}-${random.below(5)}`;
  if (dice < 5) {
    const amount = random.pick([1, 2, 3, 5, 10]);
    return ['payment.create', { paymentRef, amount, currency: 'EUR' }];
  }
  if (dice < 6) return ['payment.get', { paymentRef }];
  if (dice < 7) return ['payment.void', { paymentRef }];
  if (dice < 8)
    return ['bill.reserve', { reservationRef: paymentRef, amount: random.between(1, 3) }];
  if (dice < 9) return ['bill.release', { reservationId: `${BILL}-r${random.between(1, 3)}` }];
  return ['credit.settle', { creditId: `${BILL}-c${random.between(1, 2)}`, status: 'settled' }];
}

function answerOf(told: Told): Answer {
  if (told.status === 'refused') return { status: 409, body: { code: told.code, ...told.body } };
  return { status: told.status, body: { id: BILL, ...numbered(told.body) } };
}

/** A part's number is the end of its id. */
function numbered({ no, ...rest }: Shown): Body {
  return no === undefined ? rest : { ...rest, id: `${BILL}-x${String(no)}` };
}

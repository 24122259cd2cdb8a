// Histories of one bill that are linearisable because they were made so: every call takes effect at one moment between
// its beginning and its answer. Some are never answered, and some of those take effect long after.

import { Random } from '../simulation/random.ts';
import { type Model, NOTHING, type Shown, type Told } from './bill.ts';
import type { Answer, Body, Call, Op } from './calls.ts';
import { say } from './model.ts';
import { found } from './time.ts';

const BILL = 'B';
const CLIENTS = 5;
/** The share of answers that never come. */
const LOST = 0.08;

interface Planned {
  readonly call: Call;
  readonly effectAt: number;
  readonly isHeard: boolean;
}

/** What is sold: an amount known at checkout, or a code that is printed ahead, for one payer or for many. */
export type Kind = 'dynamic' | 'single' | 'many';

/** The same history for the same seed, of 10 to 40 calls. */
export function makeHistory(seed: number, kind: Kind = 'dynamic'): Call[] {
  const random = new Random(seed, 11);
  const planned = plan(random, kind);
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

function plan(random: Random, kind: Kind): Planned[] {
  const planned: Planned[] = [];
  const size = random.between(10, 40);
  const free = Array.from({ length: CLIENTS }, () => 2);
  const create = { orderId: 'o', currency: 'EUR', digest: 'a', ...termsOf(random, kind) };
  planned.push(planOne(random, { client: 'till-1', op: 'bill.create', body: create }, 0, 0));
  while (planned.length < size) {
    const who = random.below(CLIENTS);
    const invokedAt = (free[who] ?? 0) + random.below(4);
    const one = planOne(random, ask(random, who, kind), invokedAt, LOST);
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

function termsOf(random: Random, kind: Kind): Body {
  if (kind === 'dynamic') return { amount: 10 };
  const capture = random.pick(['auto', 'manual']);
  const range = random.chance(0.5) ? { amount: 3 } : { minAmount: 2, maxAmount: 5 };
  const excess = random.pick(['refuse', 'reverse']);
  const printed = { type: 'static', usage: kind, capture, ...range, policies: { excess } };
  if (kind === 'single') return printed;
  const limits = random.pick([{}, { maxPayments: 3 }, { maxTotal: 12 }]);
  return { ...printed, ...limits };
}

function ask(random: Random, who: number, kind: Kind): Pick<Call, 'client' | 'op' | 'body'> {
  const isTill = who < 2;
  const client = `${isTill ? 'till' : 'wallet'}-${who}`;
  const isByPayment = kind !== 'dynamic' && random.chance(0.4);
  const ofTill = isByPayment ? askByPayment : askOfTill;
  const [op, body] = isTill ? ofTill(random) : askOfWallet(random, client);
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

function askByPayment(random: Random): [Op, Body] {
  const paymentId = `${BILL}-p${random.between(1, 5)}`;
  const dice = random.below(10);
  if (dice < 4) return ['payment.confirm', { paymentId, amount: random.pick([null, null, 2, 3]) }];
  if (dice < 6) return ['payment.cancel', { paymentId }];
  const idempotencyKey = `k-${random.below(6)}`;
  return ['payment.refund', { paymentId, amount: random.pick([null, 1, 2]), idempotencyKey }];
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
  const { bill, ...rest } = numbered(told.body);
  const body = bill === undefined ? { id: BILL, ...rest } : { ...rest, bill };
  return { status: told.status, body };
}

/** A part's number is the end of its id. */
function numbered({ no, ...rest }: Shown): Body {
  return no === undefined ? rest : { ...rest, id: `${BILL}-x${String(no)}` };
}

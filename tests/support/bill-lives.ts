// Random lives of dynamic bills in a small world: two channels, few references, few amounts, times around the
// deadlines, so that things collide; endings are rare, so that lives are long. Everything is frozen on its way.

import fc from 'fast-check';
import { decide, evolve, nextDueOf } from '../../src/domain/bill/bill.ts';
import { ABSENT, type Bill, isPresent } from '../../src/domain/bill/state.ts';
import {
  type BillCommand,
  type BillDecision,
  type BillFact,
  isRejection,
  type Moment,
  type Parts,
  type Policies,
  RESERVATION_MS,
} from '../../src/domain/bill/vocabulary.ts';
import type { Currency, Minor } from '../../src/domain/money.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, type Millis, plus, SECOND_MS } from '../../src/domain/time.ts';
import {
  ALFA,
  acknowledge,
  BETA,
  cancel,
  closeCredit,
  confirm,
  create,
  MERCHANT,
  momentOf,
  money,
  OPERATOR,
  pay,
  RUN_TIMER,
  ref,
  refund,
  release,
  requestAgain,
  reserve,
  START,
  settle,
  TERMINAL,
  TILL,
  voidPayment,
} from './bill-spec.ts';

/** One command of a life: what was decided on which bill, and what became of it. */
export interface Step {
  readonly before: Bill;
  readonly command: BillCommand;
  readonly now: Millis;
  readonly decision: BillDecision;
  /** Empty where the command was rejected. */
  readonly facts: readonly BillFact[];
  readonly moment: Moment;
  readonly after: Bill;
}

/** A command of a life to be, so long after the one before. */
interface Plan {
  readonly waitMs: number;
  readonly command: BillCommand;
}

/** More timers than one wait can make due. */
const TIMERS_MAX = 1_000;

const LIFE_MAX = 40;
const EXPIRES_IN_MS = 10 * MINUTE_MS;

/** Lives of a bill of 6, commands and timers in the order in which they run. */
export function lives(): fc.Arbitrary<Step[]> {
  const rest = fc.array(plans, { minLength: 8, maxLength: LIFE_MAX, size: 'max' });
  return fc
    .tuple(creations, preludes, rest)
    .map(([creation, prelude, plan]) => live(creation, [...prelude, ...plan]));
}

function live(creation: BillCommand, plan: readonly Plan[]): Step[] {
  const steps = [step(ABSENT, freeze(creation), START)];
  let now = START;
  for (const { waitMs, command } of plan) {
    now = plus(now, waitMs);
    runTimers(steps, now);
    steps.push(step(last(steps), freeze(command), now));
  }
  return steps;
}

function runTimers(steps: Step[], now: Millis): void {
  for (let count = 0; nextDueOf(last(steps)) <= now; count++) {
    if (count > TIMERS_MAX) throw new Error('the timers of a bill do not end');
    steps.push(step(last(steps), RUN_TIMER, now));
  }
}

/** Decides and evolves as the switch does it. */
export function step(
  before: Bill,
  command: BillCommand,
  now: Millis,
  parts: Parts | null = null,
): Step {
  const decision = freeze(decide(before, command, now, null, parts));
  const facts = isRejection(decision) ? [] : decision;
  const moment = momentOf(now);
  return {
    before,
    command,
    now,
    decision,
    facts,
    moment,
    after: freeze(evolve(before, facts, moment)),
  };
}

function last(steps: readonly Step[]): Bill {
  return steps.at(-1)?.after ?? ABSENT;
}

/** Freezes the value and all that hangs on it, so that a write to it throws. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
  return value;
}

/** The bill as API.md shows it, acknowledgements left out. */
export function shown(bill: Bill): unknown {
  if (!isPresent(bill)) return null;
  const { replacedReceipt: _, ...ending } = bill.ending;
  return {
    status: bill.status,
    books: bill.books,
    reservations: bill.reservations,
    payments: bill.payments.map(({ notifiedAt: _at, ...payment }) => payment),
    credits: bill.credits.map(({ repeats: _repeats, ...credit }) => credit),
    ending,
  };
}

// ------------------------------------------------------------------------------------------------- the small world --

const channels = fc.constantFrom(ALFA, BETA);
const amounts = fc.constantFrom(1, 1, 2, 2, 3, 4, 6, 7);
const paymentRefs = fc.nat({ max: 14 }).map((n) => ref(`p${n}`));
const receipts = fc.constantFrom(null, null, { no: 1 }, { no: 2 });
const tills = fc.constantFrom(TILL, TILL, MERCHANT, OPERATOR);

const waits = fc.oneof(
  { weight: 70, arbitrary: fc.constant(0) },
  { weight: 110, arbitrary: fc.constant(SECOND_MS) },
  { weight: 6, arbitrary: fc.constant(MINUTE_MS) },
  { weight: 4, arbitrary: fc.constantFrom(RESERVATION_MS - 1, RESERVATION_MS) },
  { weight: 1, arbitrary: fc.constantFrom(EXPIRES_IN_MS - 1, EXPIRES_IN_MS) },
  { weight: 3, arbitrary: fc.constantFrom(HOUR_MS, DAY_MS - 1, DAY_MS, 2 * DAY_MS, 31 * DAY_MS) },
);

/** One or none: then all are as usual. */
export function policies(
  late: Policies['late'],
  part: Policies['part'],
): fc.Arbitrary<readonly Policies[]> {
  return fc.constantFrom<Policies[]>(
    [],
    [],
    [{ late, excess: 'reverse', part }],
    [{ late, excess: 'refuse', part: 'forbid' }],
    [{ late, excess: 'reverse', part: 'forbid' }],
  );
}

/** The most that a payment may bring on top, or nothing. */
export const tipLimits = fc.constantFrom<Minor[]>([], [money(2)], [money(2)], [money(3)]);

const creations: fc.Arbitrary<BillCommand> = fc
  .record({
    capture: fc.constantFrom('manual', 'manual', 'manual', 'auto'),
    unconfirmed: fc.constantFrom('confirm', 'reverse'),
    policies: policies('refuse', 'allow'),
    tipMax: tipLimits,
  })
  .map(({ policies: [own], tipMax: [tipMax], ...rest }) =>
    create({
      ...rest,
      ...(tipMax === undefined ? {} : { tipMax }),
      ...(own === undefined ? {} : { policies: own }),
      amount: money(6),
      confirmWithinMs: HOUR_MS,
      expiresAt: plus(START, EXPIRES_IN_MS),
    }),
  );

/** Where a life begins: chance alone brings too few bills to their confirm. */
const preludes: fc.Arbitrary<Plan[]> = fc
  .constantFrom<BillCommand[]>(
    [],
    [],
    [pay(4), pay(2, { paychannelId: BETA, subscribed: true })],
    [pay(2), pay(4, { paychannelId: BETA, subscribed: true }), confirm(5)],
  )
  .map((commands) => commands.map((command) => ({ waitMs: SECOND_MS, command })));

const reserves = fc
  .record({
    amount: fc.option(amounts, { freq: 6 }),
    paychannelId: channels,
    reservationRef: fc.nat({ max: 9 }).map((n) => ref(`r${n}`)),
  })
  .map(({ amount, ...rest }) => reserve(amount, rest));

const releases = fc
  .record({ no: fc.nat({ max: 5 }), paychannelId: channels })
  .map(({ no, paychannelId }) => release(no, paychannelId));

const pays = fc
  .record({
    amount: amounts,
    paychannelId: channels,
    paymentRef: paymentRefs,
    currency: fc.constantFrom(...Array.from({ length: 11 }, () => 'EUR'), 'USD'),
    reservationNo: fc.constantFrom(null, null, null, null, 0, 1, 2, 3, 4),
    tip: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 3),
  })
  .map(({ amount, tip, ...rest }) => ({
    ...pay(amount, { ...rest, currency: rest.currency as Currency }),
    ...(tip === 0 ? {} : { tip: money(tip) }),
    digest: `pay ${amount} ${rest.currency} ${rest.reservationNo} ${tip}`,
    subscribed: rest.paychannelId === BETA,
  }));

const voids = fc
  .record({ paymentRef: paymentRefs, paychannelId: channels })
  .map(({ paymentRef, paychannelId }) => voidPayment(paymentRef, paychannelId));

const confirms = fc
  .record({
    amount: fc.constantFrom(null, null, null, 0, 1, 2, 4, 4, 4, 5, 5, 5, 6, 7),
    by: tills,
    receipt: receipts,
  })
  .map(({ amount, ...rest }) => confirm(amount, rest));

const keys = fc.nat({ max: 5 }).map((n) => ref(`k${n}`));

const cancels = fc
  .record({ by: tills, onlyIfUnpaid: fc.constantFrom(true, false, false, false) })
  .map((changes) => cancel(changes));

const partialCancels = fc
  .record({ by: tills, amount: amounts.map(money), key: keys })
  .map((changes) => cancel(changes));

const refunds = fc
  .record({
    amount: fc.constantFrom(null, 1, 1, 2, 3, 6),
    by: tills,
    paymentNo: fc.constantFrom(null, null, null, 0, 1, 2, 3),
    receipt: receipts,
    key: keys,
    returnsTip: fc.constantFrom(false, false, true),
    isOfTipAlone: fc.constantFrom(false, true),
  })
  .map(({ amount, isOfTipAlone, ...rest }) => {
    const { paymentNo, receipt, returnsTip } = rest;
    const asked = returnsTip && isOfTipAlone ? 0 : amount;
    const digest = `refund ${asked} ${paymentNo} ${receipt?.no} ${returnsTip}`;
    return refund(asked, { ...rest, digest });
  });

const attachments: fc.Arbitrary<BillCommand> = fc.record({
  type: fc.constant('AttachReceipt' as const),
  receipt: fc.constantFrom({ no: 1 }, { no: 2 }, { no: 3 }),
});

const answers = fc
  .record({
    no: fc.constantFrom(0, 1, 1, 1, 2, 2, 3, 4),
    paychannelId: channels,
    status: fc.constantFrom('settled', 'settled', 'rejected'),
    reason: fc.constantFrom(null, 'why'),
  })
  .map(({ no, ...rest }) => settle(no, rest));

/** What the wallet says of a credit, and what an operator does where it said no. */
const settlements = fc.oneof(
  { weight: 6, arbitrary: answers },
  { weight: 2, arbitrary: fc.nat({ max: 4 }).map(requestAgain) },
  {
    weight: 1,
    arbitrary: fc
      .record({ no: fc.nat({ max: 4 }), reference: fc.constantFrom('T1', 'T1', 'T2') })
      .map(({ no, reference }) => closeCredit(no, reference)),
  },
);

const acknowledgements = fc
  .record({
    nos: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
    recipient: fc.constantFrom(
      `terminal:${TERMINAL}` as const,
      `paychannel:${ALFA}` as const,
      `paychannel:${BETA}` as const,
    ),
  })
  .map(({ nos, recipient }) => acknowledge(nos, recipient));

const plans: fc.Arbitrary<Plan> = fc.record({
  waitMs: waits,
  command: fc.oneof(
    { weight: 6, arbitrary: reserves },
    { weight: 4, arbitrary: releases },
    { weight: 24, arbitrary: pays },
    { weight: 1, arbitrary: voids },
    { weight: 4, arbitrary: confirms },
    { weight: 1, arbitrary: cancels },
    { weight: 2, arbitrary: partialCancels },
    { weight: 10, arbitrary: refunds },
    { weight: 2, arbitrary: attachments },
    { weight: 10, arbitrary: settlements },
    { weight: 6, arbitrary: acknowledgements },
    { weight: 1, arbitrary: fc.constant(RUN_TIMER) },
  ),
});

/** What lives of other bills are made of, too. */
export const choices = {
  channels,
  waits,
  tills,
  keys,
  reserves,
  releases,
  pays,
  voids,
  confirms,
  cancels,
  partialCancels,
  refunds,
  settlements,
  acknowledgements,
};

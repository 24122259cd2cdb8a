// Random lives of static bills. A bill for many payments lets its settled parts go at random moments, and has them found
// again, beside a twin that never lets anything go.

import fc from 'fast-check';
import { evolve, nextDueOf } from '../../src/domain/bill/bill.ts';
import { ABSENT, type Bill, isPresent, type PresentBill } from '../../src/domain/bill/state.ts';
import type { BillCommand, Parts } from '../../src/domain/bill/vocabulary.ts';
import { HOUR_MS, MINUTE_MS, type Millis, NEVER, plus } from '../../src/domain/time.ts';
import { choices, freeze, policies, type Step, step, tipLimits } from './bill-lives.ts';
import {
  cancelPayment,
  confirmPayment,
  createStatic,
  momentOf,
  money,
  RUN_TIMER,
  START,
} from './bill-spec.ts';

/** A step of a bill that lets go, and the same step of its twin. */
export interface TwinStep {
  readonly step: Step;
  readonly twin: Step;
}

interface Plan {
  readonly waitMs: number;
  readonly command: BillCommand;
  /** Which of the parts that may leave do so before it: one bit each. */
  readonly leaving: number;
}

const LIFE_MAX = 40;
const EXPIRES_IN_MS = 10 * MINUTE_MS;

/** Lives of a bill for many payments, timers included. */
export function livesOfMany(): fc.Arbitrary<TwinStep[]> {
  const plan = fc.array(plans, { minLength: 10, maxLength: LIFE_MAX, size: 'max' });
  return fc.tuple(creations('many'), plan).map(([creation, rest]) => live(creation, rest));
}

/** Lives of a bill that is paid once. */
export function livesOfSingle(): fc.Arbitrary<Step[]> {
  const plan = fc.array(plans, { minLength: 5, maxLength: LIFE_MAX, size: 'max' });
  return fc
    .tuple(creations('single'), plan)
    .map(([creation, rest]) => live(creation, rest).map(({ twin }) => twin));
}

function live(creation: BillCommand, plan: readonly Plan[]): TwinStep[] {
  const made = step(ABSENT, freeze(creation), START);
  const steps: TwinStep[] = [{ step: made, twin: made }];
  let bill = made.after;
  let now = START;
  const go = (command: BillCommand): void => {
    const twin = step(steps.at(-1)?.twin.after ?? ABSENT, command, now);
    const own = step(bill, command, now, found(bill, twin.before, command));
    bill = own.after;
    steps.push({ step: own, twin });
  };
  for (const { waitMs, command, leaving } of plan) {
    now = plus(now, waitMs);
    for (let count = 0; nextDueOf(bill) <= now; count++) {
      if (count > 1_000) throw new Error('the timers of a bill do not end');
      go(RUN_TIMER);
    }
    bill = lettingGo(bill, leaving, now);
    go(freeze(command));
  }
  return steps;
}

/** Lets go of what nobody waits for, at random; with what is shown of the bill as it was. */
function lettingGo(bill: Bill, leaving: number, now: Millis): Bill {
  if (!isPresent(bill) || bill.terms.offer?.usage !== 'many') return bill;
  const mayLeave = (_: unknown, index: number): boolean => ((leaving >> (index % 16)) & 1) === 1;
  const events = bill.outbox.filter(mayLeave).filter(({ credit, type }) => {
    const asked = bill.credits.find(({ no }) => no === credit?.no);
    return type !== 'credit.requested' || asked === undefined || asked.status !== 'pending';
  });
  const told = bill.outbox
    .filter((event) => event.type === 'payment.received' && !events.includes(event))
    .map(({ payment }) => payment?.no);
  const waits = bill.credits.filter(({ status }) => status === 'pending');
  const payments = bill.payments
    .filter(({ no, status }) => status !== 'accepted' && !told.includes(no))
    .filter(({ no }) => !waits.some(({ paymentNo }) => paymentNo === no))
    .filter(mayLeave);
  const nos = (parts: readonly { no: number }[]): number[] => parts.map(({ no }) => no);
  const fact = { type: 'PartsLetGo', payments: nos(payments), events: nos(events) } as const;
  return freeze(evolve(bill, [fact], momentOf(now)));
}

/** What history has of the parts that the command names: all that the twin has, as it is now. */
function found(bill: Bill, twin: Bill, command: BillCommand): Parts | null {
  if (!isPresent(bill) || !isPresent(twin)) return null;
  const events =
    command.type === 'AcknowledgeEvents'
      ? twin.outbox.filter(({ no }) => command.nos.includes(no))
      : [];
  const nos = new Set(events.map(({ payment }) => payment?.no));
  for (const no of paymentsNamed(twin, command)) nos.add(no);
  return {
    payments: twin.payments.filter(({ no }) => nos.has(no)),
    credits: twin.credits.filter(({ paymentNo }) => nos.has(paymentNo)),
    events,
  };
}

function paymentsNamed(twin: PresentBill, command: BillCommand): (number | undefined)[] {
  switch (command.type) {
    case 'ConfirmPayment':
    case 'CancelPayment':
      return [command.paymentNo];
    case 'RefundBill':
      return [command.paymentNo ?? undefined];
    case 'SettleCredit':
    case 'RequestCreditAgain':
    case 'CloseCredit':
      return [twin.credits.find(({ no }) => no === command.creditNo)?.paymentNo];
    default:
      return [];
  }
}

// ------------------------------------------------------------------------------------------------- the small world --

const { waits, tills, keys } = choices;

function creations(usage: 'single' | 'many'): fc.Arbitrary<BillCommand> {
  const limits = {
    maxPayments: usage === 'many' ? fc.constantFrom(null, null, 3, 6) : fc.constant(null),
    maxTotal: usage === 'many' ? fc.constantFrom(null, null, 9, 14) : fc.constant(null),
  };
  return fc
    .record({
      isFixed: fc.boolean(),
      capture: fc.constantFrom('manual', 'auto'),
      unconfirmed: fc.constantFrom('confirm', 'reverse'),
      policies: fc.oneof(
        policies('refuse', 'forbid'),
        policies(usage === 'single' ? 'accept' : 'refuse', 'forbid'),
      ),
      tipMax: tipLimits,
      validFrom: fc.constantFrom(null, null, null, plus(START, 2_000)),
      expiresAt: fc.constantFrom(NEVER, plus(START, EXPIRES_IN_MS)),
      ...limits,
    })
    .map(({ isFixed, validFrom, maxPayments, maxTotal, policies: [own], ...given }) => {
      const {
        tipMax: [tipMax],
        ...rest
      } = given;
      const changes = {
        ...rest,
        ...(own === undefined ? {} : { policies: own }),
        ...(tipMax === undefined ? {} : { tipMax }),
      };
      const range = isFixed
        ? { minAmount: money(2), maxAmount: money(2) }
        : { minAmount: money(2), maxAmount: money(4) };
      const total = maxTotal === null ? null : money(maxTotal);
      const offer = { usage, ...range, validFrom, maxPayments, maxTotal: total };
      const amount = money(isFixed ? 2 : 0);
      return createStatic(offer, { ...changes, amount, confirmWithinMs: HOUR_MS });
    });
}

const numbers = fc.constantFrom(0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8);

const paymentConfirms = fc
  .record({ no: numbers, by: tills, amount: fc.constantFrom(null, null, null, 0, 1, 2, 3) })
  .map(({ no, by, amount }) =>
    confirmPayment(no, { by, amount: amount === null ? null : money(amount) }),
  );

const paymentCancels = fc
  .record({ no: numbers, by: tills, amount: fc.constantFrom(null, null, 1, 2), key: keys })
  .map(({ no, by, amount, key }) =>
    amount === null
      ? cancelPayment(no, { by })
      : cancelPayment(no, { by, amount: money(amount), key, digest: `cancel ${no} ${amount}` }),
  );

const plans: fc.Arbitrary<Plan> = fc.record({
  waitMs: waits,
  leaving: fc.oneof(fc.constant(0), fc.nat({ max: 0xffff }), fc.constant(0xffff)),
  command: fc.oneof(
    { weight: 6, arbitrary: choices.reserves },
    { weight: 2, arbitrary: choices.releases },
    { weight: 36, arbitrary: choices.pays },
    { weight: 1, arbitrary: choices.voids },
    { weight: 2, arbitrary: choices.confirms },
    { weight: 1, arbitrary: choices.cancels },
    { weight: 1, arbitrary: choices.partialCancels },
    { weight: 12, arbitrary: choices.refunds },
    { weight: 12, arbitrary: choices.settlements },
    { weight: 10, arbitrary: choices.acknowledgements },
    { weight: 10, arbitrary: paymentConfirms },
    { weight: 6, arbitrary: paymentCancels },
  ),
});

// Random lives of timer bills: small amounts and a price that moves within seconds, wallets that keep what they were told
// and pay by it later, people who stay on.

import fc from 'fast-check';
import { nextDueOf } from '../../src/domain/bill/bill.ts';
import { quoteFor } from '../../src/domain/bill/charging.ts';
import { ABSENT, type Bill, isPresent } from '../../src/domain/bill/state.ts';
import { type BillCommand, type Quote, RESERVATION_MS } from '../../src/domain/bill/vocabulary.ts';
import type { Tariff } from '../../src/domain/tariff/tariff.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, type Millis, plus, SECOND_MS } from '../../src/domain/time.ts';
import { choices, freeze, type Step, step, tipLimits } from './bill-lives.ts';
import { ALFA, createTimer, money, RUN_TIMER, START } from './bill-spec.ts';
import { flat, free, per, rule, tariffOf } from './tariffs.ts';

interface Plan {
  readonly waitMs: number;
  readonly command: BillCommand;
  /** Whether a wallet is told the price before it. */
  readonly asks: boolean;
  /** By which quote it pays or reserves: the latest is 0; null, by none. */
  readonly quoteNo: number | null;
  /** Whether it brings all that the quote is for. */
  readonly isExact: boolean;
}

interface Told {
  readonly amount: number;
  readonly quote: Quote;
}

const LIFE_MAX = 40;
/** Half a minute before a unit ends, so that a few seconds make a difference. */
const AHEAD_MS = 55 * SECOND_MS;

const TARIFFS: readonly Tariff[] = [
  tariffOf('Europe/Riga', {
    graceSeconds: 20,
    quoteSeconds: 10,
    first: [free(2)],
    rules: [rule('Always', null, per(1, 1))],
    caps: [{ max: money(9), per: 'stay' }],
  }),
  tariffOf('Europe/Riga', {
    graceSeconds: 0,
    quoteSeconds: 90,
    rules: [rule('Always', null, per(1, 2))],
  }),
  tariffOf('Europe/Riga', {
    graceSeconds: 300,
    quoteSeconds: 1,
    rules: [rule('Always', null, flat(3, 1), per(2, 1))],
  }),
  tariffOf('Europe/Riga', { rules: [rule('Always', null, free(3), flat(4))] }),
];

/** Lives of a timer bill, timers included. */
export function livesOfTimer(): fc.Arbitrary<Step[]> {
  const rest = fc.array(plans, { minLength: 8, maxLength: LIFE_MAX, size: 'max' });
  return fc.tuple(creations, rest).map(([creation, plan]) => live(creation, plan));
}

function live(creation: BillCommand, plan: readonly Plan[]): Step[] {
  const steps = [step(ABSENT, freeze(creation), START)];
  const bill = (): Bill => steps.at(-1)?.after ?? ABSENT;
  const told: Told[] = [];
  let now = START;
  for (const { waitMs, command, ...rest } of plan) {
    now = plus(now, waitMs);
    for (let count = 0; nextDueOf(bill()) <= now; count++) {
      if (count > 1_000) throw new Error('the timers of a bill do not end');
      steps.push(step(bill(), RUN_TIMER, now));
    }
    if (rest.asks) ask(bill(), told, now);
    const quoted = rest.quoteNo === null ? undefined : told.at(-1 - rest.quoteNo);
    steps.push(step(bill(), freeze(withQuote(command, quoted, rest.isExact)), now));
  }
  return steps;
}

function ask(bill: Bill, told: Told[], now: Millis): void {
  const quoted = isPresent(bill) ? quoteFor(bill, ALFA, now) : null;
  if (quoted !== null) told.push(quoted);
}

function withQuote(command: BillCommand, told: Told | undefined, isExact: boolean): BillCommand {
  if (told === undefined) return command;
  const { quote } = told;
  if (command.type === 'ReserveBill') {
    return { ...command, quote, digest: `${command.digest} ${quote.total} ${quote.until}` };
  }
  if (command.type !== 'PayBill') return command;
  const amount = isExact ? money(told.amount) : command.amount;
  return { ...command, quote, amount, digest: `${command.digest} ${amount} ${quote.total}` };
}

// ------------------------------------------------------------------------------------------------- the small world --

const creations: fc.Arbitrary<BillCommand> = fc
  .record({
    tariff: fc.constantFrom(...TARIFFS),
    capture: fc.constantFrom('manual', 'manual', 'manual', 'auto'),
    unconfirmed: fc.constantFrom('confirm', 'reverse'),
    expiresInMs: fc.constantFrom(10 * MINUTE_MS, DAY_MS),
    tipMax: tipLimits,
  })
  .map(({ tariff, expiresInMs, tipMax: [tipMax], ...changes }) =>
    createTimer(
      { tariff, startedAt: plus(START, -AHEAD_MS) },
      {
        ...changes,
        ...(tipMax === undefined ? {} : { tipMax }),
        confirmWithinMs: HOUR_MS,
        expiresAt: plus(START, expiresInMs),
      },
    ),
  );

const waits = fc.oneof(
  { weight: 60, arbitrary: fc.constant(0) },
  { weight: 110, arbitrary: fc.constantFrom(SECOND_MS, 5 * SECOND_MS, 10 * SECOND_MS) },
  { weight: 30, arbitrary: fc.constantFrom(MINUTE_MS, MINUTE_MS + 1, 3 * MINUTE_MS) },
  { weight: 6, arbitrary: fc.constantFrom(RESERVATION_MS - 1, RESERVATION_MS) },
  { weight: 2, arbitrary: fc.constantFrom(HOUR_MS, DAY_MS, 31 * DAY_MS) },
);

const plans: fc.Arbitrary<Plan> = fc.record({
  waitMs: waits,
  asks: fc.boolean(),
  quoteNo: fc.constantFrom(null, 0, 0, 0, 1, 3),
  isExact: fc.constantFrom(true, true, false),
  command: fc.oneof(
    { weight: 8, arbitrary: choices.reserves },
    { weight: 4, arbitrary: choices.releases },
    { weight: 30, arbitrary: choices.pays },
    { weight: 1, arbitrary: choices.voids },
    { weight: 3, arbitrary: choices.confirms },
    { weight: 1, arbitrary: choices.cancels },
    { weight: 6, arbitrary: choices.refunds },
    { weight: 4, arbitrary: choices.settlements },
    { weight: 6, arbitrary: choices.acknowledgements },
  ),
});
